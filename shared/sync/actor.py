"""Who is at work: kept with what he did, and never more of him than an object id.

``user:<object id>`` for a person or app that Entra signed in, else ``function-key`` or ``admin-key``; "" for what the hub
does by itself (timers, the sweeper, queue workers). Carried beside the calls, so that the engine's verbs stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_actor: ContextVar[str] = ContextVar("actor", default="")


def actor() -> str:
    """Who is at work now; "" for the hub itself."""
    return _actor.get()


@contextmanager
def acting(who: str) -> Iterator[None]:
    """Inside, that one is at work."""
    before = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(before)


def sign(by: dict[str, str], act: str) -> None:
    """Write down who did this last; what the hub does by itself leaves no name."""
    by.pop(act, None)
    if who := actor():
        by[act] = who


def joined(by: str) -> str:
    """Those who asked for something before, with who is at work now: each once, in order, separated by blanks."""
    return " ".join(dict.fromkeys([*by.split(), *actor().split()]))
