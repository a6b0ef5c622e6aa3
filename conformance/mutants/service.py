"""Faults of what the key service remembers: map, bitmap, vault, and the gate that asks them."""

from __future__ import annotations

from typing import Any

from conformance.mutants.fault import Mutant, Patch, around
from impl.service.bitmap import UserBitmap
from impl.service.gate import StartupGate
from impl.service.globalscope import GlobalKeyService
from impl.service.keymap import FREE, SLOT_BYTES, KeyMap
from impl.service.vault import Vault
from model import Scope

FEW = Scope(2, 1, 2, 1, 1, 1)


def _free_keeps_slot(self: KeyMap, _keyid: int) -> None:
    self._set_count(self.count - 1)


def _free_keeps_count(self: KeyMap, keyid: int) -> None:
    self._memory.write_int(self._slot(keyid), FREE, SLOT_BYTES)


def _find_highest(self: KeyMap, value: int) -> int | None:
    return max((k for k, held in self.entries().items() if held == value), default=None)


def _highest_free(self: KeyMap, out_of_service: Any) -> int | None:
    free = set(range(1, self.keyids + 1)) - set(self.entries()) - set(out_of_service)
    return max(free, default=None)


def _room_is_one_less(right: Any, self: KeyMap, out_of_service: Any) -> int | None:
    return None if self.count >= self.keyids - 1 else right(self, out_of_service)


def _set_bit_only(wanted: bool) -> Any:
    def set_bit(right: Any, self: UserBitmap, keyid: int, value: bool) -> None:
        if value is wanted:
            right(self, keyid, value)

    return set_bit


def _load_once(right: Any, self: Vault, keyid: int, material: Any) -> None:
    if not self.read(keyid).control_word:
        right(self, keyid, material)


def _keeps_keys_unasked(right: Any, self: Vault, *given: Any) -> None:
    right(self, *given)
    self._keeps_keys = True


def _reads_what_came(right: Any, self: StartupGate, answers: dict[int, Any], call: str) -> Any:
    given = {keyid: answer for keyid, answer in answers.items() if answer is not None}
    return right(self, given, call)


def _scrub_the_control_word(self: Vault, keyid: int) -> None:
    self._memory.write_int(self._slot(keyid), 0, 8)


def _bit_follows_the_request(right: Any, self: GlobalKeyService, key: Any, call: str) -> int:
    keyid = self.keyid_of(key)
    if keyid is not None:
        self.bitmap.set(keyid, False)
    found: int = right(self, key, call)
    return found


MUTANTS = (
    Mutant(
        "map-keeps-slot",
        "freeing a KeyID counts it as free and leaves its map slot",
        "service",
        Patch(KeyMap, "free", _free_keeps_slot),
    ),
    Mutant(
        "map-keeps-count",
        "freeing a KeyID empties its map slot and still counts it",
        "service",
        Patch(KeyMap, "free", _free_keeps_count),
    ),
    Mutant(
        "map-finds-highest",
        "a look-up by address takes the highest slot that holds it, not the lowest",
        "service",
        Patch(KeyMap, "find", _find_highest),
        "rfc-v2",
    ),
    Mutant(
        "map-gives-highest",
        "a new key gets the highest free KeyID",
        "service",
        Patch(KeyMap, "lowest_free", _highest_free),
    ),
    Mutant(
        "map-full-too-early",
        "the last KeyID is never given away: the map counts as full one key too early",
        "service",
        around(KeyMap, "lowest_free", _room_is_one_less),
    ),
    Mutant(
        "uncleared-given-away",
        "a KeyID that waits to be cleared is given to a new key",
        "service",
        around(KeyMap, "lowest_free", lambda right, self, _waiting: right(self, ())),
    ),
    Mutant(
        "bit-never-cleared",
        "a user-type bit that was set stays set",
        "service",
        around(UserBitmap, "set", _set_bit_only(True)),
    ),
    Mutant(
        "bit-never-set",
        "no user-type bit is ever set",
        "service",
        around(UserBitmap, "set", _set_bit_only(False)),
    ),
    Mutant(
        "bit-cleared-by-refusal",
        "an update clears the user-type bit before it knows whether it may go ahead",
        "service",
        around(GlobalKeyService, "_updatable", _bit_follows_the_request),
        first="edges walk",
    ),
    Mutant(
        "vault-stale",
        "the vault keeps the first payload of a KeyID and is not loaded by an update",
        "service",
        around(Vault, "load", _load_once),
        "rfc-v2-savekeys",
    ),
    Mutant(
        "vault-keeps-unasked",
        "the vault keeps the keys although savekeys is off",
        "service",
        around(Vault, "__init__", _keeps_keys_unasked),
        "rfc-v2",
    ),
    Mutant(
        "vault-scrub-short",
        "scrubbing a vault slot clears its first 8 bytes and leaves the keys",
        "service",
        Patch(Vault, "scrub", _scrub_the_control_word),
        "rfc-v2-savekeys-fixed",
    ),
    Mutant(
        "vault-off-by-one",
        "a package that starts is programmed from the vault slot of the next lower KeyID",
        "service",
        around(Vault, "read", lambda right, self, keyid: right(self, keyid - 1)),
        "rfc-v2-savekeys",
    ),
    Mutant(
        "gate-asks-one-bit-more",
        "the startup gate refuses only when more than one user key is in use",
        "service",
        around(UserBitmap, "weight", lambda right, self: max(0, right(self) - 1)),
        "rfc-v2",
    ),
    Mutant(
        "gate-takes-no-for-an-answer",
        "a package starts although an owner did not supply its key again",
        "service",
        around(StartupGate, "_read", _reads_what_came),
        "resupply",
        first="long lockstep",
    ),
)
"""In the order of the modules; ids are unique over all layers."""
