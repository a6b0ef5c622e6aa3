"""How references to a KeyID are taken and dropped, and what the last one that goes takes with it.

RFC v2 patch 07 counts: one reference for the key, one for each VMA. The model keeps the count as
the set of those who took the references that are left, so that no number stands in the text: the
count is the size of the set, 1 is "one and no other", and any number of VMAs may be meant.

Who drops a reference that is not counted (any more) takes away another's, as a number does not tell
whose it is: the key's first, then that of the least VMA. That happens only where a key is looked up
by an address that has become another key's; the choice is arbitrary and changes no size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import BOOL, Parameter, Term
from designs import Design
from model.programming import (
    await_clearing,
    clear,
    faults_strike,
    leave_residue,
    scrub_vault,
    strays,
)
from model.sorts import KEY, KEYID, PACKAGE, VMA
from model.state import Slots, State


def begin_counting(new: Effect, old: State, at: Slots) -> None:
    """A new key's slots have one reference, the key's."""
    strays(new, old, at)
    new.set("counted", old.for_slots(lambda v, p, k: at(p, k), 1), to=False)
    new.set("key_counted", old.for_slots(at), to=True)


def take(new: Effect, old: State, vma: Term, at: Slots) -> None:
    """One reference more for a VMA that had none at these slots."""
    strays(new, old, at)
    new.set("counted", old.for_slots(lambda v, p, k: z3.And(v == vma, at(p, k)), 1), to=True)


def drop_of_vma(new: Effect, old: State, vma: Term, at: Slots) -> Slots:
    """One reference less, a VMA's; gives the slots whose last one it was."""

    def own(p: Any, k: Term) -> Term:
        return z3.And(at(p, k), old.has_vma_reference(vma, p, k))

    new.set("counted", old.for_slots(lambda v, p, k: z3.And(v == vma, own(p, k)), 1), to=False)
    return _drop(new, old, at, own)


def drop_of_key(new: Effect, old: State, at: Slots) -> Slots:
    """One reference less, a key's; gives the slots whose last one it was."""

    def own(p: Any, k: Term) -> Term:
        return z3.And(at(p, k), old.has_key_reference(p, k))

    new.set("key_counted", old.for_slots(own), to=False)
    return _drop(new, old, at, own)


def _drop(new: Effect, old: State, at: Slots, own: Slots) -> Slots:
    strays(new, old, at)
    if old.design.key_lookup == "by_serial":
        # Everybody's reference is counted as long as they have it.
        return lambda p, k: z3.And(own(p, k), old.has_one_reference(p, k))

    def anothers(p: Any, k: Term) -> Term:
        return z3.And(at(p, k), z3.Not(own(p, k)))

    def is_least(v: Term, p: Any, k: Term) -> Term:
        lower = old.some(VMA, lambda w: z3.And(old.less(w, v), old.has_vma_reference(w, p, k)))
        return z3.And(old.has_vma_reference(v, p, k), z3.Not(lower))

    def goes(v: Term, p: Any, k: Term) -> Term:
        return z3.And(anothers(p, k), z3.Not(old.has_key_reference(p, k)), is_least(v, p, k))

    new.set("key_counted", old.for_slots(anothers), to=False)
    new.set("counted", old.for_slots(goes, 1), to=False)
    return lambda p, k: z3.And(at(p, k), old.has_one_reference(p, k))


def clearing(design: Design) -> tuple[Parameter, ...]:
    """The choices of a call that may release: the packages whose CLEAR_KEY fails, if any is run."""
    if design.on_release != "clear_first":
        return ()
    return (Parameter("fails", BOOL, over=(PACKAGE,)),)


