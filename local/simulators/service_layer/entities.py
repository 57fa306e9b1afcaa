"""Creating, changing, deleting and showing rows of any set; what is special about a set is in its rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from local.schema import EntitySet, Property
from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules import SetRules, rules_of
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import Coercion, stamp

_STAMPS = frozenset({"CreateDate", "CreateTime", "CreationDate", "DocTime", "UpdateDate", "UpdateTime", "DataVersion"})
_SERVER_KEYS = frozenset({"@odata.context", "@odata.etag", "odata.metadata", "odata.etag"})


def etag_of(version: int) -> str:
    """``W/"<SHA-1 of the decimal DataVersion>"``, upper-case hex."""
    digest = hashlib.sha1(str(version).encode("ascii"), usedforsecurity=False).hexdigest().upper()
    return f'W/"{digest}"'


class Entities:
    """Writes and shows rows. Every write is one transaction of the store and counted when it has held."""

    def __init__(self, company: Company) -> None:
        self._company = company

    # -- writing -------------------------------------------------------------------------------------------------

    def create(self, entity_set: EntitySet, body: Any, node: str | None) -> Row:
        """Insert a row; raises SapError and then keeps nothing. Returns the stored row."""
        rules = rules_of(entity_set.name)
        draft = self._read_body(entity_set, body, node, rules)
        defaults = {
            name: self._coercion(entity_set.type.name).value(field.property, field.default)
            for name, field in self._company.user_fields(entity_set.type.name, node).items()
            if field.default and name not in draft
        }
        with self._company.store.transaction():
            rules.prepare(self._company, draft, node)
            draft = defaults | draft
            self._number(entity_set, draft)
            if any(draft.get(name) is None for name in entity_set.key):
                raise errors.bad_body(f"Property '{entity_set.key[0]}' of '{entity_set.type.name}' is missing")
            if self._company.store.get(entity_set.name, *(draft[name] for name in entity_set.key)) is not None:
                raise rules.duplicate(draft, entity_set.key)
            row: Row = {k: value for k, value in draft.items() if value is not None and not isinstance(value, list)}
            for name, rows in draft.items():
                if isinstance(rows, list):
                    row[name] = self._merged(entity_set, row, name, [], rows, replace=False)
            self._stamp(entity_set, row, created=True)
            row = rules.check(self._company, row, None)
            self._put(entity_set, row, "create")
            rules.written(self._company, row, None)
        return row

    def update(
        self,
        entity_set: EntitySet,
        before: Row,
        body: Any,
        node: str | None,
        *,
        replace_collections: bool = False,
        by_user: bool = False,
    ) -> Row:
        """Change what the body names. Rows of collections merge by their row key, or replace all if asked to."""
        rules = rules_of(entity_set.name)
        changes = self._read_body(entity_set, body, node, rules)
        row = dict(before)
        with self._company.store.transaction():
            rules.allow(self._company, before, changes)
            for name, value in changes.items():
                if name in entity_set.key:
                    continue  # keys can't change; SAP ignores them in a PATCH
                if isinstance(value, list):
                    present = before.get(name) or []
                    row[name] = self._merged(entity_set, before, name, present, value, replace=replace_collections)
                elif value is None:
                    row.pop(name, None)
                else:
                    row[name] = value
            kept = rules.kept_stamps(self._company, changes, by_user=by_user)
            self._stamp(entity_set, row, created=False, kept=kept)
            row = rules.check(self._company, row, before)
            self._put(entity_set, row, "update")
            rules.written(self._company, row, before)
        return row

    def act(self, entity_set: EntitySet, before: Row, action: str) -> Row:
        """Run a bound action such as Cancel; raises SapError where SAP has none or the state forbids it."""
        found = rules_of(entity_set.name).actions.get(action)
        if found is None:
            raise errors.not_supported()
        with self._company.store.transaction():
            row = found(self._company, dict(before))
            self._stamp(entity_set, row, created=False)
            self._put(entity_set, row, "update")
        return row

    def adopt(self, entity_set: EntitySet, draft: Row) -> Row:
        """Insert a row made inside SAP from another one, whole as it is; it gets a key, a number and stamps."""
        rules = rules_of(entity_set.name)
        row = dict(draft)
        with self._company.store.transaction():
            rules.prepare(self._company, row, None)
            self._number(entity_set, row)
            self._stamp(entity_set, row, created=True)
            row = rules.check(self._company, row, None)
            self._put(entity_set, row, "create")
            rules.written(self._company, row, None)
        return row

    def overwrite(self, entity_set: EntitySet, before: Row, values: Row) -> Row:
        """Set what no client may set, as SAP itself does; stamps move."""
        row = {**before, **values}
        with self._company.store.transaction():
            self._stamp(entity_set, row, created=False)
            self._put(entity_set, row, "update")
        return row

    def delete(self, entity_set: EntitySet, row: Row) -> None:
        """Remove a row; raises SapError where the object can't be deleted."""
        if not entity_set.allows("DELETE"):
            raise errors.not_supported()
        with self._company.store.transaction():
            self._company.store.remove(entity_set.name, row)
            self._count(entity_set, "delete")

    def set_stamps(self, entity_set: EntitySet, row: Row, stamps: Row) -> Row:
        """Overwrite change stamps, for tests of late commits and equal stamps; no user could."""
        changed = {**row, **{name: value for name, value in stamps.items() if name in _STAMPS}}
        self._company.store.put(entity_set.name, changed)
        return changed

    def _put(self, entity_set: EntitySet, row: Row, operation: str) -> None:
        self._company.store.put(entity_set.name, row)
        if entity_set.name == "UserFieldsMD":
            self._company.forget_user_fields()
        self._count(entity_set, operation)

    def _count(self, entity_set: EntitySet, operation: str) -> None:
        self._company.store.on_commit(lambda: self._company.control.count_write(entity_set.name, operation))

    def _number(self, entity_set: EntitySet, draft: Row) -> None:
        """Give the last part of the key the next number if it is a number and was not given."""
        last = entity_set.key[-1]
        if draft.get(last) is not None or entity_set.type.properties[last].type_name != "Int32":
            return
        others = [(name, draft.get(name)) for name in entity_set.key[:-1]]
        used = [
            row[last]
            for row in self._company.store.tables[entity_set.name].rows.values()
            if all(row[name] == value for name, value in others)
        ]
        start = -1 if others else 0
        draft[last] = max([*used, start]) + 1

    def _stamp(self, entity_set: EntitySet, row: Row, *, created: bool, kept: frozenset[str] = frozenset()) -> None:
        day, time = stamp(self._company.local_now())
        minute = f"{time[:5]}:00" if self._company.switches.document_time == "minutes" else time
        stamps: Row = {"DataVersion": 1 if created else row.get("DataVersion", 0) + 1}
        if created:
            stamps |= {"CreateDate": day, "CreateTime": time, "CreationDate": day, "DocTime": minute}
        if not created or self._company.switches.update_stamp_on_create:
            stamps |= {"UpdateDate": day, "UpdateTime": time}
        for name, value in stamps.items():
            if name in entity_set.type.properties and name not in kept:
                row[name] = value

    # -- reading bodies ------------------------------------------------------------------------------------------

    def _read_body(self, entity_set: EntitySet, body: Any, node: str | None, rules: SetRules) -> Row:
        return self._read_object(entity_set.type.name, body, node, rules.read_only)

    def _read_object(self, type_name: str, body: Any, node: str | None, read_only: frozenset[str]) -> Row:
        if not isinstance(body, dict):
            raise errors.bad_body("Invalid JSON format")
        draft: Row = {}
        coercion = self._coercion(type_name)
        for name, value in body.items():
            if name in _SERVER_KEYS:
                continue
            prop = self._company.property(type_name, name, node)
            if prop is None:
                raise errors.unknown_body_property(name, type_name)
            if name in read_only or name in _STAMPS:
                continue
            if prop.is_collection:
                draft[name] = self._read_rows(prop, value, type_name, node)
                continue
            if prop.type_name in self._company.schema.types:
                draft[name] = self._read_object(prop.type_name, value, node, frozenset()) if value else None
                continue
            draft[name] = coercion.value(prop, value)
            self._check_valid_values(type_name, name, draft[name], node)
        return draft

    def _read_rows(self, prop: Property, value: Any, type_name: str, node: str | None) -> list[Row]:
        if not isinstance(value, list):
            raise errors.bad_body(f"Invalid value for property '{prop.name}' of '{type_name}'")
        return [self._read_object(prop.type_name, each, node, frozenset()) for each in value]

    def _coercion(self, type_name: str) -> Coercion:
        return Coercion(type_name, self._company.schema.enums, self._company.switches.too_long)

    def _check_valid_values(self, type_name: str, name: str, value: Any, node: str | None) -> None:
        if value is None or not name.startswith("U_"):
            return
        field = self._company.user_fields(type_name, node).get(name)
        if field is not None and field.valid_values and value not in field.valid_values:
            valid = ", ".join(f"'{each}' - '{text}'" for each, text in field.valid_values.items())
            raise errors.invalid_value(value, name, valid)

    def _merged(
        self,
        entity_set: EntitySet,
        parent: Row,
        name: str,
        present: Sequence[Row],
        incoming: Sequence[Row],
        *,
        replace: bool,
    ) -> list[Row]:
        """Rows after a write: matched ones updated, others appended, absent ones kept unless ``replace``."""
        collection = rules_of(entity_set.name).collection(name)
        rows = list(present)
        touched: set[int] = set()
        for given in incoming:
            position = collection.find(rows, given, touched)
            if position is None:
                rows.append(collection.new_row(self._company, parent, rows, given))
                touched.add(len(rows) - 1)
            else:
                rows[position] = collection.changed_row(self._company, rows[position], given)
                touched.add(position)
        if replace:
            rows = [row for position, row in enumerate(rows) if position in touched]
        collection.check(rows)
        return rows

    # -- showing -------------------------------------------------------------------------------------------------

    def show(self, entity_set: EntitySet, row: Row, node: str | None, select: Iterable[str] | None = None) -> Row:
        """The row as an answer shows it: every property (or the selected ones), null where unset."""
        shown: Row = {}
        if entity_set.has_etag:
            frozen = select is not None and self._company.switches.select_freezes_etag
            shown["@odata.etag"] = etag_of(1 if frozen else row.get("DataVersion", 1))
        if select is None:
            return shown | self._shown_object(entity_set.type.name, row, node)
        for name in select:
            prop = self._company.property(entity_set.type.name, name, node)
            shown[name] = self._shown_value(prop, row.get(name), node) if prop is not None else None
        return shown

    def _shown_object(self, type_name: str, row: Row, node: str | None) -> Row:
        shown = {
            name: self._shown_value(prop, row.get(name), node)
            for name, prop in self._company.schema.types[type_name].properties.items()
        }
        for name in self._company.user_fields(type_name, node):
            shown[name] = row.get(name)
        return shown

    def _shown_value(self, prop: Property, value: Any, node: str | None) -> Any:
        if prop.is_collection:
            return [self._shown_object(prop.type_name, row, node) for row in value or ()]
        if value is not None and prop.type_name in self._company.schema.types:
            return self._shown_object(prop.type_name, value, node)
        return value
