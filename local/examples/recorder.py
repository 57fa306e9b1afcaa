"""Calls the hub and keeps what was sent and answered, with ids and times that are the same in every recording."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from local.environment import Environment
from shared.triggers.http import OPERATIONS

_LONGEST_LIST = 2
_MOMENT = "2026-03-02T06:30:00Z"
_MOMENTS = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_RUNS = re.compile(r"\b([a-z][a-z0-9-]*\.[a-z_]+)\.[0-9a-f]{24}\b")
_TOKENS = re.compile(r"token=\d+\.[0-9a-f]+")
_GUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BASE_URLS = re.compile(r"http://127\.0\.0\.1:\d+")
_AGE = "AgeSeconds"


class Recorder:
    """What was called so far: by operation ``path``, ``query``, ``body`` and the first answer of each status."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.examples: dict[str, dict[str, Any]] = {}
        self._guids: dict[str, str] = {}
        self._operations = {operation.name: operation for operation in OPERATIONS}

    async def call(
        self,
        name: str,
        path: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        expect: int = 200,
    ) -> Any:
        """Call the operation of that name and keep it; RuntimeError if the status is not the expected one."""
        operation = self._operations[name]
        address = "/" + re.sub(r"\{(\w+)\}", lambda found: quote((path or {})[found[1]], safe=""), operation.route)
        address += f"?{urlencode(query)}" if query else ""
        status, answer, _ = await self.environment.call(operation.method, address, body)
        if status != expect:
            raise RuntimeError(f"{name} answered {status}: {answer}")
        self._keep(name, str(status), answer, {"path": path, "query": query, "body": body})
        return answer

    async def follow(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Follow a run's Location to its end, and keep what it says on the way."""
        while True:
            status, run, _ = await self.environment.call("GET", str(answer["statusUrl"]), key="")
            if status not in (200, 202):
                raise RuntimeError(f"the run's status answered {status}: {run}")
            sent = {"path": {"run": run["id"]}, "query": {"token": str(answer["statusUrl"]).partition("token=")[2]}}
            self._keep("runs_get", str(status), run, sent)
            if status == 200:
                return dict(run)
            await asyncio.sleep(0.1)

    def _keep(self, name: str, status: str, answer: Any, sent: Mapping[str, Any]) -> None:
        kept = self.examples.setdefault(name, {})
        for part, value in sent.items():
            if value is not None:
                kept.setdefault(part, self._settled(value))
        kept.setdefault(status, self._settled(answer))

    def _settled(self, value: Any, name: str = "") -> Any:
        """The value with settled ids and times, and long lists cut."""
        match value:
            case dict() if name == "schema":  # the template's settings; two of them show what it is like
                named = dict(list(value["properties"].items())[:_LONGEST_LIST])
                return {"title": value["title"], "type": value["type"], "properties": named}
            case dict():
                return {key: self._settled(one, key) for key, one in value.items()}
            case list():
                return [self._settled(one) for one in value[:_LONGEST_LIST]]
            case str():
                return self._settled_text(value, name)
            case int() if name.endswith(_AGE):
                return 60
        return value

    def _settled_text(self, text: str, name: str) -> str:
        if name == "continuation":
            return "eyJwYWdlIjogMn0="
        if name == "token":
            return "1780000000.0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
        text = _MOMENTS.sub(_MOMENT, text)
        text = _RUNS.sub(lambda found: f"{found[1]}.fe61d0f3c8a70a1b2c3d4e5f", text)
        text = _TOKENS.sub("token=1780000000.0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", text)
        text = _BASE_URLS.sub("https://hub.example", text)
        return _GUIDS.sub(lambda found: self._guid(found[0]), text)

    def _guid(self, guid: str) -> str:
        return self._guids.setdefault(guid, f"00000000-0000-4000-8000-{len(self._guids) + 1:012d}")
