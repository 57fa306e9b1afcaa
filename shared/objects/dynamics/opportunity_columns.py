"""What is peculiar to opportunities on either side: customer and contact, amount, stages as rows, the way they close."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shared.objects.canonical import Refused, number_or_zero
from shared.objects.codes import SapCurrencies
from shared.objects.columns import Accessor, Column, Draft, column_of
from shared.objects.company import is_foreign
from shared.objects.dynamics.order_content import CURRENCY, iso_code
from shared.objects.dynamics.order_header import instant
from shared.objects.model import KEY, Context, Parent, Step
from shared.ports import Entity, Mark, Row, SideName, Value, parse_key_within

OPEN, WON, LOST = "open", "won", "lost"
STATES: Mapping[int, str] = {0: OPEN, 1: WON, 2: LOST}
SAP_STATES: Mapping[str, str] = {"sos_Open": OPEN, "sos_Sold": WON, "sos_Missed": LOST}
ROWS = "SalesOpportunitiesLines"
PRODUCTS = "products"  # where the products of an opportunity stand in its row
_ACCOUNT, _CONTACT = "_parentaccountid_value", "_parentcontactid_value"
_REOPENED = {"statecode": 0, "statuscode": 1}
_CLOSING = {WON: ("WinOpportunity", 3), LOST: ("LoseOpportunity", 4)}


@dataclass(frozen=True)
class OpportunityAccount(Accessor):
    """The account that an opportunity is for."""

    columns = (_ACCOUNT,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The account's id. One for a contact alone cannot be entered in SAP."""
        account = column_of(row, _ACCOUNT)
        if account is None:
            raise Refused("it is not for an account; SAP enters opportunities for partners only, so choose an account")
        return account

    def write(self, value: Value, draft: Draft) -> None:
        """The customer never comes from SAP."""


@dataclass(frozen=True)
class SapContact(Accessor):
    """The contact person of an opportunity, by its number."""

    columns = ("ContactPerson", "CardCode")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The number."""
        number = column_of(row, "ContactPerson")
        return None if number in (None, 0) else str(number)

    def write(self, value: Value, draft: Draft) -> None:
        """The person that the contact is linked to, if it is one of the customer's."""
        key = draft.ctx.links.get(Parent("contact", SideName.OTHER, str(value)))
        if key is None:
            raise Refused("its contact is not linked to a contact person (yet)")
        owner, number = parse_key_within(key)
        if owner != (draft.current or draft.body).get("CardCode"):
            raise Refused("its contact belongs to another customer in SAP")
        draft.body["ContactPerson"] = int(number)


