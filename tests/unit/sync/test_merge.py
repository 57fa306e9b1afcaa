"""The merge decides every field, and only by what moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.objects.model import Direction, FieldDirection, FieldRule, Reading, Rule
from shared.ports import SideName
from shared.sync.fingerprints import Fingerprints
from shared.sync.merge import Merge, differing, for_create, merge, moved, new_bases

SAP, OTHER = SideName.SAP, SideName.OTHER
PRINTS = Fingerprints(b"a secret of the tests", "toy|thing")
BOTH = frozenset(Direction)
NAMES = ("a", "b", "c")

texts = st.one_of(st.none(), st.sampled_from(["x", "y", "z"]))
rows = st.fixed_dictionaries(dict.fromkeys(NAMES, texts))
rules = st.sampled_from([Rule.SAP_WINS, Rule.OTHER_WINS])


def _bases(row: dict[str, str | None]) -> dict[SideName, dict[str, str]]:
    return {SAP: PRINTS.of_all(row), OTHER: PRINTS.of_all(row)}


def _merge(base, sap, other, rule=Rule.SAP_WINS, direction=FieldDirection.BOTH, travels=BOTH, **more) -> Merge:  # type: ignore[no-untyped-def]
    table = [FieldRule(n, direction, rule) for n in NAMES]
    bases = base if base == {} else _bases(base)
    return merge(table, {SAP: Reading(sap), OTHER: Reading(other)}, bases, PRINTS, travels=travels, **more)


@given(base=rows, sap=rows, other=rows, rule=rules)
def test_both_sides_agree_after_a_merge(base, sap, other, rule):  # type: ignore[no-untyped-def]
    result = _merge(base, sap, other, rule)
    after = {SAP: {**sap, **result.to[SAP]}, OTHER: {**other, **result.to[OTHER]}}
    edited = {n for n in NAMES if base[n] != sap[n] or base[n] != other[n]}
    assert all(after[SAP][n] == after[OTHER][n] for n in edited)


@given(base=rows, sap=rows, other=rows, rule=rules)
def test_an_edit_on_one_side_alone_always_stands(base, sap, other, rule):  # type: ignore[no-untyped-def]
    result = _merge(base, sap, other, rule)
    for name in NAMES:
        if sap[name] != base[name] and other[name] == base[name]:
            assert result.to[OTHER][name] == sap[name]
            assert name not in result.to[SAP]
        if other[name] != base[name] and sap[name] == base[name]:
            assert result.to[SAP][name] == other[name]


@given(base=rows, sap=rows, other=rows, rule=rules)
def test_nothing_moves_the_second_time(base, sap, other, rule):  # type: ignore[no-untyped-def]
    first = _merge(base, sap, other, rule)
    before = {SAP: Reading(sap), OTHER: Reading(other)}
    after = {SAP: Reading({**sap, **first.to[SAP]}), OTHER: Reading({**other, **first.to[OTHER]})}
    bases = new_bases(_bases(base), first, before, after, {}, PRINTS)
    again = merge([FieldRule(n, rule=rule) for n in NAMES], after, bases, PRINTS, travels=BOTH)
    assert again.to == {SAP: {}, OTHER: {}}


@given(sap=rows, other=rows, rule=rules)
def test_first_contact_never_overwrites_a_value_with_nothing(sap, other, rule):  # type: ignore[no-untyped-def]
    result = _merge({}, sap, other, rule)
    assert None not in [*result.to[SAP].values(), *result.to[OTHER].values()]


@given(base=rows, sap=rows, other=rows)
def test_ask_writes_neither_side_of_a_field_that_both_edited(base, sap, other):  # type: ignore[no-untyped-def]
    result = _merge(base, sap, other, Rule.ASK)
    for name in NAMES:
        if sap[name] != base[name] and other[name] != base[name] and sap[name] != other[name]:
            assert name in result.asked
            assert name not in result.to[SAP]
            assert name not in result.to[OTHER]


@given(base=rows, sap=rows, other=rows, winner=st.sampled_from([SAP, OTHER]))
def test_an_answer_decides_what_was_asked(base, sap, other, winner):  # type: ignore[no-untyped-def]
    asked = _merge(base, sap, other, Rule.ASK).asked
    answers = dict.fromkeys(asked, winner)
    result = _merge(base, sap, other, Rule.ASK, resolutions=answers)
    assert not result.asked
    for name in asked:
        assert result.to[winner.opposite][name] == (sap if winner is SAP else other)[name]


@given(base=rows, sap=rows, other=rows)
def test_a_field_that_only_goes_out_never_changes_sap(base, sap, other):  # type: ignore[no-untyped-def]
    assert _merge(base, sap, other, direction=FieldDirection.OUT).to[SAP] == {}


@given(base=rows, sap=rows, other=rows)
def test_a_create_only_field_never_replaces_a_value(base, sap, other):  # type: ignore[no-untyped-def]
    for bases in (base, {}):
        result = _merge(bases, sap, other, direction=FieldDirection.CREATE_ONLY)
        assert result.to[SAP] == {}
        assert all(other[n] is None for n in result.to[OTHER])


@given(base=rows, sap=rows, other=rows, rule=rules)
def test_nothing_is_sent_where_the_record_takes_no_part(base, sap, other, rule):  # type: ignore[no-untyped-def]
    result = _merge(base, sap, other, rule, travels=frozenset({Direction.IN}))
    assert result.to[OTHER] == {}
    assert not [n for n, winner in result.ruled.items() if winner is SAP]


def test_a_value_that_a_side_changed_on_its_own_is_no_edit() -> None:
    bases = {SAP: PRINTS.of_all({"a": "A long name"}), OTHER: PRINTS.of_all({"a": "A lon"})}
    readings = {SAP: Reading({"a": "A long name"}), OTHER: Reading({"a": "A lon"})}
    result = merge([FieldRule("a")], readings, bases, PRINTS, travels=BOTH)
    assert result.to == {SAP: {}, OTHER: {}}


def test_a_field_that_could_not_be_read_is_named_and_left_alone() -> None:
    readings = {SAP: Reading({}, {"a": "no mapping"}), OTHER: Reading({"a": "x"})}
    result = merge([FieldRule("a")], readings, {}, PRINTS, travels=BOTH)
    assert result.held == {"a": "no mapping"}
    assert result.to == {SAP: {}, OTHER: {}}


def test_a_held_value_keeps_its_old_base_so_that_it_is_named_again() -> None:
    old, new = {"a": "fits"}, {"a": "too long"}
    result = merge([FieldRule("a")], {SAP: Reading(new), OTHER: Reading(old)}, _bases(old), PRINTS, travels=BOTH)
    before = {SAP: Reading(new), OTHER: Reading(old)}
    bases = new_bases(_bases(old), result, before, before, {OTHER: {"a": "too long"}}, PRINTS)
    assert moved(Reading(new), bases[SAP], PRINTS) == {"a"}


def test_a_record_is_born_with_every_value_that_may_travel_and_no_empty_one() -> None:
    table = [
        FieldRule("a"),
        FieldRule("b", FieldDirection.IN),
        FieldRule("c", FieldDirection.CREATE_ONLY),
        FieldRule("d"),
    ]
    reading = Reading({"a": "x", "b": "x", "c": "x", "d": None})
    assert for_create(table, reading, Direction.OUT) == {"a": "x", "c": "x"}
    assert for_create(table, reading, Direction.IN) == {"a": "x", "b": "x"}


def test_fingerprints_differ_by_field_flow_and_key_and_do_not_show_the_value() -> None:
    other_flow, other_key = Fingerprints(PRINTS.secret, "b|c"), Fingerprints(b"other secret", PRINTS.scope)
    prints = {PRINTS.of("a", "x"), PRINTS.of("b", "x"), other_flow.of("a", "x"), other_key.of("a", "x")}
    assert len(prints) == 4
    assert PRINTS.of("a", "x") == Fingerprints(PRINTS.secret, PRINTS.scope).of("a", "x")
    assert PRINTS.key_id != other_key.key_id
    assert len(PRINTS.of("a", "x")) * 6 >= 64


# --- one way, and not at all ------------------------------------------------------------------------------------------

one_ways = st.sampled_from([(FieldDirection.OUT, SAP), (FieldDirection.IN, OTHER)])


@given(base=rows, sap=rows, other=rows, rule=rules, way=one_ways)
def test_a_one_way_field_never_changes_its_source(base, sap, other, rule, way):  # type: ignore[no-untyped-def]
    direction, source = way
    for bases in (base, {}):
        assert _merge(bases, sap, other, rule, direction).to[source] == {}


@given(base=rows, sap=rows, other=rows, rule=rules, way=one_ways)
def test_a_one_way_edit_travels_unless_the_rule_lets_an_edit_of_its_target_stand(base, sap, other, rule, way):  # type: ignore[no-untyped-def]
    direction, source = way
    result = _merge(base, sap, other, rule, direction)
    ours, theirs = (sap, other) if source is SAP else (other, sap)
    winner = SAP if rule is Rule.SAP_WINS else OTHER
    for name in NAMES:
        both = ours[name] != base[name] and theirs[name] != base[name] and ours[name] != theirs[name]
        travels = ours[name] != base[name] and ours[name] != theirs[name] and (not both or winner is source)
        assert (name in result.to[source.opposite]) is travels
        assert (name in result.ruled) is both
        assert result.ruled.get(name, winner) is winner


@given(base=rows, sap=rows, other=rows, rule=rules, way=one_ways)
def test_a_one_way_field_does_not_move_the_second_time(base, sap, other, rule, way):  # type: ignore[no-untyped-def]
    direction, _ = way
    for bases in (base, {}):
        first = _merge(bases, sap, other, rule, direction)
        before = {SAP: Reading(sap), OTHER: Reading(other)}
        after = {SAP: Reading({**sap, **first.to[SAP]}), OTHER: Reading({**other, **first.to[OTHER]})}
        agreed = new_bases(_bases(bases) if bases else {}, first, before, after, {}, PRINTS)
        table = [FieldRule(n, direction, rule) for n in NAMES]
        again = merge(table, after, agreed, PRINTS, travels=BOTH)
        assert again.to == {SAP: {}, OTHER: {}}
        assert again.ruled == {}


@given(sap=rows, other=rows, rule=rules, way=one_ways)
def test_at_first_contact_a_one_way_field_sends_its_value_and_nothing_never(sap, other, rule, way):  # type: ignore[no-untyped-def]
    direction, source = way
    result = _merge({}, sap, other, rule, direction)
    ours = sap if source is SAP else other
    theirs = other if source is SAP else sap
    expected = {name: ours[name] for name in NAMES if ours[name] is not None and ours[name] != theirs[name]}
    assert result.to[source.opposite] == expected


@given(base=rows, sap=rows, other=rows, winner=st.sampled_from([SAP, OTHER]), way=one_ways)
def test_an_answer_for_a_one_way_field_sends_the_sources_value_or_lets_both_stand(base, sap, other, winner, way):  # type: ignore[no-untyped-def]
    direction, source = way
    asked = _merge(base, sap, other, Rule.ASK, direction).asked
    result = _merge(base, sap, other, Rule.ASK, direction, resolutions=dict.fromkeys(asked, winner))
    assert not result.asked
    for name in asked:
        assert (name in result.to[source.opposite]) is (winner is source)
        assert result.ruled[name] is winner
        assert winner is source or name in result.agreed


@given(base=rows, sap=rows, other=rows, rule=st.sampled_from(list(Rule)))
def test_a_checked_field_is_never_written_never_ruled_and_never_asked_for(base, sap, other, rule):  # type: ignore[no-untyped-def]
    for bases in (base, {}):
        result = _merge(bases, sap, other, rule, FieldDirection.CHECKED)
        assert (result.to, result.ruled, result.asked) == ({SAP: {}, OTHER: {}}, {}, set())
    table = [FieldRule(n, FieldDirection.CHECKED) for n in NAMES]
    readings = {SAP: Reading(sap), OTHER: Reading(other)}
    assert set(differing(table, readings, PRINTS)) == {n for n in NAMES if sap[n] != other[n]}
    assert differing([FieldRule(n) for n in NAMES], readings, PRINTS) == {}
    for direction in Direction:
        assert for_create(table, readings[SAP], direction) == {}


def test_a_checked_field_that_one_side_does_not_show_does_not_differ():
    table = [FieldRule("a", FieldDirection.CHECKED)]
    assert differing(table, {SAP: Reading({"a": "x"}), OTHER: Reading({}, {"a": "unreadable"})}, PRINTS) == {}
