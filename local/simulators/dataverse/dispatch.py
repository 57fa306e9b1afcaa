"""From a call to the code that answers it; used for requests and for the parts of a batch alike."""

from __future__ import annotations

from local.simulators.dataverse.bulk import PREFIX, run_bulk
from local.simulators.dataverse.keys import Segment, split_path
from local.simulators.dataverse.metadata import entity_definitions
from local.simulators.dataverse.operations import GET_OPERATIONS, POST_OPERATIONS
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.sales_actions import run_bound_action
from local.simulators.dataverse.single import (
    change_one,
    count_collection,
    create,
    delete_one,
    one_column,
    read_collection,
    read_one,
    unlink,
    wrong_method,
)
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.wire import Answer, Call, DataverseError, no_segment


def route_template(call: Call) -> str:
    """The route of a call for statistics, without keys: ``accounts``, ``accounts({key})``, ``accounts/UpsertMultiple``."""
    try:
        segments = split_path(call.raw_path)
    except DataverseError:
        return "(unreadable path)"
    names = [f"{each.name.removeprefix(PREFIX)}{'' if each.inside is None else '({key})'}" for each in segments]
    return "/".join(names)


def dispatch(org: Org, call: Call) -> Answer:
    """Answer one call; refusals come as answers too."""
    try:
        answer = _route(org, call)
    except DataverseError as error:
        answer = error.answer()
    answer.template = route_template(call)
    return answer


def _route(org: Org, call: Call) -> Answer:
    if not org.switches.user_is_member:
        raise DataverseError(403, "0x80072560", "The user is not a member of the organization.")
    segments = split_path(call.raw_path)
    head = segments[0]
    if head.name == "EntityDefinitions":
        return entity_definitions(org, segments, call)
    if head.name in GET_OPERATIONS and len(segments) == 1:
        if call.method != "GET":
            raise _no_such_resource(call)
        return GET_OPERATIONS[head.name](org, head, call)
    if head.name in POST_OPERATIONS and len(segments) == 1:
        if call.method != "POST":
            raise _no_such_resource(call)
        return POST_OPERATIONS[head.name](org, head, call)
    table = org.table_of_set(head.name)
    if head.inside is None:
        return _collection(org, table, segments[1:], call)
    return _record(org, table, head.inside, segments[1:], call)


def _no_such_resource(call: Call) -> DataverseError:
    """The 404 a wrong verb on a function or action gets; its code is empty."""
    return DataverseError(
        404, "", f"No HTTP resource was found that matches the request URI '{call.root}/{call.target}'."
    )


def _collection(org: Org, table: SimTable, rest: list[Segment], call: Call) -> Answer:
    if not rest:
        if call.method == "GET":
            return read_collection(org, table, call)
        if call.method == "POST":
            return create(org, table, call)
        raise wrong_method(call)
    if rest[0].name == "$count" and call.method == "GET":
        return count_collection(org, table, call)
    if rest[0].name.startswith(PREFIX) and call.method == "POST":
        return run_bulk(org, table, rest[0].name.removeprefix(PREFIX), call)
    raise no_segment(rest[0].name)


def _record(org: Org, table: SimTable, inside: str, rest: list[Segment], call: Call) -> Answer:
    if not rest:
        if call.method == "GET":
            return read_one(org, table, inside, call)
        if call.method == "PATCH":
            return change_one(org, table, inside, call)
        if call.method == "DELETE":
            return delete_one(org, table, inside, call)
        raise wrong_method(call)
    if len(rest) == 2 and rest[1].name == "$ref" and call.method == "DELETE":
        return unlink(org, table, inside, rest[0].name)
    if len(rest) == 1 and rest[0].name.startswith(PREFIX) and call.method == "POST":
        return run_bound_action(org, table, inside, rest[0].name.removeprefix(PREFIX), call)
    if len(rest) == 1:
        return one_column(org, table, inside, rest[0].name, call)
    raise no_segment(rest[-1].name)
