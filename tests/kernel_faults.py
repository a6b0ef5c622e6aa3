"""Single mistakes that the running kernel could have had: each changes one thing of it.

A lockstep that lets one of them pass says nothing. `FAULTS` has for each a design under which it
shows, and a function that puts it in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from impl.hardware.dram import PAGE_BYTES
from impl.hardware.machine import Machine
from impl.mm.addressspace import AddressSpace
from impl.mm.lastput import LastPuts
from impl.mm.mappings import Mappings
from impl.mm.paging import Paging
from impl.service import hotplug
from impl.service.bitmap import UserBitmap
from impl.service.calls import Calls
from impl.service.gate import StartupGate
from impl.service.globalscope import GlobalKeyService
from impl.service.keymap import SLOT_BYTES, KeyMap
from impl.service.packagescope import PerPackageKeyService
from impl.service.payload import Preparser
from impl.service.program import Programmer
from impl.service.refcounts import EncryptCounts
from impl.service.system import System
from impl.service.vault import Vault
from impl.threads import Operation
from model import Scope

MEMORY = Scope(1, 1, 2, 1, 2, 1)
"""So little else can happen that processes meet each other's pages often."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """A design and a scope in which the mistake shows, and what makes it."""

    design: str
    make: Callable[[pytest.MonkeyPatch], None]
    scope: Scope = Scope()  # noqa: RUF009 (it is immutable)


def _replaces(owner: type, name: str, wrong: Any) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(owner, name, wrong)


def _around(
    owner: type, name: str, wrong: Callable[..., Any]
) -> Callable[[pytest.MonkeyPatch], None]:
    """`wrong` gets the right method before its arguments."""

    def make(patch: pytest.MonkeyPatch) -> None:
        right = getattr(owner, name)
        patch.setattr(owner, name, lambda *args, **more: wrong(right, *args, **more))

    return make


def _does_nothing(*_args: Any) -> None:
    return None


def _waits_for_nothing(*_args: Any) -> Operation[None]:
    yield from ()


# References and VMAs


def _fork_without_reference(self: Mappings, child: AddressSpace) -> None:
    for vma in self._space.vmas:
        child.vmas.insert(vma)
        self._paging.share(self._space, child, vma)


def _unmap_without_drop(self: Mappings, start: int, end: int) -> Operation[None]:
    for vma in self._space.vmas.between(start, end):
        self._space.vmas.remove(vma)
    self._paging.discard(self._space, start, end)
    yield from ()


def _drop_on_one_package(self: PerPackageKeyService, handle: int) -> bool:
    pairs = list(self._pairs(handle).items())[:1]
    return any([self.counts[package].drop(keyid) for package, keyid in pairs])


def _extend_counts_one(
    right: Any, self: Any, key: Any, chosen: Any, material: Any, _references: Any, call: str
) -> Any:
    return right(self, key, chosen, material, lambda: 1, call)


# Pages


def _store_but_not(cause: str) -> Callable[..., None]:
    def store(right: Any, self: Paging, *args: Any) -> None:
        if args[-1] != cause:
            right(self, *args)

    return store


def _cleared_when_discarded(
    right: Any, self: Paging, space: AddressSpace, start: int, end: int
) -> None:
    for _, entry in space.pages.between(start, end):
        if not self.frames.is_shared(entry.frame):
            self._machine.write(entry.address, bytes(PAGE_BYTES))
    right(self, space, start, end)


def _left_behind_on_reencryption(
    right: Any, self: Paging, space: AddressSpace, start: int, end: int
) -> None:
    if space.vmas.at(start) is None:
        right(self, space, start, end)


def _own_without_copy(
    self: Paging, _node: int, space: AddressSpace, page: int, _vma: Any, entry: Any, _call: str
) -> None:
    space.pages.set(page, dataclasses.replace(entry, writable=True))


