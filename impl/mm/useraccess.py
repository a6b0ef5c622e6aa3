"""Decides how the loads and stores of a process reach its pages.

The processor finds a present page by itself and takes no lock; everything else is a page fault, and
then the processor tries again.
"""

from __future__ import annotations

from collections.abc import Iterator

from impl.hardware.dram import PAGE_BYTES
from impl.keyrings.process import Process
from impl.mm.addressspace import AddressSpace, Entry
from impl.mm.paging import Paging
from impl.mm.spaces import Spaces, step_reading
from impl.mm.vma import page_of
from impl.threads import Operation, Pause


class UserAccess:
    """Reads and writes by virtual address."""

    def __init__(self, spaces: Spaces, paging: Paging) -> None:
        self._spaces = spaces
        self._paging = paging

    def read(self, process: Process, address: int, size: int) -> Operation[bytes]:
        """``size`` bytes as the process sees them.

        Raises NoProcess, BadPointer (no mapping, or not for reading), OutOfMemory.
        """
        call = f"read {size} bytes at {address:#x} in process {process.pid}"
        space, pause = self._spaces.of(process, call), Pause(call)
        found = []
        for page, offset, count in pieces(address, size):
            entry = yield from self._reach(process, space, page, "r", pause)
            found.append(self._paging.load(entry, offset, count))
        return b"".join(found)

    def write(self, process: Process, address: int, data: bytes) -> Operation[None]:
        """Store bytes, page by page: those before a refused page are written.

        A process stores with its own instructions, and they do not look ahead. Raises NoProcess,
        BadPointer (no mapping, or not for writing), OutOfMemory.
        """
        call = f"write {len(data)} bytes at {address:#x} in process {process.pid}"
        space, pause, done = self._spaces.of(process, call), Pause(call), 0
        for page, offset, count in pieces(address, len(data)):
            entry = yield from self._reach(process, space, page, "w", pause)
            self._paging.store(space.pid, page, entry, offset, data[done : done + count])
            done += count

    def _reach(
        self, process: Process, space: AddressSpace, page: int, access: str, pause: Pause
    ) -> Operation[Entry]:
        """The entry of a page that lets the access through, after as many page faults as it takes.

        The caller uses it before its next request: after that the page may be another's.
        """
        while True:
            yield pause
            entry = space.pages.get(page)
            if entry is not None and entry.permits(access):
                return entry
            yield from step_reading(
                space.mmap_sem,
                lambda: self._paging.fault(process.node, space, page, access, pause.before),
            )


def pieces(address: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(page, offset in it, count) of the runs of bytes, one per page, that a range consists of."""
    end = address + size
    while address < end:
        page = page_of(address)
        count = min(end, page + PAGE_BYTES) - address
        yield page, address - page, count
        address += count
