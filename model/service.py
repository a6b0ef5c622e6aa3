"""What the key service's operations do: instantiate, update, destroy, extend, a refused payload.

Each follows the posted code (RFC v2 patches 10, 11 and 12) as the design's knobs set it. A guard
says when the environment can make the call, with which choices; a refusal is an answer, not a
guard. Each operation first decides (`refused`, `programs`, `failed`, `succeeds`), then changes.

Once a call has left the map lock held, every call that needs the lock waits for ever: the guards
leave such calls out, since they change nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import BOOL, Action, Parameter, Step, Term
from designs import Design
from model.programming import (
    await_clearing,
    faults_strike,
    is_well_formed,
    leak_payload,
    leave_residue,
    load_vault,
    program,
    quarantines,
    read_payload,
    strays,
    take_payload,
)
from model.references import (
    begin_counting,
    clear_released,
    clearing,
    drop_of_key,
    may_release,
    release,
    unmap,
)
from model.requests import (
    answer,
    grant,
    lead_astray,
    learn,
    owner_of,
    refuses,
    refuses_kind,
    take_over,
)
from model.sorts import BYTES, KEY, KEYID, KIND, PACKAGE
from model.state import Slots, State


def actions(design: Design) -> tuple[Action, ...]:
    """The key service's actions under a design."""
    key = Parameter("key", KEY)
    payload = (Parameter("kind", KIND), Parameter("bytes", BYTES))
    wanted = Parameter("wanted", BOOL, over=(PACKAGE,))
    fails = Parameter("fails", BOOL, over=(PACKAGE,))
    per_package = design.keyid_scope == "per_package"
    placed = (wanted, fails) if per_package else (fails,)
    found = [
        Action("instantiate", (key, *payload, *placed), instantiate),
        Action("update", (key, *payload, fails), update),
        Action("destroy", (key, *clearing(design)), destroy),
        Action("preparse_error", (Parameter("bytes", BYTES),), preparse_error),
    ]
    if per_package:
        one_package = (Parameter("package", PACKAGE), Parameter("fails", BOOL))
        found.append(Action("extend", (key, *one_package), extend))
    return tuple(found)


def instantiate(old: State, choice: Any) -> Step:
    """Give a new key the lowest free KeyID, and program it on the packages within reach."""
    key, kind, supplied = choice.key, choice.kind, choice.bytes

    def wanted(p: Term) -> Term:
        return choice.wanted[p] if old.per_package else z3.BoolVal(True)

    def target(p: Term) -> Term:
        return z3.And(old.has_lead(p), wanted(p))

    # DECIDE
    has_room = old.every(PACKAGE, lambda p: z3.Implies(target(p), old.has_room(p)))
    refused = refuses(old, kind, wanted)
    programs = z3.And(z3.Not(refused), has_room, old.some(PACKAGE, target))
    failed = old.some(PACKAGE, lambda p: choice.fails[p])
    succeeds = z3.And(programs, z3.Not(failed))

    def gets(p: Any, k: Term) -> Term:
        """With per-package KeyIDs, the key gets one only on the packages that are programmed."""
        chosen = old.is_next_free(p, k)
        return z3.And(chosen, target(p)) if old.per_package else chosen

    # GUARD
    guard = z3.And(
        old.lock_is_free(),
        _is_new_object(old, key, has_room),
        is_well_formed(old, kind, supplied),
        faults_strike(old, choice.fails, lambda p: z3.And(programs, target(p))),
        _wants_memory(old, wanted) if old.per_package else True,
    )
    # EFFECT
    new = Effect(old)
    take_payload(new, old, supplied)
    leak_payload(new, old, refuses_kind(old, kind), supplied)
    program(
        new,
        old,
        lambda p, k: z3.And(programs, target(p), z3.Not(choice.fails[p]), gets(p, k)),
        kind,
        supplied,
    )
    leave_residue(new, old, programs, kind, supplied)
    new.set("live", lambda x: z3.And(succeeds, x == key), to=True)
    _enter(new, old, key, lambda p, k: z3.And(succeeds, gets(p, k)), kind)
    lead_astray(new, old, key, lambda p, k: z3.And(succeeds, gets(p, k)))
    grant(new, old, succeeds, key, gets, kind, supplied)
    owner = owner_of(old, succeeds, key, gets)
    is_key = old.is_user_bytes(supplied)
    new.set("known", lambda i, b: owner(i), to=lambda i, b: z3.And(is_key, b == supplied))
    load_vault(new, old, lambda k: z3.And(succeeds, gets(None, k)), kind, supplied)
    stuck = z3.And(quarantines(old), programs, failed)
    await_clearing(new, old, lambda p, k: z3.And(stuck, gets(p, k)))
    return Step(guard, answer(old, refused, succeeds), new.cases())


