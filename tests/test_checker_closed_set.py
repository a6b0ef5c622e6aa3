"""A closed set's file is confirmed only if the set is closed, good, and holds every start."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import z3
from certificate_files import closed_set_of, coned, file_of, spoiled, zipped
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import search
from random_systems import INPUTS, claims, numbers, systems, truths
from small_systems import ANSWER, TRUE, claim_of, counter, numeral
from test_architecture import imports_of
from textbook import philosophers, two_phase_commit

from checker.answers.proof import ClosedSet, Condition
from checker.certifying import closed_set
from checker.certifying.program import NotWritable, program_of
from checker.systems.system import GroundAction, GroundSystem, Variable

LINE = (
    "288 states hold all 1 initial ones and are closed under 1145 transitions;"
    " none of them violates the claim"
)


@pytest.fixture(scope="module")
def commit():
    """Two-phase commit's cone and claim."""
    return coned(two_phase_commit())


@pytest.fixture(scope="module")
def healthy(commit):
    """The file that proves it."""
    return file_of(*commit)


def refusal(content, **limits):
    """Why a file is refused."""
    with pytest.raises(closed_set.Refused) as raised:
        closed_set.confirm(content, **limits)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_a_healthy_file_is_confirmed_and_its_line_counts_what_was_seen(commit, healthy) -> None:
    header, program, conditions, line = closed_set.confirm(healthy)
    assert LINE == line
    assert ("closed-set", {"design": "a", "property": "b"}) == (header["kind"], header["subject"])
    assert ("two-phase-commit", "") == (program["name"], conditions)


def test_the_same_proof_is_the_same_file(commit, healthy) -> None:
    assert healthy == file_of(*commit)


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_it_confirms_exactly_what_a_plain_search_finds(data) -> None:
    system = data.draw(systems())
    claim = data.draw(claims(system))
    found = search(system, claim)
    content = file_of(system, claim, closed_set_of(system, sorted(found.reached)))
    if found.violation is None:
        line = closed_set.confirm(content)[3]
        assert f"{found.states} states hold all {found.levels[0]} initial" in line
        assert f"under {found.transitions} transitions" in line
    else:
        assert refusal(content) in {
            "the claim is false in a state of the set",
            *(f"a step of {action.name} violates the claim" for action in system.actions),
        }


@settings(deadline=None, max_examples=15)
@given(st.data())
def test_without_any_one_of_its_states_a_set_is_not_closed(data) -> None:
    system = data.draw(systems())
    states = sorted(search(system).reached)
    states.remove(data.draw(st.sampled_from(states)))
    if states:
        content = file_of(system, claim_of(), closed_set_of(system, states))
        assert refusal(content) in {
            "an initial state is not in the set",
            *(f"{action.name} leads out of the set" for action in system.actions),
        }


@settings(deadline=None)
@given(st.data(), st.booleans())
def test_programs_compute_what_z3_computes(data, about_truth) -> None:
    if about_truth:
        term = data.draw(truths(3))
    else:
        width = data.draw(st.sampled_from([3, 8]))
        term = data.draw(numbers(width, 3)) == data.draw(numbers(width, 2))
    values = [
        data.draw(st.integers(0, 1 if z3.is_bool(v) else (1 << v.size()) - 1)) for v in INPUTS
    ]
    variables = tuple(
        Variable(str(v), v, tuple(map(str, range(2 if z3.is_bool(v) else 1 << v.size()))))
        for v in INPUTS
    )
    known = [(v.term, v.literal(x)) for v, x in zip(variables, values, strict=True)]
    start = z3.And([v.term == v.literal(x) for v, x in zip(variables, values, strict=True)])
    system = GroundSystem("one state", variables, start, (), ("done",))
    content = file_of(system, claim_of(term), closed_set_of(system, [tuple(values)]))
    if z3.is_true(z3.simplify(z3.substitute(term, *known))):
        assert closed_set.confirm(content)[3].startswith("1 states hold all 1 initial ones")
    else:
        assert "the claim is false in a state of the set" == refusal(content)


def test_a_state_of_several_words_is_confirmed_and_missed() -> None:
    system, _ = counter(bits=6, width=150)
    whole = closed_set_of(system)
    assert (64, 3) == whole.states.shape
    assert closed_set.confirm(file_of(system, claim_of(), whole))[3].startswith("64 states hold")
    for missing in (0, 13, 63):
        less = np.delete(whole.states, missing, axis=0)
        content = file_of(system, claim_of(), ClosedSet(system, less, whole.fields))
        expected = "up leads out of the set" if missing else "an initial state is not in the set"
        assert expected == refusal(content)


