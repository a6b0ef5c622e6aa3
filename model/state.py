"""The predicates that the model's text is written in: what is true of one state of the machine.

They hide where a design has one map, one array of counts and one bitmap for all packages, or one of
each for every package: a *slot* is a place of whichever there is, named by package and KeyID, and
the package is ignored where KeyIDs are global. So operations and properties read the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.system import Interpretation, Term, Values
from designs import Design
from model.families import can_hang, can_lose_lock, remembers_keyids
from model.sorts import ANSWER, BYTES, CONTROL, CPU, KEY, KEYID, KIND, MODE, PACKAGE, VMA

Slots = Callable[[Any, Any], Term]
"""Which slots are meant, by package (not used where KeyIDs are global) and KeyID."""


class State:
    """One state, as operations and properties read it. Methods give Z3 terms, if not said."""

    def __init__(self, design: Design, interpretation: Interpretation, values: Values) -> None:
        self.design = design
        self.every = interpretation.every
        self.some = interpretation.some
        self.less = interpretation.less
        self._interpretation = interpretation
        self._values = values

    def __getattr__(self, family: str) -> Any:
        return getattr(self._values, family)

    @property
    def per_package(self) -> bool:
        """Whether each package has its own map (a fact about the design, not a term)."""
        return self.design.keyid_scope == "per_package"

    # Constants

    def answer(self, name: str) -> Term:
        """A value of ANSWER."""
        return self._interpretation.constant(ANSWER, name)

    def kind(self, name: str) -> Term:
        """A value of KIND."""
        return self._interpretation.constant(KIND, name)

    def mode(self, name: str) -> Term:
        """A value of MODE."""
        return self._interpretation.constant(MODE, name)

    def control(self, name: str) -> Term:
        """A value of CONTROL."""
        return self._interpretation.constant(CONTROL, name)

    def bytes(self, name: str) -> Term:
        """A constant of BYTES: zeros or random."""
        return self._interpretation.constant(BYTES, name)

    def is_user_bytes(self, value: Term) -> Term:
        """Whether the value is some user's key."""
        return z3.And(value != self.bytes("zeros"), value != self.bytes("random"))

    # Packages and CPUs

    def is_first_package(self, package: Term) -> Term:
        """Whether it is package 0, which the machine boots from."""
        return z3.Not(self.some(PACKAGE, lambda p: self.less(p, package)))

    def is_first_cpu(self, cpu: Term) -> Term:
        """Whether it is CPU 0 of its package."""
        return z3.Not(self.some(CPU, lambda c: self.less(c, cpu)))

    def has_online(self, package: Term) -> Term:
        """Whether some CPU of the package is online."""
        return self.some(CPU, lambda c: self.online[package, c])

    def has_lead(self, package: Term) -> Term:
        """Whether the package has a lead CPU: whether its key table can be programmed."""
        return self.some(CPU, lambda c: self.lead[package, c])

    def out_of_reach(self, package: Term) -> Term:
        """Whether its memory is in use while no CPU of it is online (`unreachable_package`)."""
        return z3.And(self.memory[package], z3.Not(self.has_online(package)))

    # Slots of the map

    def slot(self, package: Any, keyid: Any) -> tuple[Any, ...]:
        """The indices of a slot: in its package's map, or in the one map for all (no term)."""
        return (package, keyid) if self.per_package else (keyid,)

    def for_slots(self, value: Callable[..., Term], others: int = 0) -> Callable[..., Term]:
        """An effect over slots from its value for (package, KeyID), after `others` more indices."""
        if self.per_package:
            return value
        return lambda *indices: value(*indices[:others], None, *indices[others:])

    def every_slot(self, body: Slots) -> Term:
        """For every slot: `body(package, KeyID)`, no package with global KeyIDs."""
        if self.per_package:
            return self.every(PACKAGE, KEYID, lambda p, k: body(p, k))
        return self.every(KEYID, lambda k: body(None, k))

    def some_slot(self, body: Slots) -> Term:
        """For some slot: the same."""
        if self.per_package:
            return self.some(PACKAGE, KEYID, lambda p, k: body(p, k))
        return self.some(KEYID, lambda k: body(None, k))

    def has_keyid(self, key: Term, package: Any, keyid: Term) -> Term:
        """Whether the map holds the key object at this slot."""
        return self.mapped[(key, *self.slot(package, keyid))]

    def finds(self, key: Term, package: Any, keyid: Term) -> Term:
        """Whether a look-up of the key finds this slot: the lowest of its map with the object.

        A serial number is in one slot of a map at most. An address can be in several: a freed
        object's slot outlives it while VMAs use the KeyID, and then names the next object there.
        """
        found = self.has_keyid(key, package, keyid)
        if self.design.key_lookup == "by_serial":
            return found
        lower = self.some(
            KEYID, lambda j: z3.And(self.less(j, keyid), self.has_keyid(key, package, j))
        )
        return z3.And(found, z3.Not(lower))

    def was_given(self, key: Term, package: Any, keyid: Term) -> Term:
        """Whether it is the slot that the key was given."""
        return self.given[(key, *self.slot(package, keyid))]

    def is_mapped(self, package: Any, keyid: Term) -> Term:
        """Whether the slot is in use."""
        return self.some(KEY, lambda x: self.has_keyid(x, package, keyid))

    def is_out_of_service(self, package: Any, keyid: Term) -> Term:
        """Whether the KeyID waits for CLEAR_KEY before it may be used again."""
        if self.per_package:
            return self.uncleared[package, keyid]
        return self.some(PACKAGE, lambda p: self.uncleared[p, keyid])

    def is_free(self, package: Any, keyid: Term) -> Term:
        """Whether a new key could be given this slot."""
        return z3.Not(z3.Or(self.is_mapped(package, keyid), self.is_out_of_service(package, keyid)))

    def is_next_free(self, package: Any, keyid: Term) -> Term:
        """Whether it is the lowest free slot of its map."""
        lower_is_free = self.some(
            KEYID, lambda j: z3.And(self.less(j, keyid), self.is_free(package, j))
        )
        return z3.And(self.is_free(package, keyid), z3.Not(lower_is_free))

    def has_room(self, package: Any) -> Term:
        """Whether some slot of the package's map is free."""
        return self.some(KEYID, lambda k: self.is_free(package, k))

    def is_used_on(self, key: Term, package: Any) -> Term:
        """Whether the key has a KeyID on the package."""
        return self.some(KEYID, lambda k: self.has_keyid(key, package, k))

    def any_mapped_on(self, package: Any) -> Term:
        """Whether any slot of the package's map is in use."""
        return self.some(KEYID, lambda k: self.is_mapped(package, k))

    def kind_asked(self, key: Any, keyid: Any) -> Term:
        """The type that the owner of a key with this KeyID last got (a ghost)."""
        return self.requested_kind[key if self.per_package else keyid]

    def bytes_asked(self, key: Any, keyid: Any) -> Term:
        """The key that the owner of a key with this KeyID last got (a ghost)."""
        return self.requested_bytes[key if self.per_package else keyid]

    def is_known(self, key: Any, keyid: Any, b: Term) -> Term:
        """Whether the owner of a key with this KeyID handed in this key for it (a ghost)."""
        return self.known[key if self.per_package else keyid, b]

    # References, and the VMAs that hold them

    def has_key_reference(self, package: Any, keyid: Term) -> Term:
        """Whether the reference of the slot's key is counted."""
        return self.key_counted[self.slot(package, keyid)]

    def has_vma_reference(self, vma: Term, package: Any, keyid: Term) -> Term:
        """Whether the reference of a VMA is counted at the slot."""
        return self.counted[(vma, *self.slot(package, keyid))]

    def any_vma_reference(self, package: Any, keyid: Term) -> Term:
        """Whether the reference of any VMA is counted at the slot."""
        return self.some(VMA, lambda v: self.has_vma_reference(v, package, keyid))

    def has_one_reference(self, package: Any, keyid: Term) -> Term:
        """Whether the slot's count is 1."""

        def is_only(v: Term) -> Term:
            def is_it(w: Term) -> Term:
                return z3.Implies(self.has_vma_reference(w, package, keyid), v == w)

            return z3.And(self.has_vma_reference(v, package, keyid), self.every(VMA, is_it))

        return z3.If(
            self.has_key_reference(package, keyid),
            z3.Not(self.any_vma_reference(package, keyid)),
            self.some(VMA, is_only),
        )

    def has_more_references(self, package: Any, keyid: Term) -> Term:
        """Whether the slot's count is above 1."""
        any_reference = z3.Or(
            self.has_key_reference(package, keyid), self.any_vma_reference(package, keyid)
        )
        return z3.And(any_reference, z3.Not(self.has_one_reference(package, keyid)))

    def vma_uses(self, vma: Term, package: Any, keyid: Term) -> Term:
        """Whether a page of the VMA that is placed on the package gets this KeyID."""
        if not self.per_package:
            return self.uses[vma, keyid]
        return self.some(KEY, lambda x: z3.And(self.uses[vma, x], self.finds(x, package, keyid)))

    def page_carries(self, vma: Term, package: Any, keyid: Term) -> Term:
        """Whether the VMA's page, which lies on the package, has this KeyID in its table entry."""
        if remembers_keyids(self.design):
            return z3.And(self.page[vma, package], self.carries[vma, keyid])
        return self.vma_uses(vma, package, keyid)

    def is_encrypted(self, vma: Term) -> Term:
        """Whether the VMA has a KeyID other than 0."""
        return self.some(KEY if self.per_package else KEYID, lambda i: self.uses[vma, i])

    def may_lie_on(self, vma: Term, package: Term) -> Term:
        """Whether the package has memory, and a KeyID for the VMA's pages."""
        if not self.per_package:
            return self.memory[package]
        has_keyid = self.some(KEYID, lambda k: self.vma_uses(vma, package, k))
        return z3.And(self.memory[package], has_keyid)

    def lock_is_free(self) -> Term:
        """Whether a call that needs the map lock can get it."""
        return z3.Not(self.lost_lock) if can_lose_lock(self.design) else z3.BoolVal(True)

    def is_in_flight(self, key: Term) -> Term:
        """Whether a call that never returns refers to the key."""
        return self.in_flight[key] if can_hang(self.design) else z3.BoolVal(False)

    # The user-type bitmap

    def has_bit(self, package: Any, keyid: Term) -> Term:
        """Whether the KeyID's bit is set."""
        return self.bit[self.slot(package, keyid)]

    def is_counted(self, package: Any, keyid: Term) -> Term:
        """Whether the KeyID's bit is set and inside the range that the gate's weight covers."""
        bit = self.has_bit(package, keyid)
        if self.design.bitmap_bits == "n":
            return z3.And(bit, z3.Not(self.is_last_keyid(keyid)))
        return bit

    def is_last_keyid(self, keyid: Term) -> Term:
        """Whether it is KeyID N."""
        return self._interpretation.is_last(KEYID, keyid)
