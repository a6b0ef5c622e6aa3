"""Whichever engine answers, and in whichever process, the answer is the same."""

from __future__ import annotations

import dataclasses
import functools

import pytest
import textbook

from checker import Limits, Question, about, engines, portfolio, settling
from checker.answers.verdict import Verdict
from checker.certifying.certificate import REFUSED
from checker.confirm import EngineDisagreement
from checker.engines import ENGINES, asked
from checker.portfolio import answer, combined, decide, in_turn
from checker.solving import shortest
from checker.solving.unroll import Unknown
from designs import DESIGNS
from mktme.judge import question_of
from model import Scope
from properties import claims_about, not_applicable

FEW = Limits(states_max=3, seconds_max=120)
"""Too few states for an exploration to answer: the engines beside it have to."""


def question(name: str, *arguments: object) -> Question:
    """A question about a textbook system: its first claim."""
    grounding, claims = getattr(textbook, name)(*arguments)
    return about(grounding.system, claims[0], grounding)


SYSTEMS = {
    "peterson": ("PROVED", None),
    "die_hard": ("VIOLATED", 6),
    "philosophers": ("VIOLATED", 3),
    "missionaries": ("VIOLATED", 11),
    "two_phase_commit": ("PROVED", None),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_processes_side_by_side_answer_what_an_exploration_answers(name):
    recipe = functools.partial(question, name)
    explored, beside = answer(recipe, Limits()), answer(recipe, FEW)
    assert SYSTEMS[name] == (explored.word, explored.trace and len(explored.trace))
    assert (explored.word, explored.trace) == (beside.word, beside.trace)
    assert ("explore", True) == (explored.engine, beside.engine != "explore")
    assert (explored.word == "PROVED") == (explored.certificate is not None)
    assert (beside.word == "PROVED") == (beside.certificate is not None)


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "parametric"])
def test_every_engine_gives_the_same_counterexample(engine):
    recipe = functools.partial(question, "die_hard")
    expected = decide(recipe().system, recipe().claim).trace
    assert expected == asked(engine, recipe(), Limits()).trace


def test_the_least_counterexample_is_looked_for_again_where_an_engine_had_no_time_to(monkeypatch):
    recipe = functools.partial(question_of, DESIGNS["rfc-v2"], "bitmap-exact", Scope(1, 1, 1, 1, 1))
    expected = asked("bounded", recipe(), Limits()).trace
    minimise, times = shortest._minimise, []

    def late_at_first(runs, fixed):
        times.append(len(times))
        if times == [0]:
            raise Unknown("out of time")
        minimise(runs, fixed)

    monkeypatch.setattr(shortest, "_minimise", late_at_first)
    settled = asked("bounded", recipe(), Limits())
    assert ([0, 1], True) == (times, settled.is_least)
    assert expected == settled.trace


def test_an_exploration_ends_when_another_engine_has_answered(monkeypatch):
    monkeypatch.setattr(portfolio, "UNREDUCED_MAX", 3)
    monkeypatch.setattr(portfolio, "explored", _never_ending)
    verdict = answer(functools.partial(question, "peterson"), Limits(seconds_max=120))
    assert "PROVED" == verdict.word
    assert "explore" != verdict.engine


def _never_ending(question, limits, progress=None, *, reduced=False):
    """An exploration that has always more to do; the small one stops at its limit."""
    while reduced:
        progress(None)
    return Verdict("HOLDS_TO", "explore", 1, states=3, reason="more than 3 states")


def test_a_design_is_judged_alike_by_any_engine():
    recipe = functools.partial(
        question_of, DESIGNS["rfc-v2"], "bitmap-exact", Scope(1, 1, 1, 1, 1, 1)
    )
    verdicts = [asked(e, recipe(), Limits()) for e in ("explore", "bounded", "ic3", "k-induction")]
    assert {"VIOLATED"} == {verdict.word for verdict in verdicts}
    assert 1 == len({verdict.trace for verdict in verdicts})


SMALL = Scope(2, 1, 1, 1, 1, 1)

CELLS = [
    (name, property_id)
    for name, design in DESIGNS.items()
    for property_id, claim in ((c.id, c) for c in claims_about(""))
    if not not_applicable(design, claim)
]


