"""A violation is told in words that name the right package, KeyID and key."""

from __future__ import annotations

import re

import pytest
from mutants import Mutant, forgets, in_model, instantiate_twice
from runs import Run, call_of

from checker import run
from checker.answers.trace import first_violation
from designs import design_from_text
from mktme.judge import what_broke
from model import Scope
from properties import PROPERTIES

PACKAGES = Scope(2, 1, 2, 2, 1, 1)
SMALL = Scope(2, 1, 1, 1, 1, 1)
KEYIDS = Scope(1, 1, 2, 1, 1, 1)
TWO_VMAS = Scope(1, 1, 2, 1, 2, 1)


def said_of(property_id: str, driven: Run) -> str:
    """The words for the property's violation at the end of a run."""
    claim = PROPERTIES[property_id]
    ground = driven.grounding.property(claim)
    assert len(driven.calls) == first_violation(driven.system, ground, driven.trace)
    return what_broke(driven.grounding, claim, driven.trace)


def test_a_failed_update_is_told_with_both_keys() -> None:
    driven = Run("rfc-v2", PACKAGES)
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("update", key=0, kind="user", bytes="B", fails={1})
    expected = "KeyID 1 stands for user key A, but package 0 holds key B and package 1 holds key A"
    assert expected == said_of("tables-agree", driven)
    assert expected == said_of("memory-agrees", driven)


def test_a_key_that_became_zeros_is_told_so() -> None:
    driven = Run("rfc-v2", PACKAGES, absent=1)
    driven.do("instantiate", key=0, kind="cpu")
    driven.do("instantiate", key=1, kind="user", bytes="B")
    driven.do("package_add", package=1)
    driven.do("cpu_startup", package=1, cpu=0)
    assert (
        "KeyID 2 stands for user key B, but package 0 holds key B and package 1 holds a key of"
        " zeros"
    ) == said_of("tables-agree", driven)


def test_modes_that_differ_are_told() -> None:
    driven = Run("rfc-v2", PACKAGES)
    driven.do("instantiate", key=0, kind="no_encrypt")
    driven.do("update", key=0, kind="clear", fails={0})
    assert (
        "KeyID 1 stands for a no-encrypt payload, but package 0 holds no-encrypt and package 1"
        " holds TME"
    ) == said_of("tables-agree", driven)


def test_per_package_both_keyids_are_told() -> None:
    driven = Run("per-package", PACKAGES)
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
    driven = Run("rfc-v2-fixed", PACKAGES)
    driven.do("cpu_teardown", package=0, cpu=0)
    driven.do("instantiate", key=0, kind="user", bytes="A")
    assert (
        "KeyID 1 stands for user key A, but package 0 (no online CPU) holds TME and package 1"
        " holds key A"
    ) == said_of("memory-agrees", driven)


def test_a_bit_that_is_missing_is_told() -> None:
    driven = Run("rfc-v2", PACKAGES)
    driven.do("instantiate", key=0, kind="user", bytes="B")
    driven.do("update", key=0, kind="cpu", fails={0, 1})
    assert "KeyID 1 is mapped to user key B, but its bit is not set" == said_of(
        "bitmap-exact", driven
    )


def test_a_bit_outside_the_weight_is_told() -> None:
    driven = Run("rfc-v2", PACKAGES)
    driven.do("instantiate", key=0, kind="cpu")
    driven.do("instantiate", key=1, kind="user", bytes="A")
    assert (
        "KeyID 2 is mapped to user key A and its bit is set, but the gate's weight does not cover"
        " it"
    ) == said_of("bitmap-exact", driven)


def test_per_package_the_bits_package_is_told() -> None:
    driven = Run("per-package,bitmap_bits=n", SMALL)
    driven.do("instantiate", key=0, kind="user", bytes="A", wanted={1})
    assert (
        "KeyID 1 on package 1 is mapped to user key A and its bit is set, but the gate's weight"
        " does not cover it"
    ) == said_of("bitmap-exact", driven)


Calls = tuple[str, dict[str, object]]

USER: Calls = ("instantiate", {"key": 0, "kind": "user", "bytes": "A"})
ON_1: Calls = ("instantiate", {"key": 0, "kind": "user", "bytes": "A", "wanted": {1}})
ANOTHER: Calls = ("instantiate", {"key": 1, "kind": "cpu"})
TO_CPU: Calls = ("update", {"key": 0, "kind": "cpu"})
DESTROY: Calls = ("destroy", {"key": 0})
ENCRYPT: Calls = ("encrypt", {"vma": 0, "key": 0})
FORK: Calls = ("fork", {"vma": 0, "child": 1})
OFFLINE: Calls = ("cpu_teardown", {"package": 1, "cpu": 0})
ONLINE: Calls = ("cpu_startup", {"package": 1, "cpu": 0})


