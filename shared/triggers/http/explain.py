"""The route that says why a record did or did not sync."""

from __future__ import annotations

from shared.sync import explain as explaining
from shared.triggers.http.answers.records import Explanation
from shared.triggers.http.calls import Call, Nothing, Reply, Routes
from shared.triggers.http.keys import RecordQuery
from shared.triggers.http.roles import Role

routes = Routes()


@routes.on(
    "GET",
    "templates/{template}/explain",
    query=RecordQuery,
    body=Nothing,
    role=Role.READ,
    title="Explain a record",
    answers={200: Explanation},
    refusals=(404, 422),
)
async def explain(call: Call[RecordQuery, Nothing]) -> Reply:
    """Everything known of one record, and a sentence that sums it up."""
    query = call.query
    return Reply(await explaining.explain(call.hub, call.template, query.object, query.side, query.key))
