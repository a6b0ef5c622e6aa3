"""Which claims about which designs are proved for any size, and that every lemma is of use."""

from __future__ import annotations

import pytest
from expected import LENGTHS, PROVED
from mutants import without_faults

from checker.anysize.any_size import attempt
from checker.anysize.stratified import cycle
from checker.certifying.refutation import refuted_by_cvc5
from checker.certifying.smtlib import script
from designs import DESIGNS, design_from_text
from model import text_of
from properties import property_from_text
from properties.lemmas import LEMMAS

CELLS = [(design, claim) for design, claims in PROVED.items() for claim in claims]
IN_EVERY_RUN = {
    "rfc-v2": ("lead-exact", "user-keys-admitted", "keyid-names-key"),
    "rfc-v2-savekeys": ("hotplug-admitted", "teardown-admitted", "migration-admitted"),
    "rfc-v2-fixed": (
        "tables-agree",
        "bitmap-exact",
        "released-is-clear",
        "map-exact",
        "refcount-exact",
        "no-plaintext-unsaved",
        "cold-boot-keys",
        "no-lost-keyid",
        "in-bounds",
        "no-dangling",
    ),
    "rfc-v2-savekeys-fixed": ("no-plaintext-after-release", "cold-boot-keys-tme"),
    "no-hotplug": (
        "memory-agrees",
        "table-as-requested",
        "cold-boot-data",
        "never-in-clear",
        "right-key",
    ),
    "cpu-keys-only": ("no-neighbour",),
    "per-package": ("live-data-intact", "released-is-clear"),
}
"""Every claim that can be proved, once; the other cells are deep."""

DECIDABLE = {
    "package_add",
    "cpu_startup",
    "retry_clear",
    "preparse_error",
    "fork",
    "write",
    "migrate",
}
"""Actions all of whose conditions are in EPR.

The others look for the lowest CPU, KeyID or key object, or ask whether a reference is the last one:
there is one, and there is no other.
"""

LEAST_AT_THE_START = {"lead-exact", "online-lead", "some-lead"}
"""What holds at the start because a least CPU exists, which is in no decidable fragment either."""


CHANGED = [
    ("per-package,teardown=keep_last_lead", "memory-agrees"),
    ("per-package,teardown=keep_last_lead", "right-key"),
    ("per-package,unreachable_package=refuse_keys", "tables-agree"),
    ("rfc-v2-fixed,unreachable_package=refuse_keys", "memory-agrees"),
]
"""Designs that have no name, with claims that need lemmas which no named design needs."""


def tried(design, claim):
    """The attempt to prove the claim of the design."""
    setting = design_from_text(design)
    return attempt(text_of(setting), property_from_text(claim), LEMMAS)


def cells():
    """All cells, most of them for the deep profile."""
    return [
        pytest.param(
            *cell, marks=() if cell[1] in IN_EVERY_RUN.get(cell[0], ()) else pytest.mark.deep
        )
        for cell in CELLS
    ]


@pytest.mark.parametrize(("design", "claim"), cells())
def test_the_claim_is_proved_for_any_size_and_cvc5_agrees(design, claim):
    proof = tried(design, claim).verdict.proof
    assert proof is not None
    assert refuted_by_cvc5(script(proof.conditions), 30).all_refuted
    outside = [c.name.split() for c in proof.conditions if cycle(c.formula) is not None]
    assert set() == DECIDABLE & {action for action, verb, *_ in outside if verb == "keeps"}
    assert {kept for kept, verb, *_ in outside if verb == "holds"} <= LEAST_AT_THE_START


@pytest.mark.deep
@pytest.mark.parametrize("design", DESIGNS)
def test_every_other_claim_is_not(design):
    answers = {claim: tried(design, claim) for claim in LENGTHS[design]}
    assert dict.fromkeys(answers, "UNKNOWN") == {c: a.verdict.word for c, a in answers.items()}
    assert all(answer.selection.gap is not None for answer in answers.values())


@pytest.mark.parametrize(
    ("design", "claim"),
    [("rfc-v2", "no-lost-keyid"), ("cpu-keys-only", "memory-agrees"), ("per-package", "right-key")],
)
def test_a_claim_that_is_violated_gets_stuck_at_a_step(design, claim):
    answer = tried(design, claim)
    assert "UNKNOWN" == answer.verdict.word
    assert answer.selection.gap is not None


@pytest.mark.parametrize(("design", "claim"), CHANGED)
def test_a_design_with_changed_knobs_has_its_proof_too(design, claim):
    assert "PROVED" == tried(design, claim).verdict.word


def test_where_no_pconfig_fails_failures_have_no_effect_for_any_size():
    text = text_of(DESIGNS["rfc-v2-fixed"])
    claim = property_from_text("failure-is-noop")
    answer = attempt(lambda i: without_faults(text(i)), claim, LEMMAS)
    assert "PROVED" == answer.verdict.word


def test_every_claim_that_is_proved_of_a_design_is_proved_in_every_run_once():
    in_every_run = {claim for claims in IN_EVERY_RUN.values() for claim in claims}
    assert {claim for _, claim in CELLS} == in_every_run


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
