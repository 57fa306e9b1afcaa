"""Field by field: what each side must be told so that both agree, and what only a person can decide. Pure.

Each side has its own base: the fingerprints of what *that* side showed after the last agreement. A field moved on a
side if its fingerprint there differs from that side's base, so a value that a side trims or rounds never looks like
an edit. Design, section 5, invariants 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.objects.model import Direction, FieldDirection, FieldRule, Reading, Rule
from shared.ports import SideName, Value
from shared.sync.fingerprints import Fingerprints

SAP, OTHER = SideName.SAP, SideName.OTHER
type Bases = Mapping[SideName, Mapping[str, str]]

_ONE_WAY = {FieldDirection.IN: OTHER, FieldDirection.OUT: SAP, FieldDirection.CREATE_ONLY: SAP}


@dataclass
class Merge:
    """The decision for one pair of records.

    ``to[side]`` are the values that side must be given; ``agreed`` the fields on which both sides already show the
    same, and those whose difference stands; ``ruled`` field -> winning side where a rule decided between two edits;
    ``asked`` the fields that wait for a person; ``held`` field -> reason where one side could not be read.
    """

    to: dict[SideName, dict[str, Value]] = field(default_factory=lambda: {SAP: {}, OTHER: {}})
    agreed: set[str] = field(default_factory=set)
    ruled: dict[str, SideName] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)

    def given(self, side: SideName, values: Mapping[str, Value]) -> None:
        """That side was born with these values: whatever it made of them, they are not an edit."""
        for name in values:
            self.to[side.opposite].pop(name, None)
            self.ruled.pop(name, None)
        self.asked -= set(values)
        self.to[side] = dict(values)


def moved(reading: Reading, base: Mapping[str, str], prints: Fingerprints) -> set[str]:
    """The fields that differ from what the side showed after the last agreement, or were never agreed."""
    return {name for name, value in reading.values.items() if base.get(name) != prints.of(name, value)}


def merge(
    rules: Sequence[FieldRule],
    readings: Mapping[SideName, Reading],
    bases: Bases,
    prints: Fingerprints,
    *,
    travels: frozenset[Direction],
    resolutions: Mapping[str, SideName] | None = None,
) -> Merge:
    """Decide every field. ``travels`` are the directions this record takes part in; ``resolutions`` a person's answers."""
    result = Merge()
    for rule in rules:
        name = rule.name
        for side in (SAP, OTHER):
            if name in readings[side].held:
                result.held[name] = readings[side].held[name]
        if name in result.held or any(name not in readings[s].values for s in (SAP, OTHER)):
            continue
        sap, other = readings[SAP].values[name], readings[OTHER].values[name]
        prints_now = {SAP: prints.of(name, sap), OTHER: prints.of(name, other)}
        if prints_now[SAP] == prints_now[OTHER]:
            result.agreed.add(name)
            continue
        if rule.direction is FieldDirection.CHECKED:
            continue
        winner = _winner(rule, {SAP: sap, OTHER: other}, prints_now, bases, resolutions or {}, result)
        if winner is not None and _may_travel(rule, winner, readings, travels):
            result.to[winner.opposite][name] = readings[winner].values[name]
        elif name not in result.agreed:
            result.ruled.pop(name, None)
    return result


def _winner(
    rule: FieldRule,
    values: Mapping[SideName, Value],
    now: Mapping[SideName, str],
    bases: Bases,
    resolutions: Mapping[str, SideName],
    result: Merge,
) -> SideName | None:
    """The side whose value should stand, or None: nothing moved, or a person is asked."""
    name = rule.name
    base = {side: bases.get(side, {}).get(name) for side in (SAP, OTHER)}
    one_way = _ONE_WAY.get(rule.direction)
    if name in resolutions:
        result.ruled[name] = resolutions[name]
        return _stands(name, resolutions[name], one_way, result)
    if base[SAP] is None or base[OTHER] is None:
        if one_way is not None:  # empty never overwrites a value: the difference stands
            return one_way if values[one_way] is not None else _stands(name, one_way.opposite, one_way, result)
        if values[SAP] is None or values[OTHER] is None:  # empty never overwrites a value
            return OTHER if values[SAP] is None else SAP
        return _ruled(rule, result)
    edits = {side for side in (SAP, OTHER) if now[side] != base[side]}
    if one_way is not None:
        return _one_way_winner(rule, one_way, edits, result)
    if len(edits) == 2:
        return _ruled(rule, result)
    return next(iter(edits), None)


