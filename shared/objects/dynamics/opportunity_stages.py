"""The stages that an opportunity goes through, and what it is worth: rows of SAP's opportunity, the last of which counts.

A new stage is a new row; what changes within a stage changes its row. SAP's header shows the last row's amount and takes
none itself (DI API reference: SalesOpportunities.MaxLocalTotal).
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.canonical import Refused, decimal_places
from shared.objects.columns import Accessor, Draft, column_of, fitting
from shared.objects.company import amount_places, company, own_currency
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.opportunity_settings import is_option
from shared.objects.model import Context
from shared.ports import Mark, Row, Value

STAGES = "SalesOpportunitiesLines"
CURRENCY = "_transactioncurrencyid_value"


def rows_of(opportunity: Row | None) -> list[Row]:
    """The stages of SAP's opportunity, the last one last."""
    rows: Sequence[Row] = (opportunity or {}).get(STAGES) or ()
    return sorted(rows, key=lambda row: int(row["LineNum"]))


def _row_at_work(draft: Draft) -> Row:
    """The row that is being written: the one that another field began to write, else SAP's last, else a new one."""
    if STAGES not in draft.body:
        draft.body[STAGES] = _kept(draft.current) or [{}]
    row: Row = draft.body[STAGES][-1]
    return row


def _new_row(draft: Draft) -> Row:
    """A row behind those that are there; they are named, so that it takes the place of none."""
    kept = _kept(draft.current)
    number = {"LineNum": kept[-1]["LineNum"] + 1} if kept else {}
    draft.body[STAGES] = [*kept, number]
    return number


def _kept(opportunity: Row | None) -> list[Row]:
    return [{"LineNum": int(row["LineNum"])} for row in rows_of(opportunity)]


def with_stages(opportunity: Row, sent: Sequence[Row]) -> list[Row]:
    """The rows that SAP shows once it was sent these."""
    rows = {int(row["LineNum"]): row for row in rows_of(opportunity)}
    for row in sent:
        number = int(row.get("LineNum", len(rows)))
        rows[number] = {**rows.get(number, {}), **row, "LineNum": number}
    return list(rows.values())


def first_stage(ctx: Context) -> Row:
    """A row of the stage that sales begin with in SAP; an empty one where SAP does not tell its stages."""
    stages = [row for row in ctx.lists.get(sap.SALES_STAGES, ()) if is_usable(row)]
    first = min(stages, key=lambda row: int(row.get("Stageno") or 0), default=None)
    return {} if first is None else {"StageKey": first["SequenceNo"]}


def is_usable(stage: Row) -> bool:
    """Whether a sales stage of SAP is for sales and not cancelled."""
    return stage.get("Cancelled") != "tYES" and stage.get("IsSales") != "tNO"


