"""Reading a set: ``$filter $select $orderby $top $skip $expand $count``, pages and next links.

Pages are 20 rows unless asked; a link follows every full page, even if nothing comes after it, and never when ``$top``
fits into one page (user guide and live tests). Links are relative and repeat the options as sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

from local.schema import EntitySet
from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company, SetScope
from local.simulators.service_layer.filters import Filter, compile_filter
from local.simulators.service_layer.store import Row

_OPTIONS = frozenset({"$filter", "$select", "$orderby", "$top", "$skip", "$expand", "$count", "$inlinecount"})
_EXPANSION = re.compile(r"\s*(\w+)(?:\(\s*\$select\s*=\s*([\w\s,]+)\))?\s*(?:,|$)")

FOREIGN_KEYS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("BusinessPartners", "BusinessPartnerGroup"): ("BusinessPartnerGroups", "GroupCode"),
    ("BusinessPartners", "PaymentTermsType"): ("PaymentTermsTypes", "PayTermsGrpCode"),
    ("BusinessPartners", "SalesPerson"): ("SalesPersons", "SalesPersonCode"),
    ("BusinessPartners", "Currency2"): ("Currencies", "Currency"),
    ("BusinessPartners", "Country2"): ("Countries", "Country"),
    ("Items", "ItemGroups"): ("ItemGroups", "ItemsGroupCode"),
    ("Items", "UnitOfMeasurementGroup"): ("UnitOfMeasurementGroups", "UoMGroupEntry"),
    ("Orders", "BusinessPartner"): ("BusinessPartners", "CardCode"),
    ("Drafts", "BusinessPartner"): ("BusinessPartners", "CardCode"),
    ("Quotations", "BusinessPartner"): ("BusinessPartners", "CardCode"),
    ("DeliveryNotes", "BusinessPartner"): ("BusinessPartners", "CardCode"),
    ("SalesOpportunities", "BusinessPartner"): ("BusinessPartners", "CardCode"),
}
"""What can be expanded: (set, navigation property) -> (set there, property here that holds its key)."""


@dataclass(frozen=True)
class Query:
    """Checked query options of one request on a set."""

    filter: Filter | None
    select: tuple[str, ...] | None
    order: tuple[tuple[str, bool], ...]
    """(property, descending)"""
    top: int | None
    skip: int
    count: bool
    expand: tuple[tuple[str, tuple[str, ...] | None], ...]


@dataclass(frozen=True)
class Page:
    """Rows of one page; ``next_link`` is relative to the service root."""

    rows: list[Row]
    total: int | None
    next_link: str | None


def parse_options(options: Mapping[str, str], entity_set: EntitySet, scope: SetScope) -> Query:
    """Check the options; raises SapError 400 as Service Layer does."""
    for name in options:
        if name.startswith("$") and name not in _OPTIONS:
            raise errors.query_error(f"Query string error - Invalid query option '{name}'")
    if options.get("$count", "true") != "true" or options.get("$inlinecount", "allpages") != "allpages":
        raise errors.query_error("Query string error - Invalid count option")
    return Query(
        filter=compile_filter(options["$filter"], scope) if "$filter" in options else None,
        select=_selection(options.get("$select"), scope),
        order=tuple(_ordering(part, scope) for part in options.get("$orderby", "").split(",") if part.strip()),
        top=_number(options, "$top"),
        skip=_number(options, "$skip") or 0,
        count="$count" in options or "$inlinecount" in options,
        expand=_expansions(options.get("$expand", ""), entity_set),
    )


def _selection(text: str | None, scope: SetScope) -> tuple[str, ...] | None:
    if text is None or text.strip() == "*":
        return None
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if scope.property(name) is None:
            raise errors.unknown_query_property(name, scope.type_name)
    return names


def _ordering(part: str, scope: SetScope) -> tuple[str, bool]:
    words = part.split()
    prop = scope.property(words[0])
    if prop is None or prop.is_collection:
        raise errors.unknown_query_property(words[0], scope.type_name)
    if len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
        raise errors.query_error("Query string error - Invalid orderby condition")
    return prop.name, words[-1] == "desc" and len(words) == 2


def _number(options: Mapping[str, str], name: str) -> int | None:
    if name not in options:
        return None
    if not options[name].isdecimal():
        raise errors.query_error(f"Query string error - Invalid value of '{name}'")
    return int(options[name])


def _expansions(text: str, entity_set: EntitySet) -> tuple[tuple[str, tuple[str, ...] | None], ...]:
    found = []
    position = 0
    while position < len(text):
        match = _EXPANSION.match(text, position)
        name = match[1] if match is not None else text[position:]
        if match is None or (entity_set.name, name) not in FOREIGN_KEYS:
            raise errors.query_error(
                f"Cannot expand invalid navigation property '{name}' for entity type '{entity_set.type.name}'"
            )
        found.append((name, tuple(each.strip() for each in match[2].split(",")) if match[2] else None))
        position = match.end()
    return tuple(found)


def matching_rows(company: Company, entity_set: EntitySet, query: Query, scope: SetScope) -> Iterator[Row]:
    """Rows the filter holds for, in key order, looking at no more than the filter's key bounds ask for."""
    table = company.store.tables[entity_set.name]
    condition = query.filter
    if condition is None:
        return table.scan()
    matches = condition.matches
    candidates: Iterator[Row]
    if condition.keys is not None and scope.key_name is not None:
        keys = sorted((key,) for key in condition.keys if (key,) in table.rows)
        candidates = (table.rows[key] for key in keys)
    elif condition.after is not None and scope.key_name is not None:
        candidates = table.scan((condition.after,), inclusive=True)
    else:
        candidates = table.scan()
    return (row for row in candidates if matches(row))


