"""Payments of a receipt as SAP takes them: by payment means, in as few payment documents as possible.

A payment type is mapped by its name; cash needs no mapping, and what a customer pays later is no payment. Names of payment
types are set-up, so refusals may tell them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shared.objects import sap_lists as sap
from shared.objects.canonical import Refused, number_or_zero
from shared.objects.model import Context
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.receipt import Payment, Payments
from shared.objects.tagrain.settings import PaymentMeans, Store
from shared.ports import Row

CASH, CREDIT_CARD, BANK_TRANSFER = "cash", "creditCard", "bankTransfer"
OPEN = "open"
_WORDS = {CASH: "cash", CREDIT_CARD: "card", BANK_TRANSFER: "transfer"}

# Tagrain does not tell until when a card is valid, and SAP wants a day (general knowledge; no source here).
_VALID_UNTIL = "2099-12-31"
_VOUCHER_LENGTH = 20  # RCT3.VoucherNum


@dataclass(frozen=True)
class Tender:
    """An amount by one means; ``code`` is the G/L account, or the number of the credit card."""

    means: str
    code: str
    amount: Decimal
    reference: str = ""

    @property
    def word(self) -> str:
        """The means in words that both sides' readings produce."""
        return f"{_WORDS[self.means]} {self.code}"


@dataclass
class Document:
    """One payment document: at most one cash account and one transfer account, any cards.

    ``name`` is unique among those of the receipt and stays the same however often they are computed.
    """

    name: str
    day: date
    tenders: list[Tender] = field(default_factory=list)

    @property
    def amount(self) -> Decimal:
        """What it pays."""
        return sum((each.amount for each in self.tenders), Decimal(0))

    def takes(self, tender: Tender) -> bool:
        """Whether it has room for the tender."""
        codes = {each.code for each in self.tenders if each.means == tender.means}
        return tender.means == CREDIT_CARD or codes <= {tender.code}

    def means(self) -> Row:
        """Accounts and sums as a payment of SAP carries them."""
        body: Row = {}
        cash, transfer = self._of(CASH), self._of(BANK_TRANSFER)
        if cash:
            body |= {"CashAccount": cash[0].code, "CashSum": _sum(cash)}
        if transfer:
            body |= {"TransferAccount": transfer[0].code, "TransferSum": _sum(transfer)}
            body |= {"TransferDate": self.day.isoformat()}
        cards = self._of(CREDIT_CARD)
        return body | ({"PaymentCreditCards": [_card(each) for each in cards]} if cards else {})

    def _of(self, means: str) -> list[Tender]:
        return [each for each in self.tenders if each.means == means]


def store_of(key: str, ctx: Context) -> Store:
    """The store's warehouse, branch and cash account. Refused, naming the setting, if it is not mapped."""
    found: Store | None = ctx.settings.stores.get(key)
    if found is None:
        raise Refused(f"the store {key} is not mapped to SAP; add it to the setting stores", whole=True)
    return found


def cash_account(store: Store, ctx: Context) -> str:
    """The account of the store's cash. Refused, naming the setting, if there is none."""
    code = store.cash_account or ctx.settings.cash_account
    if code is None:
        raise Refused("cash has no G/L account; choose it in the setting cashAccount", whole=True)
    return str(code)


def tender_of(payment: Payment, store: Store, ctx: Context) -> Tender | None:
    """The payment as SAP takes it; None for what is to be paid later, and for nothing."""
    kind = next((row for row in ctx.lists.get(known.PAYMENT_TYPES, ()) if row["id"] == payment.payment_type), None)
    if kind is None:
        raise Refused("a payment has a payment type that is not on Tagrain's list; check the payment types", whole=True)
    if kind["type"] == "OnAccount" or not payment.amount:
        return None
    name = str(kind["name"]).strip()
    if payment.amount < 0:
        raise Refused(f"a payment of the type '{name}' is negative; have the receipt corrected in Tagrain", whole=True)
    means: PaymentMeans | None = ctx.settings.payments.get(name)
    if means is None and kind["type"] == "Cash":
        means = PaymentMeans(means=CASH)
    if means is None:
        text = f"the payment type '{name}' has no payment means in SAP; add it to the setting payments"
        raise Refused(text, whole=True)
    code = _code(name, means, store, ctx)
    return Tender(means.means, code, payment.amount, payment.reference or payment.id)


def _code(name: str, means: PaymentMeans, store: Store, ctx: Context) -> str:
    if means.means == CASH:
        return means.account or cash_account(store, ctx)
    code = means.credit_card if means.means == CREDIT_CARD else means.account
    if code is None:
        what = "credit card" if means.means == CREDIT_CARD else "G/L account"
        raise Refused(f"the payment type '{name}' has no {what}; complete it in the setting payments", whole=True)
    return str(code)


def documents(payments: Payments, ctx: Context) -> list[Document]:
    """The payment documents of a receipt: those of the sale itself, then one for each settlement on its own day."""
    store, zone = store_of(payments.store, ctx), ZoneInfo(ctx.settings.time_zone)
    at_once: list[Document] = []
    later: list[Document] = []
    for payment in payments.payments:
        tender = tender_of(payment, store, ctx)
        if tender is None:
            continue
        if payment.is_settlement:
            later.append(Document(f"p-{payment.id}", payment.paid_at.astimezone(zone).date(), [tender]))
            continue
        document = next((each for each in at_once if each.takes(tender)), None)
        if document is None:
            document = Document(str(len(at_once) + 1), payments.day)
            at_once.append(document)
        document.tenders.append(tender)
    return [*at_once, *later]


def shares(tenders: Iterable[Tender]) -> dict[str, Decimal]:
    """Amounts by means, for the tie-out."""
    result: dict[str, Decimal] = {}
    for each in tenders:
        result[each.word] = result.get(each.word, Decimal(0)) + each.amount
    return result


def tenders_in(payment: Mapping[str, Any]) -> list[Tender]:
    """The tenders of a payment of SAP; none if it is cancelled."""
    if payment.get("Cancelled") == "tYES":
        return []
    found = [
        Tender(CASH, str(payment.get("CashAccount")), number_or_zero(payment.get("CashSum"))),
        Tender(BANK_TRANSFER, str(payment.get("TransferAccount")), number_or_zero(payment.get("TransferSum"))),
    ]
    found += [
        Tender(CREDIT_CARD, str(card.get("CreditCard")), number_or_zero(card.get("CreditSum")))
        for card in payment.get("PaymentCreditCards") or ()
    ]
    return [each for each in found if each.amount]


def with_accounts(body: Row, ctx: Context) -> Row:
    """The means with the G/L account of each card, where SAP's list of cards tells it."""
    accounts = {row["CreditCardCode"]: row.get("GLAccount") for row in ctx.lists.get(sap.CREDIT_CARDS, ())}
    cards = [
        {**card, "CreditAcct": accounts[card["CreditCard"]]} if accounts.get(card["CreditCard"]) else card
        for card in body.get("PaymentCreditCards") or ()
    ]
    return {**body, "PaymentCreditCards": cards} if cards else body


def _card(tender: Tender) -> Row:
    return {
        "CreditCard": int(tender.code),
        "CreditSum": tender.amount,
        "VoucherNum": tender.reference[:_VOUCHER_LENGTH],
        "CardValidUntil": _VALID_UNTIL,
    }


def _sum(tenders: Iterable[Tender]) -> Decimal:
    return sum((each.amount for each in tenders), Decimal(0))
