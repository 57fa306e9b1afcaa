"""Requests about one row or one collection: the table of status codes of create, read, update, upsert and delete."""

from __future__ import annotations

from multidict import CIMultiDict

from local.schema import Column
from local.simulators.dataverse.keys import RowKey, find_row, parse_key, require_row
from local.simulators.dataverse.options import Options, Preferences, parse_options, parse_preferences
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.query import count_rows, run_query
from local.simulators.dataverse.records import (
    check_privilege,
    create_row,
    delete_row,
    read_payload,
    update_row,
    upsert_row,
)
from local.simulators.dataverse.shape import context_of, etag, shaper
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.wire import (
    Answer,
    Call,
    DataverseError,
    JsonObject,
    bad_payload,
    bad_query,
    json_answer,
)


def read_collection(org: Org, table: SimTable, call: Call) -> Answer:
    """``GET accounts``: one page, with count, annotations and link as asked for."""
    check_privilege(org, "Read", table)
    options, preferences = parse_options(call), parse_preferences(call.headers.getall("Prefer", []))
    shape = shaper(org, table, options, preferences)
    page = run_query(org, table, options, preferences)
    body: JsonObject = {"@odata.context": f"{call.root}/{context_of(table, options.select)}"}
    if page.count is not None:
        body["@odata.count"] = page.count
    if preferences.wants("Microsoft.Dynamics.CRM.totalrecordcount"):
        body["@Microsoft.Dynamics.CRM.totalrecordcount"] = -1 if page.count is None else page.count
        body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = page.count_is_limited
    body["value"] = [shape(row) for row in page.rows]
    if page.token is not None:
        rest = f"{options.raw_rest}&" if options.raw_rest else ""
        body["@odata.nextLink"] = f"{call.root}/{table.entity_set}?{rest}$skiptoken={page.token}"
    return _with_preferences(json_answer(body), preferences)


def count_collection(org: Org, table: SimTable, call: Call) -> Answer:
    """``GET accounts/$count``: at most 5000, as text that begins with a byte order mark."""
    check_privilege(org, "Read", table)
    found, _ = count_rows(org, table, parse_options(call).filter)
    return Answer(200, CIMultiDict({"Content-Type": "text/plain"}), f"\ufeff{found}".encode())


def create(org: Org, table: SimTable, call: Call) -> Answer:
    """``POST accounts``: 204 with OData-EntityId, or 201 with the row and without that header."""
    check_privilege(org, "Create", table)
    preferences = parse_preferences(call.headers.getall("Prefer", []))
    options = parse_options(call)
    if preferences.representation:
        shaper(org, table, options, preferences)
    changes = read_payload(org, table, call.json_object(), call.references)
    for name in set(table.collections) & set(changes):
        check_privilege(org, "Create", org.tables[table.collections[name].table])
    row = create_row(org, table, changes)
    if preferences.representation:
        return _representation(org, table, call, row, 201)
    return _no_content(call, f"{table.entity_set}({row[table.primary_id]})")


def read_one(org: Org, table: SimTable, inside: str, call: Call) -> Answer:
    """``GET accounts(key)``: 200, 304 if the etag is still right, 404."""
    check_privilege(org, "Read", table)
    row = require_row(org, table, parse_key(table, inside))
    unless = call.headers.get("If-None-Match")
    if unless is not None and unless == etag(row):
        return Answer(304, CIMultiDict({"ETag": etag(row)}))
    return _representation(org, table, call, row, 200)


def change_one(org: Org, table: SimTable, inside: str, call: Call) -> Answer:
    """``PATCH accounts(key)``: update with If-Match, create only with ``If-None-Match: *``, else upsert."""
    key = parse_key(table, inside)
    changes = read_payload(org, table, call.json_object(), call.references)
    row = find_row(org, table, key)
    check_privilege(org, "Write" if row is not None else "Create", table)
    if_match, if_none_match = call.headers.get("If-Match"), call.headers.get("If-None-Match")
    if if_match is not None:
        row = require_row(org, table, key)
        _check_version(row, if_match)
        kept = {name: value for name, value in changes.items() if name not in key.values}
        saved, created = update_row(org, table, row, kept), False
    elif if_none_match == "*" and row is not None:
        raise DataverseError(412, "0x80040237", "A record with matching key values already exists.")
    else:
        saved, created = upsert_row(org, table, key, changes)
    if parse_preferences(call.headers.getall("Prefer", [])).representation:
        return _representation(org, table, call, saved, 201 if created else 200)
    return _no_content(call, f"{table.entity_set}({_key_text(key)})")