def may_release(old: State, choice: Any, last: Slots) -> Term:
    """Whether a call can drop references of which these are the last: it needs the map lock then.

    And CLEAR_KEY can fail only where it is executed.
    """
    in_time = z3.Or(old.lock_is_free(), z3.Not(old.some_slot(last)))
    if not clearing(old.design):
        return in_time

    def clears(p: Term) -> Term:
        return z3.And(old.has_lead(p), old.some(KEYID, lambda k: last(p, k)))

    return z3.And(in_time, faults_strike(old, choice.fails, clears))


def release(new: Effect, old: State, at: Slots, choice: Any) -> None:
    """The slots are free again; with `on_release=clear_first`, once their entries are clear."""
    unmap(new, old, at)
    clear_released(new, old, at, lambda p: choice.fails[p])


def clear_released(
    new: Effect, old: State, at: Slots, fails: Callable[[Term], Term] = lambda p: z3.BoolVal(False)
) -> None:
    """Where so designed, CLEAR_KEY is run for slots that leave the map, or waited for."""
    if not clearing(old.design):
        return

    def is_freed(p: Term, k: Term) -> Term:
        """Look-up by address takes references from others' KeyIDs, which are then freed twice."""
        if old.design.key_lookup == "by_serial":
            return at(p, k)
        return z3.And(at(p, k), old.is_mapped(p, k))

    def target(p: Term, k: Term) -> Term:
        return z3.And(is_freed(p, k), old.has_lead(p))

    await_clearing(new, old, is_freed)
    clear(new, old, lambda p, k: z3.And(target(p, k), z3.Not(fails(p))))
    programs = old.some(PACKAGE, KEYID, target)
    leave_residue(new, old, programs, old.kind("clear"), old.bytes("zeros"))


def unmap(new: Effect, old: State, at: Slots) -> None:
    """The slots leave the map, with their bits, counts and (if so designed) vault contents."""
    strays(new, old, at)
    new.set("mapped", old.for_slots(lambda x, p, k: at(p, k), 1), to=False)
    new.set("given", old.for_slots(lambda x, p, k: at(p, k), 1), to=False)
    new.set("counted", old.for_slots(lambda v, p, k: at(p, k), 1), to=False)
    new.set("key_counted", old.for_slots(at), to=False)
    new.set("bit", old.for_slots(at), to=False)
    scrub_vault(new, old, lambda k: at(None, k))
    ends = _requests_end(old, at)
    new.set("released", lambda b: _was_held(old, at, b), to=True)
    new.set("requested_kind", ends, to=old.kind("user"))
    new.set("requested_bytes", ends, to=old.bytes("zeros"))
    new.set("known", lambda i, b: ends(i), to=False)


def _requests_end(old: State, at: Slots) -> Any:
    """Whose request means nothing any more: the slot's, or that of a key without other slots."""
    if not old.per_package:
        return lambda k: at(None, k)

    def leaves(x: Term, p: Term, k: Term) -> Term:
        return z3.And(old.has_keyid(x, p, k), at(p, k))

    def stays(x: Term, p: Term, k: Term) -> Term:
        return z3.And(old.has_keyid(x, p, k), z3.Not(at(p, k)))

    return lambda x: z3.And(
        old.some(PACKAGE, KEYID, lambda p, k: leaves(x, p, k)),
        z3.Not(old.some(PACKAGE, KEYID, lambda p, k: stays(x, p, k))),
    )


def _was_held(old: State, at: Slots, b: Term) -> Term:
    """Whether a slot that is released held the user key, and none that stays does."""

    def holds(x: Term, p: Any, k: Term) -> Term:
        is_user = old.kind_asked(x, k) == old.kind("user")
        return z3.And(old.has_keyid(x, p, k), is_user, old.bytes_asked(x, k) == b)

    def by_any(where: Slots) -> Term:
        return old.some_slot(
            lambda p, k: z3.And(where(p, k), old.some(KEY, lambda x: holds(x, p, k)))
        )

    return z3.And(old.is_user_bytes(b), by_any(at), z3.Not(by_any(lambda p, k: z3.Not(at(p, k)))))
