"""What is said while an exploration runs."""

from __future__ import annotations

import dataclasses
import functools

import pytest

from checker import Limits, Progress, answer
from checker.exploring.estimate import Estimate
from designs import DESIGNS
from mktme.judge import question_of
from mktme.progress import in_words
from model import Scope

AT = Progress(3, 5000, 9000, 400, 100, 2.0, 3 << 20, 1_000_000, Estimate(None))


def test_everything_is_said_in_one_line():
    said = "depth 3, 5,000 states, 2,500 states/s, frontier 100 of 400, 3 MiB"
    assert f"{said}, 0.5 % of at most 1,000,000, growing" == in_words(AT)


@pytest.mark.parametrize(
    ("ceiling", "said"),
    [(10**10, "5e-05 % of at most 10^10"), (10**400, "under 0.000001 % of at most 10^400")],
)
def test_a_ceiling_may_be_beyond_any_number_that_a_processor_has(ceiling, said):

    assert said in in_words(dataclasses.replace(AT, ceiling=ceiling, estimate=None))


def test_a_person_at_a_terminal_hears_what_is_done():
    heard = []
    question = question_of(DESIGNS["rfc-v2-fixed"], "no-lost-keyid", Scope(2, 1, 1, 1))
    texts = dataclasses.replace(question.texts, lemmas=())
    recipe = functools.partial(dataclasses.replace, question, texts=texts)
    verdict = answer(recipe, Limits(), heard.append)
    assert ("PROVED", "explore") == (verdict.word, verdict.engine)
    assert ["reading the system for this scope", "checking the certificate"] == [
        remark for remark in heard if isinstance(remark, str)
    ]


def test_what_is_violated_is_looked_for_once_a_proof_got_stuck():
    heard = []
    recipe = functools.partial(question_of, DESIGNS["rfc-v2"], "bitmap-exact", Scope(2, 1, 1, 1))
    verdict = answer(recipe, Limits(), heard.append)
    assert ("VIOLATED", "bounded", 1) == (verdict.word, verdict.engine, verdict.depth)
    assert [
        "trying a proof for any size",
        "reading the system for this scope",
        "looking for a short counterexample",
    ] == heard
