"""The kernel in which threads run the operations of the locks' system, each on things of its own.

The model says which way an operation takes; the kernel finds out from its data. So the data is laid
out beforehand: every operation that a run begins has a key, a VMA, a package or a CPU of its own,
such that it takes just that way whatever the others do. All VMAs are one process's, which shares
its mmap_sem, and keys are CPU-generated, so that the startup gate lets packages come online.

One way has no data that a call could lay out: a live key without KeyID (`update_einval`). Its slot
is emptied in the kernel's memory.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from conformance.owners import payload
from designs import Design
from impl import Kernel, KernelError, Status
from impl.errors import NoKey
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.pconfig import never
from impl.interleaving.scenario import Scenario
from impl.keyrings.permissions import Need, mask
from impl.service.keymap import SLOT_BYTES
from impl.threads import Operation, Pause

IDLE = Pause("begin its next operation")
"""The request at which a thread is suspended that runs no operation."""

Begin = Callable[[], Operation[Any]]


@dataclasses.dataclass(frozen=True)
class World:
    """A booted kernel, what each thread runs in turn, and what its last operation answered.

    An answer is "ok" or an errno's name, with the kernel's own words for a refusal.
    """

    kernel: Kernel
    turns: Sequence[Sequence[Begin]]
    answers: dict[int, tuple[str, str]]


def scenario(design: Design, turns: Sequence[Sequence[str]], faults_max: int) -> Scenario[World]:
    """Threads that run these operations in turn. A thread is idle before, between and after."""
    return Scenario(
        boot=lambda: _booted(design, turns),
        operations={f"thread {number}": _in_turn(number) for number in range(len(turns))},
        accesses=lambda world: world.kernel.machine.accesses,
        observe=lambda world: tuple(sorted(world.answers.items())),
        choose=_choose,
        faults_max=faults_max,
    )


def _choose(world: World, status: Status) -> None:
    world.kernel.machine.faults = lambda _package, _keyid, _command: status


def _in_turn(thread: int) -> Callable[[World], Operation[None]]:
    def operations(world: World) -> Operation[None]:
        for begin in world.turns[thread]:
            yield IDLE
            try:
                yield from begin()
            except KernelError as error:
                world.answers[thread] = error.name, str(error)
            else:
                world.answers[thread] = "ok", ""
        yield IDLE

    return operations


def _booted(design: Design, turns: Sequence[Sequence[str]]) -> World:
    names = list(itertools.chain.from_iterable(turns))
    things = _Things(design, names)
    begins = iter(things.begins)
    return World(things.kernel, [list(itertools.islice(begins, len(t))) for t in turns], {})


CPU_KEY = payload("cpu", "zeros")

LaidOut = Callable[[], Begin]
"""Lays out the rest of an operation's things, once all keys are there."""


