"""Answers about marks: the selection window, results, batches."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.ports import SideName
from shared.sync.marks import Marked
from shared.triggers.http.answers.base import Answer, Counts, Page


class WithAttributes(Answer):
    """Besides its own fields it has the attributes of the marks (``accountType``), null where there is none."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel)
    __pydantic_extra__: dict[str, str | None] = Field(init=False)


class Candidate(WithAttributes):
    """A record of SAP's selection window."""

    code: str = Field(description="SAP's code")
    name: str | None = Field(description="SAP's name of it")
    group: int | None = Field(description="SAP's group of it")
    marked: bool = Field(description="Whether it takes part")
    linked: bool = Field(description="Whether it is linked to a record of the other side")
    batches: list[str] = Field(description="The batches it is marked in")


class CandidateList(Page):
    """A page of the selection window, in SAP's order."""

    items: list[Candidate] = Field(title="Records", description="The records")


class MarkResult(Answer):
    """What became of one code."""

    code: str = Field(description="The code as SAP spells it")
    result: Marked = Field(description="What became of it")
    text: str = Field(default="", description="Why it was not marked")


class MarkResults(Answer):
    """What became of each code, in the order of the entries."""

    results: list[MarkResult] = Field(description="Code by code")
    counts: Counts = Field(description="How many, by result")
    preview: Literal[True] = Field(default=True, description="There if nothing was marked")
    more: bool = Field(default=False, description="Of a preview of criteria: whether more records are in the range")


class BatchMember(WithAttributes):
    """A record that is marked in a batch."""

    object: str = Field(description="The object")
    side: SideName = Field(description="The side where it was born")
    key: str = Field(description="Its key there")
    code: str | None = Field(description="SAP's code, if it has one")
    marked_by: str | None = Field(description="Who last changed its mark")


class BatchMembers(Page):
    """A page of a batch."""

    items: list[BatchMember] = Field(title="Members", description="The members")
