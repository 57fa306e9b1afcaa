"""Calls the hub as an action of Power Automate does: credentials with the first request only, then Location until it is over.

(Microsoft Learn, "Create custom APIs you can call from Azure Logic Apps": perform long-running tasks with the polling
action pattern.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

_WITHOUT_RETRY_AFTER = 20.0


class ActionFailed(Exception):
    """The action ended with an error; ``status`` and ``body`` are what came back."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


@dataclass(frozen=True)
class Sent:
    """One request as it left, and what its answer asked for."""

    method: str
    url: str
    headers: Mapping[str, str]
    status: int
    retry_after: float | None


@dataclass
class FlowClient:
    """One action at a time; ``sent`` are all its requests, ``waited`` the seconds before each further one."""

    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    sent: list[Sent] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    async def run(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Any:
        """The action's outcome: the body of the first answer that is no 202 with a Location. ActionFailed for an error."""
        async with aiohttp.ClientSession() as session:
            status, answer, told = await self._send(session, method, url, body, headers)
            while status == 202 and "Location" in told:
                seconds = float(told.get("Retry-After", _WITHOUT_RETRY_AFTER))
                self.waited.append(seconds)
                await self.pause(seconds)
                status, answer, told = await self._send(session, "GET", told["Location"], None, {})
        if not 200 <= status < 300:
            raise ActionFailed(status, answer)
        return answer

    async def _send(
        self, session: aiohttp.ClientSession, method: str, url: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any, Mapping[str, str]]:
        async with session.request(method, url, json=body, headers=headers) as response:
            told = response.headers
            after = float(told["Retry-After"]) if "Retry-After" in told else None
            really = dict(response.request_info.headers)
            self.sent.append(Sent(method, str(response.request_info.url), really, response.status, after))
            text = await response.text()
            return response.status, await response.json(content_type=None) if text else None, told
