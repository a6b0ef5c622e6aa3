"""Conditions are refuted exactly where an induction is one, and they say what they are about."""

from __future__ import annotations

import z3
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import search
from random_systems import claims, flag, systems
from random_systems import three as three_valued
from small_systems import ANSWER, TRUE, claim_of, counter, numeral
from textbook import peterson, philosophers, two_phase_commit

from checker.answers.proof import Invariant
from checker.certifying.certificate import induction_script
from checker.certifying.conditions import conditions
from checker.certifying.refutation import refuted_by_cvc5
from checker.solving.induction import k_induction
from checker.systems.system import GroundAction, GroundSystem


def open_ones(system, claim, invariant):
    """Names of the conditions that have a model, as Z3 finds."""
    found = []
    for condition in conditions(system, claim, invariant):
        solver = z3.Solver()
        solver.add(condition.formula)
        if solver.check() != z3.unsat:
            found.append(condition.name)
    return found


def names(system, claim, invariant):
    """What the conditions are called."""
    return [condition.name for condition in conditions(system, claim, invariant)]


def test_petersons_lemma_makes_exclusion_inductive_and_nothing_less_does() -> None:
    grounding, (exclusive, lemma) = peterson()
    system = grounding.system
    assert [] == open_ones(system, exclusive, Invariant(system, (lemma.state,)))
    assert ["enter keeps it"] == open_ones(system, exclusive, Invariant(system, ()))
    answers = refuted_by_cvc5(
        induction_script(system, exclusive, Invariant(system, (lemma.state,)))
    )
    assert answers.all_refuted
    assert [
        "the initial states satisfy it",
        "ask keeps it",
        "give_turn keeps it",
        "enter keeps it",
        "leave keeps it",
    ] == [name for name, _ in answers.each]


def test_an_invariant_that_does_not_hold_at_the_start_is_open_there() -> None:
    system, count = counter()
    invariant = Invariant(system, (count != 0,))
    assert ["the initial states satisfy it"] == open_ones(system, claim_of(), invariant)


def test_an_action_that_changes_nothing_of_it_has_no_condition() -> None:
    system, count = counter(width=1)
    still = z3.Bool("still0")
    assert ["the initial states satisfy it"] == names(
        system, claim_of(z3.Not(still)), Invariant(system, ())
    )
    both = Invariant(system, (z3.ULE(count, 14),))
    assert ["the initial states satisfy it", "up keeps it"] == names(
        system, claim_of(z3.Not(still)), both
    )


def test_only_the_clauses_that_an_action_changes_are_written_after_it() -> None:
    variables = [numeral(f"v{i}", 2) for i in range(40)]
    clauses = tuple(z3.Or(a.term == 0, b.term == 0) for a in variables for b in variables)
    idle = [
        GroundAction(f"reset{i}", (), TRUE, ANSWER, {v.name: z3.BitVecVal(0, 2)})
        for i, v in enumerate(variables)
    ]
    start = z3.And([v.term == 0 for v in variables])
    system = GroundSystem("many", tuple(variables), start, tuple(idle), ("done",))
    text = induction_script(system, claim_of(), Invariant(system, clauses))
    # 1600 clauses and 40 actions, each with the names of 1600 and the text of 79.
    assert len(text) < 41 * 1600 * 30
    assert refuted_by_cvc5(text).all_refuted


def test_values_stay_in_their_ranges_or_it_is_no_invariant() -> None:
    three = three_valued("n")
    up = GroundAction("up", (), TRUE, ANSWER, {"n": three.term + 1})
    system = GroundSystem("out of range", (three,), three.term == 0, (up,), ("done",))
    assert ["up keeps it"] == open_ones(system, claim_of(), Invariant(system, ()))


def test_a_step_claim_has_a_condition_for_each_action_that_it_speaks_of() -> None:
    grounding, (_, one_hand) = philosophers()
    system = grounding.system
    assert [
        "the initial states satisfy it",
        "take_first keeps it",
        "take_first does as claimed",
        "take_second keeps it",
        "take_second does as claimed",
        "put_down keeps it",
        "put_down does as claimed",
    ] == names(system, one_hand, Invariant(system, ()))
    assert [] == open_ones(system, one_hand, Invariant(system, ()))
    wrong = claim_of(steps={"put_down": z3.BoolVal(False)})
    assert ["put_down does as claimed"] == open_ones(system, wrong, Invariant(system, ()))


