"""Routes of marks: the selection window, marking by code or range, batches. ``{noun}`` is customers, items, …"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.errors import BadRequest
from shared.sync import mark_runs, marks
from shared.sync.preview import MOST, check_number
from shared.sync.rehearsal import rehearsed
from shared.triggers.http.answers.base import Accepted
from shared.triggers.http.answers.marks import BatchMembers, CandidateList, MarkResults
from shared.triggers.http.calls import Call, Nothing, Page, Reply, Routes, Strict, accepted, listed
from shared.triggers.http.keys import KeyText
from shared.triggers.http.roles import Role

routes = Routes()
_NOUN = "templates/{template}/{noun}"
_BATCH = _NOUN + "/marks/batches/{batch}"

type BatchName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/\\]*$")
]


class _InRange(BaseModel):
    """Codes from … to, groups from … to."""

    low: KeyText | None = Field(default=None, alias="from", title="From", description="The first code")
    high: KeyText | None = Field(default=None, alias="to", title="To", description="The last code")
    group_low: int | None = Field(
        default=None, alias="groupFrom", title="Group from", description="The first of SAP's groups"
    )
    group_high: int | None = Field(
        default=None, alias="groupTo", title="Group to", description="The last of SAP's groups"
    )

    @property
    def range(self) -> marks.Range:
        """The same for the engine."""
        return marks.Range(self.low, self.high, self.group_low, self.group_high)


class Window(Page, _InRange):
    """The selection window: codes from … to, groups from … to."""


class _WithAttributes(BaseModel):
    """Besides its own fields it takes the attributes of the marks (``accountType``), which the object knows."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _plain_attributes(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if isinstance(value, bool) or not isinstance(value, str | int | None):
                raise ValueError(f"{name} must be text or a whole number")
        return self

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes that are given."""
        return {name: str(value) for name, value in (self.model_extra or {}).items() if value not in (None, "")}


class EntryIn(_WithAttributes):
    """One code with its attributes."""

    code: KeyText = Field(description="The code in SAP")


class CriteriaIn(_WithAttributes, _InRange):
    """A range with the attributes for all that is in it."""


class MarksIn(Strict):
    """Either entries or criteria."""

    batch: BatchName | None = Field(default=None, description="The batch; without one: manual, or to unmark in all")
    marked: bool = Field(description="true marks, false takes the mark away")
    entries: list[EntryIn] | None = Field(default=None, description="Code by code, up to 1,000")
    criteria: CriteriaIn | None = Field(default=None, description="All records of a range instead")
    preview: bool = Field(default=False, description="Only say what would become of each")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.entries is None) == (self.criteria is None):
            raise ValueError("give entries or criteria, one of the two")
        return self


@routes.on(
    "GET",
    _NOUN + "/candidates",
    query=Window,
    body=Nothing,
    role=Role.READ,
    title="List what can be marked",
    answers={200: CandidateList},
    refusals=(404, 422),
)
async def marks_candidates(call: Call[Window, Nothing]) -> Reply:
    """SAP's records of a range with code, name, group, whether they are marked, and their attributes."""
    query = call.query
    flow, marking = await marks.marking_flow(call.hub, call.template, call.path["noun"])
    return listed(*await marks.candidates(call.hub, flow, marking, query.range, query.continuation, query.size))


@routes.on(
    "POST",
    _NOUN + "/marks",
    query=Nothing,
    body=MarksIn,
    role=Role.OPERATE,
    preview_role=Role.READ,
    title="Mark or unmark",
    answers={200: MarkResults, 202: Accepted},
    refusals=(404, 409, 422),
)
async def marks_change(call: Call[Nothing, MarksIn]) -> Reply:
    """Mark or unmark: entries answer 200 with a result for each, criteria 202 and a run. A preview marks nothing."""
    body, noun = call.body, call.path["noun"]
    if body.preview:
        return await _previewed(call, body, noun)
    if body.criteria is not None:
        change = marks.Change(body.marked, body.batch or "", body.criteria.attributes)
        return accepted(
            call.app, await mark_runs.start_range(call.hub, call.template, noun, body.criteria.range, change)
        )
    entries = [marks.Entry(entry.code, entry.attributes) for entry in body.entries or ()]
    results = await marks.mark_entries(call.hub, call.template, noun, entries, marked=body.marked, batch=body.batch)
    return Reply({"results": results, "counts": _counted(results)})


async def _previewed(call: Call[Nothing, MarksIn], body: MarksIn, noun: str) -> Reply:
    """The results that marking would have: for each entry, or for the first records of the range."""
    criteria = body.criteria
    if criteria is None:
        entries = [marks.Entry(entry.code, entry.attributes) for entry in body.entries or ()]
        check_number(len(entries), "entries")
        more = False
    else:
        codes, more = await mark_runs.first_of_range(call.hub, call.template, noun, criteria.range, MOST)
        entries = [marks.Entry(code, criteria.attributes) for code in codes]
    hub = rehearsed(call.hub)
    results = await marks.mark_entries(hub, call.template, noun, entries, marked=body.marked, batch=body.batch)
    return Reply({"preview": True, "results": results, "counts": _counted(results), "more": more})


def _counted(results: list[dict[str, str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in results:
        counts[one["result"]] = counts.get(one["result"], 0) + 1
    return counts


@routes.on(
    "GET",
    _BATCH,
    query=Page,
    body=Nothing,
    role=Role.READ,
    title="List a batch",
    answers={200: BatchMembers},
    refusals=(404,),
)
async def marks_batch(call: Call[Page, Nothing]) -> Reply:
    """The members of a batch."""
    query = call.query
    members = await marks.batch_members(
        call.hub, call.template, call.path["noun"], _batch(call), query.continuation, query.size
    )
    return listed(*members)


@routes.on(
    "DELETE",
    _BATCH,
    query=Nothing,
    body=Nothing,
    role=Role.OPERATE,
    title="Undo a batch",
    answers={202: Accepted},
    refusals=(404,),
)
async def marks_undo(call: Call[Nothing, Nothing]) -> Reply:
    """Take every member out of a batch: 202 and a run."""
    return accepted(call.app, await mark_runs.start_undo(call.hub, call.template, call.path["noun"], _batch(call)))


def _batch(call: Call[Any, Nothing]) -> str:
    name = call.path["batch"].strip()
    if not name or len(name) > 100:
        raise BadRequest("A batch's name has 1 to 100 characters.", code="bad-batch", fields=["batch"])
    return name
