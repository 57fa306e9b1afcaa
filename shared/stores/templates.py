"""Templates: one row each, its settings as JSON. Table ``templates``, ``PartitionKey`` ``template``, row key the id."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.errors import BadRequest
from shared.stores.tables import TableRow, Tables

SCHEMA_VERSION = 1
_PARTITION = "template"
_ID = re.compile(r"[a-z][a-z0-9-]{0,30}")
_LONGEST_SETTINGS = 32 * 1024


@dataclass(frozen=True)
class TemplateRow:
    """One configured connection; ``in_use`` are its objects that are initialized, or being so.

    ``etag`` is what it was read or saved as, "" for one that was not saved yet; ``changed_by`` who made it or saved its
    settings last.
    """

    id: str
    type: str
    settings: Mapping[str, Any]
    created_at: datetime
    in_use: tuple[str, ...] = ()
    etag: str = field(default="", compare=False)
    changed_by: str = ""

    def with_in_use(self, name: str) -> TemplateRow:
        """The same with one more object in use."""
        return replace(self, in_use=tuple(sorted({*self.in_use, name})))


class Templates:
    """The store of templates. They are few: lists are whole."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("templates")

    async def list(self) -> list[TemplateRow]:
        """All templates, by id."""
        return [_from_row(row) async for row in self._table.query(_PARTITION)]

    async def get(self, template: str) -> TemplateRow | None:
        """The template of that id, or None, also for what cannot be an id."""
        if not _ID.fullmatch(template):
            return None
        row = await self._table.get(_PARTITION, template)
        return _from_row(row) if row else None

    async def create(self, template: TemplateRow) -> TemplateRow:
        """Save a new template; LostRace (exists) where one has its id, BadRequest for an id that is not allowed."""
        if not _ID.fullmatch(template.id):
            raise BadRequest(
                "A template id begins with a small letter and has up to 31 small letters, digits and hyphens.",
                code="template-id",
                fields=["id"],
            )
        return replace(template, etag=await self._table.insert(_to_row(template)))

    async def save(self, template: TemplateRow) -> TemplateRow:
        """Save a template that was read; LostRace (changed) where somebody saved it since."""
        if not template.etag:
            raise ValueError("only a template that was read or created can be saved")
        return replace(template, etag=await self._table.replace(_to_row(template), template.etag))


def _to_row(template: TemplateRow) -> dict[str, Any]:
    settings = json.dumps(template.settings, ensure_ascii=False, allow_nan=False)
    if len(settings.encode("utf-16-le")) > 2 * _LONGEST_SETTINGS:
        raise BadRequest(
            f"The settings of a template take up to {_LONGEST_SETTINGS} characters as JSON; these take {len(settings)}.",
            code="settings-too-long",
            status=413,
        )
    return {
        "PartitionKey": _PARTITION,
        "RowKey": template.id,
        "v": SCHEMA_VERSION,
        "type": template.type,
        "settings": settings,
        "created_at": template.created_at,
        "in_use": ",".join(template.in_use),
        "changed_by": template.changed_by,
    }


def _from_row(row: TableRow) -> TemplateRow:
    settings, in_use = json.loads(row["settings"]), tuple(filter(None, str(row.get("in_use") or "").split(",")))
    changed_by = row.get("changed_by", "")
    return TemplateRow(row["RowKey"], row["type"], settings, row["created_at"], in_use, row["etag"], changed_by)