def _share_writable(self: Paging, parent: Any, child: AddressSpace, vma: Any) -> None:
    for page, entry in parent.pages.between(vma.start, vma.end):
        child.pages.set(page, dataclasses.replace(entry, writable=False))
        self.frames.share(entry.frame, (child.pid, page))


def _placed_on_the_farthest(right: Any, self: Paging, node: int, *args: Any) -> Any:
    return right(self, len(self.frames.pools) - 1 - node, *args)


# Map, bitmap, vault


def _free_keeps_slot(self: KeyMap, _keyid: int) -> None:
    self._set_count(self.count - 1)


def _free_keeps_count(self: KeyMap, keyid: int) -> None:
    self._memory.write_int(self._slot(keyid), 0, SLOT_BYTES)


def _find_highest(self: KeyMap, value: int) -> int | None:
    return max((k for k, held in self.entries().items() if held == value), default=None)


def _highest_free(self: KeyMap, out_of_service: Any) -> int | None:
    free = set(range(1, self.keyids + 1)) - set(self.entries()) - set(out_of_service)
    return max(free, default=None)


def _free_despite_service(right: Any, self: KeyMap, _out_of_service: Any) -> int | None:
    return right(self, ())


def _set_only(wanted: bool) -> Callable[..., None]:
    def set_bit(right: Any, self: UserBitmap, keyid: int, value: bool) -> None:
        if value is wanted:
            right(self, keyid, value)

    return set_bit


def _load_once(right: Any, self: Vault, keyid: int, material: Any) -> None:
    if not self.read(keyid).control_word:
        right(self, keyid, material)


def _keeps_keys_always(right: Any, self: Vault, *args: Any) -> None:
    right(self, *args)
    self._keeps_keys = True


# Programming and the machine


def _clears_one(right: Any, self: System, keyid: int, packages: Iterable[int]) -> Any:
    return right(self, keyid, list(packages)[:1])


def _programs_again_and_forgets(self: Calls, package: int, keyid: int) -> Operation[None]:
    self._system.put_into_service((package, keyid))
    yield from ()


def _reaches_the_first(right: Any, self: System) -> list[int]:
    return right(self)[:1]


def _fills_backwards(right: Any, self: Any, package: int, cpu: int, kept: Any, call: str) -> Any:
    return right(self, package, cpu, dict(reversed(kept.items())), call)


def _added_with_memory(right: Any, self: Machine, number: int) -> None:
    right(self, number)
    self.packages[number].memory_present = True


def _leads_with_the_highest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hotplug, "min", max, raising=False)


