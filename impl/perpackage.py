"""Decides how a key gets, changes and loses its KeyIDs when each package has its own map.

This is ``keyid_scope=per_package``, the alternative raised in the thread on RFC v2 patch 12: a
KeyID names a key only together with a package, and a package that comes online programs nothing, so
that nothing has to be kept: there is no vault and no gate.
"""

from __future__ import annotations

from collections.abc import Iterable

from impl.bitmap import UserBitmap
from impl.errors import InvalidArgument, KernelError, NoKey
from impl.keymap import KeyMap
from impl.keys import Key
from impl.material import KeyMaterial
from impl.system import System


class PerPackageKeyService:
    """A map and a bitmap for each package."""

    def __init__(self, system: System) -> None:
        design, memory, keyids = system.design, system.memory, system.machine.keyids
        packages = range(len(system.machine.packages))
        self._system = system
        self._keys = system.keys
        self.maps = [KeyMap(memory, f"map of package {p}", keyids) for p in packages]
        self.bitmaps = [
            UserBitmap(design, memory, f"user-type bitmap of package {p}", keyids, system.events)
            for p in packages
        ]

    def keyids_of(self, key: Key) -> dict[int, int]:
        """Package -> KeyID, for the packages where the key has one."""
        value = self._keys.slot_value(key)
        found = {p: key_map.find(value) for p, key_map in enumerate(self.maps)}
        return {p: keyid for p, keyid in found.items() if keyid is not None}

    def instantiate(self, material: KeyMaterial, wanted: Iterable[int] | None) -> int:
        """A new key on the wanted packages that are reachable.

        Raises InvalidArgument (no such memory, or out of reach), NoKey (none reachable, no KeyID,
        or a programming failed).
        """
        if wanted is None:
            raise ValueError(
                "cannot instantiate key: with keyid_scope=per_package it needs packages"
            )
        call = "instantiate key"
        packages = sorted(set(wanted))
        for package in packages:
            self._require_memory(package, call)
        self._system.refuse_unreachable(packages, call)
        key = self._keys.create()
        try:
            with self._system.map_lock.hold(call):
                self._enter(key, self._choose(packages, call), material, call)
        except KernelError:
            self._keys.release(key)
            raise
        self._keys.enrol(key, material.command)
        return key.serial

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

    def _enter(self, key: Key, chosen: dict[int, int], material: KeyMaterial, call: str) -> None:
        """Program the chosen KeyIDs and map them; if one fails, none is mapped."""
        failing = self._program(chosen, material)
        if failing:
            self._quarantine(chosen)
            raise NoKey(call, f"PCONFIG failed on packages {failing}")
        for package, keyid in chosen.items():
            if material.is_user:
                self.bitmaps[package].set(keyid, True)
            self.maps[package].enter(keyid, self._keys.slot_value(key))

    def _program(self, keyids: dict[int, int], material: KeyMaterial) -> list[int]:
        """One programming per package, as KeyIDs differ; all are attempted. Returns failures."""
        failing = (self._system.program(k, material, [p]) for p, k in keyids.items())
        return [package for packages in failing for package in packages]

    def update(self, key: Key, material: KeyMaterial) -> None:
        """Program the key's KeyIDs anew on the packages that are reachable.

        Raises InvalidArgument (out of reach, or no KeyID: as posted with the map lock left held),
        NoKey (none reachable, or a programming failed; with quarantine the key is gone).
        """
        call = f"update key {key.serial}"
        self._system.refuse_unreachable(self.keyids_of(key), call)
        lock = self._system.map_lock
        lock.acquire(call)
        keyids = self.keyids_of(key)
        if not keyids:
            if self._system.design.error_unlock == "present":
                lock.release()
            raise InvalidArgument(call, "the key has no KeyID")
        try:
            self._reprogram(key, keyids, material, call)
        finally:
            lock.release()

    def _reprogram(
        self, key: Key, keyids: dict[int, int], material: KeyMaterial, call: str
    ) -> None:
        reached = {p: k for p, k in keyids.items() if p in self._system.leads}
        if not reached:
            raise NoKey(call, "none of the key's packages has an online CPU")
        clears_first = self._system.design.bitmap_update == "clear_before_program"
        if clears_first:
            self._set_bits(keyids, False)
        failing = self._program(reached, material)
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

    def destroy(self, key: Key) -> None:
        """Unmap the key's KeyIDs, then free the key object; always succeeds."""
        call = f"destroy key {key.serial}"
        keyids = self.keyids_of(key)
        if keyids:
            with self._system.map_lock.hold(call):
                self._unmap(keyids)
                if self._system.design.on_release == "clear_first":
                    for package, keyid in keyids.items():
                        self._system.clear(keyid, [package])
        self._keys.release(key)

    def extend(self, key: Key, package: int, material: KeyMaterial) -> None:
        """Give the key a KeyID on one more package, from a payload of the type it has now.

        The kernel did not keep the key's bytes and cannot tell whether a user key is the same one
        again. Raises InvalidArgument (has one there, no such memory, another type), NoKey (out of
        reach, no KeyID free there, or the programming failed).
        """
        call = f"extend key {key.serial}"
        self._require_memory(package, call)
        if package in self.keyids_of(key):
            raise InvalidArgument(call, f"it has a KeyID on package {package} already")
        if material.command is not self._keys.type_of(key):
            raise InvalidArgument(call, "the payload is of another type than the key")
        with self._system.map_lock.hold(call):
            self._enter(key, self._choose([package], call), material, call)

    def admit(self, package: int, cpu: int) -> None:
        """A package that comes online programs nothing and passes no gate."""

    def holds_keys(self, package: int) -> bool:
        """Whether a KeyID of this package is mapped."""
        return self.maps[package].count > 0

    def _require_memory(self, package: int, call: str) -> None:
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
        self._set_bits(keyids, False)

    def _quarantine(self, keyids: dict[int, int]) -> None:
        """If so designed: each pair is out of service until it is cleared."""
        if self._system.quarantines():
            self._system.uncleared.update(keyids.items())
