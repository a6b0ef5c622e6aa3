"""Decides how a key gets, changes and loses its KeyID when a KeyID means one key everywhere.

The operations of RFC v2 patches 10, 12 and 13 in their posted order; every departure is a knob. No
VMA exists in this simulation yet, so a mapped KeyID's reference count is always 1: its key's own.
"""

from __future__ import annotations

from collections.abc import Iterable

from impl.bitmap import UserBitmap
from impl.engine import KEY_BYTES
from impl.errors import InvalidArgument, KernelError, NoKey, NotSupported
from impl.gate import StartupGate
from impl.keymap import KeyMap
from impl.keys import Key
from impl.machine import seeded
from impl.material import KeyMaterial
from impl.program import failed
from impl.system import System
from impl.vault import Vault


class GlobalKeyService:
    """One map, one bitmap, one vault."""

    def __init__(self, system: System) -> None:
        design, memory, keyids = system.design, system.memory, system.machine.keyids
        self._system = system
        self._keys = system.keys
        self.map = KeyMap(memory, "map", keyids)
        self.bitmap = UserBitmap(design, memory, "user-type bitmap", keyids, system.events)
        self.vault = Vault(design, memory, keyids, seeded(system.seed, "vault")(KEY_BYTES))
        self._gate = StartupGate(system, self.map, self.bitmap, self.vault)

    def keyid_of(self, key: Key) -> int | None:
        """The lowest KeyID mapped to this key."""
        return self.map.find(self._keys.slot_value(key))

    def instantiate(self, material: KeyMaterial, wanted: Iterable[int] | None) -> int:
        """Map the lowest free KeyID to a new key. ``wanted`` must be None: all packages are meant.

        Raises InvalidArgument (a package is out of reach), NoKey (no KeyID, or a programming
        failed).
        """
        if wanted is not None:
            raise ValueError(
                "cannot choose packages: with keyid_scope=global a key is on all of them"
            )
        call = "instantiate key"
        self._system.refuse_unreachable(range(len(self._system.machine.packages)), call)
        key = self._keys.create()
        try:
            with self._system.map_lock.hold(call):
                self._enter(key, material, call)
        except KernelError:
            self._keys.release(key)
            raise
        self._keys.enrol(key, material.command)
        return key.serial

    def _enter(self, key: Key, material: KeyMaterial, call: str) -> None:
        keyid = self.map.lowest_free({k for _, k in self._system.uncleared})
        if keyid is None:
            raise NoKey(call, "no KeyID is free")
        failing = self._system.program(keyid, material, self._system.reachable_packages())
        if failing:
            self._quarantine(keyid)
            raise NoKey(call, f"PCONFIG failed on packages {failing}")
        self.vault.load(keyid, material)
        if material.is_user:
            self.bitmap.set(keyid, True)
        self.map.enter(keyid, self._keys.slot_value(key))

    def update(self, key: Key, material: KeyMaterial) -> None:
        """Program the key's KeyID anew.

        Raises InvalidArgument (a package is out of reach, or the key has no KeyID: as posted with
        the map lock left held), NoKey (a programming failed; with quarantine the key is gone).
        """
        call = f"update key {key.serial}"
        self._system.refuse_unreachable(range(len(self._system.machine.packages)), call)
        lock = self._system.map_lock
        lock.acquire(call)
        keyid = self.keyid_of(key)
        if keyid is None:
            if self._system.design.error_unlock == "present":
                lock.release()
            raise InvalidArgument(call, "the key has no KeyID")
        try:
            self._reprogram(key, keyid, material, call)
        finally:
            lock.release()

    def _reprogram(self, key: Key, keyid: int, material: KeyMaterial, call: str) -> None:
        clears_first = self._system.design.bitmap_update == "clear_before_program"
        if clears_first:
            self.bitmap.set(keyid, False)
        failing = self._system.program(keyid, material, self._system.reachable_packages())
        if failing:
            if self._system.quarantines():
                self._unmap(keyid)
                self._quarantine(keyid)
                self._keys.lose(key)
            raise NoKey(call, f"PCONFIG failed on packages {failing}")
        self.vault.load(keyid, material)
        if material.is_user or not clears_first:
            self.bitmap.set(keyid, material.is_user)
        self._keys.set_type(key, material.command)

    def destroy(self, key: Key) -> None:
        """Unmap the key's KeyID, if it has one, then free the key object; always succeeds."""
        call = f"destroy key {key.serial}"
        keyid = self.keyid_of(key)
        if keyid is not None:
            with self._system.map_lock.hold(call):
                self._unmap(keyid)
                if self._system.design.on_release == "clear_first":
                    self._system.clear(keyid, self._system.present_packages())
        self._keys.release(key)

    def extend(self, key: Key, package: int, material: KeyMaterial) -> None:
        """A global KeyID is on every package already. Raises NotSupported."""
        raise NotSupported(f"extend key {key.serial}", "a KeyID is on every package already")

    def admit(self, package: int, cpu: int) -> None:
        """Program every mapped KeyID on the package's first CPU, in order, up to a failure.

        Raises NotPermitted (the gate), NoKey (a programming failed; earlier KeyIDs stay
        programmed).
        """
        call = f"start CPU {cpu} of package {package}"
        if not self.map.count:
            return
        with self._gate.passed(call) as materials:
            for keyid, material in materials.items():
                statuses = self._system.programmer.program(keyid, material, [(package, cpu)])
                if failed(statuses):
                    raise NoKey(call, f"PCONFIG failed for KeyID {keyid}")

    def holds_keys(self, package: int) -> bool:
        """Every package holds every mapped KeyID."""
        return self.map.count > 0

    def _unmap(self, keyid: int) -> None:
        """A KeyID leaves the map."""
        self.map.free(keyid)
        self.bitmap.set(keyid, False)
        if self._system.design.vault_on_release == "scrub":
            self.vault.scrub(keyid)

    def _quarantine(self, keyid: int) -> None:
        """If so designed: out of service until cleared on every present package."""
        if self._system.quarantines():
            self._system.uncleared.update((p, keyid) for p in self._system.present_packages())
