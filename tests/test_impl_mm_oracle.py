"""Any sequence of memory calls against a dictionary of pages, which knows no VMAs and no frames.

The oracle keeps, for each process and page: protection, key, file, and the bytes or none. From it
follow every answer, the VMAs (runs of pages that are alike), and the references of every KeyID.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from address_spaces import BASE, CPU, FIXED, PER_PACKAGE, POSTED, P, World, locks_held, user
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from impl.errors import KernelError

PAGES = 8
KEYIDS = 3
# What can be written is likelier, so that there is something to lose.
PROTS = ["rw", "rw", "rw", "rwx", "w", "r", "rx", "none"]
PROCESSES_MAX = 4


@dataclass(frozen=True)
class Alike:
    """A page of the oracle. ``key``: serial number, 0 for none."""

    prot: str
    key: int = 0
    file: int | None = None
    content: bytes = bytes(P)


def allowed(page: Alike | None, access: str) -> bool:
    return page is not None and ("w" in page.prot if access == "w" else page.prot != "")


ranges = st.tuples(st.integers(0, PAGES - 1), st.integers(1, PAGES)).map(
    lambda run: (run[0], min(run[1], PAGES - run[0]))
)
short_ranges = st.tuples(st.integers(0, PAGES - 1), st.just(1))


def mostly(value: bool) -> st.SearchStrategy[bool]:
    """The one value nine times in ten."""
    return st.integers(0, 9).map(lambda number: value == (number > 0))


spans = st.tuples(st.integers(0, PAGES * P - 1), st.integers(0, P + 100))


class Memory(RuleBasedStateMachine):
    """Processes with eight pages of address space each."""

    design = FIXED
    processes = Bundle("processes")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.design, keyids=KEYIDS, tme="off")
        self.pages: dict[int, dict[int, Alike]] = {1: {}}
        self.files = 0
        wanted = [0, 1] if self.design.keyid_scope == "per_package" else None
        payloads = (user("1"), CPU, user("3"))[:KEYIDS]
        self.serials = [self.world.key(payload, wanted) for payload in payloads]

    @initialize(target=processes)
    def boot(self):
        self.world.map(PAGES)
        self.pages[1] = {page: Alike("rw") for page in range(PAGES)}
        return self.world.init

    def call(self, operation) -> str | object:
        """The result of an operation, or the errno's name."""
        try:
            return self.world.run(operation)
        except KernelError as error:
            return error.name

    @rule(process=processes, where=ranges, prot=st.sampled_from(PROTS), is_file=mostly(False))
    def mmap(self, process, where, prot, is_file) -> None:
        first, count = where
        at = BASE + first * P
        assert at == self.call(self.world.mm.mmap(process, count * P, at, prot, not is_file))
        self.files += is_file
        file = self.files if is_file else None
        for page in range(first, first + count):
            self.pages[process.pid][page] = Alike(prot.replace("none", ""), file=file)

    @rule(process=processes, where=short_ranges)
    def munmap(self, process, where) -> None:
        first, count = where
        assert None is self.call(self.world.mm.munmap(process, BASE + first * P, count * P))
        for page in range(first, first + count):
            self.pages[process.pid].pop(page, None)

    def protected(self, process, where, change, refuses=lambda page: False) -> str | None:
        """The errno that a change of a range must answer with; the oracle's pages change."""
        pages, (first, count) = self.pages[process.pid], where
        for number in range(first, first + count):
            if number not in pages:
                return "ENOMEM"
            if refuses(pages[number]):
                return "EINVAL"
            pages[number] = change(pages[number])
        return None

    @rule(process=processes, where=ranges, prot=st.sampled_from(PROTS))
    def mprotect(self, process, where, prot) -> None:
        first, count = where
        kept = prot.replace("none", "")
        expected = self.protected(process, where, lambda page: replace(page, prot=kept))
        call = self.world.mm.mprotect(process, BASE + first * P, count * P, prot)
        assert expected == self.call(call)

    @rule(
        process=processes,
        where=ranges,
        prot=st.sampled_from(PROTS),
        number=st.integers(0, KEYIDS - 1),
    )
    def encrypt_mprotect(self, process, where, prot, number) -> None:
        (first, count), serial = where, self.serials[number]
        kept = prot.replace("none", "")

        def change(page: Alike) -> Alike:
            content = page.content if page.key == serial else bytes(P)
            return replace(page, prot=kept, key=serial, content=content)

        expected = self.protected(process, where, change, lambda page: page.file is not None)
        call = self.world.mm.encrypt_mprotect(process, BASE + first * P, count * P, prot, serial)
        assert expected == self.call(call)

    @rule(process=processes, span=spans, byte=st.integers(1, 255))
    def write(self, process, span, byte) -> None:
        (offset, size), pages = span, self.pages[process.pid]
        at = offset
        while at < offset + size and allowed(pages.get(at // P), "w"):
            page, start = divmod(at, P)
            end = min(P, start + offset + size - at)
            old = pages[page].content
            content = old[:start] + bytes([byte]) * (end - start) + old[end:]
            pages[page] = replace(pages[page], content=content)
            at += end - start
        expected = None if at >= offset + size else "EFAULT"
        call = self.world.mm.write(process, BASE + offset, bytes([byte]) * size)
        assert expected == self.call(call)

    @rule(process=processes, span=spans)
    def read(self, process, span) -> None:
        (offset, size), pages = span, self.pages[process.pid]
        touched = range(offset // P, -(-(offset + size) // P)) if size else []
        expected: object = "EFAULT"
        if all(allowed(pages.get(page), "r") for page in touched):
            content = b"".join(pages[page].content for page in touched)
            expected = content[offset % P : offset % P + size]
        assert expected == self.call(self.world.mm.read(process, BASE + offset, size))

    @rule(target=processes, process=processes)
    def fork(self, process):
        if len(self.pages) >= PROCESSES_MAX:
            return multiple()
        child = self.call(self.world.mm.fork(process))
        self.pages[child.pid] = dict(self.pages[process.pid])
        return child

    @rule(target=processes, process=consumes(processes), stays=mostly(True))
    def exit(self, process, stays):
        if stays or len(self.pages) == 1:
            return process
        assert None is self.call(self.world.mm.exit(process))
        del self.pages[process.pid]
        return multiple()

    @rule(process=processes, number=st.integers(0, PAGES - 1), package=st.integers(0, 1))
    def migrate(self, process, number, package) -> None:
        answer = self.call(self.world.mm.migrate(process, BASE + number * P, package))
        assert answer in ((None, "ENOENT") if number in self.pages[process.pid] else ("EFAULT",))

    @rule(process=processes, package=st.integers(0, 1))
    def move_to(self, process, package) -> None:
        process.node = package

    # What must hold after every call

    @invariant()
    def vmas_are_the_runs_of_pages_that_are_alike(self) -> None:
        for pid, pages in self.pages.items():
            shown = [
                (
                    number,
                    vma.prot,
                    self.serial_of(vma.handle),
                    vma.file,
                    number == (vma.start - BASE) // P,
                )
                for vma in self.world.mm.vmas(self.world.mm.processes[pid])
                for number in range((vma.start - BASE) // P, (vma.end - BASE) // P)
            ]
            expected = [
                (number, page.prot, page.key, page.file, number in self.starts(pages))
                for number, page in sorted(pages.items())
            ]
            assert expected == shown

    @staticmethod
    def starts(pages: dict[int, Alike]) -> set[int]:
        """The pages where a run begins."""
        numbers = sorted(pages)
        begun = {
            right
            for left, right in pairwise(numbers)
            if right != left + 1
            or replace(pages[left], content=b"") != replace(pages[right], content=b"")
        }
        return begun | set(numbers[:1])

    def serial_of(self, handle: int) -> int:
        return self.handles()[handle] if handle else 0

    def handles(self) -> dict[int, int]:
        keys = self.world.system.keys
        return {
            self.world.service.handle_of(keys.look_up(serial, "look")): serial
            for serial in self.serials
        }

    @invariant()
    def references_are_one_for_the_key_and_one_for_each_vma(self) -> None:
        counts = self.world.service.counts
        per_package = counts if isinstance(counts, list) else [counts]
        for number, serial in enumerate(self.serials):
            expected = 1 + sum(
                pages[start].key == serial
                for pages in self.pages.values()
                for start in self.starts(pages)
            )
            assert {expected} == {count.peek(number + 1) for count in per_package}

    @invariant()
    def every_frame_in_use_has_an_owner_whose_page_table_leads_to_it(self) -> None:
        entries = {
            (pid, page): entry.address
            for pid in self.pages
            for page, entry in self.world.mm.page_table(self.world.mm.processes[pid]).items()
        }
        owned = {
            owner: frame.address
            for pool in self.world.mm.frames.pools
            for frame in pool.frames
            for owner in frame.owners
        }
        assert owned == entries

    @invariant()
    def no_lock_is_held(self) -> None:
        assert [] == locks_held(self.world)

    @invariant()
    def nothing_encrypted_was_written_in_the_clear(self) -> None:
        assert [] == self.world.mm.plain_writes


class PostedMemory(Memory):
    design = POSTED


class PerPackageMemory(Memory):
    design = PER_PACKAGE


for machine in (Memory, PostedMemory, PerPackageMemory):
    machine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)

TestMemory = Memory.TestCase
TestPostedMemory = PostedMemory.TestCase
TestPerPackageMemory = PerPackageMemory.TestCase
