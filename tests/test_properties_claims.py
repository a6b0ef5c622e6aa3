"""Each property holds where it should, its premise is reachable, and faulty models break it."""

from __future__ import annotations

import re

import mutants
import pytest
from mutants import Mutant, as_if, forgets, in_model, misses_packages
from runs import grounded

from checker import Verdict, cone_of_influence, decide, reaches_premise
from conformance import replay
from designs import DESIGNS, design_from_text
from model import Scope
from properties import (
    PROPERTIES,
    PropertyError,
    claims_about,
    not_applicable,
    property_from_text,
)

SMALL = Scope(2, 1, 1)

HOLDING = {
    "tables-agree": ("rfc-v2-fixed", 86432, 11),
    "memory-agrees": ("no-hotplug", 45984, 10),
    "bitmap-exact": ("rfc-v2-fixed", 3408, 10),
    "no-plaintext-unsaved": ("rfc-v2-fixed", 1680, 10),
    "released-is-clear": ("cpu-keys-only", 17104, 11),
    "hotplug-admitted": ("rfc-v2-savekeys-fixed", 1008, 10),
}
"""Property to a design where it holds, with the states of its cone and their greatest depth."""

PREMISE_AFTER = {
    "tables-agree": 1,
    "memory-agrees": 1,
    "bitmap-exact": 1,
    "no-plaintext-unsaved": 1,
    "released-is-clear": 2,
    "hotplug-admitted": 2,
}
"""How many transitions it takes; of a premise about steps, the last one is the step itself."""

VACUOUS = [
    ("tables-agree", Scope(1, 2, 2), ()),
    ("memory-agrees", Scope(1, 2, 2), ()),
    ("hotplug-admitted", Scope(1, 2, 2), ()),
    ("bitmap-exact", Scope(), ("instantiate",)),
    ("no-plaintext-unsaved", Scope(), ("instantiate", "update", "preparse_error")),
    ("released-is-clear", Scope(), ("instantiate",)),
]

FAULTS: list[tuple[str, str, str, Mutant, int]] = [
    (
        "tables-agree",
        "rfc-v2-fixed",
        "update misses a package",
        misses_packages("update", "entry_mode", "entry_bytes"),
        2,
    ),
    (
        "tables-agree",
        "rfc-v2-savekeys-fixed",
        "startup skips the last KeyID",
        mutants.startup_skips_the_last_keyid,
        3,
    ),
    (
        "tables-agree",
        "rfc-v2-fixed",
        "a failed update leaves the KeyID in service",
        as_if("update", on_program_failure="leave"),
        2,
    ),
    (
        "memory-agrees",
        "no-hotplug",
        "instantiate ignores a package out of reach",
        as_if("instantiate", unreachable_package="ignored"),
        2,
    ),
    (
        "memory-agrees",
        "wrapped-vault",
        "startup skips the last KeyID",
        mutants.startup_skips_the_last_keyid,
        3,
    ),
    (
        "memory-agrees",
        "resupply",
        "startup does not wait for the owners",
        as_if("cpu_startup", startup_gate="none"),
        3,
    ),
    ("bitmap-exact", "rfc-v2-fixed", "update leaves the bit", forgets("update", "bit"), 2),
    ("bitmap-exact", "rfc-v2-fixed", "destroy leaves the bit", forgets("destroy", "bit"), 2),
    ("bitmap-exact", "per-package", "destroy leaves the bit", forgets("destroy", "bit"), 2),
    (
        "bitmap-exact",
        "rfc-v2-fixed",
        "every new key sets its bit",
        mutants.every_key_counts_as_a_users,
        1,
    ),
    (
        "bitmap-exact",
        "rfc-v2-fixed,on_program_failure=leave",
        "update clears the bit too early",
        as_if("update", bitmap_update="clear_before_program"),
        2,
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        "the structure is not scrubbed",
        as_if("instantiate", program_struct="dirty_free"),
        1,
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        "a refused payload is not freed",
        as_if("preparse_error", parse_error="leaks_payload"),
        1,
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        "update saves the key",
        as_if("update", savekeys="on"),
        2,
    ),
    (
        "no-plaintext-unsaved",
        "resupply",
        "the structure of a startup is not scrubbed",
        as_if("cpu_startup", program_struct="dirty_free"),
        3,
    ),
    (
        "released-is-clear",
        "rfc-v2-fixed",
        "destroy skips a package",
        misses_packages("destroy", "entry_mode", "entry_bytes", "uncleared"),
        2,
    ),
    (
        "released-is-clear",
        "rfc-v2-fixed",
        "destroy clears nothing",
        as_if("destroy", on_release="keep"),
        2,
    ),
    (
        "released-is-clear",
        "per-package",
        "a failed instantiate leaves the KeyIDs in service",
        as_if("instantiate", on_program_failure="leave"),
        1,
    ),
    (
        "released-is-clear",
        "rfc-v2-fixed",
        "a failed retry is believed",
        mutants.retry_believed,
        3,
    ),
    (
        "hotplug-admitted",
        "rfc-v2-savekeys-fixed",
        "startup refuses while a key is mapped",
        as_if("cpu_startup", startup_gate="refuse_any_key"),
        3,
    ),
    ("hotplug-admitted", "cpu-keys-only", "the gate is inverted", mutants.gate_inverted, 2),
]

named = pytest.mark.parametrize(
    ("property_id", "design", "fault", "mutant", "length"),
    FAULTS,
    ids=[f"{row[0]}: {row[2]} in {row[1]}" for row in FAULTS],
)


