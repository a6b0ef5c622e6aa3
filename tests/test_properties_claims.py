"""Each property holds where it should, its premise is reachable, and where it is not it says so."""

from __future__ import annotations

import dataclasses

import mutants
import pytest
from mutants import Mutant, in_model
from runs import KEY_SERVICE, grounded

from checker import Grounding, cone_of_influence, decide, reaches_premise
from designs import DESIGNS, design_from_text
from model import LIMITS, Scope
from properties import PROPERTIES, PropertyError, not_applicable, property_from_text

SMALL = Scope(2, 1, 1, 1, 1, 1)
TWO_CPUS = Scope(2, 2, 1, 1, 1, 1)
TWO_KEYIDS = Scope(1, 1, 2, 1, 1, 1)
TWO_VMAS = Scope(1, 1, 2, 1, 2, 1)

# property: (design, scope, states of its cone, their greatest depth, premise after how many steps)
HOLDING: dict[str, tuple[str, Scope, int, int, int]] = {
    "tables-agree": ("rfc-v2-fixed", SMALL, 222, 5, 1),
    "memory-agrees": ("no-hotplug", SMALL, 126, 4, 1),
    "table-as-requested": ("no-hotplug", SMALL, 126, 4, 1),
    "bitmap-exact": ("rfc-v2-fixed", TWO_KEYIDS, 260, 7, 1),
    "map-exact": ("rfc-v2-fixed", TWO_VMAS, 284, 8, 1),
    "refcount-exact": ("rfc-v2-fixed", TWO_VMAS, 284, 8, 2),
    "lead-exact": ("rfc-v2", TWO_CPUS, 224, 8, 1),
    "no-plaintext-unsaved": ("rfc-v2-fixed", SMALL, 48, 4, 1),
    "no-plaintext-after-release": ("rfc-v2-savekeys-fixed", SMALL, 141, 6, 2),
    "cold-boot-keys": ("wrapped-vault", SMALL, 108, 4, 1),
    "cold-boot-keys-tme": ("rfc-v2-savekeys", SMALL, 1160, 7, 1),
    "cold-boot-data": ("no-hotplug", SMALL, 256, 5, 3),
    "released-is-clear": ("cpu-keys-only", SMALL, 141, 5, 2),
    "never-in-clear": ("resupply", SMALL, 256, 5, 3),
    "live-data-intact": ("per-package", SMALL, 6730, 11, 3),
    "right-key": ("no-hotplug", SMALL, 158, 5, 2),
    "no-neighbour": ("no-hotplug", SMALL, 1724, 10, 6),
    "hotplug-admitted": ("rfc-v2-savekeys-fixed", SMALL, 33, 4, 2),
    "teardown-admitted": ("rfc-v2", SMALL, 129, 6, 1),
    "user-keys-admitted": ("rfc-v2", SMALL, 129, 6, 1),
    "migration-admitted": ("rfc-v2", SMALL, 129, 6, 4),
    "keyid-names-key": ("rfc-v2-fixed", TWO_KEYIDS, 92, 7, 2),
    "no-lost-keyid": ("rfc-v2-fixed", TWO_VMAS, 284, 8, 2),
    "in-bounds": ("rfc-v2-fixed", TWO_KEYIDS, 92, 7, 2),
    "no-dangling": ("rfc-v2-fixed", TWO_VMAS, 284, 8, 3),
    "failure-is-noop": ("rfc-v2-fixed", SMALL, 644, 6, 1),
}
"""A premise about steps is reached by the step itself. No design keeps `failure-is-noop` as it is:
it holds where no PCONFIG fails."""

KEYS = ("instantiate",)
VMAS = ("encrypt",)
VACUOUS: dict[str, tuple[Scope, tuple[str, ...]]] = {
    "tables-agree": (Scope(1, 2, 1, 1, 1, 1), ()),
    "memory-agrees": (Scope(1, 2, 1, 1, 1, 1), ()),
    "table-as-requested": (SMALL, KEYS),
    "bitmap-exact": (SMALL, KEYS),
    "map-exact": (SMALL, KEYS),
    "refcount-exact": (SMALL, VMAS),
    "lead-exact": (SMALL, ("cpu_startup", "cpu_teardown")),
    "no-plaintext-unsaved": (SMALL, ("instantiate", "update", "preparse_error")),
    "no-plaintext-after-release": (SMALL, ("destroy", "update")),
    "cold-boot-keys": (SMALL, KEYS),
    "cold-boot-keys-tme": (SMALL, KEYS),
    "cold-boot-data": (SMALL, ("write",)),
    "released-is-clear": (SMALL, KEYS),
    "never-in-clear": (SMALL, ("write",)),
    "live-data-intact": (SMALL, ("write",)),
    "right-key": (SMALL, VMAS),
    "no-neighbour": (SMALL, ("destroy", "update")),
    "hotplug-admitted": (Scope(1, 2, 1, 1, 1, 1), ()),
    "teardown-admitted": (SMALL, ("cpu_teardown",)),
    "user-keys-admitted": (SMALL, ("instantiate", "update")),
    "migration-admitted": (SMALL, ("migrate",)),
    "keyid-names-key": (SMALL, ()),
    "no-lost-keyid": (SMALL, ("destroy", "update")),
    "in-bounds": (SMALL, KEYS),
    "no-dangling": (SMALL, ("destroy",)),
    "failure-is-noop": (
        SMALL,
        ("instantiate", "update", "preparse_error", "cpu_startup"),
    ),
}
"""Of the same design, a scope and actions that never happen: the premise is out of reach."""


