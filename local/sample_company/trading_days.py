"""Trading days of the invented chain: sales, refunds and expenses as tills make them, drawn from a seed.

All arithmetic is the contract's own, on decimals: a line's share of the receipt's discount is in its total, tax is in
or on top of prices, and what is paid adds up to the total.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from local.sample_company.chain import EXPENSE_REASONS, SURCHARGES, TAX_CODES

type Row = dict[str, Any]

CENT = Decimal("0.01")
_GRAM = Decimal("0.001")
_RATES = {name: Decimal(rate) for _, name, rate in TAX_CODES}
_NON_CASH = ("pt_visa", "pt_girocard", "pt_gift", "pt_bank")
_ACCOUNT = "pt_account"


@dataclass(frozen=True)
class Goods:
    """What may be sold: a product of the tills. ``kind`` is its product type."""

    id: str
    code: str
    kind: str = "Standard"
    tax: str = "A19"


@dataclass(frozen=True)
class Trading:
    """How much is done where: ``receipts`` a day in all stores together, a tenth of them refunds, some expenses."""

    goods: Sequence[Goods]
    customers: Sequence[str]
    stores: Sequence[str] = ("st_1", "st_2", "st_3")
    first_day: date = date(2026, 3, 2)
    days: int = 1
    receipts: int = 100
    seed: int = 1


class Till:
    """Makes receipts; ``sales``, ``refunds`` and ``expenses`` are rows of the contract."""

    def __init__(self, trading: Trading) -> None:
        self._trading = trading
        self._random = Random(f"tills/{trading.seed}")
        self._number = 0
        self._kept: dict[tuple[str, str], Row] = {}  # by sale and line: what of it has not come back
        self.sales: list[Row] = []
        self.refunds: list[Row] = []
        self.expenses: list[Row] = []

    def trade(self) -> Till:
        """All days; from the second on, customers also pay what they owe from days before."""
        for offset in range(self._trading.days):
            day = self._trading.first_day + timedelta(days=offset)
            if offset:
                self.settle(day)
            for _ in range(self._trading.receipts):
                self._receipt(self._random.choice(self._trading.stores), day)
            for store in self._trading.stores:
                self.expenses.append(self._expense(store, day))
        return self

    def settle(self, day: date) -> list[Row]:
        """Some customers pay what they owe, half of it or all of it, on that day; gives the sales this changed."""
        changed = []
        for sale in self.sales:
            owed = owed_for(sale)
            if not owed or self._random.random() < 0.5:
                continue
            amount = _cents(owed / 2) if self._random.random() < 0.3 else owed
            kind = self._random.choice(("pt_cash", *_NON_CASH))
            key = f"{sale['id']}-{len(sale['payments']) + 1}"
            sale["payments"].append(payment(key, kind, amount, day.isoformat(), settles=True))
            changed.append(sale)
        return changed

    def _receipt(self, store: str, day: date) -> None:
        chance = self._random.random()
        if chance < 0.07 and self._kept:
            self.refunds.append(self._refund(store, day))
        elif chance < 0.1:
            self.refunds.append(
                {
                    **self._sale(store, day, "refunds", account=False),
                    "originalSaleId": None,
                    "originalBusinessDate": None,
                }
            )
        else:
            sale = self._sale(store, day, "sales", account=True)
            self.sales.append(sale)
            self._kept |= {(sale["id"], line["id"]): line for line in sale["lines"]}

    # --- one receipt ------------------------------------------------------------------------------------------------

    def _sale(self, store: str, day: date, kind: str, *, account: bool) -> Row:
        random = self._random
        inclusive = random.random() < 0.7
        bought = random.sample(list(self._trading.goods), random.randint(1, min(5, len(self._trading.goods))))
        percent = Decimal(random.choice((3, 5, 10))) if random.random() < 0.15 else Decimal(0)
        made = [self._line(goods, number, inclusive, percent) for number, goods in enumerate(bought, 1)]
        lines, discount = [line for line, _ in made], sum((share for _, share in made), Decimal(0))
        surcharges = [self._surcharge(inclusive)] if random.random() < 0.1 else []
        known = bool(self._trading.customers) and random.random() < 0.4
        customer = random.choice(self._trading.customers) if known else None
        row = self._header(store, day, kind)
        row |= {"customerId": customer, "taxInclusive": inclusive, "surcharges": surcharges}
        row["discountAmount"] = _text(discount)
        row["lines"] = [{**line, "originalLineId": None} if kind == "refunds" else line for line in lines]
        total = sum((Decimal(each["total"]) for each in (*lines, *surcharges)), Decimal(0))
        rounding = Decimal(0)
        if random.random() < 0.05:  # cash in steps of five cents
            rounding = (total / 5).quantize(CENT, rounding=ROUND_HALF_UP) * 5 - total
        return self._closed(row, total + rounding, rounding, on_account=account and customer is not None)

    def _header(self, store: str, day: date, kind: str) -> Row:
        self._number += 1
        return {
            "id": f"{kind[0]}_{self._number:06d}",
            "number": f"{store[-1]}-{self._number:06d}",
            "storeId": store,
            "registerId": f"rg_{store[-1]}",
            "cashier": "Kim",
            "businessDate": day.isoformat(),
            "currency": "EUR",
            "status": "Completed",
            "note": None,
        }

    def _line(self, goods: Goods, number: int, inclusive: bool, percent: Decimal) -> tuple[Row, Decimal]:
        """A line, and its share of a discount of so many per cent on the whole receipt, which its total is without."""
        random = self._random
        whole = goods.kind != "Batch"
        quantity = Decimal(random.randint(1, 3)) if whole else Decimal(random.randint(100, 2500)) / 1000
        if goods.kind in ("Serial", "GiftCard"):
            quantity = Decimal(1)
        price = Decimal(random.randint(50, 9_900)) / 100
        amount = _cents(quantity * price)
        discount = _cents(amount * random.choice((5, 10, 25)) / 100) if random.random() < 0.15 else Decimal(0)
        share = _cents((amount - discount) * percent / 100)
        line = {
            "id": f"l_{number}",
            "productId": goods.id,
            "productCode": goods.code,
            "productType": goods.kind,
            "quantity": _text(quantity),
            "unitPrice": _text(price),
            "discountAmount": _text(discount),
            "taxCode": goods.tax,
            **_taxed(amount - discount - share, goods.tax, inclusive),
            "serialNumbers": [f"SN{self._number:06d}{number}"] if goods.kind == "Serial" else [],
            "batches": [] if whole else [{"number": "B1", "quantity": _text(quantity)}],
        }
        return line, share

    def _surcharge(self, inclusive: bool) -> Row:
        key, name = self._random.choice(SURCHARGES)
        amount = Decimal(self._random.randint(100, 900)) / 100
        more = {"amount": _text(amount), "taxCode": "A19", **_taxed(amount, "A19", inclusive)}
        return {"id": "s_1", "surchargeId": key, "name": name, **more}

    def _closed(self, row: Row, total: Decimal, rounding: Decimal, *, on_account: bool) -> Row:
        taxes = (Decimal(each["taxAmount"]) for each in (*row["lines"], *row["surcharges"]))
        row |= {"rounding": _text(rounding), "total": _text(total), "taxTotal": _text(sum(taxes, Decimal(0)))}
        row["payments"] = list(self._payments(row, total, on_account=on_account))
        return row

    def _payments(self, row: Row, total: Decimal, *, on_account: bool) -> Iterator[Row]:
        random = self._random
        parts: list[tuple[str, Decimal]] = []
        if on_account and random.random() < 0.3:
            now = _cents(total / 3) if random.random() < 0.5 else Decimal(0)
            parts = [("pt_cash", now), (_ACCOUNT, total - now)]
        elif random.random() < 0.15 and total > 1:
            first = _cents(total / 2)
            parts = [("pt_cash", first), (random.choice(_NON_CASH), total - first)]
        else:
            parts = [("pt_cash" if random.random() < 0.5 else random.choice(_NON_CASH), total)]
        for number, (kind, amount) in enumerate(((k, a) for k, a in parts if a), 1):
            yield payment(f"{row['id']}-{number}", kind, amount, row["businessDate"])

    # --- refunds and expenses ---------------------------------------------------------------------------------------

    def _refund(self, store: str, day: date) -> Row:
        """One line of a sale comes back, all or some of what the customer still has of it."""
        sale_id, line_id = self._random.choice(list(self._kept))
        sale = next(each for each in self.sales if each["id"] == sale_id)
        line = self._part_back(sale_id, line_id)
        row = self._header(store, day, "refunds")
        row |= {"customerId": sale["customerId"], "taxInclusive": sale["taxInclusive"], "surcharges": []}
        row |= {"originalBusinessDate": sale["businessDate"]}
        row |= {"originalSaleId": sale_id, "discountAmount": "0.00", "lines": [{**line, "originalLineId": line_id}]}
        on_account = any(each["paymentTypeId"] == _ACCOUNT for each in sale["payments"])
        closed = self._closed(row, Decimal(line["total"]), Decimal(0), on_account=False)
        if on_account:
            closed["payments"] = [payment(f"{row['id']}-1", _ACCOUNT, Decimal(line["total"]), row["businessDate"])]
        return closed

    def _part_back(self, sale: str, line: str) -> Row:
        """The part of a line that comes back; the last part has what rounding left of its amounts."""
        kept = self._kept.pop((sale, line))
        has = Decimal(kept["quantity"])
        back = has
        if self._random.random() < 0.5:
            back = Decimal(self._random.randint(1, int(has))) if has == int(has) else (has / 2).quantize(_GRAM)
        if back == has:
            return kept
        amounts = {name: Decimal(kept[name]) for name in ("discountAmount", "taxAmount", "total")}
        taken = {name: _cents(amount * back / has) for name, amount in amounts.items()}
        rest = {name: _text(amount - taken[name]) for name, amount in amounts.items()}
        self._kept[sale, line] = {**kept, **_quantity(kept, has - back), **rest}
        return {**kept, **_quantity(kept, back), **{name: _text(amount) for name, amount in taken.items()}}

    def _expense(self, store: str, day: date) -> Row:
        self._number += 1
        return {
            "id": f"e_{self._number:06d}",
            "number": f"E-{self._number:06d}",
            "storeId": store,
            "registerId": f"rg_{store[-1]}",
            "businessDate": day.isoformat(),
            "amount": _text(Decimal(self._random.randint(100, 4_000)) / 100),
            "currency": "EUR",
            "reasonId": self._random.choice(EXPENSE_REASONS)[0],
            "comment": "petty cash",
        }


def payment(key: str, kind: str, amount: Decimal, day: str, *, settles: bool = False) -> Row:
    """A payment of a receipt, at noon of that day."""
    return {
        "id": key,
        "paymentTypeId": kind,
        "amount": _text(amount),
        "paidAt": f"{day}T12:00:00.000Z",
        "reference": None,
        "isSettlement": settles,
    }


def owed_for(sale: Row) -> Decimal:
    """What of a sale was left on account and is not settled yet."""
    left = (Decimal(each["amount"]) for each in sale["payments"] if each["paymentTypeId"] == _ACCOUNT)
    settled = (Decimal(each["amount"]) for each in sale["payments"] if each["isSettlement"])
    return sum(left, Decimal(0)) - sum(settled, Decimal(0))


def _taxed(amount: Decimal, tax: str, inclusive: bool) -> Row:
    """Tax and gross total of an amount after all discounts, with the tax in it or on top of it."""
    rate = _RATES[tax]
    owed = _cents(amount * rate / (100 + rate)) if inclusive else _cents(amount * rate / 100)
    return {"taxAmount": _text(owed), "total": _text(amount if inclusive else amount + owed)}


def _quantity(line: Row, quantity: Decimal) -> Row:
    """That quantity on a line and on its batch."""
    batches = [{**each, "quantity": _text(quantity)} for each in line["batches"]]
    return {"quantity": _text(quantity), "batches": batches}


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def _text(amount: Decimal) -> str:
    return f"{amount:f}"
