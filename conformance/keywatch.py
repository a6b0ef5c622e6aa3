"""What owners know of their keys: the KeyIDs they were given, and what they last got.

The kernel keeps none of this, or keeps it so that it cannot be told apart from a mistake: who took
which reference, for example, a count does not say. It is written down call by call, from the
answers and from what has changed in the map; what is written is then held against the kernel's own
numbers by `abstraction`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping

Slot = int | tuple[int, int]
"""A KeyID, or with per-package KeyIDs (package, KeyID), as the kernel numbers them."""

Holder = str | int
"""Who took a reference: KEY, or a VMA by its number."""

KEY: Holder = "key"

Request = tuple[str, str]
"""A payload's kind and the label of its user key, as the model has them."""


@dataclasses.dataclass
class KeyWatch:
    """The keys of a kernel by the position of the model's key object.

    `serials`: of live keys. `values`: what slots and VMAs hold for an object, live or freed.
    `given`: the slots that a live key was given. `asked`: (kind, label) that an owner last got, by
    slot, or with per-package KeyIDs by key object, whose KeyIDs have one owner.
    `known`: labels of all user keys that an owner handed in for its key, by the same.
    `holders`: slot -> who has a reference that is counted. `released`: labels of user keys that
    some KeyID stood for, and none does now. `in_flight`: keys that a call refers to which never
    comes back.
    """

    per_package: bool
    serials: dict[int, int] = dataclasses.field(default_factory=dict)
    values: dict[int, int] = dataclasses.field(default_factory=dict)
    given: dict[int, set[Slot]] = dataclasses.field(default_factory=dict)
    asked: dict[Slot, Request] = dataclasses.field(default_factory=dict)
    known: dict[Slot, set[str]] = dataclasses.field(default_factory=dict)
    holders: dict[Slot, set[Holder]] = dataclasses.field(default_factory=dict)
    released: set[str] = dataclasses.field(default_factory=set)
    in_flight: set[int] = dataclasses.field(default_factory=set)

    # Looking

    def found(self, key: int, entries: Mapping[Slot, int]) -> list[Slot]:
        """The slots that a look-up of the key object finds: the lowest of each map."""
        if key not in self.values:
            return []
        lowest: dict[int, Slot] = {}
        for slot in sorted(entries, key=_order):
            if entries[slot] == self.values[key]:
                lowest.setdefault(_map_of(slot), slot)
        return list(lowest.values())

    def stale(self) -> set[int]:
        """What slots and VMAs still hold of key objects that are free."""
        return {value for key, value in self.values.items() if key not in self.serials}

    def asked_of(self, key: int) -> Request:
        """What the owner of a live key last got."""
        return self.asked[key if self.per_package else min(self.given[key], key=_order)]

    def asks_for_encryption(self, key: int) -> bool:
        """Whether its owner last got that. A key whose KeyID is gone has got nothing."""
        return bool(self.given[key]) and self.asked_of(key)[0] in ("user", "cpu")

    # Writing down

    def supplied(self, label: str) -> None:
        """An owner hands a key in."""
        self.released.discard(label)

    def came(self, key: int, value: int, serial: int, slots: Iterable[Slot], got: Request) -> None:
        """A key was made, with these slots, which hold the value."""
        self.serials[key] = serial
        self.values[key] = value
        self.given[key] = set(slots)
        for at in self._owners(key, slots):
            self.known[at] = set()
        self.learned(key, slots, got)
        self.changed(key, slots, got)
        for slot in slots:
            self.holders[slot] = {KEY}

    def changed(self, key: int, slots: Iterable[Slot], got: Request) -> None:
        """The owner of a key that is found at these slots has what it asked for."""
        for at in self._owners(key, slots):
            self.asked[at] = got

    def learned(self, key: int, slots: Iterable[Slot], got: Request) -> None:
        """The owner of a key that is found at these slots has handed in a payload for it."""
        kind, label = got
        for at in self._owners(key, slots) if kind == "user" else ():
            self.known.setdefault(at, set()).add(label)

    def _owners(self, key: int, slots: Iterable[Slot]) -> set[Slot]:
        """Whose request it is: with per-package KeyIDs the key object's, else that of the slots,
        and of those that the key was given, which need not be those where it is found.
        """
        return {key} if self.per_package else {*slots, *self.given[key]}

    def grew(self, key: int, slots: Iterable[Slot], users: Iterable[int]) -> None:
        """A key got more slots, to which it refers, and so do the VMAs that use it."""
        for slot in slots:
            self.given[key].add(slot)
            self.holders[slot] = {KEY, *users}

    def went(self, key: int) -> None:
        """A key is a key no more."""
        self.serials.pop(key, None)
        self.given.pop(key, None)

    def take(self, vma: int, slots: Iterable[Slot]) -> None:
        """A VMA takes a reference at these slots."""
        for slot in slots:
            self.holders.setdefault(slot, set()).add(vma)

    def drop(self, who: Holder, slots: Iterable[Slot]) -> None:
        """A reference is dropped at these slots: one's own, or else another's, key's first."""
        for slot in slots:
            left = self.holders.get(slot, set())
            vmas = sorted(holder for holder in left if isinstance(holder, int))
            order: list[Holder] = [who, KEY, *vmas]
            victim = next((holder for holder in order if holder in left), None)
            if victim is not None:
                left.discard(victim)

    def settle(
        self, before: Mapping[Slot, int], after: Mapping[Slot, int], handles: Container[int]
    ) -> None:
        """What a call has taken out of the map means nothing any more, unless a VMA remembers it.

        `handles`: what VMAs remember.
        """
        self._end_requests(before, after)
        for slot in [slot for slot in before if slot not in after]:
            self.holders.pop(slot, None)
            for slots in self.given.values():
                slots.discard(slot)
        held = set(after.values())
        for key in [x for x in self.values if x not in self.serials]:
            if self.values[key] not in held and self.values[key] not in handles:
                del self.values[key]

    def _end_requests(self, before: Mapping[Slot, int], after: Mapping[Slot, int]) -> None:
        """Requests whose KeyIDs are all gone; a user key among them is released."""
        if self.per_package:
            held = set(after.values())
            ended = [x for x in self.asked if self.values[x] not in held]  # type: ignore[index]
        else:
            ended = [slot for slot in before if slot not in after]
        for at in ended:
            self.known.pop(at, None)
        requests = {self.asked.pop(at) for at in ended if at in self.asked}
        in_use = set(self.asked.values())
        self.released |= {label for kind, label in requests - in_use if kind == "user"}


def _map_of(slot: Slot) -> int:
    return slot[0] if isinstance(slot, tuple) else 0


def _order(slot: Slot) -> tuple[int, int]:
    return slot if isinstance(slot, tuple) else (0, slot)
