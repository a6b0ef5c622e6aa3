"""Every mutant is noticed by the check that is pinned here, or its survival is explained.

And without a fault, nobody notices anything: a check that always fires would kill every mutant.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from checker import Step
from conformance.mutants import killers
from conformance.mutants.catalogue import ALL, MUTANTS, MutantError, killed, mutant_from_text
from conformance.mutants.fault import Change, Mutant, Patch, around, forgets
from conformance.mutants.killers import OF_THE_IMPLEMENTATION, by_property, of_the_model
from designs import design_from_text
from model import SYSTEMS, Scope

KILLED = {
    "map-keeps-slot": ("lockstep", 7, "calls"),
    "map-keeps-count": ("lockstep", 7, "calls"),
    "map-finds-highest": ("lockstep", 72, "calls"),
    "map-gives-highest": ("lockstep", 5, "calls"),
    "map-full-too-early": ("lockstep", 47, "calls"),
    "uncleared-given-away": ("lockstep", 6, "calls"),
    "bit-never-cleared": ("lockstep", 88, "calls"),
    "bit-never-set": ("lockstep", 81, "calls"),
    "bit-cleared-by-refusal": ("edges walk", 190, "calls"),
    "vault-stale": ("lockstep", 87, "calls"),
    "vault-keeps-unasked": ("lockstep", 11, "calls"),
    "vault-scrub-short": ("lockstep", 88, "calls"),
    "vault-off-by-one": ("lockstep", 11, "calls"),
    "gate-asks-one-bit-more": ("lockstep", 192, "calls"),
    "gate-takes-no-for-an-answer": ("long lockstep", 3296, "calls"),
    "clear-skips-packages": ("lockstep", 7, "calls"),
    "clear-forgets-the-missed": ("lockstep", 7, "calls"),
    "retry-clears-nothing": ("lockstep", 9, "calls"),
    "program-skips-packages": ("lockstep", 14, "calls"),
    "status-ignored": ("lockstep", 5, "calls"),
    "retry-once-too-few": ("locks walk", 195, "steps"),
    "reach-of-all-but-last": ("lockstep", 63, "calls"),
    "startup-programs-one": ("long lockstep", 425, "calls"),
    "startup-last-first": ("lockstep", 105, "calls"),
    "update-while-in-use": ("lockstep", 45, "calls"),
    "lead-never-resigns": ("lockstep", 28, "calls"),
    "lead-is-the-highest": ("lockstep", 112, "calls"),
    "teardown-counts-from-two": ("lockstep", 140, "calls"),
    "extend-counts-the-key-alone": ("long lockstep", 1182, "calls"),
    "drop-on-one-package": ("lockstep", 229, "calls"),
    "fork-takes-no-reference": ("lockstep", 43, "calls"),
    "unmap-drops-no-reference": ("lockstep", 61, "calls"),
    "encrypt-takes-no-reference": ("lockstep", 42, "calls"),
    "reference-dropped-twice": ("lockstep", 55, "calls"),
    "last-reference-releases-nothing": ("lockstep", 71, "calls"),
    "encrypt-keeps-the-page": ("long lockstep", 3915, "calls"),
    "freed-page-cleared": ("lockstep", 13, "calls"),
    "migration-copies-nothing": ("long lockstep", 472, "calls"),
    "write-after-fork-copies-nothing": ("lockstep", 29, "calls"),
    "fork-leaves-parent-writable": ("long lockstep", 1038, "calls"),
    "page-far-away": ("lockstep", 52, "calls"),
    "memory-before-a-cpu": ("lockstep", 2, "calls"),
    "slab-hands-out-first-freed": ("known answers", 7, "answers"),
    "sensitive-free-clears-nothing": ("lockstep", 5, "calls"),
    "sensitive-free-clears-a-word": ("lockstep", 5, "calls"),
    "kzalloc-clears-nothing": ("known answers", 8, "answers"),
    "payload-never-freed": ("lockstep", 5, "calls"),
    "text-not-cleared": ("lockstep", 5, "calls"),
    "capability-not-asked": ("payload walk", 1, "texts"),
    "short-keys-accepted": ("payload walk", 40, "texts"),
    "extra-tokens-accepted": ("payload walk", 130, "texts"),
    "unknown-token-passed-over": ("payload walk", 52, "texts"),
    "payload-length-off-by-one": ("payload walk", 23, "texts"),
    "key-and-tweak-swapped-in-table": ("lockstep", 14, "calls"),
    "key-and-tweak-swapped-in-engine": ("known answers", 1, "answers"),
    "tweak-has-keyid-bits": ("known answers", 2, "answers"),
    "tweak-is-line-number": ("known answers", 2, "answers"),
    "wrong-polynomial": ("known answers", 1, "answers"),
    "clear-keeps-the-key": ("lockstep", 7, "calls"),
    "random-repeats": ("known answers", 5, "answers"),
    "no-encrypt-is-tme": ("lockstep", 304, "calls"),
    "busy-programs-all-the-same": ("lockstep", 5, "calls"),
    "wrong-package": ("lockstep", 24, "calls"),
    "last-keyid-invalid": ("lockstep", 6, "calls"),
    "algorithm-not-checked": ("known answers", 4, "answers"),
    "stale-engine": ("known answers", 3, "answers"),
    "partial-write-clears-the-line": ("lockstep", 14, "calls"),
    "removed-package-keeps-table": ("", 0, ""),
    "update-unlocks-nothing": ("lockstep", 46, "calls"),
    "update-keeps-hotplug-lock": ("lockstep", 63, "calls"),
    "refusal-keeps-the-locks": ("lockstep", 6, "calls"),
    "hotplug-takes-map-first": ("locks walk", 36, "steps"),
    "release-without-map-lock": ("locks walk", 28, "steps"),
    "program-without-hotplug-lock": ("locks walk", 3, "steps"),
    "mmap-sem-not-taken": ("locks walk", 49, "steps"),
    "readers-pass-waiting-writers": ("locks walk", 4329, "steps"),
    "writer-beside-readers": ("locks walk", 578, "steps"),
    "model-update-misses-packages": ("tables-agree", 2, "steps"),
    "model-instantiate-misses-packages": ("tables-agree", 1, "steps"),
    "model-startup-skips-last-keyid": ("memory-agrees", 3, "steps"),
    "model-update-leaves-key": ("tables-agree", 2, "steps"),
    "model-update-leaves-bit": ("bitmap-exact", 2, "steps"),
    "model-destroy-leaves-bit": ("bitmap-exact", 2, "steps"),
    "model-destroy-leaves-map": ("no-lost-keyid", 2, "steps"),
    "model-new-key-not-mapped": ("map-exact", 1, "steps"),
    "model-encrypt-takes-no-reference": ("refcount-exact", 2, "steps"),
    "model-fork-takes-no-reference": ("refcount-exact", 3, "steps"),
    "model-teardown-keeps-lead": ("lead-exact", 1, "steps"),
    "model-startup-takes-no-lead": ("lead-exact", 2, "steps"),
    "model-destroy-clears-one-package": ("released-is-clear", 2, "steps"),
    "model-update-while-in-use": ("live-data-intact", 4, "steps"),
    "model-destroy-under-vmas": ("right-key", 3, "steps"),
    "model-keyid-given-twice": ("keyid-names-key", 2, "steps"),
    "model-pages-stay-near-cpus": ("migration-admitted", 5, "steps"),
    "model-retry-clears-nothing": ("released-is-clear", 3, "steps"),
    "model-write-keeps-owner": ("lockstep", 284, "calls"),
    "model-update-forgets-own-slot": ("lockstep", 2866, "calls"),
    "model-instantiate-leaves-vault": ("memory-agrees", 3, "steps"),
    "model-token-not-remembered": ("payload-as-documented", 4, "steps"),
    "model-failure-keeps-locks": ("no-lost-lock", 8, "steps"),
    "model-locks-never-held": ("no-deadlock", 11152, "states (vacuous)"),
}
"""Mutant to who notices it and when; "" where nobody does, for the reason in the catalogue."""

QUICK = frozenset(
    {
        "map-keeps-slot",
        "vault-stale",
        "clear-skips-packages",
        "status-ignored",
        "retry-once-too-few",
        "freed-page-cleared",
        "write-after-fork-copies-nothing",
        "slab-hands-out-first-freed",
        "sensitive-free-clears-a-word",
        "short-keys-accepted",
        "key-and-tweak-swapped-in-table",
        "key-and-tweak-swapped-in-engine",
        "tweak-has-keyid-bits",
        "clear-keeps-the-key",
        "random-repeats",
        "wrong-package",
        "hotplug-takes-map-first",
        "writer-beside-readers",
        "model-update-misses-packages",
        "model-write-keeps-owner",
        "model-keyid-given-twice",
        "model-token-not-remembered",
    }
)
"""At least one of each layer and each check that is quick."""


def seen(mutant: Mutant) -> tuple[str, int, str]:
    kill = killed(mutant)
    return (kill.killer, kill.after, kill.unit) if kill else ("", 0, "")


@pytest.mark.parametrize("id", sorted(QUICK))
def test_a_mutant_is_noticed_by_the_check_that_is_pinned(id: str) -> None:
    assert KILLED[id] == seen(MUTANTS[id])


@pytest.mark.deep
@pytest.mark.parametrize("id", sorted(KILLED.keys() - QUICK))
def test_every_other_mutant_is_noticed_by_the_check_that_is_pinned(id: str) -> None:
    assert KILLED[id] == seen(MUTANTS[id])


def test_the_whole_catalogue_is_pinned_and_ids_are_unique() -> None:
    assert len(ALL) == len(MUTANTS)
    assert set(MUTANTS) == set(KILLED)
    assert 101 == len(MUTANTS)


def test_exactly_the_survivors_are_explained() -> None:
    survivors = {id for id, (killer, _, _) in KILLED.items() if not killer}
    assert survivors == {mutant.id for mutant in ALL if mutant.survives}
    assert 1 == len(survivors)


def test_the_quick_ones_are_of_every_layer() -> None:
    assert {mutant.layer for mutant in ALL} == {MUTANTS[id].layer for id in QUICK}


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.id)
def test_a_mutant_says_what_is_wrong_where_and_who_may_notice_first(mutant: Mutant) -> None:
    assert design_from_text(mutant.design).name == mutant.design
    assert len(mutant.wrong.split()) > 3
    if isinstance(mutant.fault, Change):
        assert mutant.first in of_the_model(mutant, mutant.fault)
        assert mutant.fault.where.startswith("model, ")
    else:
        assert mutant.first in OF_THE_IMPLEMENTATION
        assert mutant.fault.where.startswith("impl.")


def test_no_two_mutants_have_the_same_fault() -> None:
    patches = [m.fault for m in ALL if isinstance(m.fault, Patch)]
    assert len(patches) == len({(patch.where, id(patch.wrong)) for patch in patches})


# A fault is there, and gone again

MISSING = object()


def fail_with(patch: Patch) -> None:
    with patch.planted():
        if of(patch) is patch.wrong:
            raise RuntimeError(f"{patch.where} is planted")


def of(patch: Patch) -> Any:
    return vars(patch.owner).get(patch.name, MISSING)


@pytest.mark.parametrize(
    "patch", [m.fault for m in ALL if isinstance(m.fault, Patch)], ids=lambda patch: patch.where
)
def test_a_fault_of_the_implementation_is_undone_also_after_an_error(patch: Patch) -> None:
    right = of(patch)
    assert right is not patch.wrong
    with pytest.raises(RuntimeError, match="is planted"):
        fail_with(patch)
    assert right is of(patch)


@pytest.mark.parametrize(
    "mutant", [m for m in ALL if isinstance(m.fault, Change)], ids=lambda mutant: mutant.id
)
def test_a_fault_of_the_model_changes_its_action_and_no_other(mutant: Mutant) -> None:
    assert isinstance(mutant.fault, Change)
    design = design_from_text(mutant.design)
    right = killers.ground(design, mutant.scope, mutant.fault.system).system
    faulty = mutant.fault.ground(design, mutant.scope).system
    changed = {
        one.name
        for one, other in zip(right.actions, faulty.actions, strict=True)
        if not (
            one.guard.eq(other.guard)
            and one.answer.eq(other.answer)
            and one.updates.keys() == other.updates.keys()
            and all(one.updates[name].eq(other.updates[name]) for name in one.updates)
        )
    }
    assert {mutant.fault.action} == changed


def test_a_function_around_another_gets_the_right_one() -> None:
    owner = SimpleNamespace(double=lambda x: 2 * x)
    module = type("Owner", (), {"double": staticmethod(owner.double)})
    with around(module, "double", lambda right, x: right(x) + 1).planted():
        assert 7 == module.double(3)
    assert 6 == module.double(3)


def test_an_action_that_is_not_there_cannot_be_changed() -> None:
    change = Change("fly", lambda _old, _choice, right: right)
    with pytest.raises(ValueError, match="it has no action fly"):
        change.ground(design_from_text("rfc-v2"), Scope(1, 1, 1, 1, 1, 1))


def test_a_family_that_an_action_never_changes_cannot_be_forgotten() -> None:
    with pytest.raises(ValueError, match="destroy never changes online"):
        forgets("destroy", "online").faulty(None, None, Step(None, None, {}))


def test_an_unknown_mutant_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        MutantError, match=r"^unknown mutant 'vault-stole' \(did you mean vault-stale\?\)"
    ):
        mutant_from_text("vault-stole")


# Without a fault

SOUND = Mutant("none", "nothing", "service", Patch(object, "none", None))


def silent(check: str, mutant: Mutant) -> bool:
    return OF_THE_IMPLEMENTATION[check](mutant) is None


TRIED_IN = sorted({(m.design, m.scope) for m in ALL if isinstance(m.fault, Patch)}, key=str)


@pytest.mark.parametrize(("design", "scope"), TRIED_IN, ids=str)
def test_without_a_fault_the_lockstep_is_silent(design: str, scope: Scope) -> None:
    assert silent("lockstep", dataclasses.replace(SOUND, design=design, scope=scope))


@pytest.mark.parametrize("check", ["known answers", "payload walk"])
def test_without_a_fault_a_quick_check_is_silent(check: str) -> None:
    assert silent(check, SOUND)


@pytest.mark.deep
@pytest.mark.parametrize("check", OF_THE_IMPLEMENTATION)
@pytest.mark.parametrize(("design", "scope"), TRIED_IN, ids=str)
def test_without_a_fault_every_check_is_silent(check: str, design: str, scope: Scope) -> None:
    assert silent(check, dataclasses.replace(SOUND, design=design, scope=scope))


def test_a_change_that_changes_nothing_breaks_no_property_and_agrees() -> None:
    change = Change("destroy", lambda _old, _choice, right: right)
    mutant = dataclasses.replace(SOUND, fault=change, scope=Scope(1, 1, 1, 1, 1, 1))
    assert by_property("bitmap-exact", mutant, change) is None
    assert by_property("map-exact", mutant, change) is None


def test_a_property_that_the_design_violates_anyway_kills_nothing() -> None:
    change = forgets("update", "entry_bytes")
    mutant = Mutant("none", "", "model", change, "rfc-v2", Scope(2, 1, 1, 1, 1, 1))
    assert by_property("tables-agree", mutant, change) is None


def test_every_system_of_the_model_may_have_mutants() -> None:
    assert {"", "payload", "locks"} == set(SYSTEMS)


# What the known answers say


def test_every_known_answer_is_given() -> None:
    said = list(killers.known_answers(design_from_text("rfc-v2")))
    assert "xts as in ieee 1619" == said[0]
    assert 8 == len(said)
