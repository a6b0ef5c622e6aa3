"""Decides which address spaces there are, and how an operation gets hold of one.

Calls that change VMAs hold mmap_sem for writing; page faults and migration hold it for reading.
"""

from __future__ import annotations

from collections.abc import Callable

from impl.errors import KernelError, NoProcess
from impl.hardware.accesses import Accesses
from impl.keyrings.process import Process
from impl.locks import Lock, Mode
from impl.mm.addressspace import AddressSpace
from impl.mm.lastput import LastPuts
from impl.threads import Acquire, Operation, Release, T, holding


class Spaces:
    """The running processes and their address spaces, by pid. A pid is never used again."""

    def __init__(self, accesses: Accesses) -> None:
        self.accesses = accesses
        self._processes: dict[int, Process] = {}
        self._locks: dict[int, Lock] = {}
        self._pid_last = 0

    def processes(self) -> dict[int, Process]:
        """The running processes by pid."""
        self.accesses.read("processes")
        return dict(self._processes)

    def pid_next(self) -> int:
        """The pid of the process that begins next."""
        self.accesses.read("processes")
        return self._pid_last + 1

    def begin(self, process: Process) -> AddressSpace:
        """Give a new process an empty address space. Raises ValueError for a pid used before."""
        if process.pid < self.pid_next():
            raise ValueError(f"cannot begin process {process.pid}: the pid was used before")
        self.accesses.write("processes")
        self._pid_last = process.pid
        self._processes[process.pid] = process
        space = process.mm = AddressSpace(self.accesses, process.pid)
        self._locks = {pid: lock for pid, lock in self._locks.items() if self._matters(pid)}
        self._locks[process.pid] = space.mmap_sem
        return space

    def end(self, process: Process) -> None:
        """The process has no address space any more."""
        self.accesses.write("processes")
        self.accesses.write(("process", process.pid))
        del self._processes[process.pid]
        process.mm = None

    def of(self, process: Process, call: str) -> AddressSpace:
        """The address space of a process. Raises NoProcess."""
        self.accesses.read(("process", process.pid))
        if process.mm is None:
            raise NoProcess(call, "the process has exited")
        return process.mm

    def of_pid(self, pid: int) -> AddressSpace:
        """The address space of a running process that is known to have one."""
        return self.of(self._processes[pid], f"find process {pid}")

    def locks(self) -> list[Lock]:
        """Every mmap_sem of a running process, and those of others that were never given back."""
        return [lock for pid, lock in self._locks.items() if self._matters(pid)]

    def _matters(self, pid: int) -> bool:
        return pid in self._processes or self._locks[pid].is_held

    def writing(
        self, process: Process, call: str, body: Callable[[AddressSpace], Operation[T]]
    ) -> Operation[T]:
        """Run ``body`` with mmap_sem held for writing. Raises NoProcess."""
        space = self.of(process, call)

        def checked() -> Operation[T]:
            # The process may have exited while the call waited for the lock.
            self.of(process, call)
            return (yield from body(space))

        return (yield from holding(space.mmap_sem, checked))

    def changing(
        self,
        process: Process,
        puts: LastPuts,
        call: str,
        body: Callable[[AddressSpace], Operation[T]],
    ) -> Operation[T]:
        """The same, and settle the references that it dropped when mmap_sem is given back."""
        return settling(puts, self.writing(process, call, body))


def settling(puts: LastPuts, operation: Operation[T]) -> Operation[T]:
    """Release, when the operation has given all its locks back, the KeyIDs it left unused."""
    try:
        result = yield from operation
    except KernelError:
        yield from puts.settle()
        raise
    yield from puts.settle()
    return result


def step_reading(lock: Lock, step: Callable[[], T]) -> Operation[T]:
    """Take one undisturbed step with the lock held for reading."""
    yield Acquire(lock, Mode.SHARED)
    try:
        result = step()
    except KernelError:
        yield Release(lock)
        raise
    yield Release(lock)
    return result
