"""The route that says whether the hub is well."""

from __future__ import annotations

from typing import Any

from shared.stores.oddities import Oddity
from shared.sync import health as looking
from shared.sync.health import ObjectLook, Reason
from shared.triggers.http.answers.watch import Health
from shared.triggers.http.callers import Caller
from shared.triggers.http.calls import Call, Nothing, Reply, Routes
from shared.triggers.http.roles import Role

routes = Routes()


@routes.on(
    "GET",
    "health",
    query=Nothing,
    body=Nothing,
    role=Role.READ,
    title="Get the hub's health",
    answers={200: Health, 503: Health},
)
async def health(call: Call[Nothing, Nothing]) -> Reply:
    """200 if all is well, 503 with the reasons if not; messages that nobody could work on are listed either way.

    A reason is told to everybody who may call, in the hub's own words. How each part stands, and the class of an error,
    are for Hub.Operate; the text of an error, which a system may have worded, is for Hub.Admin.
    """
    found = await looking.look(call.hub)
    body: dict[str, Any] = {"ok": found.ok, "reasons": [_reason(call.caller, one) for one in found.reasons]}
    if call.caller.may(Role.OPERATE):
        oddities = [] if found.storage else await call.app.oddities.list()
        body |= {
            "storage": _reached(call.caller, found.storage),
            "systems": [
                {"template": one.template, "side": one.side, **_reached(call.caller, one.reason)}
                for one in found.systems
            ],
            "objects": [_object(one) for one in found.objects],
            "oddities": [_oddity(call.caller, one) for one in oddities],
        }
    return Reply(body, 200 if found.ok else 503)


def _reason(caller: Caller, reason: Reason) -> str:
    known = [reason.error] if caller.may(Role.OPERATE) else []
    known += [reason.detail] if caller.may(Role.ADMIN) else []
    more = ": ".join(filter(None, known))
    return f"{reason.text} ({more})" if more else reason.text


def _reached(caller: Caller, reason: Reason | None) -> dict[str, Any]:
    if reason is None:
        return {"ok": True}
    text = {"text": reason.detail} if caller.may(Role.ADMIN) else {}
    return {"ok": False, "error": reason.error, **text}


def _object(one: ObjectLook) -> dict[str, Any]:
    return {
        "template": one.template,
        "object": one.object,
        "initialized": one.initialized,
        "lastRun": one.last_run,
        "lastStatus": one.last_status,
        "lastGoodAt": one.last_good_at,
        "lastGoodAgeSeconds": one.last_good_age,
        "oldestDueAgeSeconds": one.oldest_due_age,
        "oldestParkedAgeSeconds": one.oldest_parked_age,
        "runWithoutSign": one.run_without_sign,
        "overdue": one.overdue,
    }


def _oddity(caller: Caller, one: Oddity) -> dict[str, Any]:
    more = {"length": one.length, "sha256": one.sha256} if caller.may(Role.ADMIN) else {}
    return {"queue": one.queue, "reason": one.reason, "seenAt": one.seen_at, **more}
