"""Faults of memory: VMAs and their references, and pages."""

from __future__ import annotations

import dataclasses
from typing import Any

from conformance.mutants.fault import Mutant, Patch, around
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.machine import Machine
from impl.mm.addressspace import AddressSpace
from impl.mm.lastput import LastPuts
from impl.mm.mappings import Mappings
from impl.mm.paging import Paging
from impl.service.refcounts import EncryptCounts
from impl.threads import Operation
from model import Scope

PAGES = Scope(1, 1, 2, 1, 2, 1)
"""So little else can happen that processes meet each other's pages often."""


def _fork_without_reference(self: Mappings, child: AddressSpace) -> None:
    for vma in self._space.vmas:
        child.vmas.insert(vma)
        self._paging.share(self._space, child, vma)


def _unmap_without_drop(self: Mappings, start: int, end: int) -> Operation[None]:
    for vma in self._space.vmas.between(start, end):
        self._space.vmas.remove(vma)
    self._paging.discard(self._space, start, end)
    yield from ()


def _settles_nothing(_self: LastPuts) -> Operation[None]:
    yield from ()


def _drops_twice(right: Any, self: EncryptCounts, keyid: int) -> bool:
    was_last, is_last = right(self, keyid), right(self, keyid)
    return bool(was_last or is_last)


def _kept_on_reencryption(
    right: Any, self: Paging, space: AddressSpace, start: int, end: int
) -> None:
    if space.vmas.at(start) is None:
        right(self, space, start, end)


def _cleared_as_discarded(
    right: Any, self: Paging, space: AddressSpace, start: int, end: int
) -> None:
    for _, entry in space.pages.between(start, end):
        if not self.frames.is_shared(entry.frame):
            self._machine.write(entry.address, bytes(PAGE_BYTES))
    right(self, space, start, end)


def _migrates_nothing(right: Any, self: Paging, *given: Any) -> None:
    if given[-1] != "migrated":
        right(self, *given)


def _own_without_copy(
    self: Paging, _node: int, space: AddressSpace, page: int, _vma: Any, entry: Any, _call: str
) -> None:
    space.pages.set(page, dataclasses.replace(entry, writable=True))


def _share_writable(self: Paging, parent: Any, child: AddressSpace, vma: Any) -> None:
    for page, entry in parent.pages.between(vma.start, vma.end):
        child.pages.set(page, dataclasses.replace(entry, writable=False))
        self.frames.share(entry.frame, (child.pid, page))


def _placed_on_the_farthest(right: Any, self: Paging, node: int, *given: Any) -> Any:
    return right(self, len(self.frames.pools) - 1 - node, *given)


def _memory_too_early(right: Any, self: Machine, number: int) -> None:
    right(self, number)
    self.packages[number].memory_present = True


MUTANTS = (
    Mutant(
        "fork-takes-no-reference",
        "a child's VMAs use the KeyIDs of their parent's without a reference of their own",
        "memory",
        Patch(Mappings, "duplicate", _fork_without_reference),
    ),
    Mutant(
        "unmap-drops-no-reference",
        "a VMA that goes keeps its reference to the KeyID",
        "memory",
        Patch(Mappings, "unmap", _unmap_without_drop),
    ),
    Mutant(
        "encrypt-takes-no-reference",
        "a VMA uses a KeyID and does not refer to it",
        "memory",
        Patch(LastPuts, "take", lambda *_: None),
    ),
    Mutant(
        "reference-dropped-twice",
        "whoever drops a reference drops two",
        "memory",
        around(EncryptCounts, "drop", _drops_twice),
    ),
    Mutant(
        "last-reference-releases-nothing",
        "the KeyID whose last reference an operation dropped is never released",
        "memory",
        Patch(LastPuts, "settle", _settles_nothing),
    ),
    Mutant(
        "encrypt-keeps-the-page",
        "a VMA that gets another key keeps the page that was written under the old one",
        "memory",
        around(Paging, "discard", _kept_on_reencryption),
        scope=PAGES,
        first="long lockstep",
    ),
    Mutant(
        "freed-page-cleared",
        "a page that nobody maps any more is overwritten with zeros through its KeyID",
        "memory",
        around(Paging, "discard", _cleared_as_discarded),
        scope=PAGES,
    ),
    Mutant(
        "migration-copies-nothing",
        "a page moves to another package and its contents stay behind",
        "memory",
        around(Paging, "store", _migrates_nothing),
        first="long lockstep",
    ),
    Mutant(
        "write-after-fork-copies-nothing",
        "a process that writes to a shared page writes into its relatives' page",
        "memory",
        Patch(Paging, "_own", _own_without_copy),
        scope=PAGES,
    ),
    Mutant(
        "fork-leaves-parent-writable",
        "after fork the parent writes to the shared page without a fault",
        "memory",
        Patch(Paging, "share", _share_writable),
        scope=PAGES,
        first="long lockstep",
    ),
    Mutant(
        "page-far-away",
        "a page is placed on the package farthest from its process",
        "memory",
        around(Paging, "_place", _placed_on_the_farthest),
    ),
    Mutant(
        "memory-before-a-cpu",
        "the memory of a package that is put in is usable before a CPU of it was online",
        "memory",
        around(Machine, "add_package", _memory_too_early),
    ),
)
"""Pages and who refers to KeyIDs."""