def faulty(property_id: str, design: str, scope: Scope, mutant: Mutant, *calls: Calls) -> str:
    """The words for a violation at the end of a faulty model's run."""
    grounding = in_model(design_from_text(design), scope, mutant)
    system = grounding.system
    boot = Run(design, scope).start
    trace = run(system, boot, [call_of(system, name, **choice) for name, choice in calls])
    claim = PROPERTIES[property_id]
    assert len(trace) == first_violation(system, grounding.property(claim), trace)
    return what_broke(grounding, claim, trace)


def words_after(property_id: str, design: str, scope: Scope, *calls: Calls) -> str:
    """The words for a violation at the end of a run."""
    driven = Run(design, scope)
    for name, choice in calls:
        driven.do(name, **choice)
    return said_of(property_id, driven)


def test_a_bit_of_a_free_keyid_is_told() -> None:
    assert "KeyID 1 is free, but its bit is set" == faulty(
        "bitmap-exact", "rfc-v2-fixed", SMALL, forgets("destroy", "bit"), USER, DESTROY
    )


def test_a_bit_of_a_key_of_another_type_is_told() -> None:
    assert "KeyID 1 is mapped to a CPU-generated key, but its bit is set" == faulty(
        "bitmap-exact", "rfc-v2-fixed", SMALL, forgets("update", "bit"), USER, TO_CPU
    )


FAULTY = [
    (
        "lead-exact",
        "rfc-v2-fixed",
        forgets("cpu_teardown", "lead"),
        (OFFLINE,),
        "package 1 has no online CPU, and is led by CPU 0",
    ),
    (
        "lead-exact",
        "rfc-v2-fixed",
        forgets("cpu_startup", "lead"),
        (OFFLINE, ONLINE),
        "package 1 has CPU 0 online, and is led by none",
    ),
    (
        "refcount-exact",
        "per-package",
        forgets("destroy", "key_counted"),
        (ON_1, ENCRYPT, DESTROY),
        "KeyID 1 of package 1 has 2 of 1 references: no live key, and VMA 0",
    ),
    (
        "no-lost-keyid",
        "per-package",
        forgets("destroy", "mapped"),
        (ON_1, DESTROY),
        "KeyID 1 of package 1 is still mapped, but no live key and no VMA has it: nothing will"
        " free it",
    ),
]


@pytest.mark.parametrize(("property_id", "design", "mutant", "calls", "told"), FAULTY)
def test_what_only_a_fault_would_break_is_told(
    property_id: str, design: str, mutant: Mutant, calls: tuple[Calls, ...], told: str
) -> None:
    assert told == faulty(property_id, design, SMALL, mutant, *calls)


def test_a_keyid_of_two_keys_is_told_where_keyids_are_global_too() -> None:
    assert "KeyID 1 is one key's (a CPU-generated key) and another's (a CPU-generated key)" == (
        faulty("keyid-names-key", "rfc-v2-fixed", KEYIDS, instantiate_twice, USER, ANOTHER)
    )


def test_all_vmas_of_a_wrong_count_are_told() -> None:
    assert "KeyID 1 has 2 of 3 references: a live key, and VMAs 0 and 1" == faulty(
        "refcount-exact", "rfc-v2-fixed", TWO_VMAS, forgets("fork", "counted"), USER, ENCRYPT, FORK
    )


ADDRESSES = "per-package,key_lookup=by_address"
ON_0: Calls = ("instantiate", {"key": 0, "kind": "user", "bytes": "A", "wanted": {0}})


def test_a_key_whose_keyid_was_released_under_it_is_told() -> None:
    """Of two keys at one address the first one's slot lost its last reference to the second."""
    driven = Run("rfc-v2", KEYIDS)
    another: Calls = ("instantiate", {"key": 1, "kind": "user", "bytes": "A"})
    unmap: Calls = ("unmap", {"vma": 0})
    for name, choice in (USER, ENCRYPT, DESTROY, USER, DESTROY, another, unmap):
        driven.do(name, **choice)
    claim = PROPERTIES["map-exact"]
    assert "a live key has no KeyID: the one it was given was released under it" == what_broke(
        driven.grounding, claim, driven.trace
    )


@pytest.mark.parametrize(
    ("property_id", "told"),
    [
        (
            "map-exact",
            "a live key is found at KeyID 1 of package 0 and at KeyID 2 of package 0: a slot still"
            " holds the address of a freed key object that is now this key's",
        ),
        (
            "refcount-exact",
            "KeyID 1 of package 0 has 1 of 2 references: a live key, and VMA 0",
        ),
    ],
)
def test_per_package_the_package_of_a_reused_address_is_told(property_id: str, told: str) -> None:
    assert told == words_after(property_id, ADDRESSES, KEYIDS, ON_0, ENCRYPT, DESTROY, ON_0)


