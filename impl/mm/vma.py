"""Decides which addresses of a process are mapped, and how VMAs split and merge.

A VMA is a run of pages that are mapped alike. Nothing here knows of references: who splits a VMA or
merges two takes or drops them. The address range is that of a 64-bit process on x86 without address
randomization (Linux, Documentation/x86/x86_64/mm.rst).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from impl.errors import InvalidArgument
from impl.hardware.accesses import Accesses
from impl.hardware.dram import PAGE_BYTES

# The handle of a VMA whose pages are mapped with KeyID 0.
UNENCRYPTED: Final = 0

# Addresses and lengths of calls are unsigned 64-bit numbers: a negative one is a very large one.
LONG: Final = 1 << 64

# TASK_SIZE: one page below the canonical hole stays unused.
USER_END: Final = (1 << 47) - PAGE_BYTES
# Mappings without an address are placed from here downwards, and when there is no room, upwards
# from USER_UNMAPPED.
USER_TOP: Final = 0x7FFF_F7FF_F000
USER_UNMAPPED: Final = USER_END // 3 // PAGE_BYTES * PAGE_BYTES
# vm.mmap_min_addr: nothing is mapped where null pointers lead.
USER_START: Final = 0x1_0000


@dataclass(frozen=True, slots=True)
class Vma:
    """Pages ``start`` (included) to ``end`` (excluded) that are mapped alike.

    ``prot``: the permitted ones of "rwx", in this order. ``handle``: what it remembers of its key
    (`impl.service.protocol`), 0 when it is not encrypted. ``file``: the number of the file mapping
    that it is part of, None for anonymous memory.
    """

    start: int
    end: int
    prot: str
    handle: int = UNENCRYPTED
    file: int | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether no file is behind it."""
        return self.file is None

    def agrees(self, right: Vma) -> bool:
        """Whether it and its right neighbour can be one VMA."""
        return self.end == right.start and (self.prot, self.handle, self.file) == (
            right.prot,
            right.handle,
            right.file,
        )

    def permits(self, access: str) -> bool:
        """Whether its pages may be read ("r") or written ("w").

        x86 has no page that can be written or executed but not read.
        """
        return "w" in self.prot if access == "w" else bool(self.prot)


def protection(prot: str, call: str) -> str:
    """The letters of a protection in the order "rwx"; "" and "none" permit nothing.

    Raises InvalidArgument.
    """
    letters = "" if prot == "none" else prot
    if not set(letters) <= set("rwx") or len(set(letters)) != len(letters):
        raise InvalidArgument(call, f"{prot!r} is no protection: none, or letters of rwx")
    return "".join(letter for letter in "rwx" if letter in letters)


def page_of(address: int) -> int:
    """The address of the page with this byte."""
    return address // PAGE_BYTES * PAGE_BYTES


def page_end(address: int) -> int:
    """The same, rounded up."""
    return -(-address // PAGE_BYTES) * PAGE_BYTES


class VmaList:
    """The VMAs of one address space in order; they never overlap."""

    def __init__(self, accesses: Accesses, pid: int) -> None:
        self._vmas: list[Vma] = []
        self._accesses = accesses
        self._name = ("mm", pid)

    def __iter__(self) -> Iterator[Vma]:
        self._accesses.read(self._name)
        return iter(list(self._vmas))

    def at(self, address: int) -> Vma | None:
        """The VMA that an address lies in."""
        self._accesses.read(self._name)
        index = bisect_right(self._vmas, address, key=lambda vma: vma.start) - 1
        return self._vmas[index] if index >= 0 and address < self._vmas[index].end else None

    def between(self, start: int, end: int) -> list[Vma]:
        """The VMAs with pages in a range, in order."""
        return [vma for vma in self if vma.start < end and start < vma.end]

    def insert(self, vma: Vma) -> None:
        """One more VMA, where nothing is mapped."""
        self._accesses.write(self._name)
        self._vmas.insert(self._index(vma.start), vma)

    def remove(self, vma: Vma) -> None:
        """One VMA less."""
        self._accesses.write(self._name)
        del self._vmas[self._index(vma.start)]

    def replace(self, old: Vma, new: Vma) -> None:
        """The same pages, mapped in another way."""
        self._accesses.write(self._name)
        self._vmas[self._index(old.start)] = new

    def split(self, address: int) -> Vma | None:
        """Make a VMA begin at this address if one goes across it; gives the new right part."""
        whole = self.at(address)
        if whole is None or whole.start == address:
            return None
        self.replace(whole, replace(whole, end=address))
        right = replace(whole, start=address)
        self.insert(right)
        return right

    def merge(self, address: int) -> Vma | None:
        """Make two VMAs that meet at this address and agree one; gives the right part, now gone."""
        right = self.at(address)
        left = self.at(address - 1)
        if left is None or right is None or not left.agrees(right):
            return None
        self.remove(right)
        self.replace(left, replace(left, end=right.end))
        return right

    def gap(self, length: int) -> int | None:
        """Where a mapping without an address goes: as high as possible; None without any room."""
        top = USER_TOP
        for vma in reversed(list(self)):
            if top - vma.end >= length:
                return top - length
            top = min(top, vma.start)
        if top - USER_START >= length:
            return top - length
        return self._gap_upwards(length)

    def _gap_upwards(self, length: int) -> int | None:
        start = USER_UNMAPPED
        for vma in self:
            if vma.start - start >= length:
                break
            start = max(start, vma.end)
        return start if USER_END - start >= length else None

    def _index(self, start: int) -> int:
        return bisect_left(self._vmas, start, key=lambda vma: vma.start)
