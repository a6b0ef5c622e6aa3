"""Map, counts, bitmap and vault, each on its own: what lies in memory, and what is refused."""

from __future__ import annotations

# House style puts the expected value first.
import pytest

from designs import DESIGNS
from impl.hardware.machine import Machine
from impl.hardware.pconfig import Command, control
from impl.heap.memory import KernelMemory, OutOfBounds
from impl.service.bitmap import UserBitmap
from impl.service.keymap import KeyMap
from impl.service.material import KeyMaterial
from impl.service.refcounts import EncryptCounts
from impl.service.vault import Vault

POSTED = DESIGNS["rfc-v2"]
USER = KeyMaterial(control(Command.SET_KEY_DIRECT, 1), b"D" * 16, b"T" * 16)
WRAPPING_KEY = b"W" * 16


def memory() -> KernelMemory:
    return KernelMemory(Machine())


def test_a_map_gives_the_lowest_free_keyid_and_counts() -> None:
    key_map = KeyMap(memory(), "map", 3)
    key_map.enter(1, 0xAA)
    key_map.enter(2, 0xBB)
    key_map.free(1)
    assert ({2: 0xBB}, 1) == (key_map.entries(), key_map.count)
    assert 1 == key_map.lowest_free(())
    assert 3 == key_map.lowest_free({1})
    assert key_map.lowest_free({1, 3}) is None


def test_a_full_map_has_no_free_keyid() -> None:
    key_map = KeyMap(memory(), "map", 1)
    key_map.enter(1, 0xAA)
    assert key_map.lowest_free(()) is None


def test_a_map_finds_the_lowest_slot_that_matches() -> None:
    key_map = KeyMap(memory(), "map", 3)
    key_map.enter(2, 0xAA)
    key_map.enter(3, 0xAA)
    assert 2 == key_map.find(0xAA)
    assert key_map.find(0xBB) is None


@pytest.mark.parametrize(
    ("setting", "keyids", "weight", "is_set", "events"),
    [
        # Bit N lands in the padding of the last word: there, but not counted.
        ("n", 2, 0, True, []),
        ("n_plus_1", 2, 1, True, []),
        # With N a multiple of 64 there is no padding.
        ("n", 64, 0, False, [OutOfBounds("bits", 64)]),
        ("n_plus_1", 64, 1, True, []),
        ("n", 128, 0, False, [OutOfBounds("bits", 128)]),
    ],
)
def test_the_bit_of_the_last_keyid_counts_only_if_there_is_a_bit_for_it(
    setting: str, keyids: int, weight: int, is_set: bool, events: list[OutOfBounds]
) -> None:
    seen: list[OutOfBounds] = []
    bitmap = UserBitmap(POSTED.but(bitmap_bits=setting), memory(), "bits", keyids, seen)
    bitmap.set(keyids, True)
    assert (weight, is_set, events) == (bitmap.weight(), bitmap.bit(keyids), seen)


def test_bits_are_set_and_cleared_one_by_one() -> None:
    bitmap = UserBitmap(POSTED, memory(), "bits", 70, [])
    for keyid in (1, 65, 1):
        bitmap.set(keyid, True)
    assert (2, True, True) == (bitmap.weight(), bitmap.bit(1), bitmap.bit(65))
    bitmap.set(65, False)
    assert (1, True, False) == (bitmap.weight(), bitmap.bit(1), bitmap.bit(65))


def test_a_vault_without_savekeys_keeps_the_control_word_only() -> None:
    kernel_memory = memory()
    vault = Vault(POSTED, kernel_memory, 2, WRAPPING_KEY)
    vault.load(1, USER)
    assert KeyMaterial(USER.control_word) == vault.read(1)
    assert [] == kernel_memory.find(USER.data_key)


def test_a_plaintext_vault_keeps_keys_where_a_search_finds_them() -> None:
    kernel_memory = memory()
    vault = Vault(POSTED.but(savekeys="on"), kernel_memory, 2, WRAPPING_KEY)
    vault.load(2, USER)
    assert USER == vault.read(2)
    assert ["vault"] == [hit.area for hit in kernel_memory.find(USER.data_key)]


def test_a_wrapped_vault_keeps_keys_where_no_search_finds_them() -> None:
    kernel_memory = memory()
    design = POSTED.but(savekeys="on", vault_form="wrapped")
    vault = Vault(design, kernel_memory, 2, WRAPPING_KEY)
    vault.load(2, USER)
    assert USER == vault.read(2)
    for secret in (USER.data_key, USER.tweak_key, WRAPPING_KEY):
        assert [] == kernel_memory.find(secret)


@pytest.mark.parametrize("form", ["plaintext", "wrapped"])
def test_a_scrubbed_slot_and_one_never_loaded_are_zero(form: str) -> None:
    vault = Vault(POSTED.but(savekeys="on", vault_form=form), memory(), 2, WRAPPING_KEY)
    vault.load(1, USER)
    vault.scrub(1)
    assert [KeyMaterial(0)] * 2 == [vault.read(1), vault.read(2)]


@pytest.mark.parametrize(("setting", "events"), [("n", 4), ("n_plus_1", 0)])
def test_keyid_n_has_a_count_within_bounds_only_with_n_plus_1_entries(
    setting: str, events: int
) -> None:
    seen: list[OutOfBounds] = []
    counts = EncryptCounts(POSTED.but(count_entries=setting), memory(), "counts", 2, seen)
    counts.set(2, 1)
    counts.take(2)
    assert ([OutOfBounds("counts", 2)] * min(events, 3), 2) == (seen, counts.peek(2))
    assert (2, events) == (counts.get(2), len(seen))


def test_counts_of_different_keyids_are_apart_and_tell_the_last_reference() -> None:
    counts = EncryptCounts(POSTED, memory(), "counts", 3, [])
    counts.set(1, 1)
    counts.set(2, 1)
    counts.take(1)
    assert [False, True, True] == [counts.drop(1), counts.drop(1), counts.drop(2)]
    assert [0, 0] == [counts.get(1), counts.get(2)]


def test_a_reference_too_few_never_makes_a_count_negative() -> None:
    counts = EncryptCounts(POSTED, memory(), "counts", 1, [])
    assert (False, 0) == (counts.drop(1), counts.get(1))


def test_key_material_shows_a_fingerprint_and_never_its_bytes() -> None:
    assert "KeyMaterial(SET_KEY_DIRECT, key e1b3)" == repr(USER)
