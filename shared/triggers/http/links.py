"""Routes of links and conflicts: see, make, undo, resolve."""

from __future__ import annotations

from pydantic import Field

from shared.ports import SideName
from shared.sync import failures, links
from shared.sync.outcomes import Outcome
from shared.triggers.http.answers.records import FailureList, Link, LinkList, Resolved
from shared.triggers.http.calls import Call, Nothing, Page, Reply, Routes, Strict, listed
from shared.triggers.http.keys import KeyIn, KeyText, RecordQuery, side_and_key
from shared.triggers.http.roles import Role

routes = Routes()
_LINKS = "templates/{template}/links"
_CONFLICTS = "templates/{template}/conflicts"


class LinksQuery(Page):
    """All links of an object, or the one of a key."""

    object: str = Field(description="The object")
    side: SideName = Field(default=SideName.SAP, description="Whose key it is: sap, or other")
    key: KeyText | None = Field(default=None, description="Only the link of the record with this key")


class LinkIn(Strict):
    """Two records that are the same thing."""

    object: str = Field(description="The object")
    sap: KeyText = Field(title="SAP key", description="The record's key in SAP")
    other: KeyText = Field(title="Other key", description="The record's key on the other side")


class ConflictsQuery(Page):
    """The conflicts of one object, or of all."""

    object: str | None = Field(default=None, description="Only those of this object")


class Resolution(Strict):
    """Per field the side that wins."""

    object: str = Field(description="The object")
    key: KeyIn = Field(description="The record; a bare text is its key in SAP")
    fields: dict[str, SideName] = Field(min_length=1, description="By field, the side that wins: sap or other")


@routes.on(
    "GET",
    _LINKS,
    query=LinksQuery,
    body=Nothing,
    role=Role.READ,
    title="List links",
    answers={200: LinkList},
    refusals=(404,),
)
async def links_list(call: Call[LinksQuery, Nothing]) -> Reply:
    """Links, or the link of one key."""
    query = call.query
    if query.key is not None:
        return listed([await links.get_link(call.hub, call.template, query.object, query.side, query.key)], None)
    return listed(*await links.list_links(call.hub, call.template, query.object, query.continuation, query.size))


@routes.on(
    "PUT",
    _LINKS,
    query=Nothing,
    body=LinkIn,
    role=Role.ADMIN,
    title="Make a link",
    answers={200: Link},
    refusals=(404, 409, 422),
)
async def links_make(call: Call[Nothing, LinkIn]) -> Reply:
    """Make a link by hand."""
    body = call.body
    return Reply(await links.make(call.hub, call.template, body.object, body.sap, body.other))


@routes.on(
    "DELETE",
    _LINKS,
    query=RecordQuery,
    body=Nothing,
    role=Role.ADMIN,
    title="Undo a link",
    answers={200: Link},
    refusals=(404,),
)
async def links_undo(call: Call[RecordQuery, Nothing]) -> Reply:
    """Undo a link; answers what it was."""
    query = call.query
    return Reply(await links.undo(call.hub, call.template, query.object, query.side, query.key))


@routes.on(
    "GET",
    _CONFLICTS,
    query=ConflictsQuery,
    body=Nothing,
    role=Role.READ,
    title="List conflicts",
    answers={200: FailureList},
    refusals=(404,),
)
async def conflicts_list(call: Call[ConflictsQuery, Nothing]) -> Reply:
    """What only a person can decide: fields edited on both sides, records that claim the same place."""
    query = call.query
    chosen = failures.Chosen(query.object, kind=Outcome.CONFLICT, continuation=query.continuation)
    return listed(*await failures.list_failures(call.hub, call.template, chosen, query.size))


@routes.on(
    "POST",
    _CONFLICTS + "/resolve",
    query=Nothing,
    body=Resolution,
    role=Role.OPERATE,
    title="Resolve a conflict",
    answers={200: Resolved},
    refusals=(404, 409),
)
async def conflicts_resolve(call: Call[Nothing, Resolution]) -> Reply:
    """Say which side wins, field by field; the next run carries it."""
    body = call.body
    side, key = side_and_key(body.key)
    return Reply(await links.resolve(call.hub, call.template, body.object, side, key, body.fields))