@dataclass(frozen=True)
class OpportunityContact(Accessor):
    """The contact of an opportunity, by its id."""

    columns = (_CONTACT,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The id."""
        return column_of(row, _CONTACT)

    def write(self, value: Value, draft: Draft) -> None:
        """The contact never comes from SAP."""


@dataclass(frozen=True)
class ClosingDay(Accessor):
    """The day on which an opportunity is expected to close; without one so many days after it was created."""

    columns = ("estimatedclosedate", "createdon")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The day."""
        if day := column_of(row, "estimatedclosedate"):
            return day
        created = instant(column_of(row, "createdon")).astimezone(ZoneInfo(ctx.settings.time_zone)).date()
        return (created + timedelta(days=ctx.settings.opportunity_days)).isoformat()

    def write(self, value: Value, draft: Draft) -> None:
        """Set the day."""
        draft.body["estimatedclosedate"] = value


@dataclass(frozen=True)
class SapAmount(Accessor):
    """The potential amount, in SAP's local currency."""

    columns = ("MaxLocalTotal",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The amount; none counts as zero."""
        return number_or_zero(column_of(row, "MaxLocalTotal"))

    def write(self, value: Value, draft: Draft) -> None:
        """Set the amount."""
        draft.body["MaxLocalTotal"] = value or 0


@dataclass(frozen=True)
class Revenue(Accessor):
    """The estimated revenue, which travels if its currency is SAP's own: SAP has it in local currency only."""

    columns = ("estimatedvalue", "isrevenuesystemcalculated", CURRENCY)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The amount; none counts as zero."""
        amount = number_or_zero(column_of(row, "estimatedvalue"))
        currency = column_of(row, CURRENCY)
        if not amount or currency is None:
            return amount
        if is_foreign(ctx, str(SapCurrencies().from_canonical(iso_code(currency, ctx), ctx))):
            raise Refused("is in another currency than the SAP company's; nothing is converted")
        return amount

    def write(self, value: Value, draft: Draft) -> None:
        """Set the amount, unless Dynamics adds it up from the products."""
        if draft.current is not None and draft.current.get("isrevenuesystemcalculated") is True:
            raise Refused("Dynamics computes it from the products; change those there")
        draft.body["estimatedvalue"] = value


@dataclass(frozen=True)
class Owner(Accessor):
    """The owner, as the SAP sales employee that the settings name."""

    columns = ("_ownerid_value",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The employee's code."""
        code = ctx.settings.sales_employees.get(str(column_of(row, "_ownerid_value")).lower())
        if code is None:
            raise Refused("its owner is no sales employee of SAP by the settings; add it to salesEmployees")
        return code

    def write(self, value: Value, draft: Draft) -> None:
        """Owners are Dynamics' own."""


def current_stage(row: Row) -> Row | None:
    """The row of the stage that a SAP opportunity is in: the last one."""
    return max(column_of(row, ROWS) or (), key=lambda each: int(each["LineNum"]), default=None)


@dataclass(frozen=True)
class SapStage(Accessor):
    """The stage that the opportunity is in; a new one is a new row."""

    columns = (ROWS,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The stage's number."""
        last = current_stage(row)
        return None if last is None else last.get("StageKey")

    def write(self, value: Value, draft: Draft) -> None:
        """Append the stage; the rows before it stay."""
        if value is None:
            return
        rows = list((draft.current or {}).get(ROWS) or ())
        number = max((int(row["LineNum"]) for row in rows), default=-1) + 1
        kept = [{"LineNum": row["LineNum"]} for row in rows]
        draft.body[ROWS] = [*kept, {**({"LineNum": number} if rows else {}), "StageKey": value}]


@dataclass(frozen=True)
class SapProbability(Accessor):
    """The percentage of the stage that the opportunity is in."""

    columns = (ROWS,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """A whole percentage, as Dynamics has it."""
        last = current_stage(row)
        rate = None if last is None else last.get("PercentageRate")
        return None if rate is None else int(Decimal(rate).to_integral_value())

    def write(self, value: Value, draft: Draft) -> None:
        """Set it in the row of the stage, which may be a new one."""
        if value is None:
            return
        if ROWS not in draft.body:
            last = current_stage(draft.current) if draft.current is not None else None
            if last is None:
                raise Refused("SAP has no stage that it could stand at")
            draft.body[ROWS] = [{"LineNum": last["LineNum"]}]
        draft.body[ROWS][-1]["PercentageRate"] = value


@dataclass(frozen=True)
class Phase(Accessor):
    """The pipeline phase, as the SAP stage that the settings map to it."""

    columns = ("stepname",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's stage."""
        name = column_of(row, "stepname")
        if not name:
            return None
        wanted = str(name).strip().casefold()
        found = next((k for k, v in ctx.settings.opportunity_stages.items() if v.casefold() == wanted), None)
        if found is None:
            raise Refused("its phase is not mapped to a sales stage of SAP; add it to opportunityStages")
        return found

    def write(self, value: Value, draft: Draft) -> None:
        """The phase of that stage."""
        if value is not None:
            name = draft.ctx.settings.opportunity_stages.get(value)
            if name is None:
                raise Refused("SAP's stage is not mapped to a phase of Dynamics; add it to opportunityStages")
            draft.body["stepname"] = name


@dataclass(frozen=True)
class Remarks(Accessor):
    """The description, and the products as lines of text: SAP's opportunity has no rows for them."""

    columns = ("description",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The text."""
        parts = [str(column_of(row, "description") or "").strip()]
        if ctx.settings.opportunity_products == "remarks":
            parts += [_product_line(each) for each in sorted(row.get(PRODUCTS) or (), key=_place)]
        return "\n".join(part for part in parts if part)

    def write(self, value: Value, draft: Draft) -> None:
        """The remarks never come from SAP."""


def _place(line: Row) -> tuple[int, str]:
    return (int(line.get("lineitemnumber") or 0), str(line["opportunityproductid"]))


def _product_line(line: Row) -> str:
    quantity, price, total = (
        f"{number_or_zero(line.get(name)).normalize():f}" for name in ("quantity", "priceperunit", "extendedamount")
    )
    return f"{quantity} x {line.get('opportunityproductname') or '?'} at {price} = {total}"


@dataclass(frozen=True)
class SapState(Accessor):
    """Whether the opportunity is open, won or lost in SAP."""

    entity: Entity
    columns = ("Status",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """open, won or lost."""
        status = column_of(row, "Status")
        return SAP_STATES.get(status, status)

    def write(self, value: Value, draft: Draft) -> None:
        """Close it as a step, once its content is written; open it again at once. ``values`` may name a reason."""
        if value == OPEN:
            if draft.current is not None:
                draft.body["Status"] = "sos_Open"
            return
        status = next(name for name, word in SAP_STATES.items() if word == value)
        reason = draft.values.get("reason")
        body: Row = {"Status": status, **({} if reason is None else {"ReasonForClosing": reason})}
        draft.steps.append(Step(1, "status", "close", body, entity=self.entity, key=KEY))


@dataclass(frozen=True)
class DynamicsState(Accessor):
    """Whether the opportunity is open, won or lost in Dynamics."""

    columns = ("statecode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """open, won or lost."""
        state = column_of(row, "statecode")
        return STATES.get(state, state)

    def write(self, value: Value, draft: Draft) -> None:
        """Close it by Dynamics' own messages, as a step, or open it again."""
        if value == OPEN:
            draft.body |= _REOPENED
            return
        message, status = _CLOSING[str(value)]
        close = {"subject": f"{str(value).capitalize()} in SAP", "opportunityid@odata.bind": f"/opportunities({KEY})"}
        body = {"Status": status, "OpportunityClose": close}
        draft.steps.append(Step(1, "status", "close", body, operation=message))


@dataclass(frozen=True)
class SapReason(Accessor):
    """The reason for closing, which is written together with the status."""

    columns = ("ReasonForClosing",)
    column = Column("ReasonForClosing")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The reason's number; SAP shows none as -1 or 0."""
        number = column_of(row, "ReasonForClosing")
        return None if number in (None, -1, 0) else number

    def write(self, value: Value, draft: Draft) -> None:
        """Only by itself where the status stays; an open opportunity has none."""
        if value is not None and "status" not in draft.values and draft.current is not None:
            self.column.write(value, draft)


@dataclass(frozen=True)
class StatusReason(Accessor):
    """The status reason of a closed opportunity, as SAP's reason by the settings."""

    columns = ("statecode", "statuscode")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's reason; none for one that is open or has no reason in SAP."""
        if column_of(row, "statecode") == 0:
            return None
        return ctx.settings.opportunity_reasons.get(column_of(row, "statuscode"))

    def write(self, value: Value, draft: Draft) -> None:
        """Reasons are Dynamics' own."""
