"""Rows that belong to a record are read with it: few requests for many records, none where there is nothing to read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from shared.clients.dataverse import DataverseSide
from shared.errors import Transient
from shared.ports import Children, Entity
from tests.unit.clients.dataverse_setting import API, Wire, client_on, config, guid, rows_answer

LINE = Entity(set="salesorderdetails", type="salesorderdetail", key="salesorderdetailid", select=("quantity",))
NOTE = Entity(set="annotations", type="annotation", key="annotationid", select=("subject",))
LINES = Children("lines", LINE, parent="_salesorderid_value")
NOTES = Children("notes", NOTE, parent="_objectid_value")
ORDER = Entity(set="salesorders", type="salesorder", key="salesorderid", select=("name",), children=(LINES,))


def order(number: int, **columns: Any) -> dict[str, Any]:
    return {"salesorderid": guid(number), "name": f"O{number}", **columns}


def line(number: int, parent: int, **columns: Any) -> dict[str, Any]:
    return {"salesorderdetailid": guid(1000 + number), "_salesorderid_value": guid(parent), **columns}


class Org:
    """Answers collections by name; what is asked for of a parent is really filtered."""

    def __init__(self, **rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.wire = Wire(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        where = unquote(request.url.params["$filter"])
        found = self.rows.get(name, [])
        asked = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", where))
        if name == "salesorders":
            return rows_answer([row for row in found if row["salesorderid"] in asked or row.get("name", "") in where])
        parent = where.partition(" ")[0]
        return rows_answer([row for row in found if str(row[parent]).lower() in asked])

    def side(self, **changes: Any) -> DataverseSide:
        return DataverseSide(client_on(self.wire, **changes))

    @property
    def paths(self) -> list[str]:
        return [path.partition(" /")[2] for path in self.wire.paths]


def keys_of(rows: Mapping[str, Any], name: str = "lines") -> dict[str, list[str]]:
    return {key: [child["salesorderdetailid"] for child in row[name]] for key, row in rows.items()}


async def test_children_stand_in_the_row_that_was_read() -> None:
    org = Org(salesorders=[order(1), order(2)], salesorderdetails=[line(1, 1), line(2, 2), line(3, 1)])
    rows = await org.side().read(ORDER, [guid(1), guid(2)])
    assert keys_of(rows) == {guid(1): [guid(1001), guid(1003)], guid(2): [guid(1002)]}
    assert org.paths == ["salesorders", "salesorderdetails"]
    params = org.wire.requests[1].url.params
    assert params["$select"] == "salesorderdetailid,quantity,_salesorderid_value"
    assert params["$filter"] == f"_salesorderid_value eq {guid(1)} or _salesorderid_value eq {guid(2)}"
    assert params["$orderby"].startswith("salesorderdetailid")


async def test_a_record_without_children_has_none_and_not_nothing() -> None:
    org = Org(salesorders=[order(1), order(2)], salesorderdetails=[line(1, 1)])
    assert keys_of(await org.side().read(ORDER, [guid(1), guid(2)]))[guid(2)] == []


async def test_children_come_with_rows_that_are_found_too() -> None:
    org = Org(salesorders=[order(1, name="A"), order(2, name="B")], salesorderdetails=[line(1, 1), line(2, 2)])
    found = await org.side().find(ORDER, "name", ["A", "B"])
    assert {value: keys_of({value: row})[value] for value, (row,) in found.items()} == {
        "A": [guid(1001)],
        "B": [guid(1002)],
    }


async def test_a_row_that_two_values_find_has_its_children_once() -> None:
    org = Org(salesorders=[order(1, name="a")], salesorderdetails=[line(1, 1)])
    org.rows["salesorders"].append(order(1, name="a"))
    found = await org.side().find(ORDER, "name", ["a", "A"])
    assert all(keys_of({"x": row})["x"] == [guid(1001)] for rows in found.values() for row in rows)


async def test_parents_are_asked_for_in_chunks() -> None:
    count, at_once = 25, 10
    org = Org(
        salesorders=[order(n) for n in range(count)], salesorderdetails=[line(n, n % count) for n in range(2 * count)]
    )
    rows = await org.side(config=config(keys_at_once=at_once)).read(ORDER, [guid(n) for n in range(count)])
    assert org.paths.count("salesorderdetails") == 3
    asked = [unquote(r.url.params["$filter"]).count(" eq ") for r in org.wire.requests if "details" in r.url.path]
    assert asked == [10, 10, 5]
    assert all(len(row["lines"]) == 2 for row in rows.values())


async def test_all_pages_of_children_are_read() -> None:
    pages = iter(
        [
            rows_answer([order(1)]),
            rows_answer([line(1, 1)], f"{API}salesorderdetails?$skiptoken=2"),
            rows_answer([line(2, 1)]),
        ]
    )
    rows = await DataverseSide(client_on(Wire(lambda _: next(pages)))).read(ORDER, [guid(1)])
    assert keys_of(rows) == {guid(1): [guid(1001), guid(1002)]}


async def test_each_kind_of_children_is_read_by_itself() -> None:
    org = Org(
        salesorders=[order(1)],
        salesorderdetails=[line(1, 1)],
        annotations=[{"annotationid": guid(7), "_objectid_value": guid(1), "subject": "x"}],
    )
    rows = await org.side().read(replace(ORDER, children=(LINES, NOTES)), [guid(1)])
    assert keys_of(rows) == {guid(1): [guid(1001)]}
    assert [note["subject"] for note in rows[guid(1)]["notes"]] == ["x"]
    assert org.paths == ["salesorders", "salesorderdetails", "annotations"]


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
async def test_a_parent_is_recognised_however_its_key_is_spelled(spelled: Any) -> None:
    key = guid(0xABC).replace("0000", "abcd")
    answers = iter(
        [
            rows_answer([{"salesorderid": key.lower(), "name": "A"}]),
            rows_answer([{"salesorderdetailid": guid(1), "_salesorderid_value": key.upper()}]),
        ]
    )
    rows = await DataverseSide(client_on(Wire(lambda _: next(answers)))).read(ORDER, [spelled(key)])
    assert len(rows[spelled(key)]["lines"]) == 1


async def test_no_children_are_asked_for_where_there_are_none_to_read() -> None:
    org = Org(salesorders=[order(1)], salesorderdetails=[line(1, 1)])
    side = org.side()
    rows = await side.read(replace(ORDER, children=()), [guid(1)])
    assert "lines" not in rows[guid(1)]
    assert await side.read(ORDER, [guid(99)]) == {}
    assert await side.find(ORDER, "name", ["nobody"]) == {}
    assert "salesorderdetails" not in org.paths


async def test_a_plan_reads_no_children() -> None:
    wire = Wire(lambda _: rows_answer([{"salesorderid": guid(1)}]))
    await DataverseSide(client_on(wire)).changed(ORDER, None, None, 10)
    assert len(wire.requests) == 1


async def test_children_that_cannot_be_read_are_not_taken_for_none() -> None:
    answers = iter([rows_answer([order(1)])])
    wire = Wire(lambda _: next(answers, None) or httpx.Response(503))
    with pytest.raises(Transient):
        await DataverseSide(client_on(wire)).read(ORDER, [guid(1)])
