"""Every property has faulty models that break it: in each one, a single action goes wrong.

A property that no fault breaks says nothing. Where the fault is a posted mistake of one action, the
rest of the system is repaired.
"""

from __future__ import annotations

import re

import mutants
import pytest
from mutants import Mutant, as_if, both, forgets, in_model, misses_packages, without_faults
from runs import KEY_SERVICE, grounded

from checker import Verdict, decide
from conformance import replay
from designs import design_from_text
from model import Scope
from properties import PROPERTIES, secrecy

SMALL = Scope(2, 1, 1, 1, 1, 1)
TWO_CPUS = Scope(2, 2, 1, 1, 1, 1)
TWO_KEYIDS = Scope(1, 1, 2, 1, 1, 1)
TWO_VMAS = Scope(1, 1, 1, 1, 2, 1)

ENTRY = ("entry_mode", "entry_bytes")

# property, design, what goes wrong, the fault, where, length of the shortest counterexample
FAULTS: list[tuple[str, str, str, Mutant, Scope, int]] = [
    (
        "tables-agree",
        "rfc-v2-fixed",
        "update misses a package",
        misses_packages("update", *ENTRY),
        SMALL,
        2,
    ),
    (
        "tables-agree",
        "rfc-v2-savekeys-fixed",
        "startup skips the last KeyID",
        mutants.startup_skips_the_last_keyid,
        SMALL,
        3,
    ),
    (
        "tables-agree",
        "rfc-v2-fixed",
        "a failed update leaves the KeyID in service",
        as_if("update", on_program_failure="leave"),
        SMALL,
        2,
    ),
    (
        "memory-agrees",
        "no-hotplug",
        "instantiate ignores a package out of reach",
        as_if("instantiate", unreachable_package="ignored"),
        SMALL,
        2,
    ),
    (
        "memory-agrees",
        "wrapped-vault",
        "startup skips the last KeyID",
        mutants.startup_skips_the_last_keyid,
        SMALL,
        3,
    ),
    (
        "memory-agrees",
        "resupply",
        "startup does not wait for the owners",
        as_if("cpu_startup", startup_gate="none"),
        SMALL,
        3,
    ),
    (
        "table-as-requested",
        "no-hotplug",
        "update leaves the key",
        forgets("update", "entry_bytes"),
        SMALL,
        2,
    ),
    (
        "table-as-requested",
        "no-hotplug",
        "instantiate misses a package",
        misses_packages("instantiate", *ENTRY),
        SMALL,
        1,
    ),
    ("bitmap-exact", "rfc-v2-fixed", "update leaves the bit", forgets("update", "bit"), SMALL, 2),
    ("bitmap-exact", "rfc-v2-fixed", "destroy leaves the bit", forgets("destroy", "bit"), SMALL, 2),
    ("bitmap-exact", "per-package", "destroy leaves the bit", forgets("destroy", "bit"), SMALL, 2),
    (
        "bitmap-exact",
        "rfc-v2-fixed",
        "every new key sets its bit",
        mutants.every_key_counts_as_a_users,
        SMALL,
        1,
    ),
    (
        "bitmap-exact",
        "rfc-v2-fixed,on_program_failure=leave",
        "update clears the bit too early",
        as_if("update", bitmap_update="clear_before_program"),
        SMALL,
        2,
    ),
    (
        "map-exact",
        "rfc-v2-fixed",
        "a new key is not entered",
        forgets("instantiate", "mapped"),
        SMALL,
        1,
    ),
    (
        "map-exact",
        "rfc-v2-fixed",
        "instantiate reuses an object that the map holds",
        as_if("instantiate", key_lookup="by_address"),
        TWO_KEYIDS,
        4,
    ),
    (
        "refcount-exact",
        "rfc-v2-fixed",
        "encrypt takes no reference",
        forgets("encrypt", "counted"),
        SMALL,
        2,
    ),
    (
        "refcount-exact",
        "rfc-v2-fixed",
        "fork takes no reference",
        forgets("fork", "counted"),
        TWO_VMAS,
        3,
    ),
    (
        "refcount-exact",
        "per-package",
        "destroy keeps the key's reference",
        forgets("destroy", "key_counted"),
        SMALL,
        2,
    ),
    (
        "lead-exact",
        "rfc-v2-fixed",
        "teardown keeps the lead",
        forgets("cpu_teardown", "lead"),
        SMALL,
        1,
    ),
    (
        "lead-exact",
        "rfc-v2-fixed",
        "startup takes no lead",
        forgets("cpu_startup", "lead"),
        TWO_CPUS,
        2,
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        "the structure is not scrubbed",
        as_if("instantiate", program_struct="dirty_free"),
        SMALL,
        1,
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        "a refused payload is not freed",
        as_if("preparse_error", parse_error="leaks_payload"),
        SMALL,
        1,
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        "update saves the key",
        as_if("update", savekeys="on"),
        SMALL,
        2,
    ),
    (
        "no-plaintext-unsaved",
        "resupply",
        "the structure of a startup is not scrubbed",
        as_if("cpu_startup", program_struct="dirty_free"),
        SMALL,
        3,
    ),
    (
        "no-plaintext-after-release",
        "rfc-v2-savekeys-fixed",
        "destroy leaves the vault",
        as_if("destroy", vault_on_release="keep"),
        SMALL,
        2,
    ),
    (
        "no-plaintext-after-release",
        "rfc-v2-savekeys-fixed",
        "the last VMA leaves the vault",
        as_if("unmap", vault_on_release="keep"),
        SMALL,
        4,
    ),
    (
        "cold-boot-keys",
        "wrapped-vault",
        "the structure is not scrubbed",
        as_if("instantiate", program_struct="dirty_free"),
        SMALL,
        1,
    ),
    (
        "cold-boot-data",
        "no-hotplug",
        "instantiate misses a package",
        misses_packages("instantiate", *ENTRY),
        SMALL,
        3,
    ),
    (
        "released-is-clear",
        "rfc-v2-fixed",
        "destroy skips a package",
        misses_packages("destroy", *ENTRY, "uncleared"),
        SMALL,
        2,
    ),
    (
        "released-is-clear",
        "rfc-v2-fixed",
        "destroy clears nothing",
        as_if("destroy", on_release="keep"),
        SMALL,
        2,
    ),
    (
        "released-is-clear",
        "per-package",
        "a failed instantiate leaves the KeyIDs in service",
        as_if("instantiate", on_program_failure="leave"),
        SMALL,
        1,
    ),
    (
        "released-is-clear",
        "rfc-v2-fixed",
        "a failed retry is believed",
        mutants.retry_believed,
        SMALL,
        3,
    ),
    (
        "never-in-clear",
        "resupply",
        "startup skips the last KeyID",
        mutants.startup_skips_the_last_keyid,
        SMALL,
        5,
    ),
    (
        "live-data-intact",
        "no-hotplug",
        "update while VMAs use the KeyID",
        mutants.update_while_in_use,
        SMALL,
        4,
    ),
    (
        "right-key",
        "no-hotplug",
        "the KeyID is released under its VMAs",
        mutants.destroy_under_vmas,
        SMALL,
        3,
    ),
    (
        "right-key",
        "no-hotplug",
        "instantiate programs another key than it was given on a package",
        misses_packages("instantiate", "entry_bytes"),
        SMALL,
        3,
    ),
    (
        "no-neighbour",
        "no-hotplug",
        "the KeyID is released under its VMAs",
        mutants.destroy_under_vmas,
        SMALL,
        5,
    ),
    (
        "hotplug-admitted",
        "rfc-v2-savekeys-fixed",
        "startup refuses while a key is mapped",
        as_if("cpu_startup", startup_gate="refuse_any_key"),
        SMALL,
        3,
    ),
    ("hotplug-admitted", "cpu-keys-only", "the gate is inverted", mutants.gate_inverted, SMALL, 2),
    (
        "teardown-admitted",
        "rfc-v2-fixed",
        "teardown keeps the last lead",
        as_if("cpu_teardown", teardown="keep_last_lead"),
        SMALL,
        2,
    ),
    (
        "user-keys-admitted",
        "rfc-v2-fixed",
        "instantiate refuses user keys",
        as_if("instantiate", user_keys="refused"),
        SMALL,
        1,
    ),
    (
        "user-keys-admitted",
        "rfc-v2-fixed",
        "update waits for every package",
        as_if("update", unreachable_package="refuse_keys"),
        SMALL,
        3,
    ),
    (
        "migration-admitted",
        "rfc-v2-fixed",
        "pages move to online packages only",
        mutants.migration_to_online_only,
        SMALL,
        5,
    ),
    (
        "keyid-names-key",
        "rfc-v2-fixed",
        "a KeyID is given twice",
        mutants.instantiate_twice,
        TWO_KEYIDS,
        2,
    ),
    (
        "no-lost-keyid",
        "rfc-v2-fixed",
        "destroy leaves the map",
        forgets("destroy", "mapped"),
        SMALL,
        2,
    ),
    (
        "no-lost-keyid",
        "per-package",
        "the last VMA leaves the map",
        forgets("unmap", "mapped"),
        SMALL,
        4,
    ),
    (
        "in-bounds",
        "rfc-v2-fixed",
        "encrypt counts beyond the array",
        as_if("encrypt", count_entries="n"),
        SMALL,
        2,
    ),
    (
        "in-bounds",
        "rfc-v2-fixed",
        "a refused payload is read too far",
        as_if("preparse_error", parser="lenient"),
        SMALL,
        1,
    ),
    (
        "no-dangling",
        "rfc-v2-fixed",
        "the map holds addresses",
        mutants.remembers_addresses,
        SMALL,
        3,
    ),
    (
        "failure-is-noop",
        "rfc-v2-fixed",
        "a refused update has cleared the bit",
        both(without_faults, mutants.refused_update_clears_the_bit),
        SMALL,
        3,
    ),
]

