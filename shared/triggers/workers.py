"""Queue triggers: one worker per queue, and one per poison queue. A message's body goes to the engine as it is."""

from __future__ import annotations

from typing import Any

import azure.functions as func

from shared import wiring
from shared.stores.queues import QUEUES, poison
from shared.sync import inbox

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]
_CONNECTION = "AzureWebJobsStorage"


def _worker(queue: str) -> Any:
    async def worker(message: func.QueueMessage) -> None:
        app = wiring.current()
        await inbox.work(app.hub, app.oddities, queue, message.get_body(), message.dequeue_count or 1)

    return worker


def _undertaker(queue: str) -> Any:
    async def undertaker(message: func.QueueMessage) -> None:
        app = wiring.current()
        await inbox.bury(app.hub, app.oddities, queue, message.get_body())

    return undertaker


def _add(queue: str, function: Any) -> None:
    name = queue.replace("-", "_")
    function.__name__ = name
    trigger = blueprint.queue_trigger(arg_name="message", queue_name=queue, connection=_CONNECTION)
    blueprint.function_name(name)(trigger(function))


for _queue in QUEUES:
    _add(_queue, _worker(_queue))
    _add(poison(_queue), _undertaker(poison(_queue)))