def test_per_package_the_package_of_a_freed_address_is_told() -> None:
    assert (
        "the map still holds the address of a freed key object at KeyID 1 of package 0, which VMAs"
        " use"
    ) == words_after("no-dangling", ADDRESSES, KEYIDS, ON_0, ENCRYPT, DESTROY)


def test_a_wrapped_vault_slot_is_no_place_of_plaintext() -> None:
    design = "wrapped-vault,program_struct=dirty_free"
    said = words_after("no-plaintext-unsaved", design, SMALL, USER)
    assert (
        "the bytes of user key A are still in kernel memory, in a freed programming structure"
        == said
    )


@pytest.mark.parametrize(
    ("design", "calls"),
    [
        ("rfc-v2-fixed,user_keys=refused", (("instantiate", {"key": 0, "kind": "cpu"}),)),
        ("rfc-v2-fixed,unreachable_package=refuse_keys", (USER, OFFLINE)),
    ],
)
def test_an_update_that_is_refused_is_told_without_a_free_keyid(
    design: str, calls: tuple[Calls, ...]
) -> None:
    to_user: Calls = ("update", {"key": 0, "kind": "user", "bytes": "A"})
    assert (
        "a well-formed user key is refused with EINVAL, although no VMA uses the KeyID of its key"
        " and no PCONFIG failed"
    ) == words_after("user-keys-admitted", design, SMALL, *calls, to_user)


def test_a_page_that_is_moved_in_the_clear_is_told_where_it_goes() -> None:
    calls: tuple[Calls, ...] = (
        USER,
        ("update", {"key": 0, "kind": "no_encrypt", "fails": {1}}),
        ENCRYPT,
        ("write", {"vma": 0, "package": 1}),
        ("migrate", {"vma": 0, "package": 0}),
    )
    assert (
        "the page of VMA 0, whose owner asked for encryption, is plaintext in the DRAM of package"
        " 0: KeyID 1 there is no-encrypt"
    ) == words_after("never-in-clear", "rfc-v2-fixed,on_program_failure=leave", SMALL, *calls)


def test_a_keyid_that_was_released_under_a_vma_is_told() -> None:
    calls = (USER, ENCRYPT, DESTROY, USER, DESTROY)
    assert "VMA 0 uses KeyID 1, which was released under it" == words_after(
        "right-key", "rfc-v2", Scope(1, 1, 2, 1, 1, 1), *calls
    )


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        (
            (USER, ENCRYPT, ("update", {"key": 0, "kind": "user", "bytes": "A"})),
            "the call answers EBUSY, and yet the map lock stays held",
        ),
        (
            (USER, ("update", {"key": 0, "kind": "cpu", "fails": {1}})),
            "the call answers ENOKEY, and yet package 0's entry of KeyID 1 has a random key and the"
            " bit of KeyID 1 is cleared",
        ),
    ],
)
def test_what_a_failure_has_changed_is_told_as_people_number_it(
    calls: tuple[Calls, ...], told: str
) -> None:
    assert told == words_after("failure-is-noop", "rfc-v2", SMALL, *calls)


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
    driven = Run(design, PACKAGES)
    for call in calls:
        kind = {"kind": "user"} if call == "instantiate" else {}
        driven.do(call, bytes="B", **kind)
    claim = PROPERTIES["no-plaintext-unsaved"]
    expected = f"the bytes of user key B are still in kernel memory, {place}"
    assert expected == what_broke(driven.grounding, claim, driven.trace)


def test_a_free_keyid_that_still_opens_a_key_is_told_with_its_package() -> None:
    driven = Run("rfc-v2", PACKAGES)
    driven.do("instantiate", key=0, kind="cpu")
    driven.do("instantiate", key=1, kind="user", bytes="A", fails={0})
    assert "KeyID 2 is free, but package 1 still holds key A" == said_of(
        "released-is-clear", driven
    )


def test_a_refused_package_that_was_just_added_is_told() -> None:
    driven = Run("rfc-v2", PACKAGES, absent=1)
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("package_add", package=1)
    driven.do("cpu_startup", package=1, cpu=0)
    assert (
        "package 1 was just added, no PCONFIG failed, and still CPU 0 is refused with EPERM"
    ) == said_of("hotplug-admitted", driven)


def test_a_refused_package_that_was_online_before_is_told() -> None:
    driven = Run("rfc-v2", PACKAGES)
    driven.do("cpu_teardown", package=0, cpu=0)
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("cpu_startup", package=0, cpu=0)
    assert (
        "package 0 has no online CPU, no PCONFIG failed, and still CPU 0 is refused with EPERM"
    ) == said_of("hotplug-admitted", driven)


def test_every_property_is_one_sentence_with_a_source() -> None:
    told = [c.id for c in PROPERTIES.values() if re.fullmatch(r"[A-Z][^.]+\.", c.sentence)]
    assert list(PROPERTIES) == told
    assert [] == [c.id for c in PROPERTIES.values() if "patch" not in c.source]
