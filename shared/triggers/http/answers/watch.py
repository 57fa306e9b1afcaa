"""Answers about how things stand: the day's tie-out, health."""

from __future__ import annotations

from pydantic import Field

from shared.ports import SideName
from shared.triggers.http.answers.base import Answer, Moment

Amount = str
"""A decimal number as text, so that no cent is lost."""


class DaySum(Answer):
    """One side's documents of a day."""

    count: int = Field(description="How many")
    total: Amount = Field(description="What they add up to")
    tenders: dict[str, Amount] = Field(description="By payment type")


class MissingDocument(Answer):
    """A document that SAP lacks."""

    key: str = Field(description="Its key on the other side")
    reason: str = Field(description="Why, as far as the hub knows")


class DifferingDocument(Answer):
    """A document that both sides have, and not alike."""

    key: str = Field(description="Its key on the other side")
    reason: str = Field(description="What differs")
    other: Amount | dict[str, Amount] | None = Field(default=None, description="Total or tenders on the other side")
    sap: Amount | dict[str, Amount] | None = Field(
        default=None, title="SAP", description="Total or tenders as SAP has them"
    )


class ObjectDay(Answer):
    """One kind of document."""

    object: str = Field(description="The object")
    other: DaySum = Field(description="What the other side has")
    sap: DaySum = Field(title="SAP", description="What SAP has of it")
    difference: DaySum = Field(description="The other side less SAP")
    agrees: bool = Field(description="Whether nothing is missing and nothing differs")
    missing: list[MissingDocument] = Field(description="Documents that SAP lacks")
    differing: list[DifferingDocument] = Field(description="Documents that differ")


class TieOut(Answer):
    """A store's day on the other side against what SAP holds of it."""

    template: str = Field(description="The template")
    store: str = Field(description="The store, by its key on the other side")
    date: str = Field(description="The business date", json_schema_extra={"format": "date"})
    agrees: bool = Field(description="Whether everything agrees")
    objects: list[ObjectDay] = Field(description="Object by object")


# --- health -----------------------------------------------------------------------------------------------------------


class Reached(Answer):
    """Something outside the hub that it was just asked."""

    ok: bool = Field(title="OK", description="Whether it answers")
    error: str = Field(default="", description="The class of what is wrong")
    text: str = Field(default="", description="What is wrong; for Hub.Admin")


class SystemHealth(Reached):
    """One side of one template."""

    template: str = Field(description="The template")
    side: SideName = Field(description="The side")


class ObjectHealth(Answer):
    """One object of one template."""

    template: str = Field(description="The template")
    object: str = Field(description="The object")
    initialized: bool = Field(description="Whether its first load is over")
    last_run: str | None = Field(description="The last run that is kept")
    last_status: str | None = Field(description="How the last run ended")
    last_good_at: Moment | None = Field(description="When a run last ended well")
    last_good_age_seconds: int | None = Field(description="How long ago that was")
    oldest_due_age_seconds: int | None = Field(description="How long the oldest due record has been due")
    oldest_parked_age_seconds: int | None = Field(description="How long the oldest record has waited for one of these")
    run_without_sign: bool = Field(description="Whether a run is at work that gave no sign for too long")
    overdue: bool = Field(description="Whether its last good run is older than its schedule allows")


class Oddity(Answer):
    """A message that nobody could work on."""

    queue: str = Field(description="Where it lay")
    reason: str = Field(description="Why nobody could")
    seen_at: Moment = Field(description="When it was seen")
    length: int = Field(default=0, description="Its length in bytes; for Hub.Admin")
    sha256: str = Field(
        default="", title="SHA-256", description="Its fingerprint; its content is not kept; for Hub.Admin"
    )


class Health(Answer):
    """Whether the hub is well, and what is wrong if not. Hub.Read is told ok and reasons, Hub.Operate all of it."""

    ok: bool = Field(title="OK", description="Whether nothing is wrong")
    reasons: list[str] = Field(
        description="What is wrong, in words; for Hub.Operate with the class of the error, for Hub.Admin with its text"
    )
    storage: Reached | None = Field(default=None, description="The storage account")
    systems: list[SystemHealth] = Field(default=[], description="Every side of every template")
    objects: list[ObjectHealth] = Field(default=[], description="Every object of every template")
    oddities: list[Oddity] = Field(default=[], description="Messages that nobody could work on, by queue")
