"""Decides what processes can do with their memory: map, unmap, fork, exit, and the calls beside it.

The memory-management calls of Linux 4.20 with RFC v2 patches 07 to 09. Every call is an operation
on behalf of a process, its first argument; one that has exited is answered with NoProcess.

DIFFERS FROM SOURCE: there is no limit on the number of VMAs, no accounting of memory, and no
anon_vma, which in Linux keeps some neighbours from merging after a fork.
"""

from __future__ import annotations

from dataclasses import dataclass

from impl.errors import InvalidArgument, NotPermitted, OutOfMemory
from impl.hardware.dram import PAGE_BYTES
from impl.heap.memory import Hit
from impl.keyrings.process import Process
from impl.locks import Lock
from impl.mm.addressspace import AddressSpace
from impl.mm.frames import FRAMES_MAX, Frames
from impl.mm.lastput import LastPuts
from impl.mm.mappings import Mappings
from impl.mm.mprotect import Mprotect, Retention
from impl.mm.paging import Paging, PlainWrite
from impl.mm.spaces import Spaces, step_reading
from impl.mm.useraccess import UserAccess
from impl.mm.vma import LONG, USER_END, USER_START, Vma, page_end, page_of, protection
from impl.service.protocol import KeyService
from impl.service.system import System
from impl.threads import Operation

__all__ = ["AddressSpace", "MemoryManager", "Page"]


@dataclass(frozen=True)
class Page:
    """A present page: the package and physical address (without KeyID bits) of its frame."""

    package: int
    address: int
    keyid: int