FAULTS: dict[str, Fault] = {
    "fork takes no reference": Fault(
        "rfc-v2-fixed", _replaces(Mappings, "duplicate", _fork_without_reference)
    ),
    "unmap drops no reference": Fault(
        "rfc-v2-fixed", _replaces(Mappings, "unmap", _unmap_without_drop)
    ),
    "encrypt takes no reference": Fault("rfc-v2-fixed", _replaces(LastPuts, "take", _does_nothing)),
    "a reference is dropped twice": Fault(
        "rfc-v2-fixed",
        _around(EncryptCounts, "drop", lambda right, self, k: right(self, k) | right(self, k)),
    ),
    "the last reference releases nothing": Fault(
        "rfc-v2-fixed", _replaces(LastPuts, "settle", _waits_for_nothing)
    ),
    "a reference is dropped on one package only": Fault(
        "per-package", _replaces(PerPackageKeyService, "drop", _drop_on_one_package)
    ),
    "an extension counts the key alone": Fault(
        "per-package",
        _around(PerPackageKeyService, "_enter", _extend_counts_one),
        Scope(2, 1, 1, 1, 1, 1),
    ),
    "encrypt leaves the page": Fault(
        "rfc-v2-fixed", _around(Paging, "discard", _left_behind_on_reencryption), MEMORY
    ),
    "a freed page is cleared": Fault(
        "rfc-v2-fixed", _around(Paging, "discard", _cleared_when_discarded), MEMORY
    ),
    "a migrated page is not encrypted again": Fault(
        "rfc-v2-fixed", _around(Paging, "store", _store_but_not("migrated"))
    ),
    "a write after fork copies nothing": Fault(
        "rfc-v2-fixed", _replaces(Paging, "_own", _own_without_copy), MEMORY
    ),
    "fork leaves the parent's page writable": Fault(
        "rfc-v2-fixed", _replaces(Paging, "share", _share_writable), MEMORY
    ),
    "a page is placed far from its process": Fault(
        "rfc-v2-fixed", _around(Paging, "_place", _placed_on_the_farthest)
    ),
    "the map keeps a slot": Fault("rfc-v2-fixed", _replaces(KeyMap, "free", _free_keeps_slot)),
    "the map counts a slot that is free": Fault(
        "rfc-v2-fixed", _replaces(KeyMap, "free", _free_keeps_count)
    ),
    "a look-up takes the highest slot": Fault("rfc-v2", _replaces(KeyMap, "find", _find_highest)),
    "a new key gets the highest KeyID": Fault(
        "rfc-v2-fixed", _replaces(KeyMap, "lowest_free", _highest_free)
    ),
    "a KeyID that waits for clearing is given away": Fault(
        "rfc-v2-fixed", _around(KeyMap, "lowest_free", _free_despite_service)
    ),
    "a bit is never cleared": Fault("rfc-v2-fixed", _around(UserBitmap, "set", _set_only(True))),
    "a bit is never set": Fault("rfc-v2-fixed", _around(UserBitmap, "set", _set_only(False))),
    "the vault is stale after an update": Fault(
        "rfc-v2-savekeys", _around(Vault, "load", _load_once)
    ),
    "the vault keeps keys unasked": Fault("rfc-v2", _around(Vault, "__init__", _keeps_keys_always)),
    "a released vault slot is not scrubbed": Fault(
        "rfc-v2-savekeys-fixed", _replaces(Vault, "scrub", _does_nothing)
    ),
    "an unlock is forgotten": Fault(
        "rfc-v2-fixed", _replaces(System, "unlock_map", _waits_for_nothing)
    ),
    "clear skips a package": Fault("rfc-v2-fixed", _around(System, "clear", _clears_one)),
    "nothing is ever quarantined": Fault(
        "rfc-v2-fixed", _replaces(System, "quarantines", lambda _self: False)
    ),
    "a retry clears nothing": Fault(
        "rfc-v2-fixed", _replaces(Calls, "_retry_clear", _programs_again_and_forgets)
    ),
    "programming reaches one package": Fault(
        "rfc-v2-fixed", _around(System, "reachable_packages", _reaches_the_first)
    ),
    "a package out of reach refuses no key": Fault(
        "no-hotplug", _replaces(System, "refuse_unreachable", _does_nothing)
    ),
    "the startup gate is open": Fault("rfc-v2", _replaces(StartupGate, "_refuse", _does_nothing)),
    "a startup programs the last KeyID first": Fault(
        "rfc-v2-savekeys", _around(GlobalKeyService, "_fill", _fills_backwards), Scope(2, 1, 2)
    ),
    "a teardown is never refused": Fault(
        "no-hotplug", _replaces(GlobalKeyService, "holds_keys", lambda *_: False)
    ),
    "the highest CPU takes the lead": Fault(
        "rfc-v2-fixed", _leads_with_the_highest, Scope(2, 3, 1)
    ),
    "an added package has memory at once": Fault(
        "rfc-v2-fixed", _around(Machine, "add_package", _added_with_memory)
    ),
    "a payload is never freed": Fault(
        "rfc-v2-fixed", _replaces(Preparser, "release", _does_nothing)
    ),
    "a programming structure is scrubbed though the design does not": Fault(
        "rfc-v2", _replaces(Programmer, "_free", lambda self, o: self._slab.kfree_sensitive(o))
    ),
}
