"""Decides whether the first CPU of a package may come online, and what fills its key table.

The gate of RFC v2 patch 13 and its alternatives (the knob ``startup_gate``). It is asked with the
map lock held.
"""

from __future__ import annotations

from dataclasses import dataclass

from impl.errors import KernelError, NotPermitted
from impl.heap.slab import Object
from impl.service.bitmap import UserBitmap
from impl.service.keymap import KeyMap
from impl.service.material import KeyMaterial
from impl.service.system import System
from impl.service.vault import Vault


@dataclass(frozen=True)
class Materials:
    """What a package is to be programmed with, and the payload structures that some of it is in."""

    by_keyid: dict[int, KeyMaterial]
    supplied: list[Object]


class StartupGate:
    """The gate of a system with one KeyID scope for all packages."""

    def __init__(self, system: System, key_map: KeyMap, bitmap: UserBitmap, vault: Vault) -> None:
        self._system = system
        self._map = key_map
        self._bitmap = bitmap
        self._vault = vault

    def materials(self, call: str) -> Materials:
        """What to program for every mapped KeyID, in order. Raises NotPermitted.

        Give the result to `release` once it is programmed.
        """
        kept = {keyid: self._vault.read(keyid) for keyid in self._map.entries()}
        gate = self._system.design.startup_gate
        if gate != "resupply" or not self._bitmap.weight():
            self._refuse(gate, call)
            return Materials(kept, [])
        answers = self._ask(kept)
        structures = [structure for structure in answers.values() if structure is not None]
        try:
            return Materials(kept | self._read(answers, call), structures)
        except KernelError:
            self.release(Materials({}, structures))
            raise

    def release(self, materials: Materials) -> None:
        """Clear and free the payloads that owners supplied again."""
        for structure in materials.supplied:
            self._system.preparser.release(structure)

    def _refuse(self, gate: str, call: str) -> None:
        if gate == "refuse_any_key" and self._map.entries():
            raise NotPermitted(call, "a KeyID is mapped")
        is_unsaved = self._system.design.savekeys == "off"
        if gate == "user_bitmap" and is_unsaved and self._bitmap.weight():
            raise NotPermitted(call, "a user key is in use and its bytes were not saved")

    def _ask(self, kept: dict[int, KeyMaterial]) -> dict[int, Object | None]:
        """Ask the owner of every user key, in KeyID order. None for an owner without a good answer.

        Which keys are user keys is what the vault's control word says, which counts every KeyID
        exactly.
        """
        entries = self._map.entries()
        return {
            keyid: self._answer(self._system.keys.serial_in(entries[keyid]))
            for keyid, material in kept.items()
            if material.is_user
        }

    def _answer(self, serial: int) -> Object | None:
        payload = self._system.resupply(serial)
        if payload is None:
            return None
        try:
            structure = self._system.preparser.preparse(payload, f"take key {serial} again")
        except KernelError:
            # The specification is silent; an answer that is no payload is no answer.
            return None
        if self._system.preparser.material(structure).is_user:
            return structure
        self._system.preparser.release(structure)
        return None

    def _read(self, answers: dict[int, Object | None], call: str) -> dict[int, KeyMaterial]:
        supplied = {}
        for keyid, structure in answers.items():
            if structure is None:
                raise NotPermitted(call, f"the owner of KeyID {keyid} did not supply its key again")
            supplied[keyid] = self._system.preparser.material(structure)
        return supplied
