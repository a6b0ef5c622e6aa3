"""Decides what each call on the running kernel does, and what an observer may look at.

The calls are those of RFC v2 (patches 10 to 13) as the generic key service makes them, one after
the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from designs import Design
from impl.attack.attacker import Finding, cold_boot, disclosure
from impl.hardware.machine import Machine
from impl.heap.memory import Hit, OutOfBounds
from impl.keyrings.keys import Key
from impl.keyrings.process import ROOT_CAPABILITIES, Process
from impl.keyrings.retention import KeyRetention
from impl.mm.frames import FRAMES_MAX
from impl.mm.manager import MemoryManager
from impl.service.calls import Calls
from impl.service.globalscope import GlobalKeyService
from impl.service.material import KeyMaterial
from impl.service.packagescope import PerPackageKeyService
from impl.service.system import Resupply, System
from impl.snapshot import Snapshot
from impl.threads import Operation, T, run


class Kernel:
    """A booted kernel on a simulated machine.

    ``machine`` is the hardware below it, ``memory`` its memory, ``slab`` the heap objects there.
    Refused operations raise KernelError and leave the state that the posted order of steps leaves.
    """

    def __init__(
        self,
        design: Design,
        packages: int = 2,
        cpus: int = 2,
        keyids: int = 2,
        absent: frozenset[int] = frozenset(),
        seed: int = 0,
        tme: str = "on",
        frames: int = FRAMES_MAX,
    ) -> None:
        """Boot with all CPUs of all packages but the ``absent`` ones online. Raises ValueError.

        ``frames``: page frames of 4 KiB that each package has for processes.
        """
        self.design = design
        self.machine = Machine(packages, cpus, keyids, absent, seed, tme)
        self._system = System(design, self.machine, seed)
        self.memory = self._system.memory
        self.slab = self._system.slab
        self._service: GlobalKeyService | PerPackageKeyService = (
            PerPackageKeyService(self._system)
            if design.keyid_scope == "per_package"
            else GlobalKeyService(self._system)
        )
        self.calls = Calls(self._system, self._service)
        self.keyctl = KeyRetention(self._system, self._service)
        self.mm = MemoryManager(self._system, self._service, self.keyctl, frames)
        self.init = self.process()

    def process(
        self,
        uid: int = 0,
        gid: int = 0,
        groups: frozenset[int] = frozenset(),
        capabilities: frozenset[str] = ROOT_CAPABILITIES,
        node: int = 0,
    ) -> Process:
        """A new process with an empty address space and no keyrings of its own yet.

        ``node``: the package it runs on. Raises ValueError for one that the machine lacks.
        """
        if not 0 <= node < len(self.machine.packages):
            raise ValueError(f"cannot start a process: the machine has no package {node}")
        process = Process(self.mm.pid_next, uid, gid, groups, capabilities, node)
        self.mm.adopt(process)
        return process

    def run(self, operation: Operation[T], name: str | None = None) -> T:
        """Run an operation to its end. Raises KernelError, and Deadlock if it waits for ever."""
        return run(operation, name)

    # Bare calls, each run to its end; `calls` has them as operations.

    def instantiate(self, payload: bytes, packages: Iterable[int] | None = None) -> int:
        """A new key from a payload text; returns its serial number.

        ``packages``: where the key is wanted; given exactly when ``keyid_scope=per_package`` (else
        ValueError). Raises AccessDenied, InvalidArgument, NoKey.
        """
        if (packages is not None) != isinstance(self._service, PerPackageKeyService):
            raise ValueError("cannot instantiate key: packages go with keyid_scope=per_package")
        return run(self.calls.instantiate(payload, packages), "instantiate key")

    def preparse(self, payload: bytes) -> KeyMaterial:
        """What a payload text asks for, as far as preparse judges it; no key is made of it.

        Raises AccessDenied, InvalidArgument.
        """
        structure = self._system.preparser.preparse(payload, "parse payload")
        material = self._system.preparser.material(structure)
        self._system.preparser.release(structure)
        return material

    def update(self, serial: int, payload: bytes) -> None:
        """Another payload for a live key. Raises AccessDenied, InvalidArgument, Busy, NoKey."""
        run(self.calls.update(serial, payload), f"update key {serial}")

    def extend(self, serial: int, package: int, payload: bytes) -> None:
        """A KeyID on one more package.

        Raises AccessDenied, InvalidArgument, NoKey, NotSupported.
        """
        run(self.calls.extend(serial, package, payload), f"extend key {serial}")

    def destroy(self, serial: int) -> None:
        """The garbage collector takes a key away. Raises NoKey."""
        run(self.calls.destroy(serial), f"destroy key {serial}")

    def cpu_startup(self, package: int, cpu: int) -> None:
        """Bring a CPU online. Raises InvalidArgument, NotPermitted, NoKey."""
        run(self.calls.cpu_startup(package, cpu), f"start CPU {cpu} of package {package}")

    def cpu_teardown(self, package: int, cpu: int) -> None:
        """Take a CPU offline. Raises InvalidArgument, Busy."""
        run(self.calls.cpu_teardown(package, cpu), f"stop CPU {cpu} of package {package}")

    def package_add(self, package: int) -> None:
        """Put a package in that was absent at boot. Raises InvalidArgument, AlreadyExists."""
        run(self.calls.package_add(package), f"add package {package}")

    def package_remove(self, package: int) -> None:
        """Take a package out. Raises InvalidArgument, Busy."""
        run(self.calls.package_remove(package), f"remove package {package}")

    def retry_clear(self, package: int, keyid: int) -> None:
        """A kernel worker tries again to clear an uncleared pair. Raises InvalidArgument, NoKey."""
        run(self.calls.retry_clear(package, keyid), f"clear KeyID {keyid} of package {package}")

    def snapshot(self) -> Snapshot:
        """The moment as an opaque value: all of it, what ``faults`` and ``resupply`` hold included.

        Raises TypeError if one of those refers to something that has no copy, such as a file.
        """
        return Snapshot(self)

    def restore(self, moment: Snapshot) -> None:
        """Bring a moment of this kernel back, any number of times; objects stay the same ones."""
        moment.restore()

    @property
    def capabilities(self) -> frozenset[str]:
        """The capabilities of the process that makes the calls, by name."""
        return self._system.preparser.capabilities

    @capabilities.setter
    def capabilities(self, held: Iterable[str]) -> None:
        self._system.preparser.capabilities = frozenset(held)

    @property
    def resupply(self) -> Resupply:
        """Asks the owner of a serial number for its payload again; None when it does not answer."""
        return self._system.resupply

    @resupply.setter
    def resupply(self, ask: Resupply) -> None:
        self._system.resupply = ask

    # Inspection: what an observer with access to everything sees; the kernel itself uses none of
    # it.

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
