"""How large a machine is checked: the finite bounds, each with the reason why it is enough.

A bound is enough when a larger one shows nothing new about the properties judged so far. Where
that is an argument and not a proof, it says so; the deep test profile tries each bound plus one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from checker.systems.system import Index
from designs import Design
from model.sorts import BYTES, CPU, KEY, KEYID, LOCK, PACKAGE, THREAD, TOKEN, VMA


class ScopeError(ValueError):
    """A scope out of range; the message names the bound and its range."""


LIMITS: Mapping[str, tuple[int, int]] = {
    "packages": (1, 8),
    "cpus": (1, 8),
    "keyids": (1, 15),
    "values": (1, 4),
    "vmas": (1, 4),
    "threads": (1, 4),
}


@dataclasses.dataclass(frozen=True)
class Scope:
    """How many packages, CPUs in each, KeyIDs, distinct user keys, VMAs and threads there are.

    `packages` 2: every property here compares at most two packages, or looks at one; a page lies on
    one, and moves to one other.
    `cpus` 2: a CPU that comes or goes is the only online CPU of its package, or is not; with two,
    both cases arise, and so does handing the lead to another.
    `keyids` 2: two KeyIDs are needed for a KeyID that is the last (whose bit and count the posted
    arrays leave out) beside one that is not, for a CPU startup that fails between two KeyIDs, for a
    VMA that goes from one to another, and for a look-up by address, which finds the lower of two.
    `values` 2: key bytes are compared only for equality: the entries of one KeyID on two packages;
    an entry with what its owner asked for, or with what a page was written under; two entries of
    one package, which open each other's pages. Two distinct user keys, beside zeros and random keys
    that are always there, give every outcome of every comparison.
    `vmas` 2: a count is moved by a first and by a last VMA, whose reference another can take away;
    a fork needs a second VMA, and so does whoever reads the page of another. A third that uses the
    same KeyID only keeps the count up. That is an argument: three are checked too.
    `threads` 2: an operation that waits while it holds a lock has the map lock, or is on its way to
    it; so one that has it and one that comes for it close a circle, if any do. A third, such as a
    CPU startup that queues in front of a reader, only makes it longer. That is an argument: three
    and four threads are checked too.

    The number of keys is hardly a bound: there are as many key objects as KeyIDs, or as pairs of
    package and KeyID where each package has its own. A live key holds a KeyID, and so does a freed
    object whose address the map still has. Only where addresses are reused can a key lose its KeyID
    and live on, and so keep its object from others, as does a key to which a call refers that waits
    for ever; but all it can do then is to be refused, and whatever others do beside it they can do
    when it is destroyed.

    Every bound plus one is tried on every cell of the matrix by `tests/test_conformance_replay.py`
    (deep), threads by `tests/test_properties_locking.py`.

    Raises ScopeError when a bound is out of range.
    """

    packages: int = 2
    cpus: int = 2
    keyids: int = 2
    values: int = 2
    vmas: int = 2
    threads: int = 2

    def __post_init__(self) -> None:
        for name, (least, greatest) in LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= greatest:
                raise ScopeError(f"{name}={value} is out of range; known: {least} to {greatest}")

    def sizes(self, design: Design) -> dict[Index, int]:
        """The size of each index sort of the model under a design."""
        maps = self.packages if design.keyid_scope == "per_package" else 1
        return {
            PACKAGE: self.packages,
            CPU: self.cpus,
            KEYID: self.keyids,
            KEY: maps * self.keyids,
            BYTES: len(BYTES.constants) + self.values,
            VMA: self.vmas,
            THREAD: self.threads,
            TOKEN: len(TOKEN.constants),
            LOCK: len(LOCK.constants),
        }

    def __str__(self) -> str:
        counted = (
            _count(self.packages, "package"),
            f"{_count(self.cpus, 'CPU')} each",
            _count(self.keyids, "KeyID"),
            _count(self.values, "distinct user key"),
            _count(self.vmas, "VMA"),
            _count(self.threads, "thread"),
        )
        return ", ".join(counted)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
