"""Incoming and outgoing payments: posted at once; they lower what is open of documents, or go to accounts.

General Business One rules: the means add up to what is applied, no more than what is open is paid, a document that is
paid in full is closed. Payments have neither change stamps nor a version (service layer facts).
"""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import SetRules, must_exist
from local.simulators.service_layer.rules.money import exact, number
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp

_DEFAULTS: Mapping[str, Any] = {"DocType": "rCustomer", "Cancelled": "tNO", "HandWritten": "tNO"}
_NEEDED_OF_CARDS = ("CreditCard", "CreditSum", "CardValidUntil", "VoucherNum")


class PaymentRules(SetRules):
    """Rules of one kind of payment; ``pays`` is the kind of document it pays, which is in ``documents``."""

    read_only: ClassVar[frozenset[str]] = frozenset({"DocEntry", "DocNum", "Cancelled"})

    def __init__(self, entity_set: str, table: str, pays: str, documents: str) -> None:
        self._entity_set, self._table, self._pays, self._documents = entity_set, table, pays, documents

    def prepare(self, company: Company, draft: Row, node: str | None) -> None:
        """Day, kind and number; the partner must exist."""
        today = stamp(company.local_now())[0]
        for name, value in {**_DEFAULTS, "DocDate": today}.items():
            if draft.get(name) is None:
                draft[name] = value
        draft["DocNum"] = len(company.store.tables[self._entity_set].rows) + 1
        if draft["DocType"] != "rAccount":
            partner = company.store.get("BusinessPartners", draft.get("CardCode") or "")
            if partner is None:
                raise errors.unknown_partner(draft.get("CardCode") or "")
            draft["CardName"] = partner.get("CardName")

    def allow(self, company: Company, before: Row, changes: Row) -> None:
        """Remarks and user fields."""
        fixed = [name for name in changes if name != "Remarks" and not name.startswith("U_")]
        if fixed:
            raise errors.field_cannot_be_updated(f"{self._table}.{fixed[0]}")

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """Accounts and cards exist; the means are what is applied; no document is paid more than is open."""
        if before is not None:
            return row
        means = self._means(company, row)
        applied = self._on_accounts(company, row) if row["DocType"] == "rAccount" else self._on_documents(company, row)
        if means != applied or means <= 0:
            raise errors.rule(f"{self._table}.DocTotal", "Total of payment means is not what is paid")
        return row

    def _means(self, company: Company, row: Row) -> Decimal:
        total = Decimal(0)
        for account, amount in (("CashAccount", "CashSum"), ("TransferAccount", "TransferSum")):
            if exact(row.get(amount)):
                if not row.get(account):
                    raise errors.rule(f"{self._table}.{account}", "Account is missing")
                must_exist(company, "ChartOfAccounts", row[account], f"{self._table}.{account}")
                total += exact(row[amount])
        for at, card in enumerate(row.get("PaymentCreditCards", ()), 1):
            for name in _NEEDED_OF_CARDS:
                if not card.get(name):
                    raise errors.rule(f"RCT3.{name}", "Credit card details are incomplete", at)
            must_exist(company, "CreditCards", card["CreditCard"], "RCT3.CreditCard", at)
            total += exact(card["CreditSum"])
        return total

    def _on_accounts(self, company: Company, row: Row) -> Decimal:
        total = Decimal(0)
        for at, each in enumerate(row.get("PaymentAccounts", ()), 1):
            must_exist(company, "ChartOfAccounts", each.get("AccountCode") or "", "VPM4.AcctCode", at)
            total += exact(each.get("SumPaid"))
        return total

    def _on_documents(self, company: Company, row: Row) -> Decimal:
        total = Decimal(0)
        for at, each in enumerate(row.get("PaymentInvoices", ()), 1):
            document = company.store.get(self._documents, each.get("DocEntry"))
            if each.get("InvoiceType") != self._pays or document is None or document["CardCode"] != row["CardCode"]:
                raise errors.rule("RCT2.DocEntry", "Invalid document", at)
            amount = exact(each.get("SumApplied"))
            if amount <= 0 or amount > exact(document["DocTotal"]) - exact(document["PaidToDate"]):
                raise errors.rule("RCT2.SumApplied", "Amount is more than what is open of the document", at)
            total += amount
        return total

    def written(self, company: Company, row: Row, before: Row | None) -> None:
        """What was paid is open no more; a document that is paid in full is closed."""
        if before is not None:
            return
        day, time = stamp(company.local_now())
        for each in row.get("PaymentInvoices", ()):
            document = company.store.get(self._documents, each["DocEntry"])
            if document is None:
                continue
            paid = number(exact(document["PaidToDate"]) + exact(each["SumApplied"]))
            closed = {"DocumentStatus": "bost_Close"} if paid == document["DocTotal"] else {}
            version = document["DataVersion"] + 1
            stamps = {"DataVersion": version, "UpdateDate": day, "UpdateTime": time}
            company.store.put(self._documents, {**document, "PaidToDate": paid, **closed, **stamps})
