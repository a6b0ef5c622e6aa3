"""A violation is told in words that name the right package, KeyID and key."""

from __future__ import annotations

import re

import pytest
from mutants import Mutant, forgets, in_model
from runs import Run, call_of, grounded

from checker import Grounding, decide, run
from checker.answers.trace import first_violation
from designs import DESIGNS, design_from_text
from mktme.judge import what_broke
from model import Scope
from properties import PROPERTIES, claims_about

ONE_CPU = Scope(2, 1, 2)


def said_of(property_id: str, driven: Run) -> str:
    """The words for the property's violation at the end of a run."""
    claim = PROPERTIES[property_id]
    ground = driven.grounding.property(claim)
    assert len(driven.calls) == first_violation(driven.system, ground, driven.trace)
    return what_broke(driven.grounding, claim, driven.trace)


def test_a_failed_update_is_told_with_both_keys() -> None:
    driven = Run("rfc-v2")
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("update", key=0, kind="user", bytes="B", fails={1})
    expected = "KeyID 1 stands for user key A, but package 0 holds key B and package 1 holds key A"
    assert expected == said_of("tables-agree", driven)
    assert expected == said_of("memory-agrees", driven)


def test_a_key_that_became_zeros_is_told_so() -> None:
    driven = Run("rfc-v2", absent=1)
    driven.do("instantiate", key=0, kind="cpu")
    driven.do("instantiate", key=1, kind="user", bytes="B")
    driven.do("package_add", package=1)
    driven.do("cpu_startup", package=1, cpu=0)
    assert (
        "KeyID 2 stands for user key B, but package 0 holds key B and package 1 holds a key of"
        " zeros"
    ) == said_of("tables-agree", driven)


def test_modes_that_differ_are_told() -> None:
    driven = Run("rfc-v2")
    driven.do("instantiate", key=0, kind="no_encrypt")
    driven.do("update", key=0, kind="clear", fails={0})
    assert (
        "KeyID 1 stands for a no-encrypt payload, but package 0 holds no-encrypt and package 1"
        " holds TME"
    ) == said_of("tables-agree", driven)


def test_per_package_both_keyids_are_told() -> None:
    driven = Run("per-package", ONE_CPU)
    driven.do("instantiate", key=0, kind="cpu", wanted={1})
    driven.do("instantiate", key=1, kind="user", bytes="A", wanted={0, 1})
    driven.do("cpu_teardown", package=1, cpu=0)
    driven.do("update", key=1, kind="user", bytes="B")
    assert (
        "the key stands for user key B, but package 0 at KeyID 1 holds key B and package 1 (no"
        " online CPU) at KeyID 2 holds key A"
    ) == said_of("memory-agrees", driven)
    driven.do("cpu_startup", package=1, cpu=0)
    assert (
        "the key stands for user key B, but package 0 at KeyID 1 holds key B and package 1 at"
        " KeyID 2 holds key A"
    ) == said_of("tables-agree", driven)


def test_a_package_without_cpus_is_told_so() -> None:
    driven = Run("rfc-v2-fixed", ONE_CPU)
    driven.do("cpu_teardown", package=0, cpu=0)
    driven.do("instantiate", key=0, kind="user", bytes="A")
    assert (
        "KeyID 1 stands for user key A, but package 0 (no online CPU) holds TME and package 1"
        " holds key A"
    ) == said_of("memory-agrees", driven)


def test_a_bit_that_is_missing_is_told() -> None:
    driven = Run("rfc-v2")
    driven.do("instantiate", key=0, kind="user", bytes="B")
    driven.do("update", key=0, kind="cpu", fails={0, 1})
    assert "KeyID 1 is mapped to user key B, but its bit is not set" == said_of(
        "bitmap-exact", driven
    )


def test_a_bit_outside_the_weight_is_told() -> None:
    driven = Run("rfc-v2")
    driven.do("instantiate", key=0, kind="cpu")
    driven.do("instantiate", key=1, kind="user", bytes="A")
    assert (
        "KeyID 2 is mapped to user key A and its bit is set, but the gate's weight does not cover"
        " it"
    ) == said_of("bitmap-exact", driven)


def test_per_package_the_bits_package_is_told() -> None:
    driven = Run("per-package,bitmap_bits=n", Scope(2, 1, 1))
    driven.do("instantiate", key=0, kind="user", bytes="A", wanted={1})
    assert (
        "KeyID 1 on package 1 is mapped to user key A and its bit is set, but the gate's weight"
        " does not cover it"
    ) == said_of("bitmap-exact", driven)


def mutant_run(design: str, mutant: Mutant, *calls: tuple[str, dict[str, object]]) -> str:
    """The words for a bitmap violation of a faulty model."""
    grounding: Grounding = in_model(DESIGNS[design], Scope(), mutant)
    system = grounding.system
    boot = Run(design).start
    trace = run(system, boot, [call_of(system, name, **choice) for name, choice in calls])
    claim = PROPERTIES["bitmap-exact"]
    assert len(trace) == first_violation(system, grounding.property(claim), trace)
    return what_broke(grounding, claim, trace)