def test_parameters_are_tried_with_every_choice() -> None:
    chosen = [Variable(f"c{i}", z3.Bool(f"go!c{i}"), ("no", "yes")) for i in range(3)]
    seen = [Variable(f"s{i}", z3.Bool(f"s{i}"), ("no", "yes")) for i in range(3)]
    guard = z3.Or([c.term for c in chosen])
    updates = {s.name: c.term for s, c in zip(seen, chosen, strict=True)}
    go = GroundAction("go", tuple(chosen), guard, ANSWER, updates)
    start = z3.Not(z3.Or([s.term for s in seen]))
    system = GroundSystem("choices", tuple(seen), start, (go,), ("done",))
    line = closed_set.confirm(file_of(system, claim_of()))[3]
    assert line.startswith("8 states hold all 1 initial ones and are closed under 56 transitions")


def test_initial_states_that_depend_on_one_another_are_all_made() -> None:
    values = [numeral(name, 3) for name in "abcdefgh"]
    chain = [x.term == y.term + 1 for x, y in itertools.pairwise(values)]
    system = GroundSystem("chain", tuple(values), z3.And(chain), (), ("done",))
    states = [tuple((x - i) % 8 for i in range(8)) for x in range(8)]
    content = file_of(system, claim_of(), closed_set_of(system, states))
    assert closed_set.confirm(content)[3].startswith("8 states hold all 8 initial ones")


def test_too_many_initial_states_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(closed_set, "INITIAL_MAX", 100)
    system = GroundSystem("free", (numeral("a", 7),), TRUE, (), ("done",))
    content = file_of(system, claim_of(), closed_set_of(system, [(0,)]))
    assert "it has too many initial states: over 100" == refusal(content)


def test_a_step_claim_is_judged_on_every_transition() -> None:
    grounding, found = philosophers()
    content = file_of(grounding.system, found[1])
    assert "none of them violates the claim" in closed_set.confirm(content)[3]
    wrong = claim_of(steps={"take_first": z3.BoolVal(False)})
    assert "a step of take_first violates the claim" == refusal(file_of(grounding.system, wrong))


def test_a_representative_stands_for_what_is_not_in_the_set() -> None:
    places = [numeral("a", 2), numeral("b", 2)]
    a, b = (variable.term for variable in places)
    up = [
        GroundAction(f"up_{v.name}", (), v.term != 3, ANSWER, {v.name: v.term + 1}) for v in places
    ]
    system = GroundSystem("two counters", tuple(places), z3.And(a == 0, b == 0), tuple(up), ("x",))
    ascending = [(x, y) for x in range(4) for y in range(x, 4)]
    plain = closed_set_of(system, ascending)
    assert "up_a leads out of the set" == refusal(file_of(system, claim_of(), plain))
    lesser = z3.If(z3.ULT(b, a), b, a), z3.If(z3.ULT(b, a), a, b)
    conditions = (Condition("an exchange changes nothing", z3.BoolVal(False)),)
    proof = ClosedSet(system, plain.states, plain.fields, lesser, conditions)
    confirmed = closed_set.confirm(file_of(system, claim_of(), proof))
    assert confirmed[3].startswith("10 states hold all 1 initial ones and are closed under 15")
    assert "an exchange changes nothing" in confirmed[2]


def flipped(states):
    """The file of a counter that goes round, where 0 and 1 stand for one another, and 2 and 3."""
    n = numeral("n", 2)
    up = GroundAction("up", (), TRUE, ANSWER, {"n": n.term + 1})
    system = GroundSystem("round", (n,), n.term == 0, (up,), ("done",))
    plain = closed_set_of(system, [(n,) for n in states])
    proof = ClosedSet(system, plain.states, plain.fields, (n.term ^ 1,), (Condition("c", TRUE),))
    return file_of(system, claim_of(), proof)


def test_a_representative_may_have_another_one_that_is_not_in_the_set() -> None:
    line = closed_set.confirm(flipped([1, 3]))[3]
    assert line.startswith("2 states hold all 1 initial ones and are closed under 2 transitions")


def test_a_successor_in_the_set_is_not_enough_where_its_representative_is_another() -> None:
    assert "up leads out of the set" == refusal(flipped([1, 2]))


def test_of_successors_only_those_that_are_not_in_the_set_are_represented(monkeypatch) -> None:
    looked_at = []
    original = closed_set._Values.set

    def counted(values, parameters, column=None):
        if column is not None:
            looked_at.append(len(column(0)))
        original(values, parameters, column)

    monkeypatch.setattr(closed_set._Values, "set", counted)
    closed_set.confirm(flipped([0, 1, 2, 3]))
    # The set's own ones are represented, initial states are made, and each state is stepped.
    assert [4, 4, 4] == [count for count in looked_at if count]