def read_page(
    company: Company, entity_set: EntitySet, query: Query, scope: SetScope, page_size: int, raw_query: str
) -> Page:
    """One page. ``page_size`` 0 means everything at once."""
    rows = matching_rows(company, entity_set, query, scope)
    wanted = query.top if query.top is not None else None
    is_last = page_size == 0 or (wanted is not None and wanted <= page_size)
    length = wanted if is_last else page_size
    total: int | None = None
    if query.count or not _is_key_order(query, entity_set):
        found = list(rows)
        total = len(found) if query.count else None
        rows = iter(_sorted(found, query, scope))
    taken = list(islice(rows, query.skip, None if length is None else query.skip + length))
    full = not is_last and len(taken) == page_size
    link = _next_link(entity_set, raw_query, query, page_size) if full else None
    return Page(taken, total, link)


def _is_key_order(query: Query, entity_set: EntitySet) -> bool:
    return query.order in ((), tuple((name, False) for name in entity_set.key))


def _sorted(rows: list[Row], query: Query, scope: SetScope) -> list[Row]:
    """Sort by the last criterion first; nulls come before everything."""
    for name, descending in reversed(query.order):
        rows.sort(key=lambda row, name=name: _sort_key(row.get(name), scope), reverse=descending)  # type: ignore[misc]
    return rows


def _sort_key(value: Any, scope: SetScope) -> tuple[bool, Any]:
    return (value is not None, scope.collate(value) if value is not None else 0)


def _next_link(entity_set: EntitySet, raw_query: str, query: Query, page_size: int) -> str:
    kept = [part for part in raw_query.split("&") if part and _option_name(part) not in ("$top", "$skip")]
    kept = [quote(part, safe="=%&$',()/:*@+!~-._") for part in kept]
    if query.top is not None:
        kept.append(f"$top={query.top - page_size}")
    kept.append(f"$skip={query.skip + page_size}")
    return f"{entity_set.name}?{'&'.join(kept)}"


def _option_name(part: str) -> str:
    return part.partition("=")[0].replace("%24", "$")


def expanded(company: Company, entity_set: EntitySet, row: Row, name: str) -> tuple[EntitySet, Row] | None:
    """The entity a navigation property leads to, or None."""
    target, foreign_key = FOREIGN_KEYS[entity_set.name, name]
    value = row.get(foreign_key)
    found = company.store.get(target, value) if value is not None else None
    return (company.schema.entity_sets[target], found) if found is not None else None
