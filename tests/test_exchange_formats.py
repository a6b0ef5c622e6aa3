"""What is written for other checkers means what our engines are given."""

from __future__ import annotations

import hashlib
import itertools
import random

import exchanged
import pytest
import random_systems
import reading_btor2
import reading_smv
import small_systems
import z3
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import initial_states
from test_checker_compile import inputs as rows
from test_checker_compile import value_of

from checker import Machine, cone_of_influence
from checker.answers.trace import choice_of, is_true_in
from checker.exchange.formats import FORMATS
from checker.exchange.nodes import Nodes, NotWritable
from checker.exchange.subject import Subject
from checker.systems.system import Call, GroundAction, GroundSystem, Variable
from conformance.lockstep import ground
from designs import design_from_text
from model import Scope
from properties import PROPERTIES

INPUTS = random_systems.INPUTS


@st.composite
def systems_and_claims(draw):
    system = draw(random_systems.systems())
    return system, draw(random_systems.claims(system))


def calls_of(system):
    """Every action with every combination of values of its parameters, in range or not."""
    for number, action in enumerate(system.actions):
        widths = [1 if p.is_bool else p.term.size() for p in action.parameters]
        for values in itertools.product(*(range(1 << width) for width in widths)):
            names = [p.term.decl().name() for p in action.parameters]
            yield (
                Call(action.name, values),
                {"action": number, **dict(zip(names, values, strict=True))},
            )


def plainly_after(system, claim, state, call):
    """The state that a call leads to, with the flag for a claim about steps: by Z3's simplifier."""
    choice = choice_of(system, call)
    flag = () if claim.kind == "state" else (0,)
    if not is_true_in(system, state, system.action(call.action).guard, *choice):
        return (*state, *flag)
    after = Machine(system).step(state, call)[1]
    right = claim.steps.get(call.action)
    if flag and right is not None:
        flag = (int(not is_true_in(system, state, right, *choice)),)
    return (*after, *flag)


@pytest.mark.parametrize("form", exchanged.READ)
@settings(max_examples=10, deadline=None)
@given(case=systems_and_claims(), seed=st.integers(0, 1000))
def test_a_file_has_the_steps_and_the_starts_of_the_system(form, case, seed):
    system, claim = case
    written = exchanged.READ[form](system, claim)
    flags = [()] if claim.kind == "state" else [(0,), (1,)]
    every = list(itertools.product(*(range(v.size) for v in system.variables)))
    calls = list(calls_of(system))
    starts = initial_states(system)
    chance = random.Random(seed)
    for state in every:
        for flag in flags:
            right = flag != (1,) and is_true_in(system, state, claim.state)
            assert right == written.holds((*state, *flag))
            assert (state in starts and flag != (1,)) == written.is_initial((*state, *flag))
        call, inputs = chance.choice(calls)
        expected = plainly_after(system, claim, state, call)
        assert expected == written.after((*state, *flags[-1]), inputs)


@st.composite
def computing(draw):
    """A system of one action, which makes truths and numbers of every kind from INPUTS."""
    variables = [
        Variable(str(t), t, tuple(map(str, range(2 if z3.is_bool(t) else 1 << t.size()))))
        for t in INPUTS
    ]
    updates = {
        "p": draw(random_systems.truths(3)),
        "u": draw(random_systems.numbers(3, 3)),
        "w": draw(random_systems.numbers(8, 3)),
    }
    action = GroundAction("compute", (), z3.BoolVal(True), small_systems.ANSWER, updates)
    return GroundSystem("computing", tuple(variables), z3.BoolVal(True), (action,), ("done",))


@pytest.mark.parametrize("form", exchanged.READ)
@settings(max_examples=25, deadline=None)
@given(system=computing(), row=rows)
def test_a_file_computes_what_z3_computes(form, system, row):
    written = exchanged.READ[form](system, small_systems.claim_of())
    updates = system.actions[0].updates
    expected = tuple(
        value_of(updates[v.name], row) if v.name in updates else value
        for v, value in zip(system.variables, row, strict=True)
    )
    assert expected == written.after(row, {"action": 0})


