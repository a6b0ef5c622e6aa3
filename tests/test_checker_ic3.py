"""IC3 says what a plain search says, and its invariants are inductive by Z3's own account."""

from __future__ import annotations

import dataclasses

import plain_search
import pytest
import random_systems
import textbook
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_systems import ANSWER, FALSE, TRUE, claim_of, counter, numeral

from benchmarks import key_tables
from checker.confirm import confirm
from checker.ic3 import questions
from checker.ic3.atoms import Atoms, clause_term, symmetries_of
from checker.ic3.search import ic3, ic3_invariant
from checker.solving import sat
from checker.solving.blast import blast
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import GroundAction, GroundSystem, Variable
from checker.systems.wellformed import require_well_formed

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def refute(*formulas):
    """Z3's answer to whether the formulas have a model."""
    solver = z3.Solver()
    solver.add(*formulas)
    return solver.check()


def require_inductive(system, claim, verdict):
    """The invariant together with the claim: initially, after every action, and for the steps."""
    assert verdict.proof.system is system
    assert (1, False) == (verdict.proof.k, verdict.proof.distinct)
    invariant = z3.And(claim.state, *verdict.proof.conjuncts)
    in_range = [variable.in_range() for variable in system.variables]
    assert z3.unsat == refute(system.initially, *in_range, z3.Not(invariant))
    for action in system.actions:
        after = [(v.term, action.updates.get(v.name, v.term)) for v in system.variables]
        kept = z3.And(z3.substitute(invariant, *after), claim.steps.get(action.name, TRUE))
        assert z3.unsat == refute(invariant, *in_range, action.guard, z3.Not(kept)), action.name


def require_same(system, claim, plain, verdict):
    """The verdict is the one of the plain search."""
    if plain.violation is not None:
        assert ("VIOLATED", plain.violation) == (verdict.word, len(verdict.trace))
        assert plain.violation == verdict.depth
        confirm(system, claim, verdict.trace.start, [s.call for s in verdict.trace.steps])
    elif plain.premise is None:
        assert ("VACUOUS", False) == (verdict.word, verdict.premise_reached)
    else:
        assert ("PROVED", "ic3") == (verdict.word, verdict.engine)
        require_inductive(system, claim, verdict)


@st.composite
def judged_systems(draw):
    """A system, a claim about it, and what the plain search finds."""
    system = draw(random_systems.systems())
    claim = draw(random_systems.claims(system))
    require_well_formed(system)
    return system, claim, plain_search.search(system, claim)


@SLOW
@given(judged_systems())
def test_random_systems_get_the_verdict_of_a_plain_search(judged):
    system, claim, plain = judged
    require_same(system, claim, plain, ic3(system, claim))


@settings(SLOW, max_examples=10)
@given(judged_systems())
def test_z3_as_the_solver_gives_the_same(judged):
    system, claim, plain = judged
    require_same(system, claim, plain, ic3(system, claim, backend=sat.Z3))


@settings(SLOW, max_examples=15)
@given(judged_systems(), st.data())
def test_a_wrong_symmetry_changes_no_answer(judged, data):
    system, claim, plain = judged
    atoms = [(i, value) for i, v in enumerate(system.variables) for value in range(v.size)]
    wrong = dict(zip(atoms, data.draw(st.permutations(atoms)), strict=True))
    require_same(system, claim, plain, ic3(system, claim, symmetry=[wrong]))


@pytest.mark.parametrize(
    "build",
    [
        textbook.die_hard,
        lambda: textbook.die_hard(6),
        textbook.peterson,
        lambda: textbook.peterson(fair=False),
        textbook.philosophers,
        lambda: textbook.philosophers(4, left_handed=True),
        textbook.missionaries,
    ],
)
def test_textbook_systems_get_the_verdict_of_a_plain_search(build):
    ground, claims = build()
    for claim in claims:
        plain = plain_search.search(ground.system, claim)
        require_same(ground.system, claim, plain, ic3(ground.system, claim))


def test_two_phase_commit_is_proved():
    ground, (claim,) = textbook.two_phase_commit()
    verdict = ic3(ground.system, claim)
    assert "PROVED" == verdict.word
    require_inductive(ground.system, claim, verdict)


def tables(packages, keyids, keys, misses_last=False):
    """The grounding of the key tables, and the claim."""
    sizes = {key_tables.PACKAGE: packages, key_tables.KEYID: keyids, key_tables.BYTES: keys + 1}
    finite = Finite(sizes)
    ground = Grounding(key_tables.key_tables(finite, misses_last))
    return ground, ground.property(key_tables.online_packages_agree(finite))