@dataclass(frozen=True)
class SapStage(Accessor):
    """The stage with its percentage."""

    columns = (STAGES,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Key and percentage of the last row."""
        column_of(row, STAGES)
        rows = rows_of(row)
        return _parts(rows[-1].get("StageKey"), rows[-1].get("PercentageRate")) if rows else None

    def write(self, value: Value, draft: Draft) -> None:
        """Another stage is a row of its own, with the last one's amount; without a percentage SAP takes the stage's."""
        if value is None:
            if draft.current is not None:
                raise Refused("it has no stage in Dynamics any more; SAP's stays, since there it must have one")
            return
        parts = json.loads(str(value))
        percent = {} if parts["percent"] is None else {"PercentageRate": Decimal(parts["percent"])}
        last: Row = next(reversed(rows_of(draft.current)), {})
        if last.get("StageKey") == parts["stage"]:
            if percent and last.get("PercentageRate") != percent["PercentageRate"]:
                _row_at_work(draft).update(percent)
            return
        amount = last.get("MaxLocalTotal")
        kept = {} if amount is None else {"MaxLocalTotal": amount}
        _new_row(draft).update({"StageKey": parts["stage"], **percent, **kept})


def _parts(stage: int | None, percent: Any) -> dict[str, Any] | None:
    if stage is None:
        return None
    return {"stage": stage, "percent": None if percent is None else Decimal(percent)}


@dataclass(frozen=True)
class DynamicsStage(Accessor):
    """The stage by its name or its option, whichever the settings map, with the probability."""

    columns = ("stepname", "salesstage", "closeprobability")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's key of the stage, and the probability. Refused for a stage that is not mapped."""
        raw = column_of(row, _stage_column(ctx))
        name = "" if raw is None else str(raw).strip()
        if not name:
            return None
        stages = {each.casefold(): stage for each, stage in ctx.settings.opportunity_stages.items()}
        stage = stages.get(name.casefold())
        if stage is None:
            raise Refused("its stage is not mapped to SAP; add it to the setting opportunityStages")
        return _parts(stage, column_of(row, "closeprobability"))

    def write(self, value: Value, draft: Draft) -> None:
        """The one stage that is mapped to SAP's; Refused for none or several, or a percentage with a fraction."""
        if value is None:
            raise Refused("it has no stage in SAP; Dynamics' stays")
        parts = json.loads(str(value))
        names = [name for name, stage in draft.ctx.settings.opportunity_stages.items() if stage == parts["stage"]]
        if len(names) != 1:
            found = "more than one stage" if names else "no stage"
            raise Refused(f"{found} of Dynamics is mapped to SAP's; correct the setting opportunityStages")
        body: Row = {_stage_column(draft.ctx): int(names[0]) if is_option(names[0]) else names[0]}
        if parts["percent"] is not None:
            percent = Decimal(parts["percent"])
            fitting(percent, "closeprobability", places=0)
            body["closeprobability"] = int(percent)
        draft.body.update(body)


def _stage_column(ctx: Context) -> str:
    return "salesstage" if any(is_option(stage) for stage in ctx.settings.opportunity_stages) else "stepname"


@dataclass(frozen=True)
class SapAmount(Accessor):
    """What the opportunity may bring, in local currency."""

    columns = ("MaxLocalTotal", STAGES)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The header's, which is the last stage's."""
        return column_of(row, "MaxLocalTotal")

    def write(self, value: Value, draft: Draft) -> None:
        """Set it on the last stage, which may be the one that is being added."""
        if value is None:
            if draft.current is not None:
                raise Refused("cannot be emptied in SAP; enter an amount, or let SAP's stand")
            return
        local = str(company(draft.ctx).get("LocalCurrency"))
        fitting(value, "MaxLocalTotal", places=amount_places(draft.ctx, local))
        _row_at_work(draft)["MaxLocalTotal"] = value


@dataclass(frozen=True)
class EstimatedValue(Accessor):
    """The estimated revenue of an opportunity in the currency of SAP's company; any other is refused."""

    columns = ("estimatedvalue", CURRENCY, "isrevenuesystemcalculated")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The amount; SAP keeps amounts of opportunities in local currency, and nothing is converted."""
        amount = column_of(row, "estimatedvalue")
        if amount is None:
            return None
        currency = currency_of(row, ctx)
        if currency is None:
            raise Refused("its currency is not on the list of Dynamics' active ones; activate it")
        own_currency(str(currency["isocurrencycode"]), "amounts of opportunities", ctx)
        return amount

    def write(self, value: Value, draft: Draft) -> None:
        """Set it unless Dynamics computes it of the products."""
        current = draft.current or {}
        if current.get("isrevenuesystemcalculated") is True:
            raise Refused("Dynamics computes the revenue of this opportunity; enter SAP's amount by its products")
        places = (currency_of(current, draft.ctx) or {}).get("currencyprecision")
        draft.body["estimatedvalue"] = fitting(value, "estimatedvalue", places=places)


def currency_of(row: Row, ctx: Context) -> Row | None:
    """The opportunity's currency, if it is on the list."""
    rows = ctx.lists.get(known.OTHER_CURRENCIES, ())
    return next((each for each in rows if each["transactioncurrencyid"] == row.get(CURRENCY)), None)


def money(amount: Decimal, currency: Row | None) -> str:
    """The amount in full, with at least the currency's decimals."""
    places = max(int((currency or {}).get("currencyprecision") or 0), decimal_places(amount))
    return f"{amount:.{places}f}"
