"""From a call to its answer: which resource, which verb, which headers. No HTTP server in here, no waiting."""

from __future__ import annotations

import json
from typing import Any

from local.schema import EntitySet
from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company, SetScope
from local.simulators.service_layer.entities import Entities, etag_of
from local.simulators.service_layer.messages import ROOT, Answer, Call, error_answer, json_answer
from local.simulators.service_layer.paths import Resource, key_text, parse_key, parse_path, parse_query
from local.simulators.service_layer.query import Query, expanded, parse_options, read_page
from local.simulators.service_layer.rules import rules_of
from local.simulators.service_layer.services import OPERATIONS
from local.simulators.service_layer.store import Row

_WRITES = frozenset({"POST", "PATCH", "MERGE", "PUT", "DELETE"})
_MAX_PAGE_SIZE = "odata.maxpagesize="


class Requests:
    """Answers calls on one company."""

    def __init__(self, company: Company, entities: Entities) -> None:
        self._company = company
        self._entities = entities

    def answer(self, call: Call) -> Answer:
        """Answer a call; refusals become answers too."""
        template = f"{ROOT}/{call.path.split('(')[0][:60]}"
        try:
            resource = parse_path(call.path)
            template = _template(resource)
            return self._route(call, resource, template)
        except errors.SapError as error:
            return error_answer(error, template)

    def _route(self, call: Call, resource: Resource, template: str) -> Answer:
        method = call.headers.get("x-http-method-override", call.method) if call.method == "POST" else call.method
        if resource.name in OPERATIONS and resource.key is None and not resource.rest:
            return self._operation(call, method, resource.name, template)
        entity_set = self._company.schema.entity_sets.get(resource.name)
        if entity_set is None:
            raise errors.unknown_path()
        if resource.key is None:
            return self._on_set(call, method, entity_set, resource, template)
        key = parse_key(resource.key, entity_set)
        row = self._company.store.get(entity_set.name, *key)
        if method == "GET":
            return self._read_entity(call, entity_set, row, resource, template)
        if method == "POST" and len(resource.rest) == 1:
            return self._act(call, entity_set, row, resource, template)
        if resource.rest or method not in _WRITES:
            raise errors.no_such_command()
        return self._change_entity(call, method, entity_set, row, resource.key, template)

    def _operation(self, call: Call, method: str, name: str, template: str) -> Answer:
        kind = self._company.schema.operations[name]
        if method not in ("POST", "GET") or (method == "GET" and kind.params):
            raise errors.no_such_command()
        result = OPERATIONS[name](self._company, call.json() if kind.params else None)
        if isinstance(result, float):
            return json_answer(200, result, template)
        context = {"@odata.context": call.context(kind.returns or "")}
        return json_answer(200, context | ({"value": result} if isinstance(result, list) else result), template)

    # -- sets ----------------------------------------------------------------------------------------------------

    def _scope(self, call: Call, entity_set: EntitySet) -> SetScope:
        ignore_case = call.headers.get("b1s-caseinsensitive", "").lower() == "true"
        return SetScope(self._company, entity_set, call.node, ignore_case=ignore_case)

    def _on_set(self, call: Call, method: str, entity_set: EntitySet, resource: Resource, template: str) -> Answer:
        if method == "POST" and not resource.rest:
            return self._create(call, entity_set, template)
        if method != "GET":
            raise errors.no_such_command()
        if resource.rest == ("$count",):
            return self._count(call, entity_set, template)
        if resource.rest:
            raise errors.unknown_path()
        return self._list(call, entity_set, template)

    def _list(self, call: Call, entity_set: EntitySet, template: str) -> Answer:
        scope = self._scope(call, entity_set)
        query = parse_options(parse_query(call.query), entity_set, scope)
        size, preference = self._page_size(call)
        page = read_page(self._company, entity_set, query, scope, size, call.query)
        document: Row = {"@odata.context": call.context(entity_set.name)}
        if page.total is not None:
            document["@odata.count"] = page.total
        document["value"] = [self._shown(call, entity_set, row, query) for row in page.rows]
        if page.next_link is not None:
            document["@odata.nextLink"] = page.next_link
        return json_answer(200, document, template, **({"Preference_Applied": preference} if preference else {}))

    def _page_size(self, call: Call) -> tuple[int, str | None]:
        """Rows of a page and what to answer as Preference-Applied; Prefer wins over B1S-PageSize."""
        for preference in call.prefers:
            number = preference.removeprefix(_MAX_PAGE_SIZE)
            if number != preference and number.isdecimal():
                return int(number), preference
        asked = call.headers.get("b1s-pagesize", "")
        return (int(asked) if asked.isdecimal() else self._company.switches.page_size), None

    def _count(self, call: Call, entity_set: EntitySet, template: str) -> Answer:
        scope = self._scope(call, entity_set)
        options = {name: value for name, value in parse_query(call.query).items() if name != "$count"}
        page = read_page(self._company, entity_set, parse_options(options, entity_set, scope), scope, 0, "")
        headers = {"Content-Type": "text/plain;charset=utf-8", "OData-Version": "4.0"}
        return Answer(200, headers, str(len(page.rows)).encode(), template)

    def _create(self, call: Call, entity_set: EntitySet, template: str) -> Answer:
        if not entity_set.allows("POST"):
            raise errors.not_supported()
        landing = self._company.schema.entity_sets[
            rules_of(entity_set.name).destination(self._company, entity_set.name)
        ]
        row = self._entities.create(landing, call.json(), call.node)
        path = f"{ROOT}/{entity_set.name}({_quoted_path(key_text(entity_set, row))})"
        if "return-no-content" in call.prefers:
            headers = {"Location": path, "Preference-Applied": "return-no-content", "OData-Version": "4.0"}
            return Answer(204, headers, b"", template)
        if landing is not entity_set:
            raise errors.drafted(self._company.switches.approval_status)
        headers = {"Location": call.base_url + path}
        if entity_set.has_etag:
            headers["ETag"] = etag_of(row["DataVersion"])
        document = {"@odata.context": call.context(f"{entity_set.name}/$entity")}
        return json_answer(201, document | self._entities.show(entity_set, row, call.node), template, **headers)

    # -- single entities -----------------------------------------------------------------------------------------

    def _shown(self, call: Call, entity_set: EntitySet, row: Row, query: Query) -> Row:
        shown = self._entities.show(entity_set, row, call.node, query.select)
        for name, select in query.expand:
            found = expanded(self._company, entity_set, row, name)
            shown[name] = self._entities.show(found[0], found[1], call.node, select) if found is not None else None
        return shown

    def _read_entity(
        self, call: Call, entity_set: EntitySet, row: Row | None, resource: Resource, template: str
    ) -> Answer:
        if row is None:
            raise errors.no_match()
        if resource.rest:
            return self._read_property(call, entity_set, row, resource, template)
        query = parse_options(parse_query(call.query), entity_set, self._scope(call, entity_set))
        headers = {}
        frozen = query.select is not None and self._company.switches.select_freezes_etag
        if entity_set.has_etag and not frozen:
            headers["ETag"] = etag_of(row.get("DataVersion", 1))
        document = {"@odata.context": call.context(f"{entity_set.name}/$entity")}
        return json_answer(200, document | self._shown(call, entity_set, row, query), template, **headers)

    def _read_property(self, call: Call, entity_set: EntitySet, row: Row, resource: Resource, template: str) -> Answer:
        name = resource.rest[0]
        prop = self._company.property(entity_set.type.name, name, call.node)
        if prop is None:
            raise errors.unknown_path()
        value = self._entities.show(entity_set, row, call.node, (name,))[name]
        if resource.rest[1:] == ("$value",):
            if value is None:
                raise errors.SapError(404, -2028, f"Resource not found for the property: {name}")
            text = value if isinstance(value, str) else json.dumps(value)
            return Answer(200, {"Content-Type": "text/plain;charset=utf-8"}, text.encode(), template)
        if resource.rest[1:]:
            raise errors.unknown_path()
        if value is None:
            return json_answer(200, {"odata.null": True}, template)
        key = key_text(entity_set, row)
        return json_answer(
            200, {"@odata.context": call.context(f"{entity_set.name}({key})/{name}"), "value": value}, template
        )

    def _change_entity(
        self, call: Call, method: str, entity_set: EntitySet, row: Row | None, key: str, template: str
    ) -> Answer:
        if method == "POST":
            raise errors.no_such_command()
        verb = "PATCH" if method in ("MERGE", "PUT") else method
        if not entity_set.allows(verb):
            raise errors.not_supported()
        if row is None:
            raise errors.no_entity(key)
        self._check_version(call, entity_set, row)
        if method == "DELETE":
            self._entities.delete(entity_set, row)
        else:
            body = call.json()
            if method == "PUT":
                body = _cleared(entity_set, row) | body if isinstance(body, dict) else body
            replace = call.headers.get("b1s-replacecollectionsonpatch", "").lower() == "true" or method == "PUT"
            self._entities.update(entity_set, row, body, call.node, replace_collections=replace)
        return Answer(204, {"OData-Version": "4.0"}, b"", template)

    def _act(self, call: Call, entity_set: EntitySet, row: Row | None, resource: Resource, template: str) -> Answer:
        """A bound action: 204, If-Match counts."""
        action = resource.rest[0]
        if f"POST {entity_set.name}(id)/{action}" not in entity_set.operations:
            raise errors.no_such_command()
        if row is None:
            raise errors.no_entity(resource.key or "")
        self._check_version(call, entity_set, row)
        self._entities.act(entity_set, row, action)
        return Answer(204, {"OData-Version": "4.0"}, b"", template)

    def _check_version(self, call: Call, entity_set: EntitySet, row: Row) -> None:
        """If-Match counts for sets with etags, outside ``$batch`` only (Service Layer ignores it inside)."""
        wanted = call.headers.get("if-match")
        if wanted is None or wanted == "*" or not entity_set.has_etag or call.in_batch:
            return
        if wanted != etag_of(row.get("DataVersion", 1)):
            raise errors.modified_meanwhile()


def _cleared(entity_set: EntitySet, row: Row) -> dict[str, Any]:
    """What PUT empties: every property that has a value, but the key."""
    return {name: [] if isinstance(value, list) else None for name, value in row.items() if name not in entity_set.key}


def _template(resource: Resource) -> str:
    text = f"{ROOT}/{resource.name}" + ("({key})" if resource.key is not None else "")
    return "/".join([text, *resource.rest])


def _quoted_path(key: str) -> str:
    """Encode what can't stand in a path; quotes and commas stay as SAP writes them."""
    return "".join(each if (each.isalnum() and each.isascii()) or each in "'=,._-" else _percent(each) for each in key)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
