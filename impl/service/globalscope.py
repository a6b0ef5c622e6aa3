"""Decides how a key gets, changes and loses its KeyID when a KeyID means one key everywhere.

The operations of RFC v2 patches 07, 10, 12 and 13 in their posted order; every departure is a knob.
A VMA's handle is the KeyID itself, as posted: it does not remember which key gave it the KeyID.
"""

from __future__ import annotations

from collections.abc import Iterable

from impl.errors import Busy, InvalidArgument, KernelError, NoKey, NotSupported
from impl.hardware.engine import KEY_BYTES
from impl.hardware.machine import seeded
from impl.keyrings.keys import Key
from impl.service.bitmap import UserBitmap
from impl.service.gate import StartupGate
from impl.service.keymap import KeyMap
from impl.service.material import KeyMaterial
from impl.service.program import failed
from impl.service.refcounts import EncryptCounts
from impl.service.system import System
from impl.service.vault import Vault
from impl.threads import Operation, Pause, holding


class GlobalKeyService:
    """One map, one array of reference counts, one bitmap, one vault."""

    def __init__(self, system: System) -> None:
        design, memory, keyids = system.design, system.memory, system.machine.keyids
        self._system = system
        self._keys = system.keys
        self.map = KeyMap(memory, "map", keyids)
        self.counts = EncryptCounts(design, memory, "encrypt_count", keyids, system.events)
        self.bitmap = UserBitmap(design, memory, "user-type bitmap", keyids, system.events)
        self.vault = Vault(design, memory, keyids, seeded(system.seed, "vault")(KEY_BYTES))
        self._gate = StartupGate(system, self.map, self.bitmap, self.vault)

    def keyid_of(self, key: Key) -> int | None:
        """The lowest KeyID mapped to this key."""
        return self.map.find(self._keys.slot_value(key))

    # Keys

    def instantiate(
        self, key: Key, material: KeyMaterial, wanted: Iterable[int] | None
    ) -> Operation[None]:
        """Map the lowest free KeyID to a new key. ``wanted`` must be None: all packages are meant.

        Raises InvalidArgument (a package is out of reach), NoKey (no KeyID, or a programming
        failed).
        """
        if wanted is not None:
            raise ValueError(
                "cannot choose packages: with keyid_scope=global a key is on all of them"
            )
        return self._system.locked(lambda: self._enter(key, material, "instantiate key"))

    def _enter(self, key: Key, material: KeyMaterial, call: str) -> Operation[None]:
        self._system.refuse_unreachable(range(len(self._system.machine.packages)), call)
        keyid = self.map.lowest_free({k for _, k in self._system.uncleared})
        if keyid is None:
            raise NoKey(call, "no KeyID is free")
        reached = self._system.reachable_packages()
        failing = yield from self._system.program(keyid, material, reached)
        if failing:
            self._quarantine(keyid)
            raise NoKey(call, f"PCONFIG failed on packages {failing}")
        self.vault.load(keyid, material)
        if material.is_user:
            self.bitmap.set(keyid, True)
        self.map.enter(keyid, self._keys.slot_value(key))
        self.counts.set(keyid, 1)
        self._keys.set_type(key, material.command)

    def update(self, key: Key, material: KeyMaterial) -> Operation[None]:
        """Program the key's KeyID anew.

        Raises InvalidArgument (the key has no KeyID) and Busy (VMAs use it), as posted with the map
        lock left held; InvalidArgument (a package is out of reach); NoKey (a programming failed;
        with quarantine the key is gone).
        """
        call = f"update key {key.serial}"
        yield from self._system.lock_map()
        try:
            keyid = self._updatable(key, call)
        except KernelError:
            if self._system.design.error_unlock == "present":
                yield from self._system.unlock_map()
            raise
        try:
            yield from self._reprogram(key, keyid, material, call)
        except KernelError:
            yield from self._system.unlock_map()
            raise
        yield from self._system.unlock_map()

    def _updatable(self, key: Key, call: str) -> int:
        keyid = self.keyid_of(key)
        if keyid is None:
            raise InvalidArgument(call, "the key has no KeyID")
        if self.counts.get(keyid) > 1:
            raise Busy(call, f"VMAs are encrypted with KeyID {keyid}")
        return keyid

    def _reprogram(self, key: Key, keyid: int, material: KeyMaterial, call: str) -> Operation[None]:
        self._system.refuse_unreachable(range(len(self._system.machine.packages)), call)
        clears_first = self._system.design.bitmap_update == "clear_before_program"
        if clears_first:
            self.bitmap.set(keyid, False)
        reached = self._system.reachable_packages()
        failing = yield from self._system.program(keyid, material, reached)
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

    def destroy(self, key: Key) -> Operation[None]:
        """Drop the key's own reference; the KeyID goes with the last one. Always succeeds.

        As posted the KeyID is looked up without a lock, and while VMAs hold references the map
        keeps the address of the key object, which is freed.
        """
        yield Pause("find the key's KeyID")
        keyid = self.keyid_of(key)
        if keyid is not None and self.drop(keyid):
            yield from self.release(keyid)

    def extend(self, key: Key, package: int, material: KeyMaterial) -> Operation[None]:
        """A global KeyID is on every package already. Raises NotSupported."""
        raise NotSupported(f"extend key {key.serial}", "a KeyID is on every package already")

    # CPU hotplug

    def admit(self, package: int, cpu: int) -> Operation[None]:
        """Program every mapped KeyID on the package's first CPU, in order, up to a failure.

        Raises NotPermitted (the gate), NoKey (a programming failed; earlier KeyIDs stay
        programmed).
        """
        call = f"start CPU {cpu} of package {package}"
        if not self.map.count:
            return
        with_materials = self._gate.materials(call)
        try:
            yield from self._fill(package, cpu, with_materials.by_keyid, call)
        except KernelError:
            self._gate.release(with_materials)
            raise
        self._gate.release(with_materials)

    def _fill(
        self, package: int, cpu: int, materials: dict[int, KeyMaterial], call: str
    ) -> Operation[None]:
        for keyid, material in materials.items():
            program = self._system.programmer.program(keyid, material, [(package, cpu)], None)
            if failed((yield from program)):
                raise NoKey(call, f"PCONFIG failed for KeyID {keyid}")

    def holds_keys(self, package: int) -> bool:
        """Every package holds every mapped KeyID."""
        return self.map.count > 0

    # What VMAs need

    def handle_of(self, key: Key) -> int | None:
        """The KeyID."""
        return self.keyid_of(key)

    def keyid_on(self, handle: int, package: int) -> int | None:
        """The same on every package."""
        return handle

    def take(self, handle: int) -> None:
        """One reference more."""
        self.counts.take(handle)

    def drop(self, handle: int) -> bool:
        """One reference less; whether it was the last."""
        return self.counts.drop(handle)

    def release(self, handle: int) -> Operation[None]:
        """Free the KeyID's slot, and clear the key tables if so designed; takes the map lock."""
        if self._system.design.on_release == "clear_first":
            return self._system.locked(lambda: self._release(handle))
        return holding(self._system.map_lock, lambda: self._release(handle))

    def _release(self, keyid: int) -> Operation[None]:
        if keyid not in self.map.entries():
            # It is free already: a failed update took it out of service while this waited for the
            # lock, or another's last reference was dropped in place of one's own.
            return
        self._unmap(keyid)
        if self._system.design.on_release == "clear_first":
            yield from self._system.clear(keyid, self._system.present_packages())

    def _unmap(self, keyid: int) -> None:
        """A KeyID leaves the map."""
        self.map.free(keyid)
        self.counts.set(keyid, 0)
        self.bitmap.set(keyid, False)
        if self._system.design.vault_on_release == "scrub":
            self.vault.scrub(keyid)

    def _quarantine(self, keyid: int) -> None:
        """If so designed: out of service until cleared on every present package."""
        if self._system.quarantines():
            present = self._system.present_packages()
            self._system.put_out_of_service((p, keyid) for p in present)
