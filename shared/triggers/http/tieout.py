"""The route of the day tie-out."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.sync import tieout as tying
from shared.triggers.http.answers.watch import TieOut
from shared.triggers.http.calls import Call, Nothing, Reply, Routes, Strict
from shared.triggers.http.roles import Role

routes = Routes()


class Day(Strict):
    """A store by its key on the other side, and a business date."""

    store: str = Field(min_length=1, max_length=100, description="The store's key at the tills")
    date: Annotated[date, Field(description="The business date")]


@routes.on(
    "GET",
    "templates/{template}/tieout",
    query=Day,
    body=Nothing,
    role=Role.READ,
    title="Tie out a day",
    answers={200: TieOut},
    refusals=(404, 422),
)
async def tieout(call: Call[Day, Nothing]) -> Reply:
    """What a store did that day against what SAP holds of it, with every document that is missing or differs."""
    return Reply(await tying.tie_out(call.hub, call.template, call.query.store, call.query.date))
