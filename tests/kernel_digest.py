"""Reads the state of a kernel and its hardware from bytes and tables, apart from the kernel's code.

A *slot* is a KeyID, or (package, KeyID) with per-package KeyIDs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from impl.heap.memory import Area
from impl.kernel import Kernel
from impl.locks import Lock
from impl.mm.frames import FRAMES_OFFSET

Digest = dict[str, Any]
Slot = int | tuple[int, int]

# The kernel stack is scratch: no operation reads what another left there.
SCRATCH = ("kernel stack",)
SLOT_BYTES, COUNT_BYTES = 8, 4


def digest(kernel: Kernel, locks: Iterable[Lock]) -> Digest:
    """Everything that a later operation or the hardware can tell apart, by name.

    Left out: freed memory, serial numbers yet to come, and the order of free objects.
    """
    machine, mm = kernel.machine, kernel.mm
    found: Digest = {
        f"key table of package {p}": [package.table[k] for k in range(1, machine.keyids + 1)]
        for p, package in enumerate(machine.packages)
    }
    found |= {
        area.name: kernel.memory.read(area.address, area.size)
        for area in kernel.memory.areas
        if area.name not in SCRATCH
    }
    found |= {
        f"package {p}": (package.present, package.memory_present, [c.online for c in package.cpus])
        for p, package in enumerate(machine.packages)
    }
    for pid, process in mm.processes.items():
        found[f"mappings of process {pid}"] = mm.vmas(process)
        found[f"pages of process {pid}"] = mm.page_table(process)
    return found | {
        "processes": list(mm.processes),
        "lead CPUs": kernel.lead_cpus(),
        "KeyIDs out of service": kernel.uncleared(),
        "locks": sorted(lock.name for lock in locks if lock.is_held),
        "keys": kernel.keyctl.listing(kernel.init),
        "quota": [kernel.keyctl.quota.account(uid) for uid in (0, 1000)],
        "live objects": Counter(
            (one.cache, one.holds) for one in kernel.slab.objects() if one.live
        ),
        "page frames": frames(kernel),
    }


def frames(kernel: Kernel) -> bytes:
    """A hash of all user memory as stored."""
    stored = hashlib.sha256()
    for package in kernel.machine.packages:
        for offset, page in package.dram.image():
            if offset >= FRAMES_OFFSET:
                stored.update(page)
    return stored.digest()


def changed(old: Digest, new: Digest) -> list[str]:
    """The names of what differs."""
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


# Tables of the key service, as they lie in kernel memory


def areas(kernel: Kernel, name: str) -> list[tuple[int | None, Area]]:
    """(package, area) of the tables with that name; the package is None where there is only one."""
    found: list[tuple[int | None, Area]] = []
    for area in kernel.memory.areas:
        first, _, package = area.name.partition(" of package ")
        if first == name:
            found.append((int(package) if package else None, area))
    return found


def words(kernel: Kernel, area: Area, size: int) -> list[int]:
    """A table's little-endian words of ``size`` bytes each."""
    raw = kernel.memory.read(area.address, area.size)
    return [int.from_bytes(raw[at : at + size], "little") for at in range(0, len(raw), size)]


def slot(package: int | None, keyid: int) -> Slot:
    """How a KeyID of a table is named."""
    return keyid if package is None else (package, keyid)


def slot_values(kernel: Kernel) -> dict[Slot, int]:
    """Slot -> what the map holds there, for the mapped ones."""
    found = {}
    for package, area in areas(kernel, "map"):
        values = words(kernel, area, SLOT_BYTES)
        for keyid in range(1, kernel.machine.keyids + 1):
            if values[keyid]:
                found[slot(package, keyid)] = values[keyid]
    return found


def map_counts(kernel: Kernel) -> dict[int | None, int]:
    """Package (or None) -> how many slots the kernel counts as mapped."""
    last = kernel.machine.keyids + 1
    return {p: words(kernel, area, SLOT_BYTES)[last] for p, area in areas(kernel, "map")}


def references(kernel: Kernel) -> dict[Slot, int]:
    """Slot -> its reference count."""
    found = {}
    for package, area in areas(kernel, "encrypt_count"):
        counts = words(kernel, area, COUNT_BYTES)
        for keyid in range(1, kernel.machine.keyids + 1):
            found[slot(package, keyid)] = counts[keyid]
    return found


def counted_bits(kernel: Kernel) -> dict[Slot, bool]:
    """Slot -> whether its bit is set where the gate's weight sees it."""
    keyids = kernel.machine.keyids
    last = keyids - 1 if kernel.design.bitmap_bits == "n" else keyids
    found = {}
    for package, area in areas(kernel, "user-type bitmap"):
        (bits,) = words(kernel, area, area.size)
        for keyid in range(1, keyids + 1):
            found[slot(package, keyid)] = bool(bits >> keyid & 1) and keyid <= last
    return found
