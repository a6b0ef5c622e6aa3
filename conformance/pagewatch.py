"""What an observer knows of pages: what was written to each, and what can be read of it now.

Each of the model's VMAs is one page of a process of its own. What the model says of a page is not
computed here again but looked at: a page is intact while it reads back through its own KeyID, a
KeyID opens it if reading through that KeyID gives what was stored, it is plaintext if the bytes in
DRAM are what was stored. Only who owns what, nobody can look at: that is written down.
"""

from __future__ import annotations

import dataclasses
import hashlib

from impl import Kernel, Mode
from impl.hardware.machine import PACKAGE_BITS
from impl.keyrings.process import Process

ADDRESS = 0x10_0000
"""Where every process maps its page."""

BYTES = 64
"""How many bytes of a page are looked at: a cache line, which is one unit of encryption."""


@dataclasses.dataclass
class Watched:
    """One VMA: its process, and what is known of its page.

    `at`: the physical address of its frame without KeyID bits, which it has (`is_there`) or had
    last. `data`: what its process wrote; `stored`: what the kernel stored last, which is another
    thing if it moved a page that it could not read. `under`: the label of the key it was stored
    under, None if it was not encrypted. `own`: the KeyIDs that are still the page's own.
    """

    process: Process | None = None
    at: int | None = None
    is_there: bool = False
    data: bytes = b""
    stored: bytes = b""
    under: str | None = None
    own: frozenset[int] = frozenset()
    is_intact: bool = False
    is_astray: bool = False
    wants: bool = False
    is_hung: bool = False

    def forget(self) -> None:
        """Nothing is known of its bytes any more."""
        self.at, self.stored, self.under, self.own = None, b"", None, frozenset()


class PageWatch:
    """All VMAs of a kernel by number."""

    def __init__(self, kernel: Kernel, number: int) -> None:
        self._kernel = kernel
        self._writes = 0
        self.vmas = [Watched() for _ in range(number)]

    def fresh_bytes(self) -> bytes:
        """Bytes that nobody wrote before, and that are no key's."""
        self._writes += 1
        return hashlib.sha512(f"mktme page {self._writes}".encode()).digest()

    def process(self, vma: int) -> Process:
        """The process of a VMA. Raises ValueError without one."""
        process = self.vmas[vma].process
        if process is None:
            raise ValueError(f"VMA {vma} has no process")
        return process

    def handle(self, vma: int) -> int:
        """What a VMA remembers of its key; 0 without one."""
        process = self.vmas[vma].process
        if process is None:
            return 0
        found = [mapped for mapped in self._kernel.mm.vmas(process) if mapped.start == ADDRESS]
        return found[0].handle if found else 0

    def page(self, vma: int) -> tuple[int, int] | None:
        """(physical address without KeyID bits, KeyID) of a VMA's page; None if not present."""
        process = self.vmas[vma].process
        page = None if process is None else self._kernel.mm.page_table(process).get(ADDRESS)
        return None if page is None else (page.address, page.keyid)

    def package(self, vma: int) -> int | None:
        """The package where its page lies, or lay last."""
        at = self.vmas[vma].at
        return None if at is None else at >> PACKAGE_BITS

    def read(self, at: int, keyid: int) -> bytes:
        """What reading a frame through a KeyID gives."""
        machine = self._kernel.machine
        package, offset = at >> PACKAGE_BITS, at & (1 << PACKAGE_BITS) - 1
        return machine.read(machine.address(package, offset, keyid), BYTES)

    def opens(self, vma: int, keyid: int) -> bool:
        """Whether a KeyID of its package decrypts the page (an entry that encrypts, that is)."""
        watched = self.vmas[vma]
        if watched.at is None or watched.under is None:
            return False
        table = self._kernel.machine.packages[watched.at >> PACKAGE_BITS].table
        if table[keyid].mode is not Mode.ENCRYPT:
            return False
        return self.read(watched.at, keyid) == watched.stored

    def is_plain(self, vma: int) -> bool:
        """Whether the page's bytes lie in DRAM as they are."""
        watched = self.vmas[vma]
        if not watched.is_there or watched.at is None:
            return False
        package, offset = watched.at >> PACKAGE_BITS, watched.at & (1 << PACKAGE_BITS) - 1
        return self._kernel.machine.packages[package].dram.read(offset, BYTES) == watched.stored

    def sharers(self, vma: int) -> list[int]:
        """The other VMAs that map its page frame."""
        page = self.page(vma)
        if page is None:
            return []
        others = [v for v in range(len(self.vmas)) if v != vma]
        return [v for v in others if (found := self.page(v)) is not None and found[0] == page[0]]

    def package_of(self, page: tuple[int, int] | None) -> int | None:
        """The package of a page that `page` gave."""
        return None if page is None else page[0] >> PACKAGE_BITS

    # Writing down

    def forked(self, vma: int, child: int, process: Process) -> None:
        """A child maps the same; of what its VMA had before, nothing more is said."""
        parent = self.vmas[vma]
        copied = dataclasses.replace(parent, process=process)
        if not parent.is_there:
            copied.forget()
        # The record itself stays: whoever keeps a moment of it keeps its identity.
        vars(self.vmas[child]).update(vars(copied))

    def placed(self, vma: int, stored: bytes, label: str | None, is_anothers: bool) -> None:
        """A page was stored, in its old frame or a new one; a new one had been somebody's.

        `is_anothers`: its KeyID is not that of the key its owner named, but was given to another.
        """
        page = self.page(vma)
        if page is None:
            raise ValueError(f"cannot watch VMA {vma}: it has no page")
        watched = self.vmas[vma]
        if not watched.is_there or watched.at != page[0]:
            self._reuse(page[0] >> PACKAGE_BITS)
        watched.at, watched.is_there = page[0], True
        watched.stored, watched.under = stored, label
        watched.own = frozenset() if is_anothers else frozenset({page[1]})

    def _reuse(self, package: int) -> None:
        """The frame freed last is somebody's: of freed pages there, nothing more is said."""
        for number, watched in enumerate(self.vmas):
            if not watched.is_there and self.package(number) == package:
                watched.forget()

    def lost(self, vma: int, was_shared: bool) -> None:
        """A page was thrown away."""
        watched = self.vmas[vma]
        if not watched.is_there:
            return
        watched.is_there = watched.is_intact = False
        if was_shared:
            watched.forget()

    def given(self, package: int | None, keyid: int) -> None:
        """A KeyID stands for another key (on a package, with per-package KeyIDs)."""
        for number, watched in enumerate(self.vmas):
            if package is None or self.package(number) == package:
                watched.own -= {keyid}

    def look(self) -> None:
        """After a call: pages that no longer read back have lost their data for good."""
        for vma, watched in enumerate(self.vmas):
            page = self.page(vma)
            if page is not None and self.read(page[0], page[1]) != watched.data:
                watched.is_intact = False
