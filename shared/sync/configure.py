"""Templates, their settings, set-up, schedules and the first load: what an admin does before anything travels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.errors import BadRequest, HubError, LostRace, Misconfigured, NotFound, Rejected, Transient
from shared.objects.model import Context, Direction, ObjectType, Problem, TemplateType
from shared.ports import Row, SideName
from shared.stores.runs import ObjectState
from shared.stores.templates import TemplateRow
from shared.sync import taking_part
from shared.sync.actor import actor
from shared.sync.hub import Hub, reference_rows
from shared.sync.schedule import Schedule, next_starts
from shared.sync.start import start

_TRIES = 20


class InvalidSettings(BadRequest):
    """Settings that do not hold; ``problems`` names each with what to do."""

    def __init__(self, text: str, problems: Sequence[Problem], *, code: str, status: int = 400) -> None:
        super().__init__(text, code=code, status=status, fields=[problem.setting for problem in problems])
        self.problems = tuple(problems)


# --- templates --------------------------------------------------------------------------------------------------------


async def list_templates(hub: Hub) -> list[dict[str, Any]]:
    """All templates, by id."""
    return [_template(row, hub.types[row.type]) for row in await hub.templates.list() if row.type in hub.types]


def _template(row: TemplateRow, kind: TemplateType) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "title": kind.title,
        "createdAt": row.created_at,
        "changedBy": row.changed_by or None,
        "objects": [o.name for o in _in_order(kind)],
    }


def _in_order(kind: TemplateType) -> list[ObjectType]:
    return sorted(kind.objects, key=lambda o: (o.init_order, o.name))


async def create_template(hub: Hub, name: str, type_name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A new template; its settings may be incomplete. BadRequest for an unknown type, an id that is taken or wrong."""
    if type_name not in hub.types:
        text = f"There is no such template type; take one of: {', '.join(sorted(hub.types))}."
        raise BadRequest(text, code="unknown-type", fields=["type"])
    kind = hub.types[type_name]
    row = TemplateRow(name, type_name, _dumped(_validated(kind, settings)), hub.now(), changed_by=actor())
    if settings:
        await _check(hub, row, kind)
    try:
        made = _template(await hub.templates.create(row), kind)
    except LostRace:
        text = f"There is a template '{name}' already; take another id, or save its settings."
        raise BadRequest(text, code="template-exists", status=409, fields=["id"]) from None
    await _open(hub, row, kind, _validated(kind, row.settings))
    return made


# --- settings ---------------------------------------------------------------------------------------------------------


async def get_settings(hub: Hub, template: str) -> dict[str, Any]:
    """The settings in full with their defaults, and per object what is missing before it can be initialized."""
    row, kind = await hub.template(template)
    settings = _validated(kind, row.settings)
    return {
        "template": row.id,
        "type": row.type,
        "settings": _dumped(settings),
        "changedBy": row.changed_by or None,
        "missing": _missing_by_object(kind, settings),
        "schema": kind.settings_model.model_json_schema(by_alias=True),
    }