def _key_text(key: RowKey) -> str:
    """The key as the request wrote it: an alternate key is answered in its own form, not as the id."""
    return key.guid if key.guid is not None else key.text


def delete_one(org: Org, table: SimTable, inside: str, call: Call) -> Answer:
    """``DELETE accounts(key)``: 204, 404, or 412 for a stale etag."""
    check_privilege(org, "Delete", table)
    row = require_row(org, table, parse_key(table, inside))
    if (if_match := call.headers.get("If-Match")) is not None:
        _check_version(row, if_match)
    delete_row(org, table, row[table.primary_id])
    return Answer(204)


def one_column(org: Org, table: SimTable, inside: str, name: str, call: Call) -> Answer:
    """``GET|PUT|DELETE accounts(key)/name``: read, set or null one column."""
    row = require_row(org, table, parse_key(table, inside))
    column = table.by_read.get(name)
    if column is None:
        raise DataverseError(404, "0x8006088a", f"Resource not found for the segment '{name}'.")
    if call.method == "GET":
        check_privilege(org, "Read", table)
        return _column_value(call, table, row, column)
    check_privilege(org, "Write", table)
    if call.method == "DELETE":
        update_row(org, table, row, read_payload(org, table, {name: None}))
    elif call.method == "PUT":
        body = call.json_object()
        if "value" not in body:
            raise bad_payload("Microsoft.OData.ODataException: A 'value' property was expected.", table.entity_set)
        update_row(org, table, row, read_payload(org, table, {name: body["value"]}))
    else:
        raise wrong_method(call)
    return Answer(204)


def _column_value(call: Call, table: SimTable, row: Row, column: Column) -> Answer:
    value = row.get(column.read_property)
    if value is None:
        return Answer(204)
    key = row[table.primary_id]
    context = f"{call.root}/$metadata#{table.entity_set}({key})/{column.read_property}"
    return json_answer({"@odata.context": context, "value": value})


def unlink(org: Org, table: SimTable, inside: str, name: str) -> Answer:
    """``DELETE accounts(key)/primarycontactid/$ref``: clear a lookup."""
    check_privilege(org, "Write", table)
    row = require_row(org, table, parse_key(table, inside))
    if name not in table.navigation:
        raise bad_query(f"Could not find a property named '{name}' on type '{table.odata_type}'.")
    update_row(org, table, row, read_payload(org, table, {name: None}))
    return Answer(204)


def wrong_method(call: Call) -> DataverseError:
    """405 for a method that the resource does not take."""
    return DataverseError(405, "", f"The requested resource does not support http method '{call.method}'.")


def _check_version(row: Row, if_match: str) -> None:
    if if_match not in ("*", etag(row)):
        raise DataverseError(
            412,
            "0x80060882",
            "The version of the existing record doesn't match the RowVersion property provided.",
        )


def _no_content(call: Call, path: str) -> Answer:
    uri = f"{call.root}/{path}"
    return Answer(204, CIMultiDict({"OData-EntityId": uri, "Location": uri}))


def _representation(org: Org, table: SimTable, call: Call, row: Row, status: int) -> Answer:
    options: Options = parse_options(call)
    preferences = parse_preferences(call.headers.getall("Prefer", []))
    shaped = shaper(org, table, options, preferences)(row)
    body = {"@odata.context": f"{call.root}/{context_of(table, options.select, single=True)}", **shaped}
    answer = json_answer(body, status=status)
    answer.headers["ETag"] = etag(row)
    return _with_preferences(answer, preferences)


def _with_preferences(answer: Answer, preferences: Preferences) -> Answer:
    if preferences.applied:
        answer.headers["Preference-Applied"] = ", ".join(preferences.applied)
    return answer
