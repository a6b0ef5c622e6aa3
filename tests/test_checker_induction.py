"""Induction in the corners, what a proof carries, and what stood in its way."""

from __future__ import annotations

import dataclasses

import pytest
import textbook
import z3
from small_systems import ANSWER, FALSE, TRUE, claim_of, counter, numeral

from checker.answers.proof import Invariant
from checker.solving.induction import NotInductive, Obstacle, k_induction
from checker.systems.system import Call, GroundAction, GroundSystem, ModelError


def ring(size=4):
    """A counter that runs round through all its values, starting at 0."""
    system, n = counter(size)
    up = dataclasses.replace(system.actions[0], guard=TRUE)
    return dataclasses.replace(system, actions=(up,)), n


def test_distinct_states_end_the_induction():
    # The bad value lies in a part that no run enters; runs inside that part are at most 3 long.
    n = numeral("n", 3)
    up = GroundAction("up", (), z3.And(n.term != 3, n.term != 7), ANSWER, {"n": n.term + 1})
    stay = GroundAction("stay", (), TRUE, ANSWER, {})
    system = GroundSystem("two-parts", (n,), n.term == 0, (up, stay), ("done",))
    verdict = k_induction(system, claim_of(n.term != 7), 8)
    assert ("PROVED", 4) == (verdict.word, verdict.depth)


def test_a_system_whose_every_run_has_been_seen_is_proved():
    system, n = ring(2)
    verdict = k_induction(system, claim_of(steps={"up": z3.ULE(n, 3)}), 6)
    assert "PROVED" == verdict.word


def test_a_proof_without_its_premise_is_none():
    system, n = counter()
    verdict = k_induction(system, claim_of(TRUE, premise=FALSE), 4)
    assert ("UNKNOWN", "premise not reached within depth 4") == (verdict.word, verdict.reason)
    assert "PROVED" == k_induction(system, claim_of(TRUE, premise=n == 3), 4).word
    late = claim_of(TRUE, premise=n == 14)
    assert "UNKNOWN" == k_induction(system, late, 4).word
    assert "PROVED" == k_induction(system, late, 4, premise_reached=True).word


def test_a_step_that_violates_on_its_way_to_an_old_state_is_not_overlooked():
    system, n = ring(2)
    verdict = k_induction(system, claim_of(steps={"up": n != 3}), 9)
    assert ("VIOLATED", 4) == (verdict.word, len(verdict.trace))


@pytest.mark.parametrize("backend", ["sat", "z3"])
def test_what_is_not_inductive_comes_with_the_actions_and_least_steps_that_break_it(backend):
    # Reached are 0, 2, 4, 6; the claim is broken by "two" from 13, and by "one" from 14.
    n = numeral("n", 4)
    two = GroundAction("two", (), z3.ULT(n.term, 14), ANSWER, {"n": n.term + 2})
    idle = GroundAction("idle", (), TRUE, ANSWER, {})
    back = GroundAction("back", (), n.term == 6, ANSWER, {"n": n.term - 6})
    one = GroundAction("one", (), n.term == 14, ANSWER, {"n": n.term + 1})
    two = dataclasses.replace(two, guard=z3.And(two.guard, n.term != 6))
    system = GroundSystem("even", (n,), n.term == 0, (two, idle, back, one), ("done",))
    verdict = k_induction(system, claim_of(n.term != 15), 1, backend=backend)
    assert isinstance(verdict, NotInductive)
    assert "UNKNOWN" == verdict.word
    assert (
        "not inductive for any k up to 1; a single step breaks it: two (claim), one (claim)"
    ) == verdict.reason
    assert (
        Obstacle((13,), Call("two", ()), (15,), "claim"),
        Obstacle((14,), Call("one", ()), (15,), "claim"),
    ) == verdict.obstacles
    proved = k_induction(system, claim_of(n.term != 15), 9, backend=backend)
    assert ("PROVED", True) == (proved.word, proved.proof.distinct)


def test_an_obstacle_names_the_lemma_that_fails():
    system, n = counter()
    lemma = claim_of(z3.ULT(n, 9), name="small")
    verdict = k_induction(system, claim_of(n != 12), 3, lemmas=[lemma])
    assert [Obstacle((8,), Call("up", ()), (9,), "small")] == list(verdict.obstacles)


def test_a_proof_carries_its_lemmas_and_its_k():
    ground, (exclusive, lemma) = textbook.peterson()
    verdict = k_induction(ground.system, exclusive, 6, lemmas=[lemma])
    assert Invariant(ground.system, (lemma.state,), 1, False) == verdict.proof
    system, n = ring(2)
    verdict = k_induction(system, claim_of(steps={"up": z3.ULE(n, 3)}), 6)
    assert Invariant(system, (), 1, False) == verdict.proof


def test_a_lemma_about_steps_is_refused():
    system, n = counter()
    lemma = claim_of(steps={"up": n != 3}, name="hop")
    with pytest.raises(ModelError, match="lemma hop of counter is about steps"):
        k_induction(system, claim_of(n != 12), 3, lemmas=[lemma])