USER = ("instantiate", {"key": 0, "kind": "user", "bytes": "A"})


def test_a_bit_of_a_free_keyid_is_told() -> None:
    destroyed = ("destroy", {"key": 0})
    assert "KeyID 1 is free, but its bit is set" == mutant_run(
        "rfc-v2-fixed", forgets("destroy", "bit"), USER, destroyed
    )


def test_a_bit_of_a_key_of_another_type_is_told() -> None:
    updated = ("update", {"key": 0, "kind": "cpu"})
    assert "KeyID 1 is mapped to a CPU-generated key, but its bit is set" == mutant_run(
        "rfc-v2-fixed", forgets("update", "bit"), USER, updated
    )


@pytest.mark.parametrize(
    ("design", "calls", "place"),
    [
        ("rfc-v2", ("preparse_error",), "in a payload structure that was never freed"),
        ("rfc-v2", ("instantiate",), "in a freed programming structure"),
        (
            "rfc-v2",
            ("preparse_error", "instantiate"),
            "in a freed programming structure and in a payload structure that was never freed",
        ),
        ("rfc-v2-savekeys-fixed", ("instantiate",), "in the vault slot of KeyID 1"),
    ],
)
def test_the_place_where_key_bytes_stay_is_told(
    design: str, calls: tuple[str, ...], place: str
) -> None:
    driven = Run(design)
    for call in calls:
        kind = {"kind": "user"} if call == "instantiate" else {}
        driven.do(call, bytes="B", **kind)
    claim = PROPERTIES["no-plaintext-unsaved"]
    expected = f"the bytes of user key B are still in kernel memory, {place}"
    assert expected == what_broke(driven.grounding, claim, driven.trace)


def test_a_free_keyid_that_still_opens_a_key_is_told_with_its_package() -> None:
    driven = Run("rfc-v2")
    driven.do("instantiate", key=0, kind="cpu")
    driven.do("instantiate", key=1, kind="user", bytes="A", fails={0})
    assert "KeyID 2 is free, but package 1 still holds key A" == said_of(
        "released-is-clear", driven
    )


def test_a_refused_package_that_was_just_added_is_told() -> None:
    driven = Run("rfc-v2", absent=1)
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("package_add", package=1)
    driven.do("cpu_startup", package=1, cpu=1)
    assert (
        "package 1 was just added, no PCONFIG failed, and still CPU 1 is refused with EPERM"
    ) == said_of("hotplug-admitted", driven)


def test_a_refused_package_that_was_online_before_is_told() -> None:
    driven = Run("rfc-v2", ONE_CPU)
    driven.do("cpu_teardown", package=0, cpu=0)
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("cpu_startup", package=0, cpu=0)
    assert (
        "package 0 has no online CPU, no PCONFIG failed, and still CPU 0 is refused with EPERM"
    ) == said_of("hotplug-admitted", driven)


TABLES = r"KeyID [12] stands for .+, but package 0 holds .+ and package 1 holds .+"
SHORTEST = {
    ("rfc-v2", "tables-agree"): (2, TABLES),
    ("rfc-v2", "memory-agrees"): (2, TABLES),
    ("rfc-v2-fixed", "memory-agrees"): (
        3,
        r"KeyID 1 stands for .+, but package 0( \(no online CPU\))? holds .+ and package 1"
        r"( \(no online CPU\))? holds .+",
    ),
    ("rfc-v2", "bitmap-exact"): (
        2,
        r"KeyID [12] is mapped to user key [AB]( and|, but) its bit .+",
    ),
    ("rfc-v2", "no-plaintext-unsaved"): (
        1,
        r"the bytes of user key [AB] are still in kernel memory, in a .+",
    ),
    ("rfc-v2", "released-is-clear"): (
        1,
        r"KeyID 1 is free, but package [01] still holds (key [AB]|a random key|no-encrypt)",
    ),
    ("rfc-v2", "hotplug-admitted"): (
        3,
        r"package 1 was just added, no PCONFIG failed, and still CPU [01] is refused with EPERM",
    ),
}


@pytest.mark.parametrize(("design", "property_id"), SHORTEST)
def test_the_shortest_counterexample_is_told(design: str, property_id: str) -> None:
    length, expected = SHORTEST[design, property_id]
    grounding, claim = grounded(design_from_text(design), Scope()), PROPERTIES[property_id]
    trace = decide(grounding.system, grounding.property(claim)).trace
    assert trace is not None
    assert length == len(trace)
    assert re.fullmatch(expected, what_broke(grounding, claim, trace))


def test_every_property_of_the_key_service_has_its_shortest_counterexample_told() -> None:
    assert set(claims_about("")) == {property_id for _, property_id in SHORTEST}


def test_every_property_is_one_sentence_with_a_source() -> None:
    told = [c.id for c in PROPERTIES.values() if re.fullmatch(r"[A-Z][^.]+\.", c.sentence)]
    assert list(PROPERTIES) == told
    assert [] == [c.id for c in PROPERTIES.values() if "patch" not in c.source]