def _enter(new: Effect, old: State, key: Term, at: Slots, kind: Term) -> None:
    """The map holds the key at these slots; their counts begin, and pages there were others'."""
    is_its = old.for_slots(lambda x, p, k: z3.And(x == key, at(p, k)), 1)
    new.set("mapped", is_its, to=True)
    new.set("given", is_its, to=True)
    begin_counting(new, old, at)
    is_user = kind == old.kind("user")
    new.set("bit", old.for_slots(lambda p, k: z3.And(at(p, k), is_user)), to=True)
    new.set(
        "own",
        lambda v, k: old.some(PACKAGE, lambda p: z3.And(at(p, k), _page_was_on(old, v, p))),
        to=False,
    )


def _page_was_on(old: State, v: Term, p: Term) -> Term:
    return z3.Or(old.page[v, p], old.left[v, p])


def update(old: State, choice: Any) -> Step:
    """Program a key's KeyID anew, for a new payload from its owner."""
    key, kind, supplied = choice.key, choice.kind, choice.bytes

    def target(p: Term) -> Term:
        return z3.And(old.has_lead(p), old.is_used_on(key, p))

    def its(p: Any, k: Term) -> Term:
        return old.finds(key, p, k)

    # DECIDE
    parsed = z3.Not(refuses_kind(old, kind))
    is_nowhere = z3.Not(old.some_slot(its))
    is_in_use = old.some_slot(lambda p, k: z3.And(its(p, k), old.has_more_references(p, k)))
    unreachable = refuses(old, kind, lambda p: old.is_used_on(key, p))
    refused = z3.Or(is_nowhere, unreachable)
    accepted = z3.Not(z3.Or(refused, is_in_use))
    programs = z3.And(accepted, old.some(PACKAGE, target))
    failed = old.some(PACKAGE, lambda p: choice.fails[p])
    succeeds = z3.And(programs, z3.Not(failed))
    stuck = z3.And(quarantines(old), programs, failed)
    # GUARD
    guard = z3.And(
        old.live[key],
        old.lock_is_free(),
        is_well_formed(old, kind, supplied),
        faults_strike(old, choice.fails, lambda p: z3.And(programs, target(p))),
    )
    # EFFECT
    new = Effect(old)
    take_payload(new, old, supplied)
    leak_payload(new, old, z3.Not(parsed), supplied)
    strays(new, old, lambda p, k: z3.And(parsed, its(p, k)))
    if old.design.error_unlock == "missing":
        new.set("lost_lock", z3.And(parsed, z3.Or(is_nowhere, is_in_use)), to=True)
    if old.design.bitmap_update == "clear_before_program":
        new.set("bit", old.for_slots(lambda p, k: z3.And(programs, its(p, k))), to=False)
    program(
        new,
        old,
        lambda p, k: z3.And(programs, target(p), z3.Not(choice.fails[p]), its(p, k)),
        kind,
        supplied,
    )
    leave_residue(new, old, programs, kind, supplied)
    learn(new, old, owner_of(old, parsed, key, its), supplied)
    grant(new, old, succeeds, key, its, kind, supplied)
    take_over(new, old, succeeds, key, its)
    marked = old.for_slots(lambda p, k: z3.And(succeeds, its(p, k)))
    new.set("bit", marked, to=lambda *_: kind == old.kind("user"))
    load_vault(new, old, lambda k: z3.And(succeeds, its(None, k)), kind, supplied)
    _end(new, old, stuck, key)
    busy = z3.And(parsed, z3.Not(is_nowhere), is_in_use)
    said = z3.If(busy, old.answer("EBUSY"), answer(old, refused, succeeds))
    return Step(guard, said, new.cases())


def _end(new: Effect, old: State, when: Term, key: Term) -> None:
    """A failed update ends the key: its KeyIDs are out of service, and the collector comes at once.

    As posted the key's address may be held elsewhere too, in the slot that it was given itself. The
    collector finds that, drops the key's reference there, and releases the slot with the last one;
    no CLEAR_KEY of its fails.
    """
    new.set("live", lambda x: z3.And(when, x == key), to=False)
    new.set("given", lambda x, *slot: z3.And(when, x == key), to=False)

    def its(p: Any, k: Term) -> Term:
        return z3.And(when, old.finds(key, p, k))

    if old.design.key_lookup == "by_serial":
        unmap(new, old, its)
        await_clearing(new, old, its)
        return

    def stays(p: Any, k: Term) -> Term:
        return z3.And(old.has_keyid(key, p, k), z3.Not(old.finds(key, p, k)))

    def found(p: Any, k: Term) -> Term:
        lower = old.some(KEYID, lambda j: z3.And(old.less(j, k), stays(p, j)))
        return z3.And(when, stays(p, k), z3.Not(lower))

    last = drop_of_key(new, old, found)
    # Both at once: a user key is released when no slot that stays holds it.
    unmap(new, old, lambda p, k: z3.Or(its(p, k), last(p, k)))
    await_clearing(new, old, its)
    clear_released(new, old, last)


