"""Decides what a page fault does, and how pages are copied, thrown away and moved.

Everything here runs undisturbed, with mmap_sem held by the caller: for writing where VMAs change,
for reading otherwise.

DIFFERS FROM SOURCE: a read fault of unencrypted anonymous memory gets a frame of its own, where
Linux maps one frame of zeros for all until the first write; nothing is swapped out; a file is a run
of zeros without a page cache. None of this touches an encrypted page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from impl.errors import BadPointer, NoDevice, NoEntry, NoKey, OutOfMemory
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.keytable import Mode
from impl.hardware.machine import Machine
from impl.mm.addressspace import AddressSpace, Entry
from impl.mm.frames import Frame, Frames
from impl.mm.spaces import Spaces
from impl.mm.vma import Vma
from impl.service.protocol import KeyService

Cause = Literal["stored", "zeroed", "copied", "migrated"]


@dataclass(frozen=True)
class PlainWrite:
    """A write to a page of an encrypted VMA whose KeyID's table entry was not in mode encrypt.

    A fact and no verdict: the page's owner may have asked for just that. ``mode`` is the entry's at
    the time of the write. ``cause``: the process stored bytes, or the kernel zeroed, copied (after
    fork) or migrated the page.
    """

    pid: int
    page: int
    package: int
    keyid: int
    mode: Mode
    cause: Cause


class Paging:
    """Page faults over the page frames of all packages.

    ``plain_writes``: for whoever judges claims; the kernel reads nothing of it.
    """

    def __init__(
        self, machine: Machine, service: KeyService, frames: Frames, spaces: Spaces
    ) -> None:
        self.frames = frames
        self._spaces = spaces
        self.plain_writes: list[PlainWrite] = []
        self._machine = machine
        self._service = service

    # What the process does

    def load(self, entry: Entry, offset: int, size: int) -> bytes:
        """``size`` bytes of a page, from ``offset`` in it."""
        return self._machine.read(entry.address + offset, size)

    def store(
        self, pid: int, page: int, entry: Entry, offset: int, data: bytes, cause: Cause = "stored"
    ) -> None:
        """Bytes into a page, from ``offset`` in it."""
        self._machine.write(entry.address + offset, data)
        if entry.keyid:
            package = entry.frame.package
            # An observer's look: software cannot read a key table.
            mode = self._machine.packages[package].table[entry.keyid].mode
            if mode is not Mode.ENCRYPT:
                self.plain_writes.append(PlainWrite(pid, page, package, entry.keyid, mode, cause))

    def fault(self, node: int, space: AddressSpace, page: int, access: str, call: str) -> None:
        """Make a page accessible, on ``node`` if possible. Raises BadPointer, OutOfMemory.

        DIFFERS FROM SOURCE: where Linux kills a process for want of memory, the access is refused.
        """
        vma = space.vmas.at(page)
        if vma is None:
            raise BadPointer(call, f"nothing is mapped at {page:#x}")
        if not vma.permits(access):
            raise BadPointer(call, f"the mapping at {page:#x} permits {vma.prot or 'nothing'}")
        entry = space.pages.get(page)
        if entry is None:
            fresh = self._place(node, space, page, vma, call)
            self.store(space.pid, page, fresh, 0, bytes(PAGE_BYTES), "zeroed")
            space.pages.set(page, fresh)
        elif access == "w" and not entry.writable:
            self._own(node, space, page, vma, entry, call)

    def _own(
        self,
        node: int,
        space: AddressSpace,
        page: int,
        vma: Vma,
        entry: Entry,
        call: str,
    ) -> None:
        """A write to a write-protected page: copy it if others map it too, else just permit it."""
        if not self.frames.is_shared(entry.frame):
            space.pages.set(page, replace(entry, writable=True))
            return
        copy = self._place(node, space, page, vma, call)
        self.store(space.pid, page, copy, 0, self.load(entry, 0, PAGE_BYTES), "copied")
        space.pages.set(page, copy)
        self.frames.leave(entry.frame, (space.pid, page))

    def _place(self, node: int, space: AddressSpace, page: int, vma: Vma, call: str) -> Entry:
        """A frame of the nearest package where the VMA's key has a KeyID, and its entry.

        Raises OutOfMemory.
        """
        for package in sorted(range(len(self.frames.pools)), key=lambda number: number != node):
            if not self._has_memory(package):
                continue
            keyid = self._service.keyid_on(vma.handle, package)
            if keyid is None:
                continue
            frame = self.frames.allocate(package, (space.pid, page))
            if frame is not None:
                return self._entry(frame, keyid, vma.prot)
        raise OutOfMemory(call, "no package where the page may lie has a free page frame")

    def _entry(self, frame: Frame, keyid: int, prot: str) -> Entry:
        address = self._machine.address(frame.package, frame.offset, keyid)
        return Entry(frame, keyid, address, accessible=bool(prot), writable="w" in prot)

    def _has_memory(self, package: int) -> bool:
        packages = self._machine.packages
        self._machine.accesses.read("packages")
        return 0 <= package < len(packages) and packages[package].memory_present

    # What changes of VMAs do to pages

    def discard(self, space: AddressSpace, start: int, end: int) -> None:
        """Throw the pages of a range away: their contents are lost to the process."""
        for page, entry in space.pages.between(start, end):
            space.pages.remove(page)
            self.frames.leave(entry.frame, (space.pid, page))

    def protect(self, space: AddressSpace, vma: Vma) -> None:
        """Page table entries follow the VMA's protection.

        An entry loses permissions at once, and the permission to write comes back by a fault, which
        may have to copy the page.
        """
        for page, entry in space.pages.between(vma.start, vma.end):
            writable = entry.writable and "w" in vma.prot
            space.pages.set(page, replace(entry, accessible=bool(vma.prot), writable=writable))

    def share(self, parent: AddressSpace, child: AddressSpace, vma: Vma) -> None:
        """The child's pages are the parent's, write-protected in both until one of them writes."""
        for page, entry in parent.pages.between(vma.start, vma.end):
            shared = replace(entry, writable=False)
            parent.pages.set(page, shared)
            child.pages.set(page, shared)
            self.frames.share(entry.frame, (child.pid, page))

    def migrate(self, space: AddressSpace, page: int, package: int, call: str) -> None:
        """Move a page for all processes that map it, as move_pages(2) does with MPOL_MF_MOVE_ALL.

        Raises NoDevice (no such memory), BadPointer (no mapping), NoEntry (no page there yet),
        NoKey (the key has no KeyID on that package), OutOfMemory.
        """
        if not self._has_memory(package):
            raise NoDevice(call, f"package {package} has no usable memory")
        vma = space.vmas.at(page)
        if vma is None:
            raise BadPointer(call, f"nothing is mapped at {page:#x}")
        entry = space.pages.get(page)
        if entry is None:
            raise NoEntry(call, "the page is not present")
        if entry.frame.package == package:
            return
        keyid = self._service.keyid_on(vma.handle, package)
        if keyid is None:
            raise NoKey(call, f"the mapping's key has no KeyID on package {package}")
        frame = self.frames.allocate(package, (space.pid, page))
        if frame is None:
            raise OutOfMemory(call, f"package {package} has no free page frame")
        self._move(space.pid, page, entry, self._entry(frame, keyid, vma.prot))

    def _move(self, pid: int, page: int, old: Entry, new: Entry) -> None:
        # Processes that share a frame have VMAs with one handle, for a VMA that gets another handle
        # throws its pages away; so one KeyID serves all of them.
        self.store(pid, page, new, 0, self.load(old, 0, PAGE_BYTES), "migrated")
        for owner_pid, owner_page in list(old.frame.owners):
            pages = self._spaces.of_pid(owner_pid).pages
            entry = pages.present(owner_page)
            moved = replace(entry, frame=new.frame, keyid=new.keyid, address=new.address)
            pages.set(owner_page, moved)
        self.frames.move(old.frame, new.frame)
