"""Drives calls on memory, and keeps what each process wrote where, under which key.

The rest of a `Watcher` is in `kernel_watch`. Addresses are page numbers from `BASE` up.
"""

from __future__ import annotations

from collections.abc import Iterator

from kernel_owners import Page
from kernel_step import Step
from kernel_watch import Watch

from impl.hardware.dram import PAGE_BYTES
from impl.keyrings.process import Process
from impl.mm.vma import Vma

BASE = 0x10_0000
TOKEN_BYTES = 16


def address(page: int) -> int:
    """The address of a page."""
    return BASE + page * PAGE_BYTES


class Watcher(Watch):
    """A kernel, its processes, and their knowledge."""

    def _known(self, process: Process, page: int, pages: int) -> Iterator[tuple[int, Page]]:
        """(address, what is known of it) of the mapped pages in a range."""
        for number in range(page, page + pages):
            known = self.pages.get((process.pid, address(number)))
            if known is not None:
                yield address(number), known

    def _vma(self, process: Process, where: int) -> Vma | None:
        found = (vma for vma in self.kernel.mm.vmas(process) if vma.start <= where < vma.end)
        return next(found, None)

    def _spans(self, process: Process, page: int, pages: int) -> bool:
        """Whether a range touches more than one VMA, or a VMA and a gap."""
        found = {self._vma(process, address(number)) for number in range(page, page + pages)}
        return len(found) > 1

    # Mappings

    def mmap(self, process: Process, page: int = 0, pages: int = 1) -> None:
        """Map a range anew."""
        map_range = self.kernel.mm.mmap
        size = pages * PAGE_BYTES
        self._call(Step("mmap"), lambda: map_range(process, size, address(page)))
        if self.step.is_done:
            for number in range(page, page + pages):
                self.pages[process.pid, address(number)] = Page()

    def munmap(self, process: Process, page: int = 0, pages: int = 1) -> None:
        """Unmap a range."""
        unmap, size = self.kernel.mm.munmap, pages * PAGE_BYTES
        self._call(Step("munmap"), lambda: unmap(process, address(page), size))
        if self.step.is_done:
            for number in range(page, page + pages):
                self.pages.pop((process.pid, address(number)), None)

    def encrypt(
        self, process: Process, serial: int, page: int = 0, pages: int = 1, prot: str = "rw"
    ) -> None:
        """encrypt_mprotect. Where it stops half-way, what it has changed is told from the VMAs."""
        before = {
            number: self._vma(process, address(number)) for number in range(page, page + pages)
        }
        encrypt, size = self.kernel.mm.encrypt_mprotect, pages * PAGE_BYTES
        step = Step("encrypt_mprotect", spans=self._spans(process, page, pages))
        self._call(step, lambda: encrypt(process, address(page), size, prot, serial))
        for number, old in before.items():
            new = self._vma(process, address(number))
            is_changed = old is not None and new is not None and old.handle != new.handle
            known = self.pages.get((process.pid, address(number)))
            if known is None or not (self.step.is_done or is_changed):
                continue
            if known.serial != serial:
                known.serial, known.written = serial, {}

    def mprotect(self, process: Process, page: int, pages: int, prot: str) -> None:
        """Another protection."""
        protect, size = self.kernel.mm.mprotect, pages * PAGE_BYTES
        step = Step("mprotect", spans=self._spans(process, page, pages))
        self._call(step, lambda: protect(process, address(page), size, prot))

    def migrate(self, process: Process, page: int, package: int) -> None:
        """Move a page to another package."""
        entry = self.kernel.mm.page_table(process).get(address(page))
        known = self.pages.get((process.pid, address(page)))
        is_due = entry and known and known.serial and package in self.usable()
        migrate = self.kernel.mm.migrate
        self._call(
            Step("migrate", due="migration-admitted" if is_due else None),
            lambda: migrate(process, address(page), package),
        )

    # Contents

    def write(self, process: Process, page: int = 0, offset: int = 0) -> None:
        """Store bytes that were never stored before."""
        token, store = next(self._tokens), self.kernel.mm.write
        self._call(Step("write"), lambda: store(process, address(page) + offset, token))
        if self.step.is_done:
            known = self.pages[process.pid, address(page)]
            known.written[offset] = token
            if known.serial and self.keys[known.serial].encrypts:
                self.secrets[token] = (known.serial, self.keys[known.serial].wish)

    def read(self, process: Process, page: int = 0, offset: int = 0) -> None:
        """Load what was stored."""
        load = self.kernel.mm.read
        found = self._call(Step("read"), lambda: load(process, address(page) + offset, TOKEN_BYTES))
        known = self.pages.get((process.pid, address(page)))
        if found is not None and known and known.serial:
            wanted = known.written.get(offset, found)
            self.step.misread = "" if wanted == found else f"page {address(page):#x}, {offset}"

    def look(self, process: Process, where: int, offset: int) -> bytes | None:
        """What a process's page holds, read as the hardware reads it; None if it is not there."""
        entry = self.kernel.mm.page_table(process).get(where)
        if entry is None:
            return None
        found = entry.keyid << self.machine.keyid_shift | entry.address + offset
        return self.machine.read(found, TOKEN_BYTES)

    # Processes

    def fork(self, process: Process) -> Process | None:
        """A child, which shares keyrings and memory."""
        child: Process | None = self._call(Step("fork"), lambda: self.kernel.mm.fork(process))
        if child is None:
            return None
        self.kernel.keyctl.fork(process, child)
        self.processes.append(child)
        for (pid, where), known in list(self.pages.items()):
            if pid == process.pid:
                self.pages[child.pid, where] = known.copy()
        return child

    def exit(self, process: Process) -> None:
        """A process goes."""
        self._call(Step("exit"), lambda: self.kernel.mm.exit(process))
        if self.step.is_done:
            self.kernel.keyctl.exit(process)
            self.processes.remove(process)
            for pid, where in list(self.pages):
                if pid == process.pid:
                    del self.pages[pid, where]

    # Runs of calls

    def hide(self, serial: int, page: int = 0, process: Process | None = None) -> None:
        """Map a page, encrypt it, and write to it."""
        owner = process or self.root
        self.mmap(owner, page)
        self.encrypt(owner, serial, page)
        self.write(owner, page)
