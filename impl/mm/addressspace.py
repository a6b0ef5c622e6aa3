"""Decides what an address space is: VMAs, the page table that follows them, and mmap_sem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from impl.hardware.accesses import Accesses
from impl.hardware.dram import PAGE_BYTES
from impl.locks import Lock
from impl.mm.frames import Frame
from impl.mm.vma import VmaList


@dataclass(frozen=True, slots=True)
class Entry:
    """A page table entry that is present.

    ``address``: the frame's physical address with the KeyID in its top bits, as hardware finds it.
    ``keyid`` is the one of the frame's package. ``accessible``, ``writable``: without a page fault.
    """

    frame: Frame
    keyid: int
    address: int
    accessible: bool
    writable: bool

    def permits(self, access: str) -> bool:
        """Whether a read ("r") or write ("w") goes through without a page fault."""
        return self.writable if access == "w" else self.accessible


class PageTable:
    """The present pages of one process, by virtual address."""

    def __init__(self, accesses: Accesses, pid: int) -> None:
        self._entries: dict[int, Entry] = {}
        self._accesses = accesses
        self._name = ("page table", pid)

    def get(self, page: int) -> Entry | None:
        """The entry of a page; None when it is not present."""
        self._accesses.read(self._name)
        return self._entries.get(page)

    def present(self, page: int) -> Entry:
        """The entry of a page that is known to be present; KeyError if not."""
        self._accesses.read(self._name)
        return self._entries[page]

    def set(self, page: int, entry: Entry) -> None:
        """A page becomes present, or is mapped in another way."""
        self._accesses.write(self._name)
        self._entries[page] = entry

    def remove(self, page: int) -> None:
        """A page is present no longer."""
        self._accesses.write(self._name)
        del self._entries[page]

    def between(self, start: int, end: int) -> Iterator[tuple[int, Entry]]:
        """(page, entry) of the present pages in a range, in order of address."""
        self._accesses.read(self._name)
        entries = self._entries
        # Whichever is shorter: the range of addresses, or the list of present pages.
        if (end - start) // PAGE_BYTES <= len(entries):
            pages = [page for page in range(start, end, PAGE_BYTES) if page in entries]
        else:
            pages = sorted(page for page in entries if start <= page < end)
        return iter([(page, entries[page]) for page in pages])


class AddressSpace:
    """What a process has mapped. ``pid`` is that of the process, and never another's."""

    def __init__(self, accesses: Accesses, pid: int) -> None:
        self.pid = pid
        self.mmap_sem = Lock(f"mmap_sem of process {pid}")
        self.vmas = VmaList(accesses, pid)
        self.pages = PageTable(accesses, pid)
