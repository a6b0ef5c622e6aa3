"""Decides where kernel data lies in DRAM, and what an observer of kernel memory would find there.

Kernel memory is on package 0 and is mapped with KeyID 0. Static areas come first, then the heap,
which grows upwards by whole pages. Nothing above the heap's top was ever written by the kernel, so
a search of everything below it is a search of all kernel memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from impl.hardware.dram import PAGE_BYTES
from impl.hardware.engine import LINE_BYTES
from impl.hardware.machine import Machine

# Address 0 stays free, so that a null pointer in the map means "free slot" as it does in the
# kernel.
KERNEL_START: Final = 0x1_0000


@dataclass(frozen=True)
class Area:
    """A run of kernel memory that lives as long as the kernel: ``size`` bytes from ``address``."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class OutOfBounds:
    """An access outside its array, bitmap or buffer. ``index`` is in the array's own units."""

    what: str
    index: int


State = Literal["live", "freed"]


@dataclass(frozen=True)
class Hit:
    """Where a byte string was found, never the bytes.

    ``area``: the static area or slab cache. ``holds``: what the object is or was last used for.
    ``offset``: bytes from the start of the object. ``state``: whether the object is live or freed.
    """

    address: int
    area: str
    holds: str
    offset: int
    state: State


Locator = Callable[[int], Hit | None]


class KernelMemory:
    """Plain reads and writes through KeyID 0, the static areas, and pages for the heap."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.accesses = machine.accesses
        self.areas: list[Area] = []
        self._top = KERNEL_START
        self.heap_locator: Locator | None = None

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes of kernel memory."""
        return self._machine.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Overwrite kernel memory."""
        self._machine.write(address, data)

    def read_int(self, address: int, size: int) -> int:
        """A little-endian unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.read(address, size), "little")

    def write_int(self, address: int, value: int, size: int) -> None:
        """The same, written."""
        self.write(address, value.to_bytes(size, "little"))

    def area(self, name: str, size: int) -> Area:
        """A new static area, zeroed, on lines of its own; asked for while the kernel boots."""
        area = Area(name, self._take(size, LINE_BYTES), size)
        self.areas.append(area)
        self.write(area.address, bytes(size))
        return area

    def pages(self, count: int) -> int:
        """The address of ``count`` fresh heap pages; they hold whatever DRAM held."""
        return self._take(count * PAGE_BYTES, PAGE_BYTES)

    def _take(self, size: int, alignment: int) -> int:
        self.accesses.write("heap top")
        address = (self._top + alignment - 1) // alignment * alignment
        self._top = address + size
        return address

    def find(self, needle: bytes) -> list[Hit]:
        """Every place in kernel memory, live or freed, where ``needle`` lies, in order of address.

        Raises ValueError for an empty needle.
        """
        return self.find_each([needle])[0]

    def find_each(self, needles: Sequence[bytes]) -> list[list[Hit]]:
        """The same for several needles, in their order; memory is read once for all of them."""
        if not all(needles):
            raise ValueError("cannot search kernel memory: the needle is empty")
        image = self.read(KERNEL_START, self._top - KERNEL_START)
        return [self._places(image, needle) for needle in needles]

    def _places(self, image: bytes, needle: bytes) -> list[Hit]:
        hits = []
        place = image.find(needle)
        while place >= 0:
            hits.append(self.locate(KERNEL_START + place))
            place = image.find(needle, place + 1)
        return hits

    def locate(self, address: int) -> Hit:
        """Which object owns an address of kernel memory."""
        for area in self.areas:
            if area.address <= address < area.address + area.size:
                return Hit(address, area.name, area.name, address - area.address, "live")
        hit = self.heap_locator(address) if self.heap_locator else None
        return hit or Hit(address, "no object", "padding", 0, "freed")
