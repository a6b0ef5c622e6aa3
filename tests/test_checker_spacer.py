"""Spacer agrees with a plain search, and is believed only where its answer was confirmed."""

from __future__ import annotations

import dataclasses
import re

import plain_search
import pytest
import random_systems
import textbook
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_systems import FALSE, TRUE, claim_of, counter
from test_checker_ic3 import require_inductive, tables

from checker.answers.proof import Invariant
from checker.answers.verdict import Verdict
from checker.confirm import confirm
from checker.solving import spacer as module
from checker.solving.spacer import spacer
from checker.solving.unroll import Unknown
from checker.systems.system import GroundSystem
from checker.systems.wellformed import require_well_formed

SLOW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


DISBELIEVED = "its invariant is not inductive together|Z3 gave no answer about the invariant"


def require_same(system, claim, verdict):
    """The verdict is the one of a plain search, or none because the proof was not believed.

    That comes a few times in a hundred, and depends on what Z3 was asked before: see `spacer`.
    """
    plain = plain_search.search(system, claim)
    if verdict.word == "UNKNOWN":
        assert re.search(DISBELIEVED, verdict.reason)
        assert plain.violation is None
    elif plain.violation is not None:
        assert ("VIOLATED", plain.violation) == (verdict.word, len(verdict.trace))
        confirm(system, claim, verdict.trace.start, [s.call for s in verdict.trace.steps])
    elif plain.premise is None:
        assert ("VACUOUS", False) == (verdict.word, verdict.premise_reached)
    else:
        assert "PROVED" == verdict.word
        require_inductive(system, claim, verdict)
    assert "spacer" == verdict.engine


@SLOW
@given(st.data())
def test_random_systems_get_the_verdict_of_a_plain_search(data):
    system = data.draw(random_systems.systems())
    claim = data.draw(random_systems.claims(system))
    require_well_formed(system)
    require_same(system, claim, spacer(system, claim))


@pytest.mark.parametrize(
    "build", [textbook.die_hard, textbook.peterson, textbook.philosophers, textbook.missionaries]
)
def test_textbook_systems_get_the_verdict_of_a_plain_search(build):
    ground, claims = build()
    for claim in claims:
        require_same(ground.system, claim, spacer(ground.system, claim))


def test_key_tables_are_proved():
    ground, claim = tables(3, 2, 2)
    verdict = spacer(ground.system, claim)
    assert "PROVED" == verdict.word
    require_inductive(ground.system, claim, verdict)


def test_a_bad_initial_state_and_a_system_that_stands_still_are_judged():
    system, n = counter()
    stuck = dataclasses.replace(system, actions=())
    assert 0 == len(spacer(stuck, claim_of(n != 0)).trace)
    assert "PROVED" == spacer(stuck, claim_of(n == 0)).word
    nothing = GroundSystem("nothing", (), TRUE, (), ("done",))
    assert "PROVED" == spacer(nothing, claim_of(TRUE)).word


def test_a_premise_beyond_the_first_steps_is_found():
    system, n = counter()
    assert "PROVED" == spacer(system, claim_of(TRUE, premise=n == 9)).word
    assert "VACUOUS" == spacer(system, claim_of(TRUE, premise=FALSE)).word


def test_out_of_time_is_no_answer():
    system, n = counter()
    verdict = spacer(system, claim_of(n != 15), seconds_max=0)
    assert ("UNKNOWN", "out of time") == (verdict.word, verdict.reason)


def test_a_solver_that_gives_up_is_no_answer(monkeypatch):
    system, n = counter()
    monkeypatch.setattr(z3.Fixedpoint, "query", lambda self, *goals: z3.unknown)
    monkeypatch.setattr(z3.Fixedpoint, "reason_unknown", lambda self: "tired")
    verdict = spacer(system, claim_of(n != 15))
    assert ("UNKNOWN", "Spacer gave no answer: tired") == (verdict.word, verdict.reason)


def test_a_violation_without_a_run_is_no_answer(monkeypatch):
    system, n = counter()
    held = Verdict("HOLDS_TO", "bounded", 3, reason="out of time at depth 4")
    monkeypatch.setattr(module, "bounded", lambda *rest: held)
    verdict = spacer(system, claim_of(n != 15))
    expected = "found violated, but no run was reconstructed: out of time at depth 4"
    assert ("UNKNOWN", expected) == (verdict.word, verdict.reason)


def test_an_invariant_that_is_not_inductive_is_no_proof(monkeypatch):
    system, n = counter()
    wrong = Invariant(system, (z3.ULE(n, 8),))
    monkeypatch.setattr(module, "_unreachable", lambda *rest: wrong)
    verdict = spacer(system, claim_of(n != 15))
    expected = "its invariant is not inductive together with the claim"
    assert ("UNKNOWN", expected) == (verdict.word, verdict.reason)
    unsafe = Invariant(system, (TRUE,))
    monkeypatch.setattr(module, "_unreachable", lambda *rest: unsafe)
    assert "UNKNOWN" == spacer(system, claim_of(steps={"up": n != 3})).word


def test_no_answer_about_an_invariant_is_no_answer(monkeypatch):
    system, n = counter()
    monkeypatch.setattr(z3.Solver, "check", lambda self, *goals: z3.unknown)
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda self: "tired")
    verdict = spacer(system, claim_of(z3.ULE(n, 15)))
    expected = "Z3 gave no answer about the invariant: tired"
    assert ("UNKNOWN", expected) == (verdict.word, verdict.reason)


def test_a_premise_search_that_gives_up_is_no_answer(monkeypatch):
    system, n = counter()

    def gives_up(*rest):
        raise Unknown("out of time")

    monkeypatch.setattr(module, "reaches_premise", gives_up)
    assert "UNKNOWN" == spacer(system, claim_of(z3.ULE(n, 15))).word
