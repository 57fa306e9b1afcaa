"""What the engine works with: stores, systems, clock. Wired once per process; nothing here knows a vendor."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from shared.errors import BadRequest, Misconfigured
from shared.objects.model import Context, Direction, ObjectType, Reference, TemplateType
from shared.ports import Row, Side, SideName
from shared.stores.queues import Queues
from shared.stores.records import Records, partition
from shared.stores.runs import Runs
from shared.stores.templates import TemplateRow, Templates
from shared.sync.fingerprints import Fingerprints
from shared.times import Times

MESSAGE_VERSION = 1


class Sides(Protocol):
    """Gives the adapter of a system; one per process and template."""

    def side(self, template: TemplateRow, side: SideName) -> Side:
        """The adapter for that end of the template."""


@dataclass(frozen=True)
class Flow:
    """One object of one template, ready to work on."""

    template: TemplateRow
    type: TemplateType
    object: ObjectType
    ctx: Context
    sides: Mapping[SideName, Side]
    prints: Fingerprints

    @property
    def pk(self) -> str:
        """The partition of its records."""
        return partition(self.template.id, self.object.name)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Its directions in the order of delivery."""
        return self.object.directions(self.ctx)

    def reference_of(self, key: str) -> str:
        """What a document created in SAP carries so that it can be found again."""
        return f"{self.template.id}:{key}"


@dataclass
class Hub:
    """The engine's dependencies."""

    records: Records
    runs: Runs
    templates: Templates
    queues: Queues
    types: Mapping[str, TemplateType]
    sides: Sides
    now: Callable[[], datetime]
    chance: Callable[[], str]
    times: Times
    fingerprint_secret: bytes
    slice_size: int = 100
    rehearses: bool = False  # whether nothing that is decided may be done (a preview)
    _lists: dict[tuple[str, str], tuple[datetime, list[Row]]] = field(default_factory=dict)
    _loading: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    # --- templates --------------------------------------------------------------------------------------------------

    async def template(self, template: str) -> tuple[TemplateRow, TemplateType]:
        """The template and its type; BadRequest (404) if there is none of that name.

        Misconfigured for one of a type that only another version knows.
        """
        row = await self.templates.get(template)
        if row is None:
            raise BadRequest(
                f"There is no template '{template}'. GET /api/templates lists them.",
                code="unknown-template",
                status=404,
            )
        if row.type not in self.types:
            text = (
                f"Template '{template}' is of a type that this version does not know: {row.type}. Deploy a newer one."
            )
            raise Misconfigured(text, code="unknown-type")
        return row, self.types[row.type]

    async def flow(self, template: str, object_name: str, *, lists: bool = True) -> Flow:
        """One object of a template, with its reference lists; BadRequest (404) if the template has no such object."""
        row, kind = await self.template(template)
        found = kind.object(object_name)
        if found is None:
            names = ", ".join(o.name for o in kind.objects)
            raise BadRequest(
                f"A {kind.name} template has no object '{object_name}'. It has: {names}.",
                code="unknown-object",
                status=404,
            )
        return await self.flow_of(row, kind, found, lists=lists)

    async def flow_of(self, row: TemplateRow, kind: TemplateType, found: ObjectType, *, lists: bool = True) -> Flow:
        """The flow of an object whose template row is at hand."""
        settings = _stored_settings(row, kind)
        sides = {side: self.sides.side(row, side) for side in SideName}
        loaded = await self.lists(row.id, sides, found.references_for(settings)) if lists else {}
        return Flow(
            row,
            kind,
            found,
            Context(row.id, settings, loaded),
            sides,
            Fingerprints(self.fingerprint_secret, f"{row.id}|{found.name}"),
        )

    # --- reference lists --------------------------------------------------------------------------------------------

    async def lists(
        self, template: str, sides: Mapping[SideName, Side], references: Sequence[Reference], *, fresh: bool = False
    ) -> dict[str, Sequence[Row]]:
        """Reference lists by name, cached for some minutes; ``fresh`` reads them anew."""
        result: dict[str, Sequence[Row]] = {}
        async with self._loading[template]:  # a system that does not answer keeps no other template waiting
            for reference in references:
                cached = self._lists.get((template, reference.name))
                age = timedelta(seconds=self.times.reference_cache)
                if fresh or cached is None or cached[0] + age < self.now():
                    cached = (self.now(), await reference_rows(sides[reference.side], reference))
                    self._lists[template, reference.name] = cached
                result[reference.name] = cached[1]
        return result

    def forget_lists(self, template: str) -> None:
        """Read the template's reference lists anew at the next need."""
        for key in [k for k in self._lists if k[0] == template]:
            del self._lists[key]

    # --- messages ---------------------------------------------------------------------------------------------------

    async def send_run(self, run: str, step: str, beat: int, delay_seconds: float = 0, tries: int = 0) -> None:
        """A message of the run's own chain; one with an older beat completes without work. ``tries`` in vain so far."""
        message = {"v": MESSAGE_VERSION, "run": run, "step": step, "beat": beat, "tries": tries}
        await self.queues.send("runs", message, delay_seconds=delay_seconds)

    async def send_slice(self, run: str, slice_id: str, attempt: int, delay_seconds: float = 0) -> None:
        """A message that delivers one slice; one with an older attempt completes without work."""
        message = {"v": MESSAGE_VERSION, "run": run, "slice": slice_id, "attempt": attempt}
        await self.queues.send("deliveries", message, delay_seconds=delay_seconds)


def _stored_settings(row: TemplateRow, kind: TemplateType) -> BaseModel:
    try:
        return kind.settings_model.model_validate(row.settings)
    except ValidationError as error:
        wrong = [".".join(map(str, one["loc"])) for one in error.errors(include_url=False, include_input=False)]
        text = f"The stored settings of '{row.id}' are no longer valid: {', '.join(wrong)}. Save them again."
        raise Misconfigured(text, code="stored-settings", fields=wrong) from None


async def reference_rows(side: Side, reference: Reference) -> list[Row]:
    """The rows of a reference list, read now: of an entity set, or of the operation that answers it.

    An operation answers more than anybody asked for; only the columns that the entity names are kept, if it names any.
    """
    if reference.describes:
        return await side.describe(reference.entity)
    if reference.body is None:
        return await side.listing(reference.entity)
    answer = await side.call(reference.entity.set, reference.body)
    rows = answer.get("value", [answer]) if isinstance(answer, Mapping) else answer
    select = reference.entity.select
    return [{name: row.get(name) for name in select} if select else dict(row) for row in rows]


def readable(message: Mapping[str, Any], *names: str) -> None:
    """Misconfigured if a message is of a newer schema or lacks a part: it goes to the poison queue and is listed there."""
    if message.get("v") != MESSAGE_VERSION or any(n not in message for n in names):
        raise Misconfigured(
            "The message is of an unknown schema; was an older version of the app deployed?", code="message"
        )
