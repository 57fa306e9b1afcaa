"""The route that says whether the hub is well."""

from __future__ import annotations

from shared.sync import health as looking
from shared.triggers.http.calls import Call, Nothing, Reply, Routes
from shared.triggers.http.roles import Role

routes = Routes()


@routes.on("GET", "health", query=Nothing, body=Nothing, role=Role.READ)
async def health(call: Call[Nothing, Nothing]) -> Reply:
    """200 if all is well, 503 with the reasons if not; messages that nobody could work on are listed either way."""
    found = await looking.look(call.hub)
    oddities = await call.app.oddities.list() if found.storage["ok"] else []
    body = {
        "ok": found.ok,
        "reasons": found.reasons,
        "storage": found.storage,
        "systems": found.systems,
        "objects": found.objects,
        "oddities": [
            {"queue": o.queue, "reason": o.reason, "length": o.length, "sha256": o.sha256, "seenAt": o.seen_at}
            for o in oddities
        ],
    }
    return Reply(body, 200 if found.ok else 503)