@pytest.mark.parametrize("boosted", [False, True])
@pytest.mark.parametrize("backend", ["cadical153", "glucose4", "z3"])
def test_key_tables_need_one_clause_of_each_package_keyid_and_key(backend, boosted):
    ground, claim = tables(3, 2, 2)
    symmetry = symmetries_of(ground, ground.system) if boosted else ()
    verdict, clauses = ic3_invariant(ground.system, claim, symmetry=symmetry, backend=backend)
    assert "PROVED" == verdict.word
    require_inductive(ground.system, claim, verdict)
    if backend != sat.Z3:  # it also finds other clauses
        place = {variable.name: i for i, variable in enumerate(ground.system.variables)}
        expected = {
            frozenset({
                (place[f"online[{p}]"], 1, False),
                (place[f"key_of[{k}]"], key, False),
                (place[f"table[{p},{k}]"], key, True),
            })
            for p in range(3) for k in (1, 2) for key in (1, 2)
        }  # fmt: skip
        assert expected == set(clauses)


def test_key_tables_that_miss_a_keyid_are_violated_after_as_many_calls_and_two():
    for keyids in (1, 2, 3):
        ground, claim = tables(2, keyids, 1, misses_last=True)
        verdict = ic3(ground.system, claim, symmetry=symmetries_of(ground, ground.system))
        assert ("VIOLATED", keyids + 2) == (verdict.word, len(verdict.trace))


def test_a_bad_state_without_a_successor_is_found():
    system, n = counter()
    verdict = ic3(system, claim_of(n != 15))
    assert ("VIOLATED", 15) == (verdict.word, len(verdict.trace))


def test_a_bad_initial_state_needs_no_transition():
    system, n = counter()
    stuck = dataclasses.replace(system, actions=())
    assert 0 == len(ic3(stuck, claim_of(n != 0)).trace)
    assert "PROVED" == ic3(stuck, claim_of(n == 0)).word


def test_lifting_keeps_what_the_guard_needs():
    # From n = 5 a jump leads to the goal, but only while the switch is on, which takes a step.
    n, on = numeral("n", 3), Variable("on", z3.Bool("on"), ("no", "yes"))
    actions = (
        GroundAction("up", (), n.term < 5, ANSWER, {"n": n.term + 1}),
        GroundAction("turn", (), z3.Not(on.term), ANSWER, {"on": TRUE}),
        GroundAction("jump", (), z3.And(on.term, n.term == 0), ANSWER, {"n": z3.BitVecVal(7, 3)}),
    )
    start = z3.And(n.term == 0, z3.Not(on.term))
    system = GroundSystem("switched", (n, on), start, actions, ("done",))
    claim = claim_of(n.term != 7)
    verdict = ic3(system, claim)
    assert ["turn", "jump"] == [step.call.action for step in verdict.trace.steps]


def test_a_variable_with_many_values_is_judged_by_its_bits():
    system, n = counter(bits=5)
    ring = dataclasses.replace(
        system,
        actions=(GroundAction("up", (), n < 14, ANSWER, {"n": n + 2}),),
    )
    verdict, clauses = ic3_invariant(ring, claim_of(n != 7))
    assert "PROVED" == verdict.word
    require_inductive(ring, claim_of(n != 7), verdict)
    assert {(0, -1, False)} in clauses  # bit 0 is never set
    assert ("VIOLATED", 7) == (ic3(ring, claim_of(n != 14)).word, 7)


def test_a_claim_that_is_inductive_needs_no_clause():
    system, n = counter()
    verdict, clauses = ic3_invariant(system, claim_of(z3.ULE(n, 15)))
    assert ("PROVED", ()) == (verdict.word, clauses)
    assert () == verdict.proof.conjuncts


def test_a_premise_that_is_never_reached_makes_a_claim_vacuous():
    system, n = counter()
    assert "VACUOUS" == ic3(system, claim_of(TRUE, premise=FALSE)).word
    assert "VACUOUS" == ic3(system, claim_of(premise=FALSE, premise_steps={"up": n == 15})).word
    assert "PROVED" == ic3(system, claim_of(premise=FALSE, premise_steps={"up": n == 14})).word


def test_without_initial_states_every_claim_is_vacuous():
    system, n = counter()
    nowhere = dataclasses.replace(system, initially=z3.And(n == 3, n == 4))
    for claim in (claim_of(n != 15), claim_of(FALSE), claim_of(steps={"up": n != 5})):
        assert "VACUOUS" == ic3(nowhere, claim).word


def test_out_of_time_is_no_answer_and_says_what_was_covered():
    system, n = counter(bits=8)
    verdict = ic3(system, claim_of(n != 255), seconds_max=0)
    assert ("UNKNOWN", 0, False) == (verdict.word, verdict.depth, verdict.premise_reached)
    assert "out of time: not even the initial states were judged" == verdict.reason
    assert "UNKNOWN" == ic3(system, claim_of(n != 255), seconds_max=0, backend=sat.Z3).word
    verdict = ic3(system, claim_of(n != 255), seconds_max=0.2)
    expected = f"out of time: no violation within {verdict.depth} transitions"
    assert ("UNKNOWN", expected) == (verdict.word, verdict.reason)
    assert 0 < verdict.depth < 255


