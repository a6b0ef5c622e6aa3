"""Which claims about which designs are proved for any size, and that every lemma is of use."""

from __future__ import annotations

import pytest

from checker.anysize.any_size import attempt
from checker.anysize.stratified import cycle
from checker.certifying.refutation import refuted_by_cvc5
from checker.certifying.smtlib import script
from designs import DESIGNS, design_from_text
from model import key_service
from properties import claims_about, not_applicable, property_from_text
from properties.lemmas import LEMMAS

PROVED = {
    "rfc-v2": (),
    "rfc-v2-savekeys": ("hotplug-admitted",),
    "rfc-v2-fixed": ("tables-agree", "bitmap-exact", "no-plaintext-unsaved", "released-is-clear"),
    "rfc-v2-savekeys-fixed": (
        "tables-agree",
        "bitmap-exact",
        "released-is-clear",
        "hotplug-admitted",
    ),
    "no-hotplug": (
        "tables-agree",
        "memory-agrees",
        "bitmap-exact",
        "no-plaintext-unsaved",
        "released-is-clear",
    ),
    "cpu-keys-only": (
        "tables-agree",
        "no-plaintext-unsaved",
        "released-is-clear",
        "hotplug-admitted",
    ),
    "per-package": (
        "bitmap-exact",
        "no-plaintext-unsaved",
        "released-is-clear",
        "hotplug-admitted",
    ),
    "wrapped-vault": (
        "tables-agree",
        "memory-agrees",
        "bitmap-exact",
        "released-is-clear",
        "hotplug-admitted",
    ),
    "resupply": (
        "tables-agree",
        "memory-agrees",
        "bitmap-exact",
        "no-plaintext-unsaved",
        "released-is-clear",
    ),
}
"""Design to the claims that are proved of it; each other one is violated, or does not apply."""

CELLS = [(design, claim) for design, claims in PROVED.items() for claim in claims]
ALWAYS = ("rfc-v2-savekeys", "rfc-v2-fixed", "per-package")

OUTSIDE = {"online-lead holds at the start", "cpu_teardown keeps online-lead"}
"""The conditions that are in no decidable fragment: both need that a least CPU exists."""


CHANGED = [
    ("per-package,teardown=keep_last_lead", "memory-agrees"),
    ("per-package,unreachable_package=refuse_keys", "tables-agree"),
    ("rfc-v2-fixed,unreachable_package=refuse_keys", "memory-agrees"),
]
"""Designs that have no name, with claims that need lemmas which no named design needs."""


def tried(design, claim):
    """The attempt to prove the claim of the design."""
    setting = design_from_text(design)
    return attempt(lambda i: key_service(setting, i), property_from_text(claim), LEMMAS)


def cells(designs):
    """The cells of these designs, the others for the deep profile."""
    return [
        pytest.param(*cell, marks=() if cell[0] in designs else pytest.mark.deep) for cell in CELLS
    ]


def designs_deep_but_for(designs):
    """All named designs, the others for the deep profile."""
    return [
        pytest.param(design, marks=() if design in designs else pytest.mark.deep)
        for design in DESIGNS
    ]


@pytest.mark.parametrize(("design", "claim"), cells(ALWAYS))
def test_the_claim_is_proved_for_any_size_and_cvc5_agrees(design, claim):
    proof = tried(design, claim).verdict.proof
    assert proof is not None
    assert refuted_by_cvc5(script(proof.conditions), 30).all_refuted
    outside = {c.name for c in proof.conditions if cycle(c.formula) is not None}
    assert outside <= OUTSIDE


@pytest.mark.parametrize("design", designs_deep_but_for(ALWAYS))
def test_every_other_claim_is_not(design):
    others = {
        claim.id
        for claim in claims_about("").values()
        if claim.id not in PROVED[design] and not not_applicable(DESIGNS[design], claim)
    }
    answers = {claim: tried(design, claim) for claim in sorted(others)}
    assert dict.fromkeys(answers, "UNKNOWN") == {c: a.verdict.word for c, a in answers.items()}
    assert all(answer.selection.gap is not None for answer in answers.values())


@pytest.mark.parametrize(("design", "claim"), CHANGED)
def test_a_design_with_changed_knobs_has_its_proof_too(design, claim):
    assert "PROVED" == tried(design, claim).verdict.word


def test_a_claim_that_does_not_apply_is_not_proved_either():
    answer = tried("cpu-keys-only", "bitmap-exact")
    assert "it holds for any size, but its premise was never reached" == answer.verdict.reason


def test_a_repair_that_is_missing_is_missed():
    answer = tried("rfc-v2-fixed,on_release=keep", "released-is-clear")
    assert "destroy" == answer.selection.gap.call.action
    assert "UNKNOWN" == answer.verdict.word


def test_lemmas_have_names_and_sentences_of_their_own():
    assert len(LEMMAS) == len({lemma.id for lemma in LEMMAS})
    assert len(LEMMAS) == len({lemma.sentence for lemma in LEMMAS})


@pytest.mark.deep
def test_every_lemma_is_needed_somewhere():
    cells_tried = (tried(*cell).selection for cell in [*CELLS, *CHANGED])
    needed = {name for selection in cells_tried for name in selection.chosen}
    assert set() == {lemma.id for lemma in LEMMAS} - needed