def test_k_induction_has_base_conditions_and_steps_after_good_steps() -> None:
    system, count = counter()
    # From 0 up to 3 and no further: 5 is reached from 4 only, and 4 from nothing.
    odd = GroundAction(
        "up", (), z3.ULT(count, 15), ANSWER, {"n": z3.If(count == 3, count, count + 1)}
    )
    system = GroundSystem("stops", system.variables, system.initially, (odd,), ("done",))
    claim = claim_of(count != 6)
    assert ["up keeps it"] == open_ones(system, claim, Invariant(system, ()))
    assert ["up keeps it after 1 good step"] == open_ones(system, claim, Invariant(system, (), 2))
    assert [] == open_ones(system, claim, Invariant(system, (), 3))
    assert [
        "the initial states satisfy it",
        "runs of 1 step satisfy it",
        "runs of 2 steps satisfy it",
        "up keeps it after 2 good steps",
    ] == names(system, claim, Invariant(system, (), 3))


def test_distinct_states_make_an_induction_of_what_is_none_without() -> None:
    system, count = counter(bits=2)
    # 1 and 2 lead to each other, and 2 to 3: only runs that repeat states stay there.
    table = z3.If(count == 0, count, z3.If(count == 1, count + 1, count + 1))
    back = GroundAction("back", (), count == 2, ANSWER, {"n": count - 1})
    up = GroundAction("up", (), TRUE, ANSWER, {"n": table})
    system = GroundSystem("cycle", system.variables, system.initially, (up, back), ("done",))
    claim = claim_of(count != 3)
    for k in (1, 2, 3):
        assert open_ones(system, claim, Invariant(system, (), k))
        assert ([] == open_ones(system, claim, Invariant(system, (), k, distinct=True))) == (k == 3)


def test_one_action_is_taken_at_a_time() -> None:
    # If `jump` could give `a` its value in the step in which `run` moves the others, three states
    # would lead to the bad one.
    e, a, f = three_valued("e"), flag("a"), three_valued("f")
    actions = (
        GroundAction("go", (), TRUE, ANSWER, {"e": f.term}),
        GroundAction("run", (), TRUE, ANSWER, {"e": z3.If(a.term, f.term, 0), "f": e.term}),
        GroundAction("jump", (), TRUE, ANSWER, {"a": TRUE}),
    )
    start = z3.And(e.term == 0, z3.Not(a.term), f.term == 0)
    system = GroundSystem("one at a time", (e, a, f), start, actions, ("done",))
    claim = claim_of(z3.Not(z3.And(e.term == 1, a.term, f.term == 2)))
    assert [] == open_ones(system, claim, Invariant(system, (), 3, distinct=True))
    assert ["run keeps it after 1 good step"] == open_ones(
        system, claim, Invariant(system, (), 2, distinct=True)
    )


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_conditions_are_refuted_where_k_induction_proves(data) -> None:
    system = data.draw(systems())
    claim = data.draw(claims(system))
    verdict = k_induction(system, claim, 3, premise_reached=True)
    for k in (1, 2, 3):
        proved = verdict.word == "PROVED" and verdict.depth <= k
        found = open_ones(system, claim, Invariant(system, (), k, distinct=True))
        assert proved == (found == [])


@settings(deadline=None, max_examples=10)
@given(st.data())
def test_what_is_violated_has_no_invariant(data) -> None:
    system = data.draw(systems())
    claim = data.draw(claims(system))
    found = search(system, claim)
    reached = z3.Or(
        [
            z3.And([v.term == v.literal(x) for v, x in zip(system.variables, state, strict=True)])
            for state in found.reached
        ]
    )
    # The reached states themselves are the strongest invariant there is.
    closed = open_ones(system, claim, Invariant(system, (reached,)))
    assert (found.violation is None) == (closed == [])


def test_two_phase_commit_is_not_inductive_by_itself_and_each_open_action_is_named() -> None:
    grounding, (consistent,) = two_phase_commit()
    assert {"give_up keeps it", "hear_commit keeps it", "hear_abort keeps it"} == set(
        open_ones(grounding.system, consistent, Invariant(grounding.system, ()))
    )