class MemoryManager:
    """All address spaces over the page frames of all packages (``frames``)."""

    def __init__(
        self, system: System, service: KeyService, retention: Retention, limit: int = FRAMES_MAX
    ) -> None:
        """``limit``: page frames of each package; ``frames.pools[package].limit`` varies it."""
        machine = system.machine
        self.frames = Frames(machine.accesses, len(machine.packages), limit)
        self._accesses = machine.accesses
        self._spaces = Spaces(machine.accesses)
        self._paging = Paging(machine, service, self.frames, self._spaces)
        self._service = service
        system.has_user_pages = self.frames.are_in_use
        self._retention = retention
        self._last_put = system.design.last_put
        self._file_last = 0
        access = UserAccess(self._spaces, self._paging)
        self.read = access.read
        self.write = access.write
        protect = Mprotect(system, service, retention, self._spaces, self._paging)
        self.mprotect = protect.mprotect
        self.encrypt_mprotect = protect.encrypt_mprotect

    # Mappings

    def mmap(
        self,
        process: Process,
        length: int,
        address: int | None = None,
        prot: str = "rw",
        anonymous: bool = True,
    ) -> Operation[int]:
        """A private mapping of zeros; gives its address.

        ``address`` is taken as with MAP_FIXED: what is mapped there goes. ``length`` is rounded up
        to whole pages. ``anonymous=False`` maps a file of its own. Raises NoProcess,
        InvalidArgument (length 0, misaligned, no protection), OutOfMemory (no room), NotPermitted
        (below mmap_min_addr).
        """
        call = f"map {length} bytes in process {process.pid}"
        allowed, size = protection(prot, call), page_end(length % LONG)
        refuse_placement(address, size, call)
        puts = self._puts()

        def body(space: AddressSpace) -> Operation[int]:
            start = space.vmas.gap(size) if address is None else address
            if start is None:
                raise OutOfMemory(call, "no gap of the address space is large enough")
            vma = Vma(start, start + size, allowed, file=None if anonymous else self._new_file())
            yield from Mappings(space, self._paging, puts).enter(vma)
            return start

        return (yield from self._spaces.changing(process, puts, call, body))

    def munmap(self, process: Process, address: int, length: int) -> Operation[None]:
        """Nothing is mapped in the range afterwards, nor need it have been.

        Raises NoProcess, InvalidArgument (misaligned, length 0, beyond the address space).
        """
        call = f"unmap {length} bytes at {address:#x} in process {process.pid}"
        size = page_end(length % LONG)
        if address % PAGE_BYTES:
            raise InvalidArgument(call, "it is not the address of a page")
        if not size:
            raise InvalidArgument(call, "the length is 0")
        if address % LONG > USER_END or size > USER_END - address:
            raise InvalidArgument(call, "it would reach beyond the address space")
        puts = self._puts()

        def body(space: AddressSpace) -> Operation[None]:
            return Mappings(space, self._paging, puts).unmap(address, address + size)

        yield from self._spaces.changing(process, puts, call, body)

    def migrate(self, process: Process, address: int, package: int) -> Operation[None]:
        """Move the page at an address to another package, for all processes that share it.

        Raises NoProcess, NoDevice (no usable memory there), BadPointer (no mapping), NoEntry (not
        present), NoKey (the mapping's key has no KeyID there), OutOfMemory. Nothing happens if the
        page is there already.
        """
        call = f"migrate the page at {address:#x} of process {process.pid} to package {package}"
        space = self._spaces.of(process, call)
        yield from step_reading(
            space.mmap_sem, lambda: self._paging.migrate(space, page_of(address), package, call)
        )

    # Processes

    def adopt(self, process: Process) -> None:
        """Give a process that nobody forked an empty address space.

        Raises ValueError for a pid that is not above all earlier ones.
        """
        self._spaces.begin(process)

    def fork(self, process: Process) -> Operation[Process]:
        """A child with the same credentials, and the same memory, copied on write.

        Raises NoProcess.

        DIFFERS FROM SOURCE: the child's mmap_sem is not taken, for nobody knows the child yet.
        """
        call, puts = f"fork process {process.pid}", self._puts()

        def body(space: AddressSpace) -> Operation[Process]:
            child = Process(
                self._spaces.pid_next(),
                process.uid,
                process.gid,
                process.groups,
                process.capabilities,
                process.node,
            )
            self._retention.fork(process, child)
            Mappings(space, self._paging, puts).duplicate(self._spaces.begin(child))
            # A fork drops no reference.
            yield from ()
            return child

        return (yield from self._spaces.writing(process, call, body))

    def exit(self, process: Process) -> Operation[None]:
        """Unmap everything, then let go of its keyrings. Raises NoProcess."""
        call, puts = f"exit process {process.pid}", self._puts()

        def body(space: AddressSpace) -> Operation[None]:
            self._spaces.end(process)
            return Mappings(space, self._paging, puts).unmap(0, USER_END)

        yield from self._spaces.changing(process, puts, call, body)
        self._retention.exit(process)

    # Inspection

    @property
    def pid_next(self) -> int:
        """The pid that the next process gets."""
        return self._spaces.pid_next()

    def locks(self) -> list[Lock]:
        """Every mmap_sem of a running process, and those of others that were never given back."""
        return self._spaces.locks()

    @property
    def processes(self) -> dict[int, Process]:
        """The running processes by pid."""
        return self._spaces.processes()

    @property
    def plain_writes(self) -> list[PlainWrite]:
        """Every write so far to a page of an encrypted VMA that its KeyID's entry left plain."""
        return self._paging.plain_writes

    def vmas(self, process: Process) -> list[Vma]:
        """The VMAs of a process in order; none once it has exited."""
        return [] if process.mm is None else list(process.mm.vmas)

    def page_table(self, process: Process) -> dict[int, Page]:
        """Virtual address -> page, for the pages that are present, in order."""
        if process.mm is None:
            return {}
        return {
            page: Page(entry.frame.package, entry.frame.address, entry.keyid)
            for page, entry in process.mm.pages.between(0, USER_END)
        }

    def locate(self, address: int) -> Hit | None:
        """Whose page lies, or lay last, at a physical address without KeyID bits."""
        return self.frames.locate(address)

    def _puts(self) -> LastPuts:
        return LastPuts(self._service, self._last_put)

    def _new_file(self) -> int:
        self._accesses.write("files")
        self._file_last += 1
        return self._file_last


def refuse_placement(address: int | None, size: int, call: str) -> None:
    """What mmap refuses of an address and a length in whole pages, in Linux's order."""
    if not size:
        raise InvalidArgument(call, "the length is 0")
    if size > USER_END or (address is not None and address % LONG > USER_END - size):
        raise OutOfMemory(call, "it would reach beyond the address space")
    if address is not None and address % PAGE_BYTES:
        raise InvalidArgument(call, f"{address:#x} is not the address of a page")
    if address is not None and address < USER_START:
        raise NotPermitted(call, f"nothing may be mapped below {USER_START:#x}")
