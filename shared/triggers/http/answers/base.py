"""What all answers share: the form, lists, keys, runs that were started, problems."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from shared.ports import SideName

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", json_schema_extra={"format": "date-time"})]
"""A moment in UTC, to the second: ``2026-03-02T06:30:00Z``."""
Counts = dict[str, int]
"""How many, by outcome."""


class Answer(BaseModel):
    """The base of what is answered: camelCase names, each always there unless it has a default, and none else."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Page(Answer):
    """What every page of a list says besides its items."""

    continuation: str | None = Field(description="Give it back as continuation to go on; null: this was the last page")


class Document(RootModel[dict[str, Any]]):
    """A description of this API in OpenAPI 3.1."""


class Key(Answer):
    """A record's key and the side it is of."""

    side: SideName = Field(description="sap, or the other system of the template")
    key: str = Field(description="The key as that side spells it")


class RecordKey(Key):
    """A record: its object, and its key on a side."""

    object: str = Field(description="The object it is of")


class StartedRun(Answer):
    """A run that was started, or joined."""

    run: str = Field(description="The run's id")
    status_url: str = Field(title="Status URL", description="Where to ask what became of it, without credentials")


class Accepted(StartedRun):
    """A run that was started, or joined: what was saved before the call is in it. Location is its status URL."""


class FieldProblem(Answer):
    """What is wrong with one field."""

    field: str = Field(description="The field of the body or query, or the setting")
    detail: str = Field(description="What to do about it")


class ProblemDetails(Answer):
    """Why a request was not carried out, and what to do (RFC 9457)."""

    type: str = Field(description="What kind of problem it is; stable", pattern="^/problems/[a-z-]+$")
    title: str = Field(description="The same in words")
    status: int = Field(description="The HTTP status", ge=400, le=599)
    detail: str = Field(description="What happened and what to do")
    errors: list[FieldProblem] = Field(default=[], description="What is wrong, field by field")
    system: str = Field(default="", description="The system that refused, was busy or could not be reached")
    incident: str = Field(default="", description="Under what the hub's log says more")
