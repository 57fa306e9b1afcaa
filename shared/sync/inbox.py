"""Between the queues and the engine: nothing that arrives is lost silently, and nothing blocks a queue.

A message that nobody could ever work on (not JSON, of an unknown object, of a newer schema) is listed at once and
completes. One that must wait sends itself again, delayed, and completes. Only a defect raises, so that the platform
tries again and at last moves the message to the poison queue; its worker gives it an outcome, lists it, never raises.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from shared import logs, telemetry
from shared.errors import BadRequest, HubError, LostRace, Misconfigured, Throttled, Transient
from shared.stores.oddities import Oddities, oddity_of
from shared.stores.queues import DELIVERIES, MARKS, RUNS, poison
from shared.sync import finish, mark_runs, plan, slices, traces
from shared.sync.hub import Hub, readable
from shared.sync.incidents import Defect, incident

type Work = Callable[[Hub, dict[str, Any]], Awaitable[None]]

_log = logs.get(__name__)
_NOT_JSON = "It is not a JSON object; nothing of ours sends such messages."
_GIVEN_UP = "The hub failed on it too often (a defect, see the logs). What it was for was ended as failed."


class _Unreadable(Exception):
    """The body is not a JSON object."""


async def _stop_run(hub: Hub, message: dict[str, Any]) -> None:
    """A message of a run's chain was given up: the run ends, so that its object is not blocked."""
    readable(message, "run")
    text = "The hub failed while planning (a defect, see the logs); start it again after an update of the hub."
    await finish.stop(hub, str(message["run"]), Misconfigured(text, code="defect"))


WORKERS: dict[str, Work] = {
    RUNS: plan.on_message,
    DELIVERIES: slices.on_message,
    MARKS: mark_runs.on_message,
    poison(RUNS): _stop_run,
    poison(DELIVERIES): slices.on_poison,
    poison(MARKS): mark_runs.on_poison,
}


async def work(hub: Hub, oddities: Oddities, queue: str, body: bytes, deliveries: int = 1) -> None:
    """Work on one message of a queue. Raises Defect for what only a bug can be; the text holds no record data.

    ``deliveries`` is how often the queue has given the message out by now.
    """
    try:
        message = _message(body)
        with traces.of_message(queue, message, deliveries):
            await WORKERS[queue](hub, message)
    except _Unreadable:
        await oddities.add(oddity_of(queue, body, _NOT_JSON, hub.now()))
    except (Misconfigured, BadRequest) as error:
        await oddities.add(oddity_of(queue, body, f"{error.name}: {error.text}", hub.now()))
    except (Throttled, Transient, LostRace) as error:
        _log.warning("a message waits", extra={"queue": queue, "error": error.name})
        await hub.queues.send(queue, _message(body), delay_seconds=hub.times.retry_base)
    except Exception as error:  # noqa: BLE001 - its text may quote record data; the log gets the stack alone
        raise Defect(incident(error, f"queue {queue}")) from None


async def bury(hub: Hub, oddities: Oddities, queue: str, body: bytes) -> None:
    """Give a poisoned message its outcome and list it. Never raises."""
    reason = _GIVEN_UP
    try:
        message = _message(body)
        with traces.of_message(queue, message, 1):
            telemetry.fail("Defect")
            await WORKERS[queue](hub, message)
    except _Unreadable:
        reason = _NOT_JSON
    except HubError as error:
        reason = f"The hub failed on it too often; what it was for could not be ended: {error.name}: {error.text}"
    except Exception as error:  # noqa: BLE001 - a poison worker that raises would hide the message for good
        reason = f"The hub failed on it too often, and again while ending it; incident {incident(error, queue)}."
    try:
        await oddities.add(oddity_of(queue, body, reason, hub.now()))
    except Exception as error:  # noqa: BLE001 - see above; what is known of the message goes to the log instead
        found = oddity_of(queue, body, reason, hub.now())
        extra = {"queue": queue, "count": found.length, "code": found.sha256}
        _log.error("a poisoned message could not be listed", extra=extra, exc_info=error)


def _message(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise _Unreadable from None
    if not isinstance(message, dict):
        raise _Unreadable
    return message