@pytest.mark.parametrize(
    ("design", "property_id"),
    [
        pytest.param(*cell, marks=() if number % 10 == 0 else pytest.mark.deep)
        for number, cell in enumerate(CELLS)
    ],
)
def test_engines_side_by_side_say_of_a_design_what_an_exploration_says(design, property_id):
    """Neither a proof for any size nor an exploration may answer: what is beside them has to."""
    recipe = functools.partial(question_of, DESIGNS[design], property_id, SMALL)
    without = functools.partial(_without_texts, recipe)
    explored, beside = asked("explore", recipe(), Limits()), answer(without, FEW)
    assert (explored.word, explored.trace) == (beside.word, beside.trace)
    assert beside.engine != "explore" or len(beside.trace or ()) <= 1


def _without_texts(recipe):
    """The same question, of which no more is known than the system and the claim."""
    question = recipe()
    return about(question.system, question.claim, question.grounding)


def test_what_no_engine_decides_holds_to_the_greatest_depth_with_every_reason():
    tried = [
        Verdict("UNKNOWN", "ic3", 3, premise_reached=False, reason="out of time"),
        Verdict("HOLDS_TO", "explore", 5, states=7, transitions=9, reason="more than 7 states"),
        Verdict("HOLDS_TO", "bounded", 8, premise_reached=False, reason="out of time"),
    ]
    verdict = combined(tried)
    assert ("HOLDS_TO", 8, 7, True) == (
        verdict.word,
        verdict.depth,
        verdict.states,
        verdict.premise_reached,
    )
    said = "ic3: out of time; explore: more than 7 states; bounded: out of time"
    assert said == verdict.reason


def test_engines_that_contradict_each_other_are_an_error():
    violated = in_turn(question("die_hard"), Limits(), ["explore"])
    with pytest.raises(EngineDisagreement, match="explore says VIOLATED, ic3 says PROVED"):
        combined([violated, Verdict("PROVED", "ic3", 1)])


def test_a_refused_certificate_is_not_made_good_by_another_engine():
    refused = Verdict("UNKNOWN", "ic3", 1, reason=f"{REFUSED}it is none")
    assert portfolio.is_final(refused)
    assert refused.reason == combined([refused, Verdict("HOLDS_TO", "x", 9, reason="y")]).reason


def test_half_of_the_seconds_go_to_each_engine_but_the_last(monkeypatch):
    given = []

    def asked(engine, question, limits):
        given.append((engine, round(limits.seconds_max)))
        return Verdict("UNKNOWN", engine, 0, reason="it is lazy")

    monkeypatch.setattr(portfolio, "asked", asked)
    in_turn(question("peterson"), dataclasses.replace(FEW, seconds_max=80), ["ic3", "bounded"])
    assert [("ic3", 40), ("bounded", 80)] == given


def test_without_a_limit_a_certificate_has_none_either(monkeypatch):
    """A large closed set takes its checker minutes, and is no less proved for that."""
    given = []
    certified = settling.certified

    def noted(*arguments, seconds_max, **others):
        given.append(seconds_max)
        return certified(*arguments, seconds_max=seconds_max, **others)

    monkeypatch.setattr(settling, "certified", noted)
    for seconds in (None, 5.0, 100.0):
        asked("explore", question("peterson"), Limits(seconds_max=seconds))
    assert [86_400.0, settling.CERTIFICATE_SECONDS, 100.0] == given


def test_induction_rests_on_the_lemmas_that_the_claim_needs():
    asking = question_of(DESIGNS["rfc-v2-fixed"], "tables-agree", Scope())
    bare = question_of(DESIGNS["rfc-v2-fixed"], "tables-agree", Scope())
    bare = dataclasses.replace(bare, texts=dataclasses.replace(bare.texts, lemmas=()))
    once = Limits(depth_max=1)
    proved, stuck = (asked("k-induction", q, once) for q in (asking, bare))
    assert ("PROVED", "scope", 1) == (proved.word, proved.extent, proved.depth)
    assert "UNKNOWN" == stuck.word
    assert "a single step breaks it" in stuck.reason


def test_induction_does_without_lemmas_that_are_not_found_in_time(monkeypatch):
    monkeypatch.setattr(engines, "SELECTION_SECONDS", 0.0)
    asking = question_of(DESIGNS["rfc-v2-fixed"], "tables-agree", Scope())
    assert "UNKNOWN" == asked("k-induction", asking, Limits(depth_max=1)).word
