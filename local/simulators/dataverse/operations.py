"""Functions and actions that are not about one entity set, and the small sets that only describe the org."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from local.simulators.dataverse.keys import Segment
from local.simulators.dataverse.metadata import answer_list
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.records import check_privilege, read_payload, update_row
from local.simulators.dataverse.sales_actions import SALES_MESSAGES
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.tables import SimTable, stable_guid
from local.simulators.dataverse.values import GUID
from local.simulators.dataverse.wire import Answer, Call, DataverseError, bad_payload, json_answer, no_record

type Operation = Callable[[Org, Segment, Call], Answer]


def who_am_i(org: Org, _segment: Segment, call: Call) -> Answer:
    """``WhoAmI``: the cheapest request, and the usual way to read ``x-ms-dop-hint``."""
    return json_answer(
        {
            "@odata.context": f"{call.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": org.business_unit_id,
            "UserId": org.user_id,
            "OrganizationId": org.organization_id,
        }
    )


def total_record_count(org: Org, segment: Segment, call: Call) -> Answer:
    """``RetrieveTotalRecordCount(EntityNames=['account'])``; the real answer may be a day old, this one is not."""
    names = re.findall(r"'(\w+)'", segment.inside or "")
    unknown = [name for name in names if name not in org.tables]
    if unknown or not names:
        raise DataverseError(400, "0x80040203", f"The entity with a name = '{''.join(unknown[:1])}' was not found.")
    return json_answer(
        {
            "@odata.context": f"{call.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse",
            "EntityRecordCountCollection": {
                "Count": len(names),
                "IsReadOnly": False,
                "Keys": names,
                "Values": [len(org.store.rows(name).by_id) for name in names],
            },
        }
    )


def organizations(org: Org, segment: Segment, call: Call) -> Answer:
    """The one row about the org itself: its name and base currency."""
    row = {
        "organizationid": org.organization_id,
        "name": org.name,
        "_basecurrencyid_value": org.base_currency_id,
        "expirechangetrackingindays": 7,
    }
    if segment.inside is not None and segment.inside.lower() != org.organization_id:
        raise no_record("organization", segment.inside)
    return answer_list(call, "organizations", [row])


def sdk_message_filters(org: Org, _segment: Segment, call: Call) -> Answer:
    """Which bulk messages a table has: one row per message and table, with the message as a nested object."""
    rows = []
    for table in org.tables.values():
        for message in sorted(table.bulk):
            message_id = stable_guid(f"message/{message}")
            rows.append(
                {
                    "sdkmessagefilterid": stable_guid(f"filter/{message}/{table.name}"),
                    "primaryobjecttypecode": table.name,
                    "_sdkmessageid_value": message_id,
                    "sdkmessageid": {"sdkmessageid": message_id, "name": message},
                }
            )
    return answer_list(call, "sdkmessagefilters", rows)


def publish(_org: Org, _segment: Segment, _call: Call) -> Answer:
    """``PublishXml`` and ``PublishAllXml``: columns are usable at once here."""
    return Answer(204)


def merge(org: Org, _segment: Segment, call: Call) -> Answer:
    """``Merge``: the subordinate becomes inactive and points to the target; its contacts move to the target."""
    body = call.json_object()
    table = _merged_table(org, body)
    check_privilege(org, "Write", table)
    target, subordinate = (_merge_row(org, table, body.get(name)) for name in ("Target", "Subordinate"))
    if target is subordinate:
        raise DataverseError(400, "0x80040203", "A record cannot be merged with itself.")
    if target["statecode"] != 0 or subordinate["statecode"] != 0:
        raise DataverseError(400, "0x80045304", "Merge cannot be performed on entity that is inactive.")
    content = {name: value for name, value in (body.get("UpdateContent") or {}).items() if name != table.primary_id}
    with org.store.transaction():
        merge_rows(org, table, target, subordinate, read_payload(org, table, content))
    return Answer(204)


def merge_rows(org: Org, table: SimTable, target: Row, subordinate: Row, changes: Mapping[str, Any]) -> None:
    """What merging does to rows; both stamps move."""
    key, other = target[table.primary_id], subordinate[table.primary_id]
    update_row(org, table, target, changes)
    after = {"statecode": 1, "statuscode": table.default_status(1), "merged": True, "_masterid_value": key}
    update_row(org, table, subordinate, after)
    contacts = org.tables["contact"]
    for contact_id in sorted(org.store.rows("contact").ids_with("_parentcustomerid_value", (other,))):
        contact = org.store.get("contact", contact_id)
        if contact is not None:
            update_row(org, contacts, contact, {"_parentcustomerid_value": key})


def _merged_table(org: Org, body: Mapping[str, Any]) -> SimTable:
    target = body.get("Target")
    name = str(target.get("@odata.type", "")).removeprefix("#") if isinstance(target, dict) else ""
    table = org.tables.get(name.removeprefix("Microsoft.Dynamics.CRM."))
    if table is None or "_masterid_value" not in table.by_read:
        raise bad_payload("Microsoft.OData.ODataException: 'Target' needs the '@odata.type' of a table that merges.")
    return table


def _merge_row(org: Org, table: SimTable, named: Any) -> Row:
    key = named.get(table.primary_id) if isinstance(named, dict) else None
    if not isinstance(key, str) or not GUID.fullmatch(key):
        raise bad_payload(f"Microsoft.OData.ODataException: '{table.primary_id}' is needed.", table.entity_set)
    row = org.store.get(table.name, key.lower())
    if row is None:
        raise DataverseError(400, "0x80040217", f"{table.name} With Id = {key} Does Not Exist")
    return row


GET_OPERATIONS: Final[Mapping[str, Operation]] = {
    "WhoAmI": who_am_i,
    "RetrieveTotalRecordCount": total_record_count,
    "organizations": organizations,
    "sdkmessagefilters": sdk_message_filters,
}
POST_OPERATIONS: Final[Mapping[str, Operation]] = {
    **SALES_MESSAGES,
    "Merge": merge,
    "PublishXml": publish,
    "PublishAllXml": publish,
}