def _drop_a_state(parts):
    parts["states"] = np.delete(parts["states"], 100, axis=0)


def _add_a_state(parts):
    # Everybody has committed and nobody has decided: in range, reached by nothing.
    values = {"rm[0]": 2, "rm[1]": 2, "rm[2]": 2}
    extra = np.uint64(0)
    fields = zip(parts["header"]["fields"], parts["program"]["variables"], strict=True)
    for (_, shift, _), (name, _, _) in fields:
        extra |= np.uint64(values.get(name, 0) << shift)
    place = int(np.searchsorted(parts["states"][:, 0], extra))
    parts["states"] = np.insert(parts["states"], place, extra, axis=0)


def _swap_states(parts):
    parts["states"][[3, 4]] = parts["states"][[4, 3]]


def _repeat_a_state(parts):
    parts["states"] = np.insert(parts["states"], 7, parts["states"][7], axis=0)


def _use_bits_of_nobody(parts):
    parts["states"][-1, 0] |= np.uint64(1)


def _leave_the_range(parts):
    # The last field of two bits that has three values gets a fourth.
    for (word, shift, _), (_, bits, size) in zip(
        parts["header"]["fields"], parts["program"]["variables"], strict=True
    ):
        if size == 3 and bits == 2:
            parts["states"][-1, word] |= np.uint64(3 << shift)


def _share_bits(parts):
    parts["header"]["fields"][1] = parts["header"]["fields"][0]


def _widen_a_variable(parts):
    parts["program"]["variables"][0][2] = 5


def _forbid_everything(parts):
    false = len(parts["program"]["nodes"])
    parts["program"]["nodes"].append(["const", 0, 0])
    parts["program"]["state"] = false


def _weaken_a_guard(parts):
    parts["program"]["actions"][0]["guard"] = []


def _start_anywhere(parts):
    parts["program"]["initially"] = parts["program"]["initially"][1:]


def _refer_to_itself(parts):
    parts["program"]["nodes"][-1] = ["and", 0, 0, len(parts["program"]["nodes"]) - 1]


def _refer_backwards(parts):
    parts["program"]["nodes"][-1] = ["and", 0, 0, -1]


def _use_an_unknown_operator(parts):
    parts["program"]["nodes"][parts["program"]["state"]][0] = "magic"


def _read_an_unknown_variable(parts):
    parts["program"]["nodes"][parts["program"]["state"]] = ["var", 0, 99]


def _lose_a_node(parts):
    parts["program"]["nodes"].pop()


def _be_a_list(parts):
    parts["program"] = list(parts["program"])


def _be_another_kind(parts):
    parts["header"]["kind"] = "induction"


def _be_newer(parts):
    parts["header"]["format"] = 2


def _be_empty(parts):
    parts["states"] = parts["states"][:0]


def _lose_a_field(parts):
    parts["header"]["fields"].pop()


def _miscount_words(parts):
    parts["header"]["words"] = 2


def _be_very_wide(parts):
    parts["program"]["nodes"][0][1] = 1 << 40


SPOILED = {
    _drop_a_state: "leads out of the set",
    _add_a_state: "leads out of the set",
    _swap_states: "state 4 is not greater than the one before it",
    _repeat_a_state: "state 8 is not greater than the one before it",
    _use_bits_of_nobody: "a state has a variable out of its range, or bits that are of none",
    _leave_the_range: "a state has a variable out of its range",
    _share_bits: "a variable has not the bits of a state that its values need",
    _widen_a_variable: "a variable has not the bits of a state that its values need",
    _forbid_everything: "the claim is false in a state of the set",
    _weaken_a_guard: "note leads out of the set",
    _start_anywhere: "an initial state is not in the set",
    _refer_to_itself: "has no meaning",
    _refer_backwards: "has no meaning",
    _use_an_unknown_operator: "has no meaning",
    _read_an_unknown_variable: "it is not as it was written",
    _lose_a_node: "it is not as it was written",
    _be_a_list: "it is not as it was written",
    _be_another_kind: "it is of kind 'induction', version 1",
    _be_newer: "it is of kind 'closed-set', version 2",
    _be_empty: "its states are uint8 of shape (8, 0)",
    _lose_a_field: "it is not as it was written",
    _miscount_words: "not bytes in 16 rows",
    _be_very_wide: "has no meaning",
}


@pytest.mark.parametrize("change", SPOILED, ids=lambda change: change.__name__.strip("_"))
def test_a_forged_file_is_refused_although_its_checksum_fits(healthy, change) -> None:
    assert SPOILED[change] in refusal(spoiled(healthy, change))


