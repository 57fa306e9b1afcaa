"""UserFieldsMD: user-defined fields; ``Name`` is without ``U_``, the key is (TableName, FieldID)."""

from __future__ import annotations

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company, mark_node
from local.simulators.service_layer.rules.base import SetRules
from local.simulators.service_layer.store import Row


class UserFieldRules(SetRules):
    """Defaults of a new field, one name per table, a default for mandatory fields."""

    def prepare(self, company: Company, draft: Row, node: str | None) -> None:
        """Number the field within its table; raises -5002 without a table or name, -2035 for a name in use."""
        table, name = draft.get("TableName"), draft.get("Name")
        if not table or not name:
            raise errors.rule("CUFD.AliasID" if table else "CUFD.TableID", "Field name and table are required")
        rows = company.store.tables["UserFieldsMD"].rows.values()
        if any(row["TableName"] == table and row["Name"].casefold() == name.casefold() for row in rows):
            raise errors.entry_exists()
        draft.pop("FieldID", None)
        defaults = {"Type": "db_Alpha", "SubType": "st_None", "Mandatory": "tNO", "Description": name}
        for key, value in defaults.items():
            if draft.get(key) is None:
                draft[key] = value
        if draft["Type"] == "db_Alpha":
            size = draft.get("Size") or draft.get("EditSize") or 10
            draft["Size"] = draft["EditSize"] = size
        if draft["Mandatory"] == "tYES" and draft.get("DefaultValue") is None:
            raise errors.rule("CUFD.NotNull", "A mandatory field needs a default value")
        draft.update(mark_node(draft, node))