class _Things:
    """A kernel with the things of these operations, and how each of them begins.

    All keys come first: as posted, one that came after another is gone could get its address, and
    so be taken for it. Packages come last: what is laid out before need not be cleared on them.
    """

    def __init__(self, design: Design, names: Sequence[str]) -> None:
        self._design = design
        self._boot = 2 if design.keyid_scope == "per_package" else 1
        late = range(self._boot, self._boot + names.count("cpu_startup"))
        self.kernel = Kernel(
            design,
            packages=self._boot + len(late),
            cpus=1 + names.count("cpu_teardown"),
            # As posted the last KeyID has no count of its own: nobody gets that one.
            keyids=2 * len(names) + 1,
            absent=frozenset(late),
        )
        self._packages, self._cpus = iter(late), itertools.count(1)
        self._addresses = itertools.count(0x10_0000, 16 * PAGE_BYTES)
        laid_out: list[LaidOut] = [getattr(self, f"_{name}")() for name in names]
        self.begins = [finish() for finish in laid_out]
        for package in late:
            self.kernel.package_add(package)

    def _wanted(self, packages: int = 2) -> list[int] | None:
        return list(range(packages)) if self._design.keyid_scope == "per_package" else None

    def _key(self, packages: int = 2) -> int:
        """A key that the process may use: a bare call makes one that nobody has any right to."""
        serial = self.kernel.instantiate(CPU_KEY, self._wanted(packages))
        for key in self.kernel.known_keys():
            key.perm = mask(user=Need.VIEW)
        return serial

    def _vma(self, key: int | None = None) -> int:
        """A page of the process, encrypted with the key if there is one."""
        mm, init, address = self.kernel.mm, self.kernel.init, next(self._addresses)
        self.kernel.run(mm.mmap(init, PAGE_BYTES, address))
        if key is not None:
            self.kernel.run(mm.encrypt_mprotect(init, address, PAGE_BYTES, "rw", key))
        return address

    def _without_key(self, key: int) -> int:
        """A page that is encrypted with a key that is gone: it has the last reference."""
        address = self._vma(key)
        self.kernel.destroy(key)
        return address

    def _forget(self, key: int) -> None:
        """Empty the map's slots of a key."""
        areas = {area.name: area.address for area in self.kernel.memory.areas}
        for where, serial in self.kernel.mapped().items():
            if serial == key:
                package, keyid = where if isinstance(where, tuple) else (None, where)
                name = "map" if package is None else f"map of package {package}"
                self.kernel.memory.write(areas[name] + keyid * SLOT_BYTES, bytes(SLOT_BYTES))

    def _uncleared(self, key: int) -> int:
        """The key's KeyID, which waits to be cleared on package 0 when its key is gone.

        PCONFIG fails when it is released, or where that clears nothing, when its key is updated.
        """
        before = self.kernel.uncleared()
        self.kernel.machine.faults = lambda *_: Status.DEVICE_BUSY
        if self._design.on_release == "clear_first":
            self.kernel.destroy(key)
        else:
            with contextlib.suppress(NoKey):
                self.kernel.update(key, CPU_KEY)
        self.kernel.machine.faults = never
        (keyid,) = (k for package, k in self.kernel.uncleared() - before if package == 0)
        return keyid

    # One for each operation, in the order of `model.lockpaths`

    def _instantiate(self) -> LaidOut:
        """Nothing: a KeyID is free for it."""
        return lambda: lambda: self.kernel.calls.instantiate(CPU_KEY, self._wanted())

    def _update(self) -> LaidOut:
        """A key that no VMA uses."""
        key = self._key()
        return lambda: lambda: self.kernel.calls.update(key, CPU_KEY)

    def _update_ebusy(self) -> LaidOut:
        """A key that a VMA uses."""
        key = self._key()

        def finish() -> Begin:
            self._vma(key)
            return lambda: self.kernel.calls.update(key, CPU_KEY)

        return finish

    def _update_einval(self) -> LaidOut:
        """A live key without KeyID, which no call by itself leads to."""
        key = self._key()

        def finish() -> Begin:
            self._forget(key)
            return lambda: self.kernel.calls.update(key, CPU_KEY)

        return finish

    def _destroy_last(self) -> LaidOut:
        """A key that no VMA uses."""
        key = self._key()
        return lambda: lambda: self.kernel.calls.destroy(key)

    def _destroy_shared(self) -> LaidOut:
        """A key that a VMA uses."""
        key = self._key()

        def finish() -> Begin:
            self._vma(key)
            return lambda: self.kernel.calls.destroy(key)

        return finish

    def _cpu_startup(self) -> LaidOut:
        """A package that is added and has no CPU online, and a key, so that there is one mapped."""
        package = next(self._packages)
        self._key()
        return lambda: lambda: self.kernel.calls.cpu_startup(package, 0)

    def _cpu_teardown(self) -> LaidOut:
        """A CPU that does not lead its package: the locks are the same."""
        cpu = next(self._cpus)
        return lambda: lambda: self.kernel.calls.cpu_teardown(0, cpu)

    def _encrypt(self) -> LaidOut:
        """A page that is not encrypted, and a key."""
        key = self._key()
        return lambda: self._encrypting(self._vma(), key)

    def _encrypt_last(self) -> LaidOut:
        """A page that has the last reference to a KeyID, and another key."""
        old, key = self._key(), self._key()
        return lambda: self._encrypting(self._without_key(old), key)

    def _encrypting(self, address: int, key: int) -> Begin:
        mm, init = self.kernel.mm, self.kernel.init
        return lambda: mm.encrypt_mprotect(init, address, PAGE_BYTES, "rw", key)

    def _munmap(self) -> LaidOut:
        """A page that is not encrypted."""
        return lambda: self._unmapping(self._vma())

    def _munmap_last(self) -> LaidOut:
        """A page that has the last reference to a KeyID."""
        key = self._key()
        return lambda: self._unmapping(self._without_key(key))

    def _unmapping(self, address: int) -> Begin:
        return lambda: self.kernel.mm.munmap(self.kernel.init, address, PAGE_BYTES)

    def _extend(self) -> LaidOut:
        """A key that has a KeyID on one package only."""
        key = self._key(1)
        return lambda: lambda: self.kernel.calls.extend(key, 1, CPU_KEY)

    def _retry_clear(self) -> LaidOut:
        """A KeyID that waits to be cleared on package 0."""
        key = self._key()

        def finish() -> Begin:
            keyid = self._uncleared(key)
            return lambda: self.kernel.calls.retry_clear(0, keyid)

        return finish