CELLS = [
    ("rfc-v2", "tables-agree"),
    ("per-package", "failure-is-noop"),
    ("rfc-v2", "no-deadlock"),
    ("no-hotplug", "payload-as-documented"),
]


@pytest.mark.parametrize(("design", "claim_id"), CELLS)
@pytest.mark.parametrize("form", ["btor2", "smv"])
def test_random_runs_of_a_design_are_runs_of_its_file(form, design, claim_id):
    claim = PROPERTIES[claim_id]
    grounding = ground(design_from_text(design), Scope(), claim.system)
    grounded = grounding.property(claim)
    system = cone_of_influence(grounding.system, grounded)
    written, machine = exchanged.READ[form](system, grounded), Machine(system)
    chance = random.Random(1)
    numbers = {action.name: number for number, action in enumerate(system.actions)}
    state = chance.choice(machine.initial_states())
    flag = () if grounded.kind == "state" else (0,)
    assert written.is_initial((*state, *flag))
    for _ in range(12):
        enabled = machine.enabled(state)
        if not enabled:  # a deadlock
            break
        call = chance.choice(enabled)
        parameters = system.action(call.action).parameters
        names = [p.term.decl().name() for p in parameters]
        inputs = {"action": numbers[call.action], **dict(zip(names, call.values, strict=True))}
        expected = plainly_after(system, grounded, state, call)
        assert expected == written.after((*state, *flag), inputs)
        state = expected[: len(state)]
        right = is_true_in(system, state, grounded.state) and not any(expected[len(state) :])
        assert right == written.holds(expected)


def toggle():
    """A lamp that a switch with three positions turns on, and a claim about steps."""
    lamp, level = random_systems.flag("lamp[0]"), random_systems.three("level")
    way = random_systems.three("way", "switch!way")
    action = GroundAction(
        name="switch",
        parameters=(way,),
        guard=z3.And(way.in_range(), way.term != level.term),
        answer=small_systems.ANSWER,
        updates={"lamp[0]": z3.Not(lamp.term), "level": way.term},
    )
    initially = z3.And(z3.Not(lamp.term), z3.Or(level.term == 1, level.term == 2))
    system = GroundSystem("toggle", (lamp, level), initially, (action,), ("done",))
    claimed = z3.Not(z3.And(lamp.term, way.term == 2))
    return system, small_systems.claim_of(steps={"switch": claimed})


@pytest.mark.parametrize("form", exchanged.READ)
def test_runs_begin_only_where_they_may_be_it_with_values_out_of_range(form):
    system, claim = toggle()
    written = exchanged.READ[form](system, claim)
    every = itertools.product(range(2), range(4), range(2))
    assert [(0, 1, 0), (0, 2, 0)] == [state for state in every if written.is_initial(state)]


