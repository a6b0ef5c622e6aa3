"""How long bounded search takes to a deep counterexample, and what Z3's own unrolling takes.

The system is that of the key tables where a package that comes back misses the last KeyID: with n
KeyIDs that shows after n + 2 calls and no sooner. A time includes reading the text for the sizes,
and finding the least of the shortest runs. Z3 is given less far to go: it is the slower one.
"""

from __future__ import annotations

import time

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from benchmarks.rows import Row
from checker.solving.bounded import bounded
from checker.solving.unroll import Backend
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem

SECONDS_MAX = 60.0

KEYS = 2


def rows() -> list[Row]:
    """The search at 8 packages and 8 KeyIDs with its parts, and a smaller one beside Z3's."""
    return [*deep(8, 8, "< 3"), *compared(4, 4)]


def deep(packages: int, keyids: int, goal: str = "") -> list[Row]:
    """The whole search, how long the text takes to read, and the search once the depth is known."""
    name = f"BMC, {packages} packages, {keyids} KeyIDs, {KEYS} keys"
    begun = time.perf_counter()
    system, claim = grounded(packages, keyids)
    reading = time.perf_counter() - begun
    seconds, told = searched(system, claim, keyids + 2, "sat")
    whole = reading + seconds
    known, _ = searched(system, claim, keyids + 2, "sat", keyids + 1)
    return [
        Row(name, whole, "s", goal=goal, note=told),
        Row(f"{name}: reading the text", reading, "s", "the whole", reading / whole),
        Row(f"{name}: with the depth known", known, "s", "the whole", known / whole),
    ]


def compared(packages: int, keyids: int) -> list[Row]:
    """The search by clauses beside the one that Z3 holds."""
    name = f"BMC, {packages} packages, {keyids} KeyIDs, {KEYS} keys"
    system, claim = grounded(packages, keyids)
    clauses, told = searched(system, claim, keyids + 2, "sat")
    terms, by_z3 = searched(system, claim, keyids + 2, "z3")
    return [
        Row(name, clauses, "s", note=told),
        Row(f"{name}: held by Z3", terms, "s", "clauses", terms / clauses, note=by_z3),
    ]


def grounded(packages: int, keyids: int) -> tuple[GroundSystem, GroundProperty]:
    """The system of these sizes, and its claim."""
    finite = Finite({PACKAGE: packages, KEYID: keyids, BYTES: KEYS + 1})
    grounding = Grounding(key_tables(finite, misses_last=True))
    return grounding.system, grounding.property(online_packages_agree(finite))


def searched(
    system: GroundSystem,
    claim: GroundProperty,
    depth: int,
    backend: Backend,
    depth_done: int = -1,
) -> tuple[float, str]:
    """Seconds of a bounded search, and what it found."""
    begun = time.perf_counter()
    verdict = bounded(system, claim, depth, SECONDS_MAX, depth_done, backend)
    return time.perf_counter() - begun, f"{verdict.word} at depth {verdict.depth}"
