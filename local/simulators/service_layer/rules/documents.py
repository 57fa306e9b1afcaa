"""Sales quotations, sales orders and drafts: header, states, what may change.

Sources: user guide and observed answers where an error code is known; else general Business One rules.
"""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Action, Collection, SetRules, must_exist
from local.simulators.service_layer.rules.base_documents import QUOTATION, take_user_fields
from local.simulators.service_layer.rules.document_actions import ACTIONS
from local.simulators.service_layer.rules.document_lines import Expenses, Lines
from local.simulators.service_layer.rules.document_totals import Totals
from local.simulators.service_layer.rules.drawing import draw, with_taken
from local.simulators.service_layer.rules.money import (
    exact,
    local_currency,
    needed_rate,
    number,
    rounded,
    setting_places,
)
from local.simulators.service_layer.rules.series import document_number
from local.simulators.service_layer.rules.taxes import check_tax
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp

ALL_CURRENCIES = "##"
_DEFAULTS: dict[str, Any] = {
    "DocType": "dDocument_Items",
    "HandWritten": "tNO",
    "DocumentStatus": "bost_Open",
    "Cancelled": "tNO",
    "CancelStatus": "csNo",
    "Confirmed": "tYES",
    "AuthorizationStatus": "dasWithout",
    "SalesPersonCode": -1,
}
_COMPUTED = frozenset(
    [
        "DocEntry",
        "DocNum",
        "DocTotal",
        "DocTotalFc",
        "DocTotalSys",
        "VatSum",
        "VatSumFc",
        "VatSumSys",
        "TotalDiscount",
        "TotalDiscountFC",
        "PaidToDate",
        "PaidToDateFC",
        "DocumentStatus",
        "Cancelled",
        "CancelStatus",
        "CancelDate",
        "AuthorizationStatus",
        "CardName",
        "BPLName",
    ]
)
_FIXED = ("CardCode", "DocCurrency", "DocType", "Series")
_NEVER_EMPTY = ("DocRate", "DocDate", "TaxDate", "SalesPersonCode", "DiscountPercent")
"""What a null in a PATCH leaves as it was."""
_CLOSES_A_LINE = frozenset({"LineNum", "LineStatus", "DocEntry"})


class OrderRules(SetRules):
    """Rules of Orders."""

    entity_set: str = "Orders"
    object_code: str = "oOrders"
    object_type: ClassVar[str] = "17"
    """Whose numbering series its numbers come from."""
    bases: frozenset[int] = frozenset({QUOTATION})
    """BaseTypes a row may have."""
    partner_kinds: ClassVar[frozenset[str]] = frozenset({"cCustomer"})
    read_only: ClassVar[frozenset[str]] = _COMPUTED
    collections: ClassVar[Mapping[str, Collection]] = {
        "DocumentLines": Lines(),
        "DocumentAdditionalExpenses": Expenses(),
    }
    actions: ClassVar[Mapping[str, Action]] = ACTIONS

    def destination(self, company: Company, entity_set: str) -> str:
        """Under an approval procedure a new order is a draft first."""
        return "Drafts" if company.switches.approval_procedure else entity_set

    def prepare(self, company: Company, draft: Row, node: str | None) -> None:
        """Partner, dates, currency, rate, discount, terms; the number comes from the series."""
        partner = _partner(company, draft, self.partner_kinds)
        if not draft.get("DocDueDate"):
            raise errors.rule("ORDR.DocDueDate", "Due date is missing")
        if not draft.get("DocumentLines"):
            raise errors.rule("RDR1.LineNum", "The document has no rows")
        take_user_fields(company, draft)
        _fill_header(company, draft, partner)
        self._number_it(company, draft)

    def _number_it(self, company: Company, draft: Row) -> None:
        draft["DocObjectCode"] = self.object_code
        self._take_number(company, draft, take=True)

    def _take_number(self, company: Company, draft: Row, *, take: bool) -> None:
        used = max((row["DocNum"] for row in company.store.tables[self.entity_set].rows.values()), default=0)
        series = draft.get("Series")
        draft["Series"], draft["DocNum"] = document_number(company, self.object_type, series, used, take=take)

    def allow(self, company: Company, before: Row, changes: Row) -> None:
        """An open document takes changes; partner and currency are fixed; closing a row stands alone."""
        if before["DocumentStatus"] != "bost_Open":
            raise errors.field_cannot_be_updated(f"ORDR.{next(iter(changes), 'DocStatus')}")
        for name in _FIXED:
            if name in changes and changes[name] != before.get(name):
                raise errors.field_cannot_be_updated(f"ORDR.{name}")
        rows = {row["LineNum"]: row for row in before["DocumentLines"]}
        for given in changes.get("DocumentLines", ()):
            present = rows.get(given.get("LineNum"), {})
            if present.get("LineStatus") == "bost_Close" and set(given) > {"LineNum"}:
                raise errors.field_cannot_be_updated("RDR1.LineStatus")
            closes = given.get("LineStatus") == "bost_Close"
            if closes and (len(changes) > 1 or not set(given) <= _CLOSES_A_LINE):
                raise errors.rule(
                    "RDR1.LineStatus", "Closing a row must be the only change", given.get("LineNum", 0) + 1
                )

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """References of header and changed rows exist; totals follow; without an open row the document closes."""
        if not row.get("DocDueDate"):
            raise errors.rule("ORDR.DocDueDate", "Due date is missing")
        row = {**{name: before[name] for name in _NEVER_EMPTY if before and name in before}, **row}
        must_exist(company, "PaymentTermsTypes", row.get("PaymentGroupCode"), "ORDR.GroupNum")
        must_exist(company, "SalesPersons", row["SalesPersonCode"], "ORDR.SlpCode")
        _check_branch(company, row)
        _check_partner_codes(company, row, before or {})
        known = {id(line) for line in (before or {}).get("DocumentLines", ())}
        for at, line in enumerate(row.get("DocumentLines", ()), 1):
            if id(line) not in known:
                _check_line(company, row, line, at)
        if not row.get("DocumentLines"):
            raise errors.rule("RDR1.LineNum", "The document has no rows")
        for at, expense in enumerate(row.get("DocumentAdditionalExpenses", ()), 1):
            check_tax(company, expense, "RDR3", at)
        row = with_taken(company, _with_discount_rounded(company, row), before, self.bases)
        lines = [{**line, "DocEntry": row["DocEntry"], "Rate": row["DocRate"]} for line in row["DocumentLines"]]
        row = Totals(company, {**row, "DocumentLines": lines}).computed()
        if all(line["LineStatus"] == "bost_Close" for line in row["DocumentLines"]):
            row["DocumentStatus"] = "bost_Close"
        return row

    def written(self, company: Company, row: Row, before: Row | None) -> None:
        """What it takes of its base documents is open there no more."""
        draw(company, row, before)


