"""Login, sessions and the load balancer's nodes.

A session ends after idle minutes (sliding), has no other end, and holds on every node; several may live at once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie

from local.simulators.service_layer.company import Company


@dataclass
class Session:
    """A login; ``node`` is the member that answers it unless the client says otherwise."""

    id: str
    node: str
    last_used: datetime


class Sessions:
    """All sessions of the simulated installation."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._sessions: dict[str, Session] = {}
        self._next_node = 0
        self.logins = 0
        self.logging_in = 0

    def clear(self) -> None:
        """End all sessions."""
        self._sessions.clear()

    @property
    def count(self) -> int:
        """Sessions that are alive."""
        return sum(self._alive(session) for session in self._sessions.values())

    def nodes(self) -> list[str]:
        """The members as ROUTEID names them: ``.node1`` and so on."""
        return [f".node{number}" for number in range(1, self._company.switches.nodes + 1)]

    def choose_node(self, wanted: str | None) -> str:
        """The node the cookie names, else the next in turn."""
        nodes = self.nodes()
        if wanted in nodes:
            return str(wanted)
        self._next_node += 1
        return nodes[self._next_node % len(nodes)]

    def open(self, wanted_node: str | None) -> Session:
        """A new session."""
        self.logins += 1
        session = Session(str(uuid.uuid1()), self.choose_node(wanted_node), self._company.control.now())
        self._sessions[session.id] = session
        return session

    def use(self, session_id: str | None) -> Session | None:
        """The session if it is alive, its idle time starting again; None for a missing, unknown or expired one."""
        session = self._sessions.get(session_id or "")
        if session is None:
            return None
        if not self._alive(session):
            del self._sessions[session.id]
            return None
        session.last_used = self._company.control.now()
        return session

    def close(self, session_id: str | None) -> None:
        """End a session."""
        self._sessions.pop(session_id or "", None)

    def _alive(self, session: Session) -> bool:
        idle = self._company.control.now() - session.last_used
        return idle < timedelta(minutes=self._company.switches.session_minutes)


def cookies_of(header: str | None) -> dict[str, str]:
    """Cookies of a Cookie header; an unreadable header has none."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header or "")
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
