"""Drawing: what a document takes of its base documents is open there no more, and open again when it is given back.

A row takes what its base row has left, at most its own quantity. A base row of which nothing is left closes; so does
its document with the last row. That a cancelled document gives back what it took is inferred.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base_documents import BASES, DRAWN, TAKEN, Base, base_of, has_base, left_of
from local.simulators.service_layer.rules.document_totals import Totals
from local.simulators.service_layer.rules.money import exact, number
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp

_Key = tuple[Any, Any, Any]
"""BaseType, BaseEntry, BaseLine."""


def with_taken(company: Company, document: Row, before: Row | None, allowed: frozenset[int]) -> Row:
    """The document with what each new or changed row takes of its base; ``allowed`` are the BaseTypes it may have.

    Raises -5002 for a base that does not exist, is another customer's or another item's, or is closed.
    """
    old = (before or {}).get("DocumentLines", ())
    unchanged = {id(line) for line in old}
    kept = [line for line in document["DocumentLines"] if id(line) in unchanged]
    freed = _difference(_taken_by(old), _taken_by(kept))
    spent: dict[_Key, Decimal] = defaultdict(Decimal)
    lines = []
    for at, line in enumerate(document["DocumentLines"], 1):
        if id(line) not in unchanged:
            line = {name: value for name, value in line.items() if name != TAKEN}
            if has_base(line):
                key = _key(line)
                row = _base_row(company, document, line, allowed, at, is_drawn_already=key in freed)
                left = left_of(row) + freed.get(key, Decimal(0)) - spent[key]
                line[TAKEN] = number(_taken(line, left, at))
                spent[key] += exact(line[TAKEN])
        lines.append(line)
    return {**document, "DocumentLines": lines}


def draw(company: Company, document: Row, before: Row | None) -> None:
    """Bring the base documents up to what the document takes now, compared with ``before``."""
    changes = _difference(_taken_by(document["DocumentLines"]), _taken_by((before or {}).get("DocumentLines", ())))
    by_document: dict[tuple[Any, Any], dict[Any, Decimal]] = defaultdict(dict)
    for (kind, entry, line), amount in changes.items():
        by_document[kind, entry][line] = amount
    for (kind, entry), amounts in by_document.items():
        _draw_from(company, BASES[kind], entry, amounts)


def given_back(company: Company, document: Row) -> Row:
    """The document after it gave back all it took."""
    lines = [{name: value for name, value in line.items() if name != TAKEN} for line in document["DocumentLines"]]
    released = {**document, "DocumentLines": lines}
    draw(company, released, document)
    return released


def is_drawn_from(document: Row) -> bool:
    """True if another document took something of it."""
    return any(exact(line.get(DRAWN)) > 0 for line in document["DocumentLines"])


def _key(line: Row) -> _Key:
    return line["BaseType"], line.get("BaseEntry"), line.get("BaseLine")


def _taken_by(lines: Iterable[Row]) -> dict[_Key, Decimal]:
    taken: dict[_Key, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.get(TAKEN):
            taken[_key(line)] += exact(line[TAKEN])
    return taken


def _difference(now: Mapping[_Key, Decimal], before: Mapping[_Key, Decimal]) -> dict[_Key, Decimal]:
    """What is more or less than before, without what is the same."""
    changes = {key: now.get(key, Decimal(0)) - before.get(key, Decimal(0)) for key in (*now, *before)}
    return {key: amount for key, amount in changes.items() if amount}


def _base_row(
    company: Company, document: Row, line: Row, allowed: frozenset[int], at: int, *, is_drawn_already: bool
) -> Row:
    """The row that is drawn from; it must be open unless the document draws from it already."""
    found = base_of(company, line) if line["BaseType"] in allowed else None
    if found is None or found[0]["CardCode"] != document["CardCode"]:
        raise errors.rule("RDR1.BaseEntry", "Invalid base document", at)
    base, row = found
    if row.get("ItemCode") != line.get("ItemCode"):
        raise errors.rule("RDR1.ItemCode", "The item is not the one of the base document", at)
    is_open = base["DocumentStatus"] == "bost_Open" and row["LineStatus"] == "bost_Open"
    if not is_open and not is_drawn_already:
        raise errors.rule("RDR1.BaseEntry", "The base document is closed", at)
    return row


def _taken(line: Row, left: Decimal, at: int) -> Decimal:
    quantity = exact(line["Quantity"])
    if quantity > left and not BASES[line["BaseType"]].is_settled:
        raise errors.rule("RDR1.Quantity", "Quantity is more than what is open of the base document", at)
    return min(quantity, max(left, Decimal(0)))


def _draw_from(company: Company, kind: Base, entry: Any, amounts: Mapping[Any, Decimal]) -> None:
    document = company.store.get(kind.entity_set, entry)
    if document is None:
        return
    lines = [
        _drawn(row, amounts[row["LineNum"]], kind) if row["LineNum"] in amounts else row
        for row in document["DocumentLines"]
    ]
    changed = Totals(company, {**document, "DocumentLines": lines}).computed()
    changed["DataVersion"] = document["DataVersion"] + 1
    if kind.is_settled:
        is_open = any(row["LineStatus"] == "bost_Open" for row in lines)
        changed["DocumentStatus"] = "bost_Open" if is_open else "bost_Close"
        changed["UpdateDate"], changed["UpdateTime"] = stamp(company.local_now())
    company.store.put(kind.entity_set, changed)


def _drawn(row: Row, amount: Decimal, kind: Base) -> Row:
    """The row after more, or less than before, was taken of it; what a person closed stays closed."""
    changed = {**row, DRAWN: number(exact(row.get(DRAWN)) + amount)}
    if kind.is_settled and not left_of(changed):
        changed["LineStatus"] = "bost_Close"
    elif kind.is_settled and not left_of(row):
        changed["LineStatus"] = "bost_Open"
    return changed
