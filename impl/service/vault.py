"""Decides what the kernel keeps of a key for the next package: the vault of RFC v2 patch 12.

Slots 0..N of 48 bytes: control word (4 bytes, then 4 of padding) and 40 bytes for the keys. With
``vault_form=plaintext`` those hold data key and tweak key (32 bytes); with ``wrapped``, their RFC
3394 wrapping (40 bytes) under a key that only the CPU holds and that never lies in DRAM.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from designs import Design
from impl.hardware.engine import KEY_BYTES
from impl.heap.memory import KernelMemory
from impl.service.material import CONTROL_BYTES, KeyMaterial

SLOT_BYTES: Final = 48
KEYS_OFFSET: Final = 8
PLAIN_BYTES: Final = 2 * KEY_BYTES
WRAPPED_BYTES: Final = PLAIN_BYTES + 8


class Vault:
    """One slot per KeyID, zeroed at boot."""

    def __init__(
        self, design: Design, memory: KernelMemory, keyids: int, wrapping_key: bytes
    ) -> None:
        self._keeps_keys = design.savekeys == "on"
        self._is_wrapped = design.vault_form == "wrapped"
        self._memory = memory
        self._area = memory.area("vault", (keyids + 1) * SLOT_BYTES)
        self._wrapping_key = wrapping_key

    def _slot(self, keyid: int) -> int:
        return self._area.address + keyid * SLOT_BYTES

    def load(self, keyid: int, material: KeyMaterial) -> None:
        """Always the control word; the keys only with savekeys, whatever the key's type."""
        slot = self._slot(keyid)
        self._memory.write_int(slot, material.control_word, CONTROL_BYTES)
        if self._keeps_keys:
            self._memory.write(slot + KEYS_OFFSET, self.form_of(material))

    def form_of(self, material: KeyMaterial) -> bytes:
        """What a slot keeps of the keys: nothing, the 32 bytes themselves, or 40 wrapped ones."""
        if not self._keeps_keys:
            return b""
        keys = material.data_key + material.tweak_key
        return aes_key_wrap(self._wrapping_key, keys) if self._is_wrapped else keys

    def read(self, keyid: int) -> KeyMaterial:
        """What a package that comes online is programmed with: zeros if no key was kept."""
        raw = self._memory.read(self._slot(keyid), SLOT_BYTES)
        control_word = int.from_bytes(raw[:CONTROL_BYTES], "little")
        keys = raw[KEYS_OFFSET:]
        if self._is_wrapped and any(keys):
            keys = aes_key_unwrap(self._wrapping_key, keys[:WRAPPED_BYTES])
        return KeyMaterial(control_word, keys[:KEY_BYTES], keys[KEY_BYTES:PLAIN_BYTES])

    def scrub(self, keyid: int) -> None:
        """Zero the whole slot."""
        self._memory.write(self._slot(keyid), bytes(SLOT_BYTES))
