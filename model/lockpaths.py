"""Which locks every operation takes, in which order, under a design: the lock table as data.

An operation is a *path* of requests, one after the other, each a place where its thread can be
suspended. Hold `paths` against "Locks, in order of acquisition" (RFC v2 patches 07, 08, 10, 11 and
13) line by line: as posted, with one programming of one KeyID,

    instantiate, update       look, take map, read hotplug, execute, give hotplug, give map
    CPU startup               take hotplug, take map, execute, give map, give hotplug
    encrypt_mprotect          look, take map, take mmap_sem, (take map, …,) give mmap_sem, give map
    munmap, exit, merge       take mmap_sem, (take map, give map,) give mmap_sem
    destroy                   look, (take map, give map)

A thread that is at "take" or "read" has not got the lock yet; at "give" it has just given it back;
at "look" it is about to look at shared state without a lock; at "execute" it is about to execute
PCONFIG, and at "retry" to do so again after a transient failure.

What one path stands for. All looks, and all executions of PCONFIG, that follow one another without
a lock between them are one request, for no other thread could tell them apart. exit and merge do
what munmap does, as does a CPU startup without a KeyID to program what a teardown does, and an
operation that refuses before it programs what one does that clears nothing. A key with KeyIDs of
its own on each package has two of them: as posted, it then takes the CPU-hotplug lock twice.

Left out, because nothing waits while holding them or everything takes them first: mmap_sem for
reading (a page fault, a migration) and the semaphores of keys and keyrings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from designs import Design
from model.sorts import LOCK

ATTEMPTS = 3
"""How often PCONFIG is executed for a package at most where `on_program_failure` retries."""


class Request(NamedTuple):
    """What an operation asks for; `lock` is a constant of LOCK, or empty."""

    does: str
    lock: str = ""

    def __str__(self) -> str:
        return f"{self.does} {self.lock}".rstrip()


Path = tuple[Request, ...]

LOOK, EXECUTE, RETRY = Request("look"), Request("execute"), Request("retry")
MAP, HOTPLUG, MMAP_SEM = LOCK.constants
TAKE_MAP, GIVE_MAP = Request("take", MAP), Request("give", MAP)
TAKE_HOTPLUG, READ_HOTPLUG = Request("take", HOTPLUG), Request("read", HOTPLUG)
GIVE_HOTPLUG = Request("give", HOTPLUG)
TAKE_MMAP_SEM, GIVE_MMAP_SEM = Request("take", MMAP_SEM), Request("give", MMAP_SEM)


def paths(design: Design) -> Mapping[str, Path]:
    """Operation to its path. An operation with two outcomes that differ in locks is two of them.

    `_last` and `_shared`: the reference that it drops is the KeyID's last one, or is not.
    """
    execute = _execute(design)
    locked, unlocked = _around_programming(design)
    programming = _programming(design, 2 if design.keyid_scope == "per_package" else 1)
    refusing = (*locked, *(unlocked if design.error_unlock == "present" else ()))
    release = programming if design.on_release == "clear_first" else (TAKE_MAP, GIVE_MAP)
    at_once, later = (release, ()) if design.last_put == "locks_again" else ((), release)
    resupplies = design.keyid_scope == "global" and design.startup_gate != "refuse_any_key"
    found: dict[str, Path] = {
        "instantiate": (LOOK, *programming),
        "update": (LOOK, *programming),
        "update_ebusy": (LOOK, *refusing),
        "update_einval": (LOOK, *refusing),
        "destroy_last": (LOOK, *release),
        "destroy_shared": (LOOK,),
        "cpu_startup": (
            TAKE_HOTPLUG,
            TAKE_MAP,
            *(execute if resupplies else ()),
            GIVE_MAP,
            GIVE_HOTPLUG,
        ),
        "cpu_teardown": (TAKE_HOTPLUG, TAKE_MAP, GIVE_MAP, GIVE_HOTPLUG),
        "encrypt": (LOOK, TAKE_MAP, TAKE_MMAP_SEM, GIVE_MMAP_SEM, GIVE_MAP),
        "encrypt_last": (LOOK, TAKE_MAP, TAKE_MMAP_SEM, *at_once, GIVE_MMAP_SEM, GIVE_MAP, *later),
        "munmap": (TAKE_MMAP_SEM, GIVE_MMAP_SEM),
        "munmap_last": (TAKE_MMAP_SEM, *at_once, GIVE_MMAP_SEM, *later),
    }
    if design.keyid_scope == "per_package":
        found["extend"] = (LOOK, *_programming(design, 1))
    if design.on_program_failure == "quarantine" or design.on_release == "clear_first":
        found["retry_clear"] = _programming(design, 1)
    return found


def _execute(design: Design) -> Path:
    """Executions of PCONFIG with nothing between them."""
    retries = ATTEMPTS - 1 if design.on_program_failure == "quarantine" else 0
    return (EXECUTE, *(RETRY,) * retries)


def _around_programming(design: Design) -> tuple[Path, Path]:
    """What an operation that may program takes first, and what it gives back last."""
    if design.lock_order == "hotplug_first":
        return (READ_HOTPLUG, TAKE_MAP), (GIVE_MAP, GIVE_HOTPLUG)
    return (TAKE_MAP,), (GIVE_MAP,)


def _programming(design: Design, times: int) -> Path:
    """Program that many (package, KeyID) pairs, one after the other, with all locks around it."""
    locked, unlocked = _around_programming(design)
    execute = _execute(design)
    if design.lock_order == "map_first":
        execute = (READ_HOTPLUG, *execute, GIVE_HOTPLUG) * times
    return (*locked, *execute, *unlocked)