def _one_way_winner(rule: FieldRule, source: SideName, edits: set[SideName], result: Merge) -> SideName | None:
    """Only the source's edits travel; where its target was edited too the rule decides, and what it leaves stands."""
    if source not in edits:
        return None
    if len(edits) == 1 or rule.direction is FieldDirection.CREATE_ONLY:
        return source
    return _stands(rule.name, _ruled(rule, result), source, result)


def _stands(name: str, winner: SideName | None, source: SideName | None, result: Merge) -> SideName | None:
    """A winner that may not send its value keeps it: the difference stands from now on."""
    if winner is not None and source is not None and winner is not source:
        result.agreed.add(name)
        return None
    return winner


def _ruled(rule: FieldRule, result: Merge) -> SideName | None:
    """The winner by the field's rule; the outcome names it."""
    if rule.rule is Rule.ASK:
        result.asked.add(rule.name)
        return None
    winner = SAP if rule.rule is Rule.SAP_WINS else OTHER
    result.ruled[rule.name] = winner
    return winner


def _may_travel(
    rule: FieldRule, winner: SideName, readings: Mapping[SideName, Reading], travels: frozenset[Direction]
) -> bool:
    direction = Direction.OUT if winner is SAP else Direction.IN
    if direction not in travels:
        return False
    source, target = readings[winner].values[rule.name], readings[winner.opposite].values[rule.name]
    if rule.direction is FieldDirection.CREATE_ONLY:
        return target is None and source is not None
    if rule.direction in (FieldDirection.IN, FieldDirection.OUT):
        return source is not None or target is not None
    return True


def for_create(rules: Sequence[FieldRule], reading: Reading, direction: Direction) -> dict[str, Value]:
    """The values a record is born with on the other side: every readable field that may travel that way and is not empty."""
    allowed = {FieldDirection.BOTH, FieldDirection.CREATE_ONLY, FieldDirection(direction.value)}
    if direction is Direction.IN:
        allowed.discard(FieldDirection.CREATE_ONLY)
    return {
        r.name: reading.values[r.name]
        for r in rules
        if r.direction in allowed and reading.values.get(r.name) is not None
    }


def differing(rules: Sequence[FieldRule], readings: Mapping[SideName, Reading], prints: Fingerprints) -> dict[str, str]:
    """Checked fields that both sides show and that are not the same, with what that means."""
    names = [rule.name for rule in rules if rule.direction is FieldDirection.CHECKED]
    shown = [name for name in names if all(name in readings[side].values for side in (SAP, OTHER))]
    return {
        name: "differs between both sides; neither is changed for it, compare them by hand"
        for name in shown
        if prints.of(name, readings[SAP].values[name]) != prints.of(name, readings[OTHER].values[name])
    }


def new_bases(
    bases: Bases,
    merged: Merge,
    readings: Mapping[SideName, Reading],
    after: Mapping[SideName, Reading],
    not_taken: Mapping[SideName, Mapping[str, str]],
    prints: Fingerprints,
) -> dict[SideName, dict[str, str]]:
    """The bases after a delivery: agreed fields as read, written fields as each side shows them now.

    ``after[side]`` is the reading after the write (the one before it where nothing was written); ``not_taken[side]``
    are fields which that side could not hold: they keep their old base, so they are looked at again and named again.
    """
    result = {side: dict(bases.get(side, {})) for side in (SAP, OTHER)}
    written = {name for side in (SAP, OTHER) for name in merged.to[side] if name not in not_taken.get(side, {})}
    for name in merged.agreed | written:
        for side in (SAP, OTHER):
            shown = after[side].values if name in merged.to[side] else readings[side].values
            if name in shown:
                result[side][name] = prints.of(name, shown[name])
    return result