async def save_settings(hub: Hub, template: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the settings once they hold by themselves and in SAP and on the other side.

    Everything is compared anew in the next runs, so that a wider scope or another mapping travels. InvalidSettings
    lists all that is wrong; Throttled or Transient where a system cannot be asked: nothing is saved then.
    """
    row, kind = await hub.template(template)
    settings = _validated(kind, wanted)
    changed = replace(row, settings=_dumped(settings), changed_by=actor())
    unchecked = await _check(hub, changed, kind)
    try:
        await hub.templates.save(changed)
    except LostRace:
        text = "Somebody else saved these settings at the same time; read them again and decide again."
        raise BadRequest(text, code="settings-changed", status=409) from None
    hub.forget_lists(template)
    await _rescan(hub, changed, kind, settings)
    await _open(hub, changed, kind, settings)
    return {
        "template": row.id,
        "type": row.type,
        "settings": _dumped(settings),
        "changedBy": changed.changed_by or None,
        "missing": _missing_by_object(kind, settings),
        "unchecked": unchecked,
    }


def _validated(kind: TemplateType, settings: Mapping[str, Any]) -> BaseModel:
    try:
        return kind.settings_model.model_validate(dict(settings))
    except ValidationError as error:
        problems = [
            Problem(".".join(map(str, one["loc"])) or "settings", one["msg"].removeprefix("Value error, "))
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise InvalidSettings(
            "The settings do not hold; correct what is listed.", problems, code="bad-settings"
        ) from None


def _dumped(settings: BaseModel) -> dict[str, Any]:
    return settings.model_dump(mode="json", by_alias=True)


def _missing_by_object(kind: TemplateType, settings: BaseModel) -> dict[str, list[dict[str, str]]]:
    return {o.name: [_told(problem) for problem in kind.missing(o.name, settings)] for o in _in_order(kind)}


def _told(problem: Problem) -> dict[str, str]:
    return {"setting": problem.setting, "text": problem.text}


async def _check(hub: Hub, row: TemplateRow, kind: TemplateType) -> list[str]:
    """InvalidSettings if SAP or the other side would refuse them; answers the lists that could not be read."""
    try:
        sides = {side: hub.sides.side(row, side) for side in SideName}
    except Misconfigured as error:  # these very settings, or the app's, do not say how to reach it
        problems = [Problem(name, error.text) for name in error.fields or ("settings",)]
        text = "The other side cannot be reached with these settings; correct what is listed."
        raise InvalidSettings(text, problems, code="settings-refused") from None
    lists: dict[str, Sequence[Row]] = {}
    unchecked: list[str] = []
    settings = _validated(kind, row.settings)
    for reference in kind.references_for(settings):
        try:
            lists |= await hub.lists(row.id, sides, [reference], fresh=True)
        except (Rejected, NotFound):
            unchecked.append(reference.name)
    problems = kind.check(settings, lists)
    if problems:
        text = "SAP or the other side would refuse these settings; correct what is listed."
        raise InvalidSettings(text, problems, code="settings-refused")
    return unchecked


async def _rescan(hub: Hub, row: TemplateRow, kind: TemplateType, settings: BaseModel) -> None:
    """Let the next run of every object that travels already compare everything again."""
    ctx = Context(row.id, settings)
    for found in kind.objects:
        directions = tuple(sorted(d.value for d in found.directions(ctx)))

        def widen(state: ObjectState, directions: tuple[str, ...] = directions) -> None:
            if taking_part.in_use(state):
                state.rescan = directions

        await _change_state(hub, row.id, found.name, widen)


async def _open(hub: Hub, row: TemplateRow, kind: TemplateType, settings: BaseModel) -> None:
    """Open the transactional objects whose settings are complete: their first plan reads from the start date on."""
    ctx = Context(row.id, settings)
    for found in kind.objects:
        first = found.opens_at(ctx) if found.transactional else None
        if first is None or kind.missing(found.name, settings):
            continue

        def open_it(state: ObjectState, first: datetime = first) -> None:
            if state.initialized_at is None:
                state.initialized_at = hub.now()
                state.watermarks[Direction.IN.value] = first

        if found.name not in row.in_use:
            await taking_part.take_up(hub, row.id, found.name)
        await _change_state(hub, row.id, found.name, open_it)


async def _change_state(hub: Hub, template: str, name: str, change: Callable[[ObjectState], None]) -> ObjectState:
    """Change an object's state by ETag; read again and change again where somebody else was faster."""
    for _ in range(_TRIES):
        state = await hub.runs.object(template, name)
        change(state)
        try:
            await hub.runs.save_object(state)
        except LostRace:
            continue
        return state
    raise Transient("The object's state is contended; try again.", system="storage")


# --- set-up -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One thing that set-up looked at. ``state`` is ok, created, or todo (``text`` says what an admin must do)."""

    what: str
    state: str
    text: str = ""


async def set_up(hub: Hub, template: str) -> list[Step]:
    """Reach both systems, create the columns the hub needs, read what each object reads; repeats are harmless.

    What fails is a step that is to do, not an error: the others are still tried.
    """
    row, kind = await hub.template(template)
    sides = {side: hub.sides.side(row, side) for side in SideName}
    ctx = Context(row.id, _validated(kind, row.settings))
    steps = [await _reach(side, sides) for side in SideName]
    reachable = {side for side, step in zip(SideName, steps, strict=True) if step.state == "ok"}
    for found in _in_order(kind):
        for column in found.columns_needed(ctx):
            if column.side in reachable:
                what = f"column {column.column} of {column.entity.set} ({column.side})"
                made = sides[column.side].ensure_column(column.entity, column.column, column.description, column.length)
                steps.append(await _step(what, made))
        for side in sorted(reachable):
            entity = found.entity(side, ctx)
            reading = sides[side].changed(entity, None, None, 1)
            steps.append(await _step(f"read {entity.set} ({side}) for {found.name}", reading))
    lists = [
        await _step(f"read {reference.name}", reference_rows(sides[reference.side], reference))
        for reference in kind.references
        if reference.side in reachable
    ]
    return [*steps, *lists]


async def _reach(side: SideName, sides: Mapping[SideName, Any]) -> Step:
    return await _step(f"reach {'SAP' if side is SideName.SAP else 'the other side'}", sides[side].ping())


async def _step(what: str, work: Any) -> Step:
    try:
        result = await work
    except HubError as error:
        return Step(what, "todo", f"{error.name}: {error.text}")
    return Step(what, "created" if result == "created" else "ok")


# --- lists ------------------------------------------------------------------------------------------------------------


async def list_names(hub: Hub, template: str) -> list[dict[str, str]]:
    """The reference lists that the settings refer to, by name and side."""
    _, kind = await hub.template(template)
    return [{"list": reference.name, "side": reference.side.value} for reference in kind.references]


async def list_rows(hub: Hub, template: str, name: str) -> list[Row]:
    """A reference list as its system has it now; BadRequest (404) if the template has none of that name."""
    row, kind = await hub.template(template)
    reference = next((each for each in kind.references if each.name == name), None)
    if reference is None:
        names = ", ".join(each.name for each in kind.references)
        raise BadRequest(f"There is no list '{name}'. There are: {names}.", code="unknown-list", status=404)
    sides = {side: hub.sides.side(row, side) for side in SideName}
    return list((await hub.lists(row.id, sides, [reference], fresh=True))[name])


# --- objects ----------------------------------------------------------------------------------------------------------


async def overview(hub: Hub, template: str) -> list[dict[str, Any]]:
    """State, schedule, last and next run of every object, in the order in which they are initialized."""
    row, kind = await hub.template(template)
    settings = _validated(kind, row.settings)
    ctx = Context(row.id, settings)
    return [_object(hub, kind, found, await hub.runs.object(template, found.name), ctx) for found in _in_order(kind)]


def _object(hub: Hub, kind: TemplateType, found: ObjectType, state: ObjectState, ctx: Context) -> dict[str, Any]:
    starts = next_starts(Schedule.model_validate(state.schedule), hub.now(), 1) if state.schedule else []
    return {
        "object": found.name,
        "directions": [d.value for d in found.directions(ctx)],
        "marks": found.marking.noun if found.marking else None,
        "initialized": state.initialized_at is not None,
        "initializedAt": state.initialized_at,
        "missing": [_told(problem) for problem in kind.missing(found.name, ctx.settings)],
        "schedule": state.schedule or None,
        "lastStart": state.last_start,
        "nextStart": starts[0] if starts and state.initialized_at else None,
        "activeRun": _request(state, state.active.run, state.active.mode) if state.active else None,
        "followUpRun": state.follow_up.run if state.follow_up else None,
        "lastRun": state.last_run or None,
        "lastStatus": state.last_status or None,
        "lastGoodAt": state.last_good_at,
        "idleRuns": state.idle_runs,
        "watermarks": state.watermarks,
        "rescanPending": list(state.rescan),
    }


def _request(state: ObjectState, run: str, mode: str) -> dict[str, Any]:
    return {"run": run, "mode": mode, "status": state.status, "lastSign": state.beat_at}


async def get_schedule(hub: Hub, template: str, name: str) -> dict[str, Any]:
    """The object's schedule and its next five starts."""
    await hub.flow(template, name, lists=False)
    state = await hub.runs.object(template, name)
    return _schedule(Schedule.model_validate(state.schedule), hub.now(), state)


async def save_schedule(hub: Hub, template: str, name: str, schedule: Schedule) -> dict[str, Any]:
    """Replace the schedule; it counts from now on, nothing that lies before is made up."""
    flow = await hub.flow(template, name, lists=False)
    now = hub.now()
    if flow.object.on_demand:
        text = f"'{name}' travels by itself when a record needs it, after its first load; it has no schedule."
        raise BadRequest(text, code="on-demand", status=409)
    if schedule.sweep is not None and not flow.object.swept:
        text = f"Every change of '{name}' leaves a stamp, so there is nothing to sweep; leave sweep out."
        raise BadRequest(text, code="not-swept", fields=["sweep"])

    def change(state: ObjectState) -> None:
        state.schedule, state.schedule_by = schedule.model_dump(mode="json", exclude_none=True), actor()
        state.schedule_since = state.last_start = state.last_sweep = now

    state = await _change_state(hub, template, name, change)
    return _schedule(schedule, now, state)


def _schedule(schedule: Schedule, now: datetime, state: ObjectState) -> dict[str, Any]:
    return {
        "object": state.object,
        "schedule": schedule.model_dump(mode="json", exclude_none=True),
        "changedBy": state.schedule_by or None,
        "initialized": state.initialized_at is not None,
        "nextStarts": next_starts(schedule, now, 5),
        **({"nextSweeps": next_starts(schedule.sweep, now, 5)} if schedule.sweep else {}),
    }


async def initialize(hub: Hub, template: str, name: str) -> str:
    """Start the first load of an object; answers the run's id. 409 with what is missing, or if it was done already."""
    row, kind = await hub.template(template)
    flow = await hub.flow(template, name, lists=False)
    if flow.object.transactional:
        text = f"'{name}' has no first load: complete settings open it, and it begins with their start date."
        raise BadRequest(text, code="not-initializable", status=409)
    problems = kind.missing(name, _validated(kind, row.settings))
    if problems:
        text = f"'{name}' cannot be initialized yet: set what is listed (PUT /api/templates/{template}/settings)."
        raise InvalidSettings(text, problems, code="settings-missing", status=409)
    return await start(hub, template, name, "initialize", "request")
