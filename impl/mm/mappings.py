"""Decides how a range of an address space changes: its VMAs, their references, and their pages.

All of it with mmap_sem held for writing. As in Linux a change is made VMA by VMA: where one is
refused, those before it have changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from impl.errors import InvalidArgument, OutOfMemory
from impl.mm.addressspace import AddressSpace
from impl.mm.lastput import LastPuts
from impl.mm.paging import Paging
from impl.mm.vma import Vma
from impl.threads import Operation


@dataclass(frozen=True)
class Protection:
    """What a range is to become. ``handle``: of the key to encrypt with; None leaves the key."""

    prot: str
    handle: int | None
    call: str


class Mappings:
    """The VMAs of one address space, for one operation, which keeps its dropped references."""

    def __init__(self, space: AddressSpace, paging: Paging, puts: LastPuts) -> None:
        self._space = space
        self._paging = paging
        self._puts = puts

    def enter(self, vma: Vma) -> Operation[None]:
        """Map a range anew; whatever is mapped there goes."""
        yield from self.unmap(vma.start, vma.end)
        self._space.vmas.insert(vma)
        yield from self._merge(vma.start)
        yield from self._merge(vma.end)

    def unmap(self, start: int, end: int) -> Operation[None]:
        """Nothing is mapped in the range afterwards.

        VMAs and pages go before the first reference does, as in Linux.
        """
        self._split(start)
        self._split(end)
        gone = self._space.vmas.between(start, end)
        for vma in gone:
            self._space.vmas.remove(vma)
        self._paging.discard(self._space, start, end)
        for vma in gone:
            yield from self._puts.put(vma.handle)

    def protect(self, start: int, end: int, wanted: Protection) -> Operation[None]:
        """Give every VMA in the range another protection, and perhaps another key.

        Raises OutOfMemory (a gap), InvalidArgument (a file cannot be encrypted).
        """
        while start < end:
            vma = self._space.vmas.at(start)
            if vma is None:
                raise OutOfMemory(wanted.call, f"nothing is mapped at {start:#x}")
            if wanted.handle is not None and not vma.is_anonymous:
                raise InvalidArgument(wanted.call, f"a file is mapped at {start:#x}")
            stop = min(end, vma.end)
            yield from self._protect_part(vma, start, stop, wanted)
            start = stop

    def _protect_part(
        self, whole: Vma, start: int, stop: int, wanted: Protection
    ) -> Operation[None]:
        handle = whole.handle if wanted.handle is None else wanted.handle
        if (whole.prot, whole.handle) == (wanted.prot, handle):
            return
        self._split(start)
        self._split(stop)
        old = replace(whole, start=start, end=stop)
        new = replace(old, prot=wanted.prot, handle=handle)
        if handle == old.handle:
            self._space.vmas.replace(old, new)
        else:
            yield from self._puts.put(old.handle)
            self._space.vmas.replace(old, new)
            self._puts.take(handle)
            self._paging.discard(self._space, start, stop)
        self._paging.protect(self._space, new)
        yield from self._merge(start)
        yield from self._merge(stop)

    def duplicate(self, child: AddressSpace) -> None:
        """The child, which is empty, gets the same VMAs with references of their own."""
        for vma in self._space.vmas:
            child.vmas.insert(vma)
            self._puts.take(vma.handle)
            self._paging.share(self._space, child, vma)

    def _split(self, address: int) -> None:
        right = self._space.vmas.split(address)
        if right is not None:
            self._puts.take(right.handle)

    def _merge(self, address: int) -> Operation[None]:
        right = self._space.vmas.merge(address)
        if right is not None:
            yield from self._puts.put(right.handle)
