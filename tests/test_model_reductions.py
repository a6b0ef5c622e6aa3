"""Which declared reductions of the model are sound for which property: a table, found by proof."""

from __future__ import annotations

import dataclasses

import pytest
import quotient_search

from checker.reducing.reduction import reduce
from checker.systems.cone import cone_of_influence
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import Normaliser
from designs import DESIGNS
from model import Scope, key_service
from properties import PROPERTIES, not_applicable

SMALL = Scope(packages=2, cpus=2, keyids=1, values=2, vmas=2, threads=1)

FEW = ("rfc-v2-fixed", "per-package", "wrapped-vault", "resupply")
"""Designs whose reductions are proved by default: one of each kind."""


CLAIMS = (
    "tables-agree",
    "memory-agrees",
    "bitmap-exact",
    "no-plaintext-unsaved",
    "released-is-clear",
    "hotplug-admitted",
)
"""Claims that need different reductions."""


def cone_of(name, claim, scope):
    """A design's grounding, the ground property, and its cone."""
    design = DESIGNS[name]
    grounding = Grounding(key_service(design, Finite(scope.sizes(design))))
    ground = grounding.property(PROPERTIES[claim])
    return grounding, ground, cone_of_influence(grounding.system, ground)


def entries_of(design):
    """What is declared of key table entries under a design."""
    if design.keyid_scope == "per_package":
        return "free entries"
    return "unused entries" if design.unreachable_package == "refuse_keys" else "idle entries"


def expected(name, claim):
    """The names that are used and those that are refused, with the reason."""
    design = DESIGNS[name]
    is_global, resupply = design.keyid_scope == "global", design.startup_gate == "resupply"
    entries, by_address = entries_of(design), design.key_lookup == "by_address"
    compares = claim in ("tables-agree", "memory-agrees")
    # Idle entries leave out packages whose CPUs are offline, and these have memory all the same.
    refuses = claim == "released-is-clear" or (claim == "memory-agrees" and entries[:4] == "idle")
    # Where the gate asks owners, every claim depends on the vault's control words; where the
    # residue of a programming structure is kept, the secrecy of what is in it does as well.
    words = compares or claim == "released-is-clear" or resupply
    words = words or (claim == "no-plaintext-unsaved" and design.program_struct == "dirty_free")
    used = [
        "lead",
        *([entries] if compares and not refuses else []),
        *(["vault words"] if words and is_global else []),
        *(["vault keys"] if compares and design.savekeys == "on" else []),
        "Package 0 and 1",
        *(["Bytes A and B"] if compares or claim == "no-plaintext-unsaved" or resupply else []),
        "CPU 0 and 1",
        *([] if by_address else ["VMA 0 and 1"]),
    ]
    why = f"it changes whether {claim} holds in a state"
    refused = [(entries, why)] if refuses else []
    # Who drops a reference that is not counted takes that of the least VMA: see `references`.
    if by_address:
        refused.append(("VMA 0 and 1", "it changes what destroy does to counted[0,1]"))
    return tuple(used), tuple(refused)


def cells(names):
    """The cells of the matrix that mean anything."""
    return [
        (name, claim)
        for name in names
        for claim in CLAIMS
        if not_applicable(DESIGNS[name], PROPERTIES[claim]) is None
    ]


def assert_as_expected(name, claim, scope):
    grounding, ground, cone = cone_of(name, claim, scope)
    reduction = reduce(grounding, cone, [ground])
    assert expected(name, claim) == (reduction.used, reduction.refused)


@pytest.mark.parametrize(("name", "claim"), cells(FEW))
def test_what_is_proved_and_what_is_refused(name, claim):
    assert_as_expected(name, claim, SMALL)


@pytest.mark.deep
@pytest.mark.parametrize(("name", "claim"), cells(DESIGNS))
@pytest.mark.parametrize("scope", [SMALL, Scope()], ids=["small", "default"])
def test_what_is_proved_and_what_is_refused_in_every_design(name, claim, scope):
    assert_as_expected(name, claim, scope)


def test_every_normaliser_says_why_in_a_sentence_without_its_end():
    for design in DESIGNS.values():
        declared = key_service(design, Finite(SMALL.sizes(design))).reductions
        for normaliser in declared:
            if isinstance(normaliser, Normaliser):
                assert len(normaliser.name.split()) <= 2
                assert len(normaliser.reason.split()) >= 5
                assert not normaliser.reason.endswith(".")


def test_of_three_cpus_none_are_interchangeable_since_the_lowest_takes_over():
    grounding, claim, cone = cone_of("rfc-v2-fixed", "bitmap-exact", Scope(2, 3, 1, 1, 2, 1))
    reduction = reduce(grounding, cone, [claim])
    assert ("lead", "Package 0 and 1", "VMA 0 and 1") == reduction.used
    assert ["CPU 0 and 1", "CPU 1 and 2"] == [name for name, _ in reduction.refused]
    assert all("cpu_teardown does to lead" in reason for _, reason in reduction.refused)


COUNTS = {
    ("rfc-v2", "tables-agree"): (42_224, 4_386),
    ("rfc-v2-fixed", "tables-agree"): (3_176, 257),
    ("rfc-v2-fixed", "released-is-clear"): (1_776, 418),
    ("per-package", "released-is-clear"): (34_240, 5_398),
    ("wrapped-vault", "memory-agrees"): (1_776, 217),
}
"""States and representatives in the small scope."""


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        pytest.param(*cell, marks=pytest.mark.deep if states > 10_000 else ())
        for cell, (states, _) in COUNTS.items()
    ],
)
def test_a_reduced_search_of_the_model_gives_the_same_answer(name, claim):
    grounding, ground, cone = cone_of(name, claim, SMALL)
    reduction = reduce(grounding, cone, [ground])
    whole = quotient_search.search(cone, ground)
    reduced = quotient_search.search(cone, ground, reduction.representative)
    assert whole.answer == reduced.answer
    assert COUNTS[name, claim] == (whole.states, reduced.states)


@pytest.mark.deep
@pytest.mark.parametrize(("name", "claim"), cells(DESIGNS))
def test_a_reduced_search_of_every_design_gives_the_same_answer(name, claim):
    scope = dataclasses.replace(SMALL, cpus=1)
    grounding, ground, cone = cone_of(name, claim, scope)
    reduction = reduce(grounding, cone, [ground])
    whole = quotient_search.search(cone, ground)
    reduced = quotient_search.search(cone, ground, reduction.representative)
    assert whole.answer == reduced.answer