DIGESTS = {
    "vmt": "bb2de0e9a8a5dd96",
    "smt2": "18a1d633dbb31655",
    "horn": "ffedb5648410a916",
    "smv": "e1bd8abad203e80a",
    "btor2": "1c89d6c9fa13837b",
    "tla": "c0d5f9bd3c3afcde",
}


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_system_always_is_the_same_text(form):
    texts = [
        "".join(FORMATS[form].write(Subject(*toggle(), ["a lamp"], "toggle", 2)).values())
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    assert DIGESTS[form] == hashlib.sha256(texts[0].encode()).hexdigest()[:16]


def written_as(form, system, claim, name="written"):
    """The main text of a small system."""
    return FORMATS[form].write(Subject(system, claim, (), name))[FORMATS[form].ending]


@pytest.mark.parametrize("form", FORMATS)
def test_a_text_grows_with_what_is_shared_and_not_with_what_is_spelled_out(form):
    def tower(height):
        number = small_systems.numeral("n", 8)
        value = number.term
        for i in range(height):
            value = (value + value) ^ i
        action = GroundAction("climb", (), value != 3, small_systems.ANSWER, {"n": value})
        system = GroundSystem("tower", (number,), number.term == 0, (action,), ("done",))
        return len(written_as(form, system, small_systems.claim_of(number.term != 9)))

    assert tower(80) < 3 * tower(40)


@pytest.mark.parametrize("form", FORMATS)
def test_a_shift_does_not_spell_out_what_it_shifts(form):
    number = small_systems.numeral("n", 8)
    value = number.term
    for i in range(1, 9):
        value = (value << (value & i)) + 1
    action = GroundAction("shift", (), z3.BoolVal(True), small_systems.ANSWER, {"n": value})
    system = GroundSystem("shifts", (number,), number.term == 0, (action,), ("done",))
    assert len(written_as(form, system, small_systems.claim_of(number.term != 9))) < 20_000


AWKWARD = (
    "a b",
    "a_b",
    "a.b",
    "next",
    "Next",
    "if",
    "TRUE",
    "d1",
    "x'",
    "7",
    "é;|",
    "WF_x",
    "action",
)


@pytest.mark.parametrize("form", exchanged.READ)
def test_names_that_a_format_has_no_room_for_stay_apart(form):
    flags = tuple(random_systems.flag(name) for name in AWKWARD)
    turned = {v.name: w.term for v, w in zip(flags, [*flags[1:], flags[0]], strict=True)}
    action = GroundAction("turn", (), z3.BoolVal(True), small_systems.ANSWER, turned)
    start = z3.And(flags[0].term, *(z3.Not(v.term) for v in flags[1:]))
    system = GroundSystem("names", flags, start, (action,), ("done",))
    text = written_as(form, system, small_systems.claim_of(z3.Or([v.term for v in flags])))
    if form in ("vmt", "smt2"):
        z3.parse_smt2_string(text)  # which refuses what is declared twice
    elif form == "btor2":
        assert len(flags) == len(reading_btor2.read(text).states)
    else:
        file = reading_smv.read(text)
        assert len(flags) == len(file.states) == len(file.next)
        assert set() == (file.states.keys() | file.define.keys()) & {"next", "TRUE"}


def test_what_no_format_has_words_for_is_refused():
    a = z3.BitVec("a", 3)
    refused = [
        (z3.UDiv(a, a) == a, "the operator 'bvudiv' is not written for other checkers"),
        (z3.Int("i") == 1, "the sort Int is neither truths nor bit-vectors"),
        (z3.Function("f", a.sort(), a.sort())(a) == a, "the operator 'f' is not written for"),
    ]
    for term, words in refused:
        with pytest.raises(NotWritable) as refusal:
            Nodes().of(term)
        assert str(refusal.value).startswith(words)


def test_numbers_that_tlc_cannot_count_with_are_refused():
    wide = Variable("wide", z3.BitVec("wide", 40), ("0", "1"))
    system = GroundSystem("wide", (wide,), wide.term == 0, (), ("none",))
    claim = small_systems.claim_of(wide.term + 1 != 0)
    with pytest.raises(NotWritable) as refusal:
        written_as("tla", system, claim)
    assert "numbers of 40 bits are more than TLC can count with" == str(refusal.value)
    assert "bitvec 40" in written_as("btor2", system, claim)


@pytest.mark.parametrize("name", ["a-b", "7a", "MODULE", "Next", "WF_a", "Nat", "a b", ""])
def test_a_module_has_a_name_that_tla_allows(name):
    with pytest.raises(NotWritable) as refusal:
        written_as("tla", *toggle(), name)
    assert f"a TLA+ module cannot be called {name!r}" in str(refusal.value)


@pytest.mark.parametrize("form", FORMATS)
def test_a_system_without_variables_is_written_too(form):
    system = GroundSystem("nothing", (), z3.BoolVal(True), (), ("none",))
    assert "wrong_step" in written_as(form, system, small_systems.claim_of())


@pytest.mark.parametrize("form", exchanged.READ)
def test_what_is_said_of_a_variable_is_one_line(form):
    lines = ("first\nbad 1\n(exit)", "second\u2028bad 1")
    lamp = Variable("lamp", z3.BitVec("lamp", 1), lines)
    system = GroundSystem("lines", (lamp,), lamp.term == 0, (), ("none",))
    text = FORMATS[form].write(Subject(system, small_systems.claim_of(), lines, "lines"))
    (said,) = text.values()
    assert [] == [line for line in said.splitlines() if line in ("bad 1", "(exit)")][1:]
    assert "0 first bad 1 (exit), 1 second bad 1" in said
