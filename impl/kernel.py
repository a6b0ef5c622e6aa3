"""Decides what each call on the running kernel does.

The calls are those of RFC v2 (patches 10 to 13) as the generic key service makes them, one after
the other. What an observer may look at is in `impl.inspection`.
"""

from __future__ import annotations

from collections.abc import Iterable

from designs import Design
from impl.hardware.machine import Machine
from impl.inspection import Inspection
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


class Kernel(Inspection):
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