ALIKE = {"the map holds addresses"}
"""Faults that no run shows: the two designs' maps hold different words for the same key object."""

named = pytest.mark.parametrize(
    ("property_id", "design", "fault", "mutant", "scope", "length"),
    FAULTS,
    ids=[f"{row[0]}: {row[2]} in {row[1]}" for row in FAULTS],
)


def judged(property_id: str, design: str, scope: Scope) -> Verdict:
    grounding = grounded(design_from_text(design), scope)
    return decide(grounding.system, grounding.property(PROPERTIES[property_id]))


@named
def test_a_faulty_model_breaks_the_property_and_does_not_replay(
    property_id: str, design: str, fault: str, mutant: Mutant, scope: Scope, length: int
) -> None:
    chosen, claim = design_from_text(design), PROPERTIES[property_id]
    grounding = in_model(chosen, scope, mutant)
    verdict = decide(grounding.system, grounding.property(claim))
    assert ("VIOLATED", length) == (verdict.word, verdict.depth)
    assert verdict.trace is not None
    if fault in ALIKE:
        return
    replayed = replay(chosen, scope, grounding, claim, verdict.trace)
    assert not replayed.agrees
    differs = r"step (\d+), [a-z_]+: .*model .*, (the )?implementation "
    found = re.match(differs, replayed.disagreement)
    assert found is not None
    assert int(found[1]) <= length


WITHOUT_THE_FAULT = sorted(
    {(row[0], row[1], row[4]) for row in FAULTS if row[0] != "failure-is-noop"}, key=str
)
"""Of `failure-is-noop` the tests of claims say where it holds."""


@pytest.mark.parametrize(("property_id", "design", "scope"), WITHOUT_THE_FAULT)
def test_without_the_fault_the_property_holds(property_id: str, design: str, scope: Scope) -> None:
    assert judged(property_id, design, scope).word in ("PROVED", "VACUOUS")


def test_every_property_has_a_faulty_model_but_for_the_one_about_the_attacker() -> None:
    assert set(KEY_SERVICE) - {"cold-boot-keys-tme"} == {row[0] for row in FAULTS}


def test_a_dram_image_would_yield_a_key_under_tme_if_tme_did_not_encrypt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What TME hides is no action's doing, so that no faulty action breaks the claim about it."""
    monkeypatch.setattr(secrecy, "in_dram", secrecy.disclosed)
    verdict = judged("cold-boot-keys-tme", "rfc-v2", SMALL)
    assert ("VIOLATED", 1) == (verdict.word, verdict.depth)