class QuotationRules(OrderRules):
    """Rules of Quotations: as orders, without approval and base documents; a lead may have one (general knowledge)."""

    entity_set = "Quotations"
    object_code = "oQuotations"
    object_type = "23"
    bases = frozenset()
    partner_kinds = frozenset({"cCustomer", "cLid"})

    def destination(self, company: Company, entity_set: str) -> str:
        """Posted at once."""
        return entity_set


class DraftRules(OrderRules):
    """Rules of Drafts: documents in the making, numbered apart; only drafts of orders are played."""

    entity_set = "Drafts"

    def destination(self, company: Company, entity_set: str) -> str:
        """A draft is a draft."""
        return entity_set

    def _number_it(self, company: Company, draft: Row) -> None:
        if draft.get("DocObjectCode") not in (None, "oOrders"):
            raise errors.rule("ODRF.ObjType", "Drafts of other documents are not simulated")
        # A client's own draft names its kind; one that the approval procedure made of an order does not.
        draft["AuthorizationStatus"] = "dasWithout" if draft.get("DocObjectCode") else "dasPending"
        draft["DocObjectCode"] = "oOrders"
        self._take_number(company, draft, take=False)

    def written(self, company: Company, row: Row, before: Row | None) -> None:
        """A draft takes nothing of its base documents yet."""


def _partner(company: Company, draft: Row, kinds: frozenset[str]) -> Row:
    code = draft.get("CardCode")
    partner = company.store.get("BusinessPartners", code) if code else None
    if partner is None or partner["CardType"] not in kinds:
        raise errors.unknown_partner(code or "")
    if partner.get("Frozen") == "tYES" or partner.get("Valid") == "tNO":
        raise errors.rule("ORDR.CardCode", f"Business partner '{code}' is inactive")
    return partner