def sound(property_id: str) -> Mutant:
    """What else a system must be for the property to hold in it."""
    return mutants.without_faults if property_id == "failure-is-noop" else lambda system: system


def holding(property_id: str, scope: Scope) -> Grounding:
    """The system where the property holds, in a scope."""
    design = design_from_text(HOLDING[property_id][0])
    return in_model(design, scope, sound(property_id))


def judged(property_id: str, design: str, scope: Scope) -> str:
    grounding = grounded(design_from_text(design), scope)
    return decide(grounding.system, grounding.property(PROPERTIES[property_id])).word


def test_every_property_of_the_key_service_has_its_case() -> None:
    assert list(HOLDING) == KEY_SERVICE
    assert list(VACUOUS) == KEY_SERVICE
    assert {name: name for name in PROPERTIES} == {n: c.id for n, c in PROPERTIES.items()}


def test_these_properties_are_about_steps() -> None:
    assert [
        "never-in-clear",
        "hotplug-admitted",
        "teardown-admitted",
        "user-keys-admitted",
        "migration-admitted",
        "in-bounds",
        "failure-is-noop",
    ] == [name for name in KEY_SERVICE if PROPERTIES[name].kind == "step"]


@pytest.mark.parametrize("property_id", HOLDING)
def test_a_property_holds_where_it_should_and_its_premise_is_reached(property_id: str) -> None:
    _, scope, states, depth, premise = HOLDING[property_id]
    grounding = holding(property_id, scope)
    claim = grounding.property(PROPERTIES[property_id])
    verdict = decide(grounding.system, claim)
    assert ("PROVED", states, depth) == (verdict.word, verdict.states, verdict.depth)
    cone = cone_of_influence(grounding.system, claim)
    assert premise == reaches_premise(cone, claim, premise)
    assert reaches_premise(cone, claim, premise - 1) is None


@pytest.mark.parametrize("property_id", VACUOUS)
def test_a_property_whose_premise_is_out_of_reach_is_vacuous(property_id: str) -> None:
    scope, never = VACUOUS[property_id]
    fault = mutants.both(sound(property_id), mutants.without(*never))
    grounding = in_model(design_from_text(HOLDING[property_id][0]), scope, fault)
    verdict = decide(grounding.system, grounding.property(PROPERTIES[property_id]))
    assert ("VACUOUS", False) == (verdict.word, verdict.premise_reached)


# Larger scopes


BOUNDS = [bound for bound in LIMITS if bound != "threads"]


@pytest.mark.deep
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("property_id", HOLDING)
def test_one_more_than_the_scope_in_which_it_holds_changes_no_verdict(
    property_id: str, bound: str
) -> None:
    scope = HOLDING[property_id][1]
    larger = dataclasses.replace(scope, **{bound: getattr(scope, bound) + 1})
    grounding = holding(property_id, larger)
    verdict = decide(grounding.system, grounding.property(PROPERTIES[property_id]))
    assert "PROVED" == verdict.word


# Applicability


def test_properties_do_not_apply_where_a_setting_excludes_their_premise() -> None:
    found = {
        (name, claim): reason
        for name, design in DESIGNS.items()
        for claim in KEY_SERVICE
        if (reason := not_applicable(design, PROPERTIES[claim])) is not None
    }
    keeps = "savekeys=on: the design keeps user keys on purpose"
    refuses = "user_keys=refused: no KeyID is ever mapped to a user key"
    assert {
        ("rfc-v2-savekeys", "no-plaintext-unsaved"): keeps,
        ("rfc-v2-savekeys-fixed", "no-plaintext-unsaved"): keeps,
        ("wrapped-vault", "no-plaintext-unsaved"): keeps,
        ("cpu-keys-only", "bitmap-exact"): refuses,
        ("cpu-keys-only", "no-plaintext-after-release"): refuses,
        ("cpu-keys-only", "cold-boot-keys"): refuses,
        ("cpu-keys-only", "cold-boot-keys-tme"): refuses,
    } == found


@pytest.mark.parametrize(
    "property_id",
    ["bitmap-exact", "no-plaintext-after-release", "cold-boot-keys", "cold-boot-keys-tme"],
)
def test_where_no_user_key_is_accepted_a_claim_about_them_would_be_vacuous(
    property_id: str,
) -> None:
    assert "VACUOUS" == judged(property_id, "cpu-keys-only", SMALL)


def test_where_keys_are_saved_the_secrecy_claim_would_be_violated() -> None:
    assert "VIOLATED" == judged("no-plaintext-unsaved", "rfc-v2-savekeys-fixed", SMALL)


def test_a_property_is_found_by_its_id() -> None:
    assert PROPERTIES["tables-agree"] is property_from_text("tables-agree")


def test_an_unknown_property_is_refused_with_the_likely_one_and_the_full_list() -> None:
    with pytest.raises(PropertyError) as refused:
        property_from_text("table-agrees")
    assert (
        "unknown property 'table-agrees' (did you mean tables-agree?); known: "
        + ", ".join(PROPERTIES)
    ) == str(refused.value)