def test_a_proof_whose_premise_is_out_of_reach_in_the_time_is_no_answer():
    system, n = counter(bits=8)
    verdict = ic3(system, claim_of(TRUE, premise=n == 255), seconds_max=0.3)
    assert "UNKNOWN" == verdict.word
    assert verdict.reason.startswith("out of time: proved, but premise not reached within depth ")


def test_z3_that_gives_up_is_no_answer(monkeypatch):
    system, n = counter()
    monkeypatch.setattr(z3.Solver, "check", lambda self, *goals: z3.unknown)
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda self: "tired")
    verdict = ic3(system, claim_of(n != 15), backend=sat.Z3)
    expected = "Z3 gave no answer: tired: not even the initial states were judged"
    assert ("UNKNOWN", expected) == (verdict.word, verdict.reason)


def test_solvers_made_anew_change_no_answer(monkeypatch):
    ground, claim = tables(3, 2, 2)
    _, usual = ic3_invariant(ground.system, claim)
    monkeypatch.setattr(questions, "SPENT_MAX", 3)
    verdict, clauses = ic3_invariant(ground.system, claim)
    assert ("PROVED", set(usual)) == (verdict.word, set(clauses))


def test_an_unknown_solver_is_refused():
    system, n = counter()
    with pytest.raises(ValueError, match="python-sat has no solver 'nonsense'"):
        ic3(system, claim_of(n != 15), backend="nonsense")


def test_a_cube_and_its_clause_say_the_opposite():
    ground, claim = tables(2, 1, 2)
    blasted = blast(ground.system, claim, holds_next=True)
    atoms = Atoms(blasted)
    state = (1, 0, 2, 2, 0)
    cube = atoms.cube(state)
    clause = atoms.clause(cube)
    assert {(0, 1, False), (1, 1, True), (2, 2, False), (3, 2, False), (4, 0, False)} == clause
    here = z3.And(
        [v.term == v.literal(x) for v, x in zip(ground.system.variables, state, strict=True)]
    )
    assert z3.unsat == refute(here != z3.Not(clause_term(ground.system, clause)))
    some_values = [literal for literal in cube if atoms.clause([literal]) != {(2, 0, True)}]
    assert {(2, 1, True)} == atoms.clause(some_values) & {
        (2, v, p) for v in range(3) for p in (0, 1)
    }


def test_a_cube_that_names_one_value_of_several_excludes_the_others():
    # A wrong permutation may take a truth value to a value of a variable with three.
    ground, claim = tables(2, 1, 2)
    blasted = blast(ground.system, claim, holds_next=True)
    atoms = Atoms(blasted)
    renaming = atoms.renaming({(0, 1): (2, 1)})
    (online,) = blasted.now[0]
    assert {(2, 1, False)} == atoms.clause([renaming[online]])
    assert {(2, 1, True)} == atoms.clause([renaming[-online]])


def test_the_orbit_swaps_indices_and_values():
    ground, claim = tables(2, 1, 2)
    packages, keys = symmetries_of(ground, ground.system)
    place = {variable.name: i for i, variable in enumerate(ground.system.variables)}
    assert (place["online[1]"], 1) == packages[place["online[0]"], 1]
    assert (place["table[0,1]"], 2) == packages[place["table[1,1]"], 2]
    assert (place["key_of[1]"], 1) not in packages
    assert (place["key_of[1]"], 2) == keys[place["key_of[1]"], 1]
    assert (place["key_of[1]"], 0) not in keys
    renaming = Atoms(blast(ground.system, claim, holds_next=True)).renaming(keys)
    assert set(renaming) == set(renaming.values())


def test_the_orbit_of_a_cone_moves_what_the_cone_has():
    ground, _ = tables(2, 1, 2)
    without = [v for v in ground.system.variables if not v.name.startswith("online")]
    cone = dataclasses.replace(ground.system, variables=tuple(without))
    packages, _ = symmetries_of(ground, cone)
    names = {cone.variables[place].name for place, _ in packages}
    assert {"table[0,1]", "table[1,1]"} == names
    less = dataclasses.replace(cone, variables=tuple(without[:2]))
    assert {} == symmetries_of(ground, less)[0]


def test_swapping_the_two_values_of_a_variable_negates_its_literal():
    system, n = counter(bits=1)
    atoms = Atoms(blast(system, claim_of(n != 1), holds_next=True))
    (cube,) = atoms.cube((1,))
    assert {cube: -cube, -cube: cube} == atoms.renaming({(0, 0): (0, 1), (0, 1): (0, 0)})
