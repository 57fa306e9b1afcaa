"""Whether an opportunity is open, won or lost, and why it was lost: one value, since a reason only goes with losing.

SAP knows reasons of lost opportunities only (DI API reference: SalesOpportunitiesReasons, ReasonForClosing). What is
closed takes nothing on either side, so it is closed by a step after its content, and reopened before.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.model import KEY, Context, Step
from shared.ports import Entity, Mark, Row, Value

OPEN, WON, LOST = "open", "won", "lost"
STATE = "state"
CLOSING = 100
"""The stage of the step that closes it: after all others."""
SAP_STATES: Mapping[str, str] = {"sos_Open": OPEN, "sos_Sold": WON, "sos_Missed": LOST}
DYNAMICS_STATES: Mapping[int, str] = {0: OPEN, 1: WON, 2: LOST}
REASONS = "SalesOpportunitiesReasons"
_WON_STATUS, _LOST_STATUS = 3, 4  # Dynamics' default status reasons
_DYNAMICS_IS_CLOSED = "Dynamics takes no change of an opportunity that is won or lost; reopen it there"


@dataclass(frozen=True)
class State:
    """Open, won or lost; for a lost one SAP's reason, if there is any."""

    name: str
    reason: int | None = None

    @classmethod
    def of(cls, value: Value) -> State:
        """From the composite text; nothing counts as open."""
        if value is None:
            return cls(OPEN)
        parts: Mapping[str, Any] = json.loads(str(value))
        return cls(parts["name"], parts["reason"])

    @property
    def parts(self) -> dict[str, Any]:
        """For the composite text."""
        return {"name": self.name, "reason": self.reason}

    def holds(self, wanted: State) -> bool:
        """Whether nothing is left to do so that it is the wanted one; a reason is never taken away."""
        return self.name == wanted.name and wanted.reason in (None, self.reason)


def sap_state(row: Row, ctx: Context) -> State:
    """Where SAP's opportunity stands; reasons only count while they are mapped."""
    name = _known(SAP_STATES, column_of(row, "Status"))
    reasons = sorted(column_of(row, REASONS) or (), key=lambda each: int(each["RowNo"]))
    reason = reasons[-1].get("Reason") if reasons else None
    return State(name, reason if name == LOST and ctx.settings.opportunity_reasons else None)


def dynamics_state(row: Row, ctx: Context) -> State:
    """Where Dynamics' opportunity stands. Refused while its status reason is not mapped and others are."""
    name = _known(DYNAMICS_STATES, column_of(row, "statecode"))
    mapping = ctx.settings.opportunity_reasons
    if name != LOST or not mapping:
        return State(name)
    reason = mapping.get(column_of(row, "statuscode"))
    if reason is None:
        raise Refused("the reason why it was lost is not mapped to SAP; add it to the setting opportunityReasons")
    return State(name, reason)


def _known(states: Mapping[Any, str], raw: Any) -> str:
    if raw not in states:
        raise Refused("has a status that the hub does not know; the list of them has changed")
    return states[raw]


def is_closed_in_sap(row: Row) -> bool:
    """Whether SAP's opportunity is won or lost."""
    return bool(row.get("Status") != "sos_Open")


def is_closed_in_dynamics(row: Row) -> bool:
    """Whether Dynamics' opportunity is won or lost."""
    return bool(row.get("statecode") != 0)


@dataclass(frozen=True)
class SapState(Accessor):
    """State and reason in SAP. ``entity`` is the opportunity, for the step that closes it."""

    entity: Entity
    columns = ("Status", REASONS)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Its parts."""
        return sap_state(row, ctx).parts

    def write(self, value: Value, draft: Draft) -> None:
        """Reopen it with the record's own write, close it by a step; what is closed otherwise is reopened in between."""
        wanted = State.of(value)
        current = State(OPEN) if draft.current is None else sap_state(draft.current, draft.ctx)
        if current.holds(wanted):
            return
        if current.name != OPEN:
            draft.body["Status"] = "sos_Open"
        if wanted.name != OPEN:
            body = {"Status": next(each for each, name in SAP_STATES.items() if name == wanted.name)}
            reason = _reason_row(wanted, draft.current)
            draft.steps.append(Step(CLOSING, STATE, "close", {**body, **reason}, self.entity, KEY))


def _reason_row(wanted: State, current: Row | None) -> Row:
    """The reason as SAP's last row of reasons, in the place of one from before."""
    if wanted.reason is None:
        return {}
    numbers = [int(each["RowNo"]) for each in (current or {}).get(REASONS) or ()]
    number = {"RowNo": max(numbers)} if numbers else {}
    return {REASONS: [{**number, "Reason": wanted.reason}]}


@dataclass(frozen=True)
class DynamicsState(Accessor):
    """State and status reason in Dynamics, which closes opportunities by actions of their own only."""

    columns = ("statecode", "statuscode")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Its parts."""
        return dynamics_state(row, ctx).parts

    def write(self, value: Value, draft: Draft) -> None:
        """As in SAP; without a status reason for SAP's reason it is Dynamics' default one."""
        wanted = State.of(value)
        current = State(OPEN) if draft.current is None else dynamics_state(draft.current, draft.ctx)
        if current.holds(wanted):
            return
        if current.name != OPEN:
            draft.body.update(statecode=0, statuscode=1)
        if wanted.name != OPEN:
            draft.steps.append(_closing(wanted, draft.ctx))


def _closing(wanted: State, ctx: Context) -> Step:
    """WinOpportunity or LoseOpportunity (Dataverse Web API: actions)."""
    won = wanted.name == WON
    statuses = [code for code, reason in ctx.settings.opportunity_reasons.items() if reason == wanted.reason]
    lost = statuses[0] if len(statuses) == 1 else _LOST_STATUS
    close = {
        "subject": "Won in SAP" if won else "Lost in SAP",
        "opportunityid@odata.bind": f"/opportunities({KEY})",
    }
    body: Row = {"Status": _WON_STATUS if won else lost, "OpportunityClose": close}
    return Step(CLOSING, STATE, "close", body, operation="WinOpportunity" if won else "LoseOpportunity")


@dataclass(frozen=True)
class SapIsOpen(Accessor):
    """Whether SAP's opportunity is open, to be compared."""

    columns = ("Status",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True while it is neither won nor lost."""
        return column_of(row, "Status") == "sos_Open"

    def write(self, value: Value, draft: Draft) -> None:
        """The state is written by its own field."""


@dataclass(frozen=True)
class DynamicsIsOpen(Accessor):
    """Whether Dynamics' opportunity is open, to be compared."""

    columns = ("statecode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True while it is neither won nor lost."""
        return column_of(row, "statecode") == 0

    def write(self, value: Value, draft: Draft) -> None:
        """The state is written by its own field."""


@dataclass(frozen=True)
class WhileOpen(Accessor):
    """A column of Dynamics' opportunity, which is read-only once that is won or lost."""

    inner: Accessor

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the column, and the state."""
        return (*self.inner.columns, "statecode")

    def columns_in(self, ctx: Context) -> tuple[str, ...]:
        """The same, where the settings name them."""
        return (*self.inner.columns_in(ctx), "statecode")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """As the column is."""
        return self.inner.read(row, mark, ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """Set it while the opportunity is open."""
        if draft.current is not None and is_closed_in_dynamics(draft.current):
            raise Refused(_DYNAMICS_IS_CLOSED)
        self.inner.write(value, draft)