def destroy(old: State, choice: Any) -> Step:
    """The garbage collector drops a key's reference; the KeyID goes with the last one.

    While VMAs hold references the slot stays as it is, and the key object is free. A key to which a
    call in flight refers is not collected.
    """
    key = choice.key
    new = Effect(old)
    # DECIDE
    last = drop_of_key(new, old, lambda p, k: old.finds(key, p, k))
    # GUARD
    guard = z3.And(old.live[key], z3.Not(old.is_in_flight(key)), may_release(old, choice, last))
    # EFFECT
    new.set("live", lambda x: x == key, to=False)
    new.set("given", lambda x, *slot: x == key, to=False)
    release(new, old, last, choice)
    return Step(guard, old.answer("ok"), new.cases())


def extend(old: State, choice: Any) -> Step:
    """With per-package KeyIDs: a key gets a KeyID on one more package, as its owner supplies it.

    The owner supplies the same key again, so this reads what it had asked for; the kernel could
    not tell if it were another one. Whoever uses the key refers to its new KeyID as well.
    """
    key, package = choice.key, choice.package
    kind, supplied = old.requested_kind[key], old.requested_bytes[key]
    # DECIDE
    programs = z3.And(old.has_lead(package), old.has_room(package))
    succeeds = z3.And(programs, z3.Not(choice.fails))

    def gets(p: Term, k: Term) -> Term:
        return z3.And(p == package, old.is_next_free(package, k))

    def is_mapped(p: Term, k: Term) -> Term:
        return z3.And(succeeds, gets(p, k))

    # GUARD
    guard = z3.And(
        old.live[key],
        old.lock_is_free(),
        old.memory[package],
        old.some(PACKAGE, lambda p: old.is_used_on(key, p)),
        z3.Not(old.is_used_on(key, package)),
        z3.Implies(choice.fails, programs),
    )
    # EFFECT
    new = Effect(old)
    read_payload(new, old, z3.BoolVal(True))
    program(new, old, is_mapped, kind, supplied)
    leave_residue(new, old, programs, kind, supplied)
    _enter(new, old, key, is_mapped, kind)
    new.set("counted", lambda v, p, k: z3.And(is_mapped(p, k), old.uses[v, key]), to=True)
    stuck = z3.And(quarantines(old), programs, choice.fails)
    await_clearing(new, old, lambda p, k: z3.And(stuck, gets(p, k)))
    return Step(guard, answer(old, z3.BoolVal(False), succeeds), new.cases())


def preparse_error(old: State, choice: Any) -> Step:
    """A payload with a user's key in it is refused at an unknown token (patch 10).

    As posted the token's number is -1, and the bit of that number is set in the mask: an access out
    of bounds, like the byte beyond the payload's end that every call reads.
    """
    new = Effect(old)
    take_payload(new, old, choice.bytes)
    leak_payload(new, old, z3.BoolVal(True), choice.bytes)
    return Step(old.is_user_bytes(choice.bytes), old.answer("EINVAL"), new.cases())


def _is_new_object(old: State, key: Term, has_room: Term) -> Term:
    """The lowest unused key object; or, as posted, a freed one whose address the map still holds.

    Which free object the allocator hands out depends on keys of other types as well, which the
    model leaves out, so it may be either. A serial number is never used again. Where there is
    no object, only a call that will find no room.
    """

    def is_mapped(x: Term) -> Term:
        return old.some_slot(lambda p, k: old.has_keyid(x, p, k))

    def is_unused(x: Term) -> Term:
        return z3.Not(z3.Or(old.live[x], is_mapped(x)))

    def is_reusable(x: Term) -> Term:
        if old.design.key_lookup == "by_serial":
            return is_unused(x)
        return z3.Not(old.live[x])

    lower_used = old.every(KEY, lambda x: z3.Implies(old.less(x, key), z3.Not(is_unused(x))))
    is_first = z3.Not(old.some(KEY, lambda x: old.less(x, key)))
    none = z3.And(old.every(KEY, lambda x: z3.Not(is_reusable(x))), is_first, z3.Not(has_room))
    again = z3.And(is_reusable(key), is_mapped(key))
    return z3.Or(z3.And(is_unused(key), lower_used), again, none)


def _wants_memory(old: State, wanted: Callable[[Term], Term]) -> Term:
    """A key is wanted on one package or more, all of which have memory (they are NUMA nodes)."""
    return z3.And(
        old.some(PACKAGE, wanted),
        old.every(PACKAGE, lambda p: z3.Implies(wanted(p), old.memory[p])),
    )
