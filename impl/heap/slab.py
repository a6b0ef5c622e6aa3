"""Decides which kernel object gets which memory: slab caches over DRAM.

The object freed last is reused first, and freed bytes stay. Behaves as SLUB does on one CPU as far
as contents go, with one difference: SLUB keeps its list of free objects inside the freed objects (8
bytes each), here it is kept outside, so that a freed object keeps all of its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from impl.hardware.dram import PAGE_BYTES
from impl.heap.memory import Hit, KernelMemory, State

# The kernel's size classes below one page (mm/slab_common.c).
KMALLOC_SIZES: Final = (8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048)


@dataclass(eq=False)
class Object:
    """``size`` usable bytes at ``address``; ``holds`` names their present or last use."""

    cache: str
    address: int
    size: int
    holds: str = ""
    live: bool = False


class Cache:
    """One slab cache: objects of one size and alignment."""

    def __init__(self, memory: KernelMemory, name: str, size: int, alignment: int = 8) -> None:
        self.name = name
        self.size = size
        self._memory = memory
        self._stride = (size + alignment - 1) // alignment * alignment
        self._per_page = PAGE_BYTES // self._stride
        self._by_address: dict[int, Object] = {}
        self._free: list[Object] = []
        # Where the next fresh object of the newest page lies, and where that page's room ends.
        self._fresh = self._fresh_end = 0

    @property
    def objects(self) -> list[Object]:
        """Every object that was ever handed out, in order of its first use."""
        return list(self._by_address.values())

    def allocate(self, holds: str, *, zeroed: bool = False) -> Object:
        """The object freed last, else a fresh one; its bytes stay unless ``zeroed``."""
        self._memory.accesses.write(("slab cache", self.name))
        found = self._free.pop() if self._free else self._take_fresh()
        found.holds, found.live = holds, True
        if zeroed:
            self._memory.write(found.address, bytes(self.size))
        return found

    def free(self, freed: Object, *, sensitive: bool = False) -> None:
        """Back to the cache; its bytes stay unless ``sensitive``, which clears them first.

        Raises ValueError for an object that is free already: a bug of the simulated kernel.
        """
        if not freed.live:
            raise ValueError(f"cannot free {freed.cache} object: it is free already")
        self._memory.accesses.write(("slab cache", self.name))
        if sensitive:
            self._memory.write(freed.address, bytes(freed.size))
        freed.live = False
        self._free.append(freed)

    def _take_fresh(self) -> Object:
        """Fresh objects go out in order of address, a page at a time."""
        if self._fresh == self._fresh_end:
            self._fresh = self._memory.pages(1)
            self._fresh_end = self._fresh + self._per_page * self._stride
        found = self._by_address[self._fresh] = Object(self.name, self._fresh, self.size)
        self._fresh += self._stride
        return found

    def locate(self, address: int) -> Object | None:
        """The object whose bytes (or padding up to the next object) include ``address``."""
        page = address // PAGE_BYTES * PAGE_BYTES
        return self._by_address.get(address - (address - page) % self._stride)


class Slab:
    """All caches: the kmalloc size classes and the ones that kernel code creates for itself."""

    def __init__(self, memory: KernelMemory) -> None:
        self._memory = memory
        self._caches: dict[str, Cache] = {}
        for size in KMALLOC_SIZES:
            self.create_cache(f"kmalloc-{size}", size)
        memory.heap_locator = self.locate

    def create_cache(self, name: str, size: int, alignment: int = 8) -> Cache:
        """A cache of its own; takes no memory before the first allocation."""
        cache = self._caches[name] = Cache(self._memory, name, size, alignment)
        return cache

    def cache(self, name: str) -> Cache:
        """The cache of that name. Raises KeyError."""
        return self._caches[name]

    def kmalloc(self, size: int, holds: str) -> Object:
        """An object of the smallest size class that fits; ValueError above 2048 bytes."""
        return self._class_of(size).allocate(holds)

    def kzalloc(self, size: int, holds: str) -> Object:
        """The same, zeroed."""
        return self._class_of(size).allocate(holds, zeroed=True)

    def kfree(self, freed: Object) -> None:
        """Free without clearing."""
        self._caches[freed.cache].free(freed)

    def kfree_sensitive(self, freed: Object) -> None:
        """Clear the whole object, then free it."""
        self._caches[freed.cache].free(freed, sensitive=True)

    def _class_of(self, size: int) -> Cache:
        for fitting in KMALLOC_SIZES:
            if size <= fitting:
                return self._caches[f"kmalloc-{fitting}"]
        raise ValueError(f"cannot allocate {size} bytes: the largest size class is 2048")

    def objects(self) -> list[Object]:
        """Every object that was ever handed out, live or freed."""
        return [found for cache in self._caches.values() for found in cache.objects]

    def locate(self, address: int) -> Hit | None:
        """The heap object at an address, as a search reports it; None outside every slab."""
        for cache in self._caches.values():
            found = cache.locate(address)
            if found is not None:
                state: State = "live" if found.live else "freed"
                return Hit(address, found.cache, found.holds, address - found.address, state)
        return None
