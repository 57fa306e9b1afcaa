"""How the work queues stand, for health and for the gauges that alerts are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.stores.queues import poison
from shared.sync.hub import Hub


@dataclass(frozen=True)
class QueueLook:
    """One queue: how many messages lie in its poison queue, and since when the first that could be taken has waited.

    Poison queues are emptied by their workers; what stays there is not even base64, so that nobody can read it.
    """

    unreadable: int
    waiting_since: datetime | None

    def waits_too_long(self, hub: Hub) -> bool:
        """Whether that message has waited for longer than health allows."""
        limit = timedelta(seconds=hub.times.health_queue)
        return self.waiting_since is not None and self.waiting_since + limit < hub.now()


async def look_at(hub: Hub, queue: str) -> QueueLook:
    """Look at a queue and its poison queue, in two requests; nothing is taken."""
    unreadable = await hub.queues.count(poison(queue))
    moments = [one.inserted_at for one in await hub.queues.peek(queue) if one.inserted_at is not None]
    return QueueLook(unreadable, min(moments, default=None))
