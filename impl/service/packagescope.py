"""Decides how a key gets, changes and loses its KeyIDs when each package has its own map.

This is ``keyid_scope=per_package``, the alternative raised in the thread on RFC v2 patch 12: a
KeyID names a key only together with a package, and a package that comes online programs nothing, so
that nothing has to be kept: there is no vault and no gate. A VMA's handle is what the map slots of
its key hold, because no single KeyID names the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from impl.errors import Busy, InvalidArgument, KernelError, NoKey
from impl.keyrings.keys import Key
from impl.service.bitmap import UserBitmap
from impl.service.keymap import KeyMap
from impl.service.material import KeyMaterial
from impl.service.refcounts import EncryptCounts
from impl.service.system import System
from impl.threads import Operation, Pause, holding

_VMAS = "VMAs by handle"


class PerPackageKeyService:
    """A map, an array of reference counts and a bitmap for each package."""

    def __init__(self, system: System) -> None:
        design, memory, keyids = system.design, system.memory, system.machine.keyids
        events, packages = system.events, range(len(system.machine.packages))
        self._system = system
        self._keys = system.keys
        self.maps = [KeyMap(memory, f"map of package {p}", keyids) for p in packages]
        self.counts = [
            EncryptCounts(design, memory, f"encrypt_count of package {p}", keyids, events)
            for p in packages
        ]
        self.bitmaps = [
            UserBitmap(design, memory, f"user-type bitmap of package {p}", keyids, events)
            for p in packages
        ]
        # How many VMAs remember each handle. A KeyID's count does not say: as posted the slot where
        # an address is found may be that of a key before.
        self._vmas: dict[int, int] = {}

    def keyids_of(self, key: Key) -> dict[int, int]:
        """Package -> KeyID, for the packages where the key has one."""
        return self._pairs(self._keys.slot_value(key))

    def _pairs(self, handle: int) -> dict[int, int]:
        found = {p: key_map.find(handle) for p, key_map in enumerate(self.maps)}
        return {p: keyid for p, keyid in found.items() if keyid is not None}

    # Keys

    def instantiate(
        self, key: Key, material: KeyMaterial, wanted: Iterable[int] | None
    ) -> Operation[None]:
        """KeyIDs for a new key on the wanted packages that are reachable.

        Raises InvalidArgument (no such memory, or out of reach), NoKey (none reachable, no KeyID,
        or a programming failed).
        """
        if wanted is None:
            raise ValueError(
                "cannot instantiate key: with keyid_scope=per_package it needs packages"
            )
        packages = sorted(set(wanted))
        return self._system.locked(lambda: self._instantiate(key, packages, material))

    def _instantiate(self, key: Key, packages: list[int], material: KeyMaterial) -> Operation[None]:
        call = "instantiate key"
        for package in packages:
            self._require_memory(package, call)
        self._system.refuse_unreachable(packages, call)
        yield from self._enter(key, self._choose(packages, call), material, lambda: 1, call)
        self._keys.set_type(key, material.command)

    def _choose(self, packages: Iterable[int], call: str) -> dict[int, int]:
        """The lowest free KeyID of each reachable package. Raises NoKey."""
        chosen = {}
        for package in packages:
            if package in self._system.leads:
                out_of_service = {k for p, k in self._system.uncleared if p == package}
                keyid = self.maps[package].lowest_free(out_of_service)
                if keyid is None:
                    raise NoKey(call, f"no KeyID is free on package {package}")
                chosen[package] = keyid
        if not chosen:
            raise NoKey(call, "none of the packages has an online CPU")
        return chosen

    def _enter(
        self,
        key: Key,
        chosen: dict[int, int],
        material: KeyMaterial,
        references: Callable[[], int],
        call: str,
    ) -> Operation[None]:
        """Program the chosen KeyIDs and map them, all with the same number of references.

        ``references`` is asked when they are mapped: VMAs come and go without the map lock while
        PCONFIG runs. If one fails, none is mapped.
        """
        failing = yield from self._program(chosen, material)
        if failing:
            self._quarantine(chosen)
            raise NoKey(call, f"PCONFIG failed on packages {failing}")
        count = references()
        for package, keyid in chosen.items():
            if material.is_user:
                self.bitmaps[package].set(keyid, True)
            self.maps[package].enter(keyid, self._keys.slot_value(key))
            self.counts[package].set(keyid, count)

    def _program(self, keyids: dict[int, int], material: KeyMaterial) -> Operation[list[int]]:
        """One programming per package, as KeyIDs differ; all are attempted. Gives the failures."""
        failing = []
        for package, keyid in keyids.items():
            failing += yield from self._system.program(keyid, material, [package])
        return failing

    def update(self, key: Key, material: KeyMaterial) -> Operation[None]:
        """Program the key's KeyIDs anew on the packages that are reachable.

        Raises InvalidArgument (no KeyID) and Busy (VMAs use it), as posted with the map lock left
        held; InvalidArgument (out of reach); NoKey (none reachable, or a programming failed; with
        quarantine the key is gone).
        """
        call = f"update key {key.serial}"
        yield from self._system.lock_map()
        try:
            keyids = self._updatable(key, call)
        except KernelError:
            if self._system.design.error_unlock == "present":
                yield from self._system.unlock_map()
            raise
        try:
            yield from self._reprogram(key, keyids, material, call)
        except KernelError:
            yield from self._system.unlock_map()
            raise
        yield from self._system.unlock_map()

    def _updatable(self, key: Key, call: str) -> dict[int, int]:
        keyids = self.keyids_of(key)
        if not keyids:
            raise InvalidArgument(call, "the key has no KeyID")
        if any(self.counts[package].get(keyid) > 1 for package, keyid in keyids.items()):
            raise Busy(call, "VMAs are encrypted with it")
        return keyids

    def _reprogram(
        self, key: Key, keyids: dict[int, int], material: KeyMaterial, call: str
    ) -> Operation[None]:
        self._system.refuse_unreachable(keyids, call)
        reached = {p: k for p, k in keyids.items() if p in self._system.leads}
        if not reached:
            raise NoKey(call, "none of the key's packages has an online CPU")
        clears_first = self._system.design.bitmap_update == "clear_before_program"
        if clears_first:
            self._set_bits(keyids, False)
        failing = yield from self._program(reached, material)
        if failing:
            if self._system.quarantines():
                self._unmap(keyids)
                self._quarantine(keyids)
                self._keys.lose(key)
            raise NoKey(call, f"PCONFIG failed on packages {failing}")
        # The type is the key's, so its bits follow on every package where it has a KeyID, reached
        # or not.
        if material.is_user or not clears_first:
            self._set_bits(keyids, material.is_user)
        self._keys.set_type(key, material.command)

    def destroy(self, key: Key) -> Operation[None]:
        """Drop the key's own references; the KeyIDs go with the last ones. Always succeeds."""
        yield Pause("find the key's KeyIDs")
        handle = self.handle_of(key)
        if handle is not None and self._drop(handle):
            yield from self.release(handle)

    def extend(self, key: Key, package: int, material: KeyMaterial) -> Operation[None]:
        """Give the key a KeyID on one more package, from a payload of the type it has now.

        The kernel did not keep the key's bytes and cannot tell whether a user key is the same one
        again. Raises InvalidArgument (has none, or one there; no such memory; another type), NoKey
        (out of reach, no KeyID free there, or the programming failed).
        """
        return self._system.locked(lambda: self._extend(key, package, material))

    def _extend(self, key: Key, package: int, material: KeyMaterial) -> Operation[None]:
        call = f"extend key {key.serial}"
        self._require_memory(package, call)
        keyids = self.keyids_of(key)
        if not keyids:
            raise InvalidArgument(call, "the key has no KeyID")
        if package in keyids:
            raise InvalidArgument(call, f"it has a KeyID on package {package} already")
        if material.command is not self._keys.type_of(key):
            raise InvalidArgument(call, "the payload is of another type than the key")

        def references() -> int:
            # Whoever refers to the key refers to all of its KeyIDs, this one included: the key
            # itself, and every VMA that remembers it.
            self._system.machine.accesses.read(_VMAS)
            return 1 + self._vmas.get(self._keys.slot_value(key), 0)

        yield from self._enter(key, self._choose([package], call), material, references, call)

    # CPU hotplug

    def admit(self, package: int, cpu: int) -> Operation[None]:
        """A package that comes online programs nothing and passes no gate."""
        yield from ()

    def holds_keys(self, package: int) -> bool:
        """Whether a KeyID of this package is mapped."""
        return self.maps[package].count > 0

    # What VMAs need

    def handle_of(self, key: Key) -> int | None:
        """What the key's map slots hold, if it has any."""
        return self._keys.slot_value(key) if self.keyids_of(key) else None

    def keyid_on(self, handle: int, package: int) -> int | None:
        """The KeyID of that package's own map."""
        return self.maps[package].find(handle) if handle else 0

    def take(self, handle: int) -> None:
        """One reference more on every KeyID of the key, for a VMA."""
        self._system.machine.accesses.write(_VMAS)
        self._vmas[handle] = self._vmas.get(handle, 0) + 1
        for package, keyid in self._pairs(handle).items():
            self.counts[package].take(keyid)

    def drop(self, handle: int) -> bool:
        """A VMA's reference less on every KeyID of the key; whether one of them was the last."""
        self._system.machine.accesses.write(_VMAS)
        self._vmas[handle] = self._vmas.get(handle, 0) - 1
        return self._drop(handle)

    def _drop(self, handle: int) -> bool:
        last = [self.counts[package].drop(keyid) for package, keyid in self._pairs(handle).items()]
        return any(last)

    def release(self, handle: int) -> Operation[None]:
        """Free the slots, and clear the key tables if so designed; takes the map lock."""
        if self._system.design.on_release == "clear_first":
            return self._system.locked(lambda: self._release(handle))
        return holding(self._system.map_lock, lambda: self._release(handle))

    def _release(self, handle: int) -> Operation[None]:
        # Each slot goes with its own last reference.
        pairs = self._pairs(handle).items()
        keyids = {p: keyid for p, keyid in pairs if not self.counts[p].get(keyid)}
        self._unmap(keyids)
        if self._system.design.on_release == "clear_first":
            for package, keyid in keyids.items():
                yield from self._system.clear(keyid, [package])

    def _require_memory(self, package: int, call: str) -> None:
        self._system.machine.accesses.read("packages")
        packages = self._system.machine.packages
        if not (0 <= package < len(packages) and packages[package].memory_present):
            raise InvalidArgument(call, f"package {package} has no usable memory")

    def _set_bits(self, keyids: dict[int, int], value: bool) -> None:
        for package, keyid in keyids.items():
            self.bitmaps[package].set(keyid, value)

    def _unmap(self, keyids: dict[int, int]) -> None:
        """KeyIDs leave their maps."""
        for package, keyid in keyids.items():
            self.maps[package].free(keyid)
            self.counts[package].set(keyid, 0)
        self._set_bits(keyids, False)

    def _quarantine(self, keyids: dict[int, int]) -> None:
        """If so designed: each pair is out of service until it is cleared."""
        if self._system.quarantines():
            self._system.put_out_of_service(keyids.items())
