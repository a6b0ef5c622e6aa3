"""Decides which page frame of which package a page gets, and who owns a frame.

User frames lie apart from kernel memory: from 1 GiB up in the 4 GiB range of each package. The
frame freed last is reused first (the per-CPU lists of the page allocator are such stacks), and a
freed frame keeps its contents until its next owner overwrites them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from impl.hardware.accesses import Accesses
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.machine import PACKAGE_BITS
from impl.heap.memory import Hit

FRAMES_OFFSET: Final = 1 << 30
FRAMES_MAX: Final = ((1 << PACKAGE_BITS) - FRAMES_OFFSET) // PAGE_BYTES

# Who maps a frame: a process by its pid, and the page by its virtual address. The VMA is not named,
# for it changes under its pages; the process's VMA at the page's address is the one.
Owner = tuple[int, int]


@dataclass(eq=False)
class Frame:
    """One 4 KiB page frame of ``package``, ``offset`` bytes up in that package's range.

    ``owners``: who maps it now; ``last``: who mapped it last, once nobody does.
    """

    package: int
    offset: int
    owners: dict[Owner, None] = field(default_factory=dict)
    last: Owner | None = None

    @property
    def address(self) -> int:
        """Its first physical address, without KeyID bits."""
        return self.package << PACKAGE_BITS | self.offset

    def holds(self) -> str:
        """Whose page it is or was last, in words."""
        named = sorted(self.owners) or ([self.last] if self.last else [])
        return ", ".join(f"page {page:#x} of process {pid}" for pid, page in named) or "never used"


class FramePool:
    """The frames of one package. ``limit``: how many may be in use at once."""

    def __init__(self, accesses: Accesses, package: int, limit: int) -> None:
        self.package = package
        self.limit = limit
        self.frames: list[Frame] = []
        self._free: list[Frame] = []
        self._accesses = accesses

    @property
    def count_used(self) -> int:
        """How many frames are mapped."""
        return len(self.frames) - len(self._free)

    def allocate(self, owner: Owner) -> Frame | None:
        """The frame freed last, else a fresh one, with the bytes it has; None at the limit."""
        self._accesses.write(("frames", self.package))
        if self.count_used >= min(self.limit, FRAMES_MAX):
            return None
        if not self._free:
            fresh = Frame(self.package, FRAMES_OFFSET + len(self.frames) * PAGE_BYTES)
            self.frames.append(fresh)
            self._free.append(fresh)
        frame = self._free.pop()
        self._accesses.write(("frame", frame.address))
        frame.owners[owner] = None
        return frame

    def free(self, frame: Frame) -> None:
        """Nobody maps it any more; its bytes stay."""
        self._accesses.write(("frames", self.package))
        self._free.append(frame)


class Frames:
    """The page frames of every package."""

    def __init__(self, accesses: Accesses, packages: int, limit: int = FRAMES_MAX) -> None:
        self.pools = [FramePool(accesses, package, limit) for package in range(packages)]
        self._accesses = accesses

    def are_in_use(self, package: int) -> bool:
        """Whether any frame of a package is mapped."""
        self._accesses.read(("frames", package))
        return self.pools[package].count_used > 0

    def allocate(self, package: int, owner: Owner) -> Frame | None:
        """A frame of that package for this owner; None when there is none."""
        return self.pools[package].allocate(owner)

    def is_shared(self, frame: Frame) -> bool:
        """Whether more than one page table entry leads to it."""
        self._accesses.read(("frame", frame.address))
        return len(frame.owners) > 1

    def share(self, frame: Frame, owner: Owner) -> None:
        """One owner more."""
        self._accesses.write(("frame", frame.address))
        frame.owners[owner] = None

    def leave(self, frame: Frame, owner: Owner) -> None:
        """One owner less; the last one frees it."""
        self._accesses.write(("frame", frame.address))
        del frame.owners[owner]
        if not frame.owners:
            frame.last = owner
            self.pools[frame.package].free(frame)

    def move(self, old: Frame, new: Frame) -> None:
        """Every owner of the old frame owns the new one instead."""
        owners: Iterable[Owner] = list(old.owners)
        for owner in owners:
            self.share(new, owner)
            self.leave(old, owner)

    def locate(self, address: int) -> Hit | None:
        """The frame at a physical address without KeyID bits; None where none was ever used."""
        package, offset = address >> PACKAGE_BITS, address & ((1 << PACKAGE_BITS) - 1)
        number, within = divmod(offset - FRAMES_OFFSET, PAGE_BYTES)
        if not (0 <= package < len(self.pools) and 0 <= number < len(self.pools[package].frames)):
            return None
        frame = self.pools[package].frames[number]
        area = f"page frames of package {package}"
        return Hit(address, area, frame.holds(), within, "live" if frame.owners else "freed")
