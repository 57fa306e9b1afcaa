"""Queries of one table: which rows, in which order, which page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from local.simulators.dataverse.options import LARGEST_PAGE, Options, Preferences
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.paging import Place, make_token, read_token
from local.simulators.dataverse.store import Row, TableRows
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import guid_of_order, guid_order, listed_value
from local.simulators.dataverse.wire import DataverseError, bad_query
from local.simulators.odata import (
    BadLiteral,
    BadSyntax,
    Compiled,
    Condition,
    Literal,
    NamedFunction,
    ODataError,
    OrderTerm,
    Property,
    Resolver,
    UnknownProperty,
    compile_filter,
    compile_orderby,
    is_one_of,
    order_key,
)

COUNT_LIMIT: Final = 5000
_INDEXED: Final = frozenset({"Edm.String", "Edm.Guid"})


@dataclass(frozen=True)
class Page:
    """Rows of one page, the count if asked for (at most 5000), and the token of the next page if there may be one."""

    rows: Sequence[Row]
    count: int | None
    count_is_limited: bool
    token: str | None


def run_query(org: Org, table: SimTable, options: Options, preferences: Preferences) -> Page:
    """Find one page of rows.

    ``$top`` is ignored where ``odata.maxpagesize`` is given, and ends the answer without a link otherwise. Without a
    preference a page has 5000 rows. Raises DataverseError.
    """
    compiled = _compile(org, table, options.filter)
    terms = _order(table, options.orderby)
    names = [term.property.name for term in terms]
    context = f"{table.entity_set}?{options.raw_rest}"
    place = read_token(table, options.skiptoken, context) if options.skiptoken is not None else None
    size = preferences.page_size or LARGEST_PAGE
    top = options.top if preferences.page_size is None else None
    rows = list(islice(_ordered(org, table, compiled, terms, place), size + 1 if top is None else min(top, size)))
    more = len(rows) > size or (org.switches.link_after_full_page and len(rows) == size)
    rows = rows[:size]
    token = None
    if more and top is None:
        page = place.page + 1 if place is not None else 2
        token = make_token(table, names, rows[0], rows[-1], page, context)
    count, limited = count_rows(org, table, compiled) if options.count else (None, False)
    return Page(rows, count, limited, token)


def count_rows(org: Org, table: SimTable, compiled: Compiled | str) -> tuple[int, bool]:
    """How many rows match, and whether there are more than the 5000 that are ever counted."""
    if isinstance(compiled, str):
        compiled = _compile(org, table, compiled)
    found = sum(1 for _ in islice(_ordered(org, table, compiled, _order(table, ""), None), COUNT_LIMIT + 1))
    return min(found, COUNT_LIMIT), found > COUNT_LIMIT


def _compile(org: Org, table: SimTable, text: str) -> Compiled:
    functions: Mapping[str, NamedFunction] = {"Microsoft.Dynamics.CRM.In": _in_function(table)}
    try:
        return compile_filter(text, _through_lookups(org, table), functions=functions)
    except ODataError as error:
        raise refused(table, error) from error


def _through_lookups(org: Org, table: SimTable) -> Resolver:
    """Properties of a table, and those of the row behind a lookup: ``parentcustomerid_account/modifiedon``.

    Where a lookup is empty, or names a row of another table, every property behind it is null (an outer join).
    """

    def resolve(path: tuple[str, ...]) -> Property:
        named = table.navigation.get(path[0]) if len(path) == 2 else None
        target = org.tables.get(named[1].table) if named is not None else None
        if named is None or target is None or path[1] == target.primary_id:
            return table.property_of(path)
        inner = target.property_of((path[1],))
        lookup, rows = named[0].read_property, org.store.rows(target.name).by_id

        def read(row: Mapping[str, Any]) -> Any:
            behind = rows.get(row.get(lookup) or "")
            return inner.read(behind) if behind is not None else None

        return Property("/".join(path), read, inner.literal, inner.fold)

    return resolve


def refused(table: SimTable, error: ODataError) -> DataverseError:
    """The answer to a query option that cannot be used (0x80060888)."""
    if isinstance(error, UnknownProperty):
        return bad_query(f"Could not find a property named '{error.name}' on type '{table.odata_type}'.")
    return bad_query(str(error))


def _in_function(table: SimTable) -> NamedFunction:
    """``Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=['a','b'])``: values may all be written as text."""

    def compile_in(arguments: Mapping[str, Literal | list[Literal]], resolve: Resolver) -> Compiled:
        name, values = arguments.get("PropertyName"), arguments.get("PropertyValues")
        if not isinstance(name, Literal) or not isinstance(values, list) or len(arguments) != 2:
            raise BadSyntax("In needs PropertyName and PropertyValues")
        wanted = resolve((str(name.value),))
        column = table.by_read[wanted.name]
        listed = Property(wanted.name, wanted.read, lambda literal: listed_value(column, literal), wanted.fold)
        if any(literal.kind == "null" for literal in values):
            raise BadLiteral("In takes no null")
        return is_one_of(listed, values)

    return compile_in


def _order(table: SimTable, text: str) -> tuple[OrderTerm, ...]:
    """The order asked for, with the primary key at the end so that no two rows share a place."""
    try:
        terms = compile_orderby(text, table.property_of)
    except ODataError as error:
        raise refused(table, error) from error
    if any(term.property.name == table.primary_id for term in terms):
        return terms
    return (*terms, OrderTerm(table.properties[table.primary_id]))


def _ordered(
    org: Org, table: SimTable, compiled: Compiled, terms: Sequence[OrderTerm], place: Place | None
) -> Iterator[Row]:
    """Matching rows after a place, in order; the two usual orders are walked without looking at rows before it."""
    rows = org.store.rows(table.name)
    chosen: Iterable[str] | None = _chosen_ids(table, rows, compiled.required)
    if chosen is None:
        walk = [(term.property.name, term.descending) for term in terms]
        if walk == [(table.primary_id, False)]:
            return _matching(rows, compiled, _walk_ids(table, rows, compiled.required, place))
        if walk == [("modifiedon", False), (table.primary_id, False)]:
            return _matching(rows, compiled, _walk_stamps(table, rows, compiled.required, place))
        chosen = _walk_stamps(table, rows, compiled.required, None)
    key = order_key(terms)
    found = sorted(_matching(rows, compiled, chosen), key=key)
    if place is None:
        return iter(found)
    after = key(place.values)
    return (row for row in found if key(row) > after)


def _matching(rows: TableRows, compiled: Compiled, keys: Iterable[str]) -> Iterator[Row]:
    by_id, matches = rows.by_id, compiled.matches
    return (row for key in keys if (row := by_id.get(key)) is not None and matches(row))


def _chosen_ids(table: SimTable, rows: TableRows, required: Sequence[Condition]) -> set[str] | None:
    """Ids from an equality in the filter, or None if it has none that an index serves."""
    for condition in required:
        if condition.operator not in ("eq", "in") or condition.name not in table.by_read:
            continue
        if condition.name == table.primary_id:
            return {guid_of_order(value) for value in condition.values}
        if table.by_read[condition.name].edm_type in _INDEXED:
            return rows.ids_with(condition.name, condition.values)
    return None


def _walk_ids(table: SimTable, rows: TableRows, required: Sequence[Condition], place: Place | None) -> Iterator[str]:
    bounds: list[tuple[Any, ...]] = [
        (condition.values[0],)
        for condition in required
        if condition.name == table.primary_id and condition.operator in ("gt", "ge")
    ]
    if place is not None:
        key = place.values[table.primary_id]
        bounds.append((guid_order(key), key))
    bound = max(bounds, default=None)
    return (entry[1] for entry in rows.id_order.after(bound, inclusive=False))


def _walk_stamps(table: SimTable, rows: TableRows, required: Sequence[Condition], place: Place | None) -> Iterator[str]:
    bounds: list[tuple[Any, ...]] = [
        (condition.values[0],)
        for condition in required
        if condition.name == "modifiedon" and condition.operator in ("gt", "ge", "eq")
    ]
    if place is not None:
        key = place.values[table.primary_id]
        bounds.append((place.values["modifiedon"], guid_order(key), key))
    bound = max(bounds, default=None)
    return (entry[2] for entry in rows.stamp_order.after(bound, inclusive=False))
