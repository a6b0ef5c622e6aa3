"""Textbook systems have their published counts, and their claims the known answers."""

from __future__ import annotations

import plain_search
import pytest
import textbook
import z3

from checker import decide
from checker.exploring.explore import explore
from checker.ic3.search import ic3
from checker.solving.bounded import bounded
from checker.solving.induction import k_induction

ONE = z3.BitVecVal(1, 1)
COUNTS = {
    # name: (how to build it, states, transitions, diameter)
    "die-hard": (textbook.die_hard, 16, 96, 7),
    "two-phase-commit-3": (textbook.two_phase_commit, 288, 1145, 10),
    "peterson": (textbook.peterson, 20, 34, 6),
    "peterson-unfair": (lambda: textbook.peterson(fair=False), 32, 58, 8),
    "philosophers-3": (textbook.philosophers, 14, 27, 3),
    "philosophers-4-left": (lambda: textbook.philosophers(4, left_handed=True), 29, 72, 4),
    "missionaries": (textbook.missionaries, 16, 34, 12),
}

SHORTEST = {
    "die-hard": (textbook.die_hard, 6),
    "peterson-unfair": (lambda: textbook.peterson(fair=False), 6),
    "philosophers-3": (textbook.philosophers, 3),
    "philosophers-5": (lambda: textbook.philosophers(5), 5),
    "missionaries": (textbook.missionaries, 11),
}

HOLDING = {
    "two-phase-commit-3": textbook.two_phase_commit,
    "peterson": textbook.peterson,
    "philosophers-4-left": lambda: textbook.philosophers(4, left_handed=True),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_pinned(name):
    build, states, transitions, depth = COUNTS[name]
    seen = explore(build()[0].system, [])
    assert seen.closed
    assert (states, transitions, depth) == (seen.states, seen.transitions, seen.depth)
    assert states == sum(seen.levels)


@pytest.mark.parametrize("name", COUNTS)
def test_a_plain_search_counts_the_same(name):
    system = COUNTS[name][0]()[0].system
    plain, seen = plain_search.search(system), explore(system, [])
    assert (plain.states, plain.transitions) == (seen.states, seen.transitions)
    assert plain.levels == seen.levels


def test_two_phase_commit_with_five_managers_has_8832_states():
    assert 8832 == explore(textbook.two_phase_commit(5)[0].system, []).states


@pytest.mark.parametrize("name", SHORTEST)
def test_every_engine_finds_a_shortest_violation(name):
    build, length = SHORTEST[name]
    ground, (claim, *_) = build()
    found = [
        explore(ground.system, [claim]).verdict(ground.system, claim),
        bounded(ground.system, claim, 12),
        bounded(ground.system, claim, 12, backend="z3"),
        k_induction(ground.system, claim, 13),
        decide(ground.system, claim),
        ic3(ground.system, claim),
    ]
    assert [("VIOLATED", length)] * 6 == [(v.word, len(v.trace)) for v in found]
    assert [found[0].trace] * 4 == [v.trace for v in found[1:5]]


@pytest.mark.parametrize("name", HOLDING)
def test_what_holds_is_proved(name):
    ground, claims = HOLDING[name]()
    assert ["PROVED"] * len(claims) == [decide(ground.system, c).word for c in claims]
    assert ["PROVED"] * len(claims) == [ic3(ground.system, c).word for c in claims]


def test_a_step_claim_is_proved_by_induction_where_it_follows_from_each_step():
    ground, (_, one_hand) = textbook.philosophers()
    verdict = k_induction(ground.system, one_hand, 3)
    assert ("PROVED", 1) == (verdict.word, verdict.depth)


def test_a_lemma_makes_peterson_inductive():
    ground, (exclusive, lemma) = textbook.peterson()
    assert "UNKNOWN" == k_induction(ground.system, exclusive, 6).word
    verdict = k_induction(ground.system, exclusive, 6, lemmas=[lemma])
    assert ("PROVED", 1) == (verdict.word, verdict.depth)


def test_a_lemma_that_fails_proves_nothing():
    ground, (exclusive, _) = textbook.peterson()
    never = ground.property(textbook.state_claim("no-flag", lambda s: z3.Not(s.flag[ONE])))
    verdict = k_induction(ground.system, exclusive, 6, lemmas=[never])
    assert ("UNKNOWN", True) == (verdict.word, "no-flag" in verdict.reason)