@pytest.mark.parametrize("change", [_drop_a_state, _weaken_a_guard, _be_newer])
def test_a_changed_file_is_refused_because_of_its_checksum(healthy, change) -> None:
    expected = "its checksum is not that of its content"
    if change is _be_newer:
        expected = "it is of kind 'closed-set', version 2"
    assert expected == refusal(spoiled(healthy, change, signed=False))


def test_a_file_that_is_only_taken_apart_and_put_together_is_healthy(healthy) -> None:
    assert LINE == closed_set.confirm(spoiled(healthy, lambda parts: None))[3]


def test_every_flipped_byte_is_refused_or_changes_nothing(healthy) -> None:
    # What lies beside the data in a zip file (times, attributes) may change unseen.
    outcomes = set()
    for place in range(0, len(healthy), 7):
        changed = bytearray(healthy)
        changed[place] ^= 0x40
        try:
            outcomes.add(closed_set.confirm(bytes(changed))[3])
        except closed_set.Refused:
            outcomes.add("refused")
    assert {"refused", LINE} == outcomes


@pytest.mark.parametrize("length", [0, 1, 4, 100, 1000, -1])
def test_a_truncated_file_is_refused(healthy, length) -> None:
    assert "it is not as it was written" in refusal(healthy[:length])


def test_what_is_no_zip_file_is_refused() -> None:
    assert "it is not as it was written: File is not a zip file" == refusal(b"PK but no more")


def test_a_file_with_other_parts_is_refused(healthy) -> None:
    with np.load(io.BytesIO(healthy)) as file:
        parts = {name: file[name] for name in file.files}
    states = parts.pop("states")
    missing = {name: part for name, part in parts.items() if name != "program"}
    for texts in (missing, {**parts, "more": states}):
        assert refusal(zipped(texts, states)).startswith("it has not the parts conditions, header")


def test_pickled_objects_are_refused_unread(healthy) -> None:
    with np.load(io.BytesIO(healthy)) as file:
        parts = {name: file[name] for name in file.files if name != "states"}
    boom = np.array([print], dtype=object)
    assert "its states are object of shape (1,), not bytes in 8 rows" == refusal(
        zipped(parts, boom)
    )


def test_parts_that_are_not_bytes_are_refused(healthy) -> None:
    with np.load(io.BytesIO(healthy)) as file:
        parts = {name: file[name] for name in file.files if name != "states"}
    words = refusal(zipped(parts, np.zeros((8, 3), np.uint32)))
    assert "its states are uint32 of shape (8, 3), not bytes in 8 rows" == words


def test_a_file_that_unpacks_to_too_much_is_refused_unread(healthy) -> None:
    with np.load(io.BytesIO(healthy)) as file:
        parts = {name: file[name] for name in file.files if name != "states"}
    bomb = zipped(parts, np.zeros((8, 1 << 20), np.uint8))
    assert len(bomb) < 20_000
    message = refusal(bomb, bytes_max=1 << 20)
    assert message.startswith("it would unpack to 83")
    assert message.endswith("bytes, more than 1048576")


def test_an_array_that_says_it_is_larger_than_it_is_is_refused(healthy) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(healthy)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            raw = old.read(name)
            if name == "states.npy":
                raw = raw.replace(b"(8, 288), }", b"(8, 9999999999999), }"[:11] + b"  ", 1)
                raw = raw.replace(b"'shape': (8, 288)", b"'shape': (8, 9<<4)", 1)
            new.writestr(name, raw)
    assert "it is not as it was written" in refusal(out.getvalue())


def test_it_runs_alone_and_is_short(tmp_path: Path, healthy) -> None:
    script = Path(closed_set.__file__)
    source = script.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 300
    assert {"numpy"} == imports_of(source) - sys.stdlib_module_names
    good, bad = tmp_path / "good.npz", tmp_path / "bad.npz"
    good.write_bytes(healthy)
    bad.write_bytes(spoiled(healthy, _drop_a_state))
    runs = [
        subprocess.run(
            [sys.executable, "-I", str(script), str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        for path in (good, bad)
    ]
    assert [0, 1] == [run.returncode for run in runs]
    assert f"{good}: {LINE}\n" == runs[0].stdout
    assert "leads out of the set" in runs[1].stderr


def test_a_term_that_has_no_place_in_a_program_is_refused() -> None:
    x = numeral("x", 4)
    odd = claim_of(z3.UDiv(x.term, z3.BitVecVal(3, 4)) == 0)
    system = GroundSystem("odd", (x,), x.term == 0, (), ("done",))
    with pytest.raises(NotWritable, match="the operator 'bvudiv' has no place in a program"):
        program_of(system, odd)
    stray = claim_of(z3.Bool("stray"))
    with pytest.raises(NotWritable, match="stray is neither a variable nor a parameter"):
        program_of(system, stray)
