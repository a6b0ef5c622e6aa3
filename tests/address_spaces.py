"""A memory manager over the real key service, without the key retention service around it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from designs import DESIGNS, Design
from impl.errors import KernelError
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.machine import Machine
from impl.keyrings.keys import Key
from impl.keyrings.permissions import Need
from impl.keyrings.process import Process
from impl.locks import Mode
from impl.mm.manager import MemoryManager
from impl.service.calls import Calls
from impl.service.globalscope import GlobalKeyService
from impl.service.packagescope import PerPackageKeyService
from impl.service.system import System
from impl.threads import Acquire, Operation, Pause, Release, T, run

P = PAGE_BYTES
BASE = 0x10_0000
TEXT = b"what the process wrote"

FIXED = DESIGNS["rfc-v2-fixed"]
POSTED = DESIGNS["rfc-v2"]
PER_PACKAGE = DESIGNS["per-package"]

CPU = b"type=cpu algorithm=aes-xts-128"
NO_ENCRYPT = b"type=no-encrypt"


def user(letter: str = "1") -> bytes:
    """A user key whose two halves are one repeated hex digit."""
    return f"type=user algorithm=aes-xts-128 key={letter * 32} tweak={letter * 32}".encode()


class Bare:
    """Stands in for the key retention service: serial numbers without permissions.

    ``refusal`` is raised instead of an answer; ``put_serials`` lists the keys given back.
    """

    def __init__(self, system: System) -> None:
        self.refusal: KernelError | None = None
        self.put_serials: list[int] = []
        self.asked: list[tuple[int, int, Need]] = []
        self._keys = system.keys

    def look_up(self, process: Process, serial: int, need: Need, call: str) -> Key:
        self.asked.append((process.pid, serial, need))
        if self.refusal is not None:
            raise self.refusal
        return self._keys.look_up(serial, call)

    def put(self, key: Key) -> None:
        self.put_serials.append(key.serial)

    def fork(self, parent: Process, child: Process) -> None:
        child.keyrings = dict(parent.keyrings)

    def exit(self, process: Process) -> None:
        process.keyrings = {}


class World:
    """A machine, its key service and its memory manager, with one process."""

    def __init__(self, design: Design = FIXED, limit: int | None = None, **machine) -> None:
        self.machine = Machine(**machine)
        self.system = System(design, self.machine, 0)
        for package in self.system.present_packages():
            self.system.set_lead(package, 0)
        per_package = design.keyid_scope == "per_package"
        self.service = (PerPackageKeyService if per_package else GlobalKeyService)(self.system)
        self.calls = Calls(self.system, self.service)
        self.retention = Bare(self.system)
        settings = {} if limit is None else {"limit": limit}
        self.mm = MemoryManager(self.system, self.service, self.retention, **settings)
        self.init = Process(pid=1)
        self.mm.adopt(self.init)

    def run(self, operation: Operation[T]) -> T:
        return run(operation)

    def key(self, payload: bytes = CPU, packages: Iterable[int] | None = None) -> int:
        return run(self.calls.instantiate(payload, packages))

    def map(
        self, pages: int = 1, at: int | None = BASE, process: Process | None = None, **how
    ) -> int:
        return run(self.mm.mmap(process or self.init, pages * P, at, **how))

    def encrypt(
        self, at: int, pages: int, serial: int, prot: str = "rw", process: Process | None = None
    ) -> None:
        run(self.mm.encrypt_mprotect(process or self.init, at, pages * P, prot, serial))

    def write(self, at: int, data: bytes, process: Process | None = None) -> None:
        run(self.mm.write(process or self.init, at, data))

    def read(self, at: int, size: int, process: Process | None = None) -> bytes:
        return run(self.mm.read(process or self.init, at, size))

    def fork(self, process: Process | None = None) -> Process:
        return run(self.mm.fork(process or self.init))

    def shape(self, process: Process | None = None) -> list[tuple[int, int, str, int]]:
        """(first page, pages, prot, handle) of each VMA, pages counted from BASE."""
        return [
            ((vma.start - BASE) // P, (vma.end - vma.start) // P, vma.prot, vma.handle)
            for vma in self.mm.vmas(process or self.init)
        ]

    def count(self, keyid: int) -> int:
        """The references of a KeyID (global scope)."""
        return self.service.counts.peek(keyid)

    def stored(self, package: int) -> bytes:
        """Everything in the memory modules of a package, as stored."""
        return b"".join(page for _, page in self.machine.packages[package].dram.image())


def locks_held(world: World, process: Process | None = None) -> list[str]:
    """The names of the locks that are held between operations."""
    locks = [world.system.map_lock, world.system.hotplug_lock]
    locks += [running.mm.mmap_sem for running in world.mm.processes.values()]
    return [lock.name for lock in locks if lock.is_held]


def refused(name: str, operation: Operation[T]) -> str:
    """Run an operation that must answer with this errno; gives its message."""
    with pytest.raises(KernelError) as caught:
        run(operation)
    assert name == caught.value.name
    return str(caught.value)


def encrypted(pages: int, design: Design = FIXED, payload: bytes = CPU) -> World:
    """A world with pages from BASE under KeyID 1, which key 1 has."""
    world = World(design)
    world.map(pages)
    world.encrypt(BASE, pages, world.key(payload))
    return world


def unmap(world: World, first: int, pages: int, process: Process | None = None) -> None:
    world.run(world.mm.munmap(process or world.init, BASE + first * P, pages * P))


def protect(world: World, first: int, pages: int, prot: str) -> None:
    world.run(world.mm.mprotect(world.init, BASE + first * P, pages * P, prot))


def trace(world: World, operation) -> list[str]:
    """The locks that an operation takes and gives back, in order, in a word each."""
    words = []
    try:
        while True:
            request = next(operation)
            if isinstance(request, Acquire):
                mode = "+" if request.mode is Mode.EXCLUSIVE else "+read "
                words.append(f"{mode}{request.lock.name}")
            elif isinstance(request, Release):
                words.append(f"-{request.lock.name}")
            elif isinstance(request, Pause):
                words.append(request.before)
    except (StopIteration, KernelError):
        return words


def orphaned(design: Design) -> World:
    """Key 1 was destroyed; one VMA holds the last reference to KeyID 1."""
    world = encrypted(1, design)
    world.run(world.calls.destroy(1))
    assert (1, [1]) == (world.count(1), list(world.service.map.entries()))
    return world
