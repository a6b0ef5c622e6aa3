"""What an observer who sees everything can ask a kernel; the kernel itself uses none of it."""

from __future__ import annotations

from collections.abc import Mapping

from impl.attack.attacker import Finding, cold_boot, disclosure
from impl.hardware.machine import Machine
from impl.heap.memory import Hit, KernelMemory, OutOfBounds
from impl.keyrings.keys import Key
from impl.mm.manager import MemoryManager
from impl.service.globalscope import GlobalKeyService
from impl.service.material import KeyMaterial
from impl.service.packagescope import PerPackageKeyService
from impl.service.system import System


class Inspection:
    """What can be looked at; `impl.kernel.Kernel` has what is looked at."""

    machine: Machine
    memory: KernelMemory
    mm: MemoryManager
    _system: System
    _service: GlobalKeyService | PerPackageKeyService

    @property
    def events(self) -> list[OutOfBounds]:
        """Every out-of-bounds access so far, in order."""
        return self._system.events

    @property
    def map_lock_held(self) -> bool:
        """Between operations: whether one of them returned without releasing the map lock."""
        return self._system.map_lock.is_held

    def keyid_of(self, serial: int) -> int | None:
        """The KeyID of a key, None if it has none (global scope)."""
        key = self._system.keys.get(serial)
        return None if key is None else self._global().keyid_of(key)

    def keyids_of(self, serial: int) -> dict[int, int]:
        """Package -> KeyID of a key (per-package scope)."""
        key = self._system.keys.get(serial)
        return {} if key is None else self._per_package().keyids_of(key)

    def mapped(self) -> dict[int, int] | dict[tuple[int, int], int]:
        """KeyID -> serial number; with per-package scope (package, KeyID) -> serial number."""
        serial_in = self._system.keys.serial_in
        return {slot: serial_in(value) for slot, value in self.entries().items()}  # type: ignore[return-value]

    def entries(self) -> dict[int | tuple[int, int], int]:
        """The same with what the slots hold: the key object's address as posted, or its serial."""
        if isinstance(self._service, GlobalKeyService):
            return {keyid: value for keyid, value in self._service.map.entries().items()}
        return {
            (p, k): value
            for p, key_map in enumerate(self._service.maps)
            for k, value in key_map.entries().items()
        }

    def map_counts(self) -> list[tuple[int, int]]:
        """For each map (slots in use, the count of them that the kernel keeps)."""
        is_global = isinstance(self._service, GlobalKeyService)
        maps = [self._service.map] if is_global else self._service.maps  # type: ignore[union-attr]
        return [(len(key_map.entries()), key_map.count) for key_map in maps]

    def slot_value(self, serial: int) -> int:
        """What the map's slots hold for a live key. Raises NoKey."""
        keys = self._system.keys
        return keys.slot_value(keys.look_up(serial, f"look key {serial} up"))

    def key(self, serial: int) -> Key | None:
        """The key with a serial number, of any type, while something refers to it."""
        return self._system.keys.find(serial)

    def known_keys(self) -> list[Key]:
        """Every key that was not collected yet, of any type, in order of serial number."""
        return self._system.keys.known()

    def live_serials(self) -> set[int]:
        """The serial numbers of all live keys."""
        return self._system.keys.live_serials()

    def bit(self, *where: int) -> bool:
        """The user-type bit, counted or not: ``bit(keyid)`` or ``bit(package, keyid)``."""
        if isinstance(self._service, GlobalKeyService):
            (keyid,) = where
            return self._service.bitmap.bit(keyid)
        package, keyid = where
        return self._service.bitmaps[package].bit(keyid)

    def weight(self, package: int | None = None) -> int:
        """The bitmap's weight; with per-package scope that of one package, or of all together."""
        if isinstance(self._service, GlobalKeyService):
            return self._service.bitmap.weight()
        weights = [bitmap.weight() for bitmap in self._service.bitmaps]
        return sum(weights) if package is None else weights[package]

    @property
    def has_vault(self) -> bool:
        """Whether the kernel keeps a vault: not with per-package KeyIDs."""
        return isinstance(self._service, GlobalKeyService)

    def vault(self, keyid: int) -> tuple[int, bytes, bytes]:
        """(control word, data key, tweak key) of a vault slot, unwrapped (global scope)."""
        kept = self._global().vault.read(keyid)
        return kept.control_word, kept.data_key, kept.tweak_key

    def kept_form(self, data_key: bytes, tweak_key: bytes) -> bytes:
        """What a vault slot keeps of these keys; nothing with per-package scope: no vault there."""
        if not isinstance(self._service, GlobalKeyService):
            return b""
        return self._service.vault.form_of(KeyMaterial(0, data_key, tweak_key))

    def uncleared(self) -> set[tuple[int, int]]:
        """(package, KeyID) pairs that are out of service until they are cleared."""
        return set(self._system.uncleared)

    def lead_cpus(self) -> set[tuple[int, int]]:
        """(package, CPU) of every lead CPU."""
        return set(self._system.leads.items())

    def references(self, *where: int) -> int:
        """The reference count: ``references(keyid)`` or ``references(package, keyid)``."""
        if isinstance(self._service, GlobalKeyService):
            (keyid,) = where
            return self._service.counts.peek(keyid)
        package, keyid = where
        return self._service.counts[package].peek(keyid)

    def serial_of(self, handle: int) -> int:
        """The serial number behind what a VMA remembers of its key (per-package scope)."""
        self._per_package()
        return self._system.keys.serial_in(handle)

    def held_locks(self) -> list[tuple[str, str, str]]:
        """(lock, holder, mode) of every held lock; between operations, of every lost one."""
        return [
            (lock.name, thread.name, mode.value)
            for lock in [self._system.map_lock, self._system.hotplug_lock, *self.mm.locks()]
            for thread, mode in lock.holders.items()
        ]

    def locate(self, address: int) -> Hit:
        """Whose a physical address (without KeyID bits) is: a kernel object's or a page's."""
        return self.mm.locate(address) or self.memory.locate(address)

    def cold_boot(
        self, needles: Mapping[str, bytes], decay: float = 0.0, seed: int = 0
    ) -> list[Finding]:
        """What a thief of the memory modules finds: see `impl.attack.attacker`."""
        return cold_boot(self.machine, self.locate, needles, decay, seed)

    def disclosure(self, needles: Mapping[str, bytes]) -> list[Finding]:
        """What somebody finds who can read kernel memory: see `impl.attack.attacker`."""
        return disclosure(self.machine, self.locate, needles)

    def find(self, needle: bytes) -> list[Hit]:
        """Where a byte string lies in kernel memory, live or freed. ValueError for an empty one."""
        return self._system.memory.find(needle)

    def _global(self) -> GlobalKeyService:
        if isinstance(self._service, GlobalKeyService):
            return self._service
        raise ValueError(
            "cannot look: with keyid_scope=per_package there is no global map or vault"
        )

    def _per_package(self) -> PerPackageKeyService:
        if isinstance(self._service, PerPackageKeyService):
            return self._service
        raise ValueError("cannot look: with keyid_scope=global there is no map per package")