def _fill_header(company: Company, draft: Row, partner: Row) -> None:
    today = stamp(company.local_now())[0]
    discount = partner.get("DiscountPercent") if company.switches.partner_discount else 0.0
    local = local_currency(company)
    own = partner.get("Currency") or local
    defaults: Row = {
        **_DEFAULTS,
        "SalesPersonCode": partner.get("SalesPersonCode", -1),
        "DocDate": today,
        "TaxDate": draft.get("DocDate") or today,
        "DocCurrency": local if own == ALL_CURRENCIES else own,
        "DiscountPercent": discount,
        "PaymentGroupCode": partner.get("PayTermsGrpCode"),
        "ShipToCode": partner.get("ShipToDefault"),
        "PayToCode": partner.get("BilltoDefault"),
        "FederalTaxID": partner.get("FederalTaxID"),
    }
    for name, value in defaults.items():
        if draft.get(name) is None and value is not None:
            draft[name] = value
    draft["CardCode"], draft["CardName"] = partner["CardCode"], partner.get("CardName")
    currency = draft["DocCurrency"]
    must_exist(company, "Currencies", currency, "ORDR.DocCur")
    if own != ALL_CURRENCIES and currency not in (own, local):
        raise errors.rule("ORDR.DocCur", f"Currency '{currency}' is not the business partner's")
    if currency == local or not draft.get("DocRate"):
        draft["DocRate"] = number(needed_rate(company, currency, draft["DocDate"]))


def _with_discount_rounded(company: Company, row: Row) -> Row:
    discount = rounded(exact(row.get("DiscountPercent")), setting_places(company, "PercentageAccuracy"))
    return {**row, "DiscountPercent": number(discount)}


def _check_branch(company: Company, row: Row) -> None:
    """A company with branches wants one that is open and the partner's; another company knows none."""
    branch = row.get("BPL_IDAssignedToInvoice")
    if company.setting("EnableBranches") != "tYES":
        return
    found = company.store.get("BusinessPlaces", branch) if branch is not None else None
    if found is None or found.get("Disabled") == "tYES":
        raise errors.rule("ORDR.BPLId", "Specify an active branch")
    partner = company.store.get("BusinessPartners", row["CardCode"]) or {}
    assigned = {each["BPLID"]: each.get("DisabledForBP") for each in partner.get("BPBranchAssignment", ())}
    if assigned and assigned.get(branch, "tYES") == "tYES":
        raise errors.rule("ORDR.BPLId", f"The business partner is not assigned to branch '{branch}'")
    row["BPLName"] = found.get("BPLName")


def _check_partner_codes(company: Company, row: Row, before: Row) -> None:
    """Addresses and contact person, where they change, must be the partner's."""
    partner = company.store.get("BusinessPartners", row["CardCode"]) or {}
    addresses = {(each["AddressType"], each["AddressName"]) for each in partner.get("BPAddresses", ())}
    for name, kind in (("ShipToCode", "bo_ShipTo"), ("PayToCode", "bo_BillTo")):
        code = row.get(name)
        if code not in (None, before.get(name)) and (kind, code) not in addresses:
            raise errors.rule(f"ORDR.{name}", f"Invalid address '{code}'")
    contact = row.get("ContactPersonCode")
    known = {each["InternalCode"] for each in partner.get("ContactEmployees", ())}
    if contact not in (None, before.get("ContactPersonCode")) and contact not in known:
        raise errors.rule("ORDR.CntctCode", f"Invalid contact person '{contact}'")


def _check_line(company: Company, document: Row, line: Row, at: int) -> None:
    item = company.store.get("Items", line["ItemCode"]) if line.get("ItemCode") else None
    if item is None and document["DocType"] == "dDocument_Items":
        raise errors.rule("RDR1.ItemCode", f"Invalid item '{line.get('ItemCode') or ''}'", at)
    if item is not None and (item.get("Frozen") == "tYES" or item.get("Valid") == "tNO"):
        raise errors.rule("RDR1.ItemCode", f"Item '{line['ItemCode']}' is inactive", at)
    if item is not None and item.get("SalesItem") == "tNO":
        raise errors.rule("RDR1.ItemCode", f"Item '{line['ItemCode']}' is not a sales item", at)
    if line["Quantity"] <= 0:
        raise errors.rule("RDR1.Quantity", "Quantity must be greater than zero", at)
    warehouse = must_exist(company, "Warehouses", line.get("WarehouseCode"), "RDR1.WhsCode", at)
    if warehouse is None and item is not None:
        raise errors.rule("RDR1.WhsCode", "Warehouse is missing", at)
    if (warehouse or {}).get("Inactive") == "tYES":
        raise errors.rule("RDR1.WhsCode", f"Warehouse '{line['WarehouseCode']}' is inactive", at)
    place = (warehouse or {}).get("BusinessPlaceID")
    if place is not None and place != document.get("BPL_IDAssignedToInvoice"):
        raise errors.rule("RDR1.WhsCode", f"Warehouse '{line['WarehouseCode']}' is not the branch's", at)
    must_exist(company, "SalesPersons", line.get("SalesPersonCode"), "RDR1.SlpCode", at)
    check_tax(company, line, "RDR1", at)
    for expense in line.get("DocumentLineAdditionalExpenses", ()):
        check_tax(company, expense, "RDR2", at)