def judged(property_id: str, design: str, scope: Scope) -> Verdict:
    grounding = grounded(design_from_text(design), scope)
    return decide(grounding.system, grounding.property(PROPERTIES[property_id]))


def test_the_six_properties_of_the_key_service_are_these() -> None:
    assert list(HOLDING) == [
        "tables-agree",
        "memory-agrees",
        "bitmap-exact",
        "no-plaintext-unsaved",
        "released-is-clear",
        "hotplug-admitted",
    ]
    assert set(HOLDING) == set(claims_about(""))
    assert {name: name for name in PROPERTIES} == {n: c.id for n, c in PROPERTIES.items()}


def test_of_the_key_service_only_hotplug_admitted_is_about_steps() -> None:
    assert ["hotplug-admitted"] == [c.id for c in claims_about("").values() if c.kind == "step"]


@pytest.mark.parametrize("property_id", HOLDING)
def test_a_property_holds_where_it_should(property_id: str) -> None:
    design, states, depth = HOLDING[property_id]
    verdict = judged(property_id, design, Scope())
    assert ("PROVED", states, depth) == (verdict.word, verdict.states, verdict.depth)


@pytest.mark.parametrize("property_id", PREMISE_AFTER)
def test_a_premise_is_reachable_where_the_property_holds(property_id: str) -> None:
    grounding = grounded(DESIGNS[HOLDING[property_id][0]], Scope())
    claim = grounding.property(PROPERTIES[property_id])
    found = reaches_premise(cone_of_influence(grounding.system, claim), claim, 3)
    assert PREMISE_AFTER[property_id] == found


@pytest.mark.parametrize(("property_id", "scope", "never"), VACUOUS)
def test_a_property_whose_premise_is_out_of_reach_is_vacuous(
    property_id: str, scope: Scope, never: tuple[str, ...]
) -> None:
    design = DESIGNS[HOLDING[property_id][0]]
    grounding = in_model(design, scope, mutants.without(*never))
    verdict = decide(grounding.system, grounding.property(PROPERTIES[property_id]))
    assert ("VACUOUS", False) == (verdict.word, verdict.premise_reached)


@pytest.mark.parametrize("property_id", HOLDING)
def test_a_property_that_is_vacuous_without_some_actions_is_proved_with_them(
    property_id: str,
) -> None:
    assert "PROVED" == judged(property_id, HOLDING[property_id][0], SMALL).word


@named
def test_a_faulty_model_breaks_the_property(
    property_id: str, design: str, fault: str, mutant: Mutant, length: int
) -> None:
    del fault
    assert "PROVED" == judged(property_id, design, SMALL).word
    grounding = in_model(design_from_text(design), SMALL, mutant)
    verdict = decide(grounding.system, grounding.property(PROPERTIES[property_id]))
    assert ("VIOLATED", length) == (verdict.word, verdict.depth)


@named
def test_a_faulty_models_counterexample_does_not_replay(
    property_id: str, design: str, fault: str, mutant: Mutant, length: int
) -> None:
    del fault
    grounding = in_model(design_from_text(design), SMALL, mutant)
    claim = PROPERTIES[property_id]
    trace = decide(grounding.system, grounding.property(claim)).trace
    assert trace is not None
    replayed = replay(design_from_text(design), SMALL, grounding, claim, trace)
    assert not replayed.agrees
    assert re.match(
        rf"step {length}, [a-z_]+: .*model .*, (the )?implementation ", replayed.disagreement
    )


def test_every_property_has_a_faulty_model() -> None:
    assert set(claims_about("")) == {row[0] for row in FAULTS}


# Applicability


def test_properties_do_not_apply_where_a_setting_excludes_their_premise() -> None:
    found = {
        (name, claim.id): reason
        for name, design in DESIGNS.items()
        for claim in PROPERTIES.values()
        if (reason := not_applicable(design, claim)) is not None
    }
    keeps = "savekeys=on: the design keeps user keys on purpose"
    refuses = "user_keys=refused: no KeyID is ever mapped to a user key"
    assert {
        ("rfc-v2-savekeys", "no-plaintext-unsaved"): keeps,
        ("rfc-v2-savekeys-fixed", "no-plaintext-unsaved"): keeps,
        ("wrapped-vault", "no-plaintext-unsaved"): keeps,
        ("cpu-keys-only", "bitmap-exact"): refuses,
    } == found


def test_where_no_user_key_is_accepted_the_bitmaps_claim_would_be_vacuous() -> None:
    assert "VACUOUS" == judged("bitmap-exact", "cpu-keys-only", SMALL).word


def test_where_keys_are_saved_the_secrecy_claim_would_be_violated() -> None:
    assert "VIOLATED" == judged("no-plaintext-unsaved", "rfc-v2-savekeys-fixed", SMALL).word


def test_a_property_is_found_by_its_id() -> None:
    assert PROPERTIES["tables-agree"] is property_from_text("tables-agree")


def test_an_unknown_property_is_refused_with_the_likely_one_and_the_full_list() -> None:
    with pytest.raises(PropertyError) as refused:
        property_from_text("table-agrees")
    assert (
        "unknown property 'table-agrees' (did you mean tables-agree?); known: tables-agree,"
        " memory-agrees, bitmap-exact, no-plaintext-unsaved, released-is-clear, hotplug-admitted,"
        " no-deadlock, no-lost-lock, operations-finish"
    ) == str(refused.value)
