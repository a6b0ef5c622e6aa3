"""What the key service's operations do: instantiate, update, destroy, extend, a refused payload.

Each follows the posted code (RFC v2 patches 10, 11 and 12) as the design's knobs set it. A guard
says when the environment can make the call, with which choices; a refusal is an answer, not a
guard. Each operation first decides (`refused`, `programs`, `failed`, `succeeds`), then changes.
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
    clear,
    faults_strike,
    is_well_formed,
    leak_payload,
    leave_residue,
    load_vault,
    program,
    quarantines,
    unmap,
)
from model.sorts import BYTES, KEY, KIND, PACKAGE
from model.state import State


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
        Action("destroy", (key, fails), destroy),
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
        _next_object(old, key, has_room),
        is_well_formed(old, kind, supplied),
        faults_strike(old, choice.fails, lambda p: z3.And(programs, target(p))),
        _wants_memory(old, wanted) if old.per_package else True,
    )
    # EFFECT
    new = Effect(old)
    leak_payload(new, old, refuses_kind(old, kind), supplied)
    program(
        new,
        old,
        lambda p, k: z3.And(programs, target(p), z3.Not(choice.fails[p]), gets(p, k)),
        kind,
        supplied,
    )
    leave_residue(new, old, programs, kind, supplied)
    _grant(new, old, key, succeeds, kind, supplied)
    given = old.for_map(lambda x, p, k: z3.And(succeeds, x == key, gets(p, k)))
    new.set("mapped", given, to=True)
    is_user = kind == old.kind("user")
    marked = old.for_bitmap(lambda p, k: z3.And(succeeds, gets(p, k), is_user))
    new.set("bit", marked, to=True)
    load_vault(new, old, lambda k: z3.And(succeeds, gets(None, k)), kind, supplied)
    stuck = z3.And(quarantines(old), programs, failed)
    await_clearing(new, old, lambda p, k: z3.And(stuck, gets(p, k)))
    return Step(guard, answer(old, refused, succeeds), new.cases())


def update(old: State, choice: Any) -> Step:
    """Program a key's KeyID anew, for a new payload from its owner."""
    key, kind, supplied = choice.key, choice.kind, choice.bytes

    def target(p: Term) -> Term:
        return z3.And(old.has_lead(p), old.is_used_on(key, p))

    def its(p: Any, k: Term) -> Term:
        return old.has_keyid(key, p, k)

    # DECIDE
    refused = refuses(old, kind, lambda p: old.is_used_on(key, p))
    programs = z3.And(z3.Not(refused), old.some(PACKAGE, target))
    failed = old.some(PACKAGE, lambda p: choice.fails[p])
    succeeds = z3.And(programs, z3.Not(failed))
    stuck = z3.And(quarantines(old), programs, failed)
    # GUARD
    guard = z3.And(
        old.live[key],
        is_well_formed(old, kind, supplied),
        faults_strike(old, choice.fails, lambda p: z3.And(programs, target(p))),
    )
    # EFFECT
    new = Effect(old)
    leak_payload(new, old, refuses_kind(old, kind), supplied)
    if old.design.bitmap_update == "clear_before_program":
        new.set("bit", old.for_bitmap(lambda p, k: z3.And(programs, its(p, k))), to=False)
    program(
        new,
        old,
        lambda p, k: z3.And(programs, target(p), z3.Not(choice.fails[p]), its(p, k)),
        kind,
        supplied,
    )
    leave_residue(new, old, programs, kind, supplied)
    _grant(new, old, key, succeeds, kind, supplied)
    marked = old.for_bitmap(lambda p, k: z3.And(succeeds, its(p, k)))
    new.set("bit", marked, to=lambda *_: kind == old.kind("user"))
    load_vault(new, old, lambda k: z3.And(succeeds, its(None, k)), kind, supplied)
    unmap(new, old, key, stuck)
    await_clearing(new, old, lambda p, k: z3.And(stuck, its(p, k)))
    return Step(guard, answer(old, refused, succeeds), new.cases())


def destroy(old: State, choice: Any) -> Step:
    """The garbage collector drops a key's own reference, and with it the KeyID."""
    key = choice.key
    clears_first = z3.BoolVal(old.design.on_release == "clear_first")

    def target(p: Term) -> Term:
        return z3.And(clears_first, old.has_lead(p), old.is_used_on(key, p))

    def cleared(p: Term, k: Term) -> Term:
        return z3.And(target(p), z3.Not(choice.fails[p]), old.has_keyid(key, p, k))

    # GUARD
    guard = z3.And(old.live[key], faults_strike(old, choice.fails, target))
    # EFFECT
    new = Effect(old)
    unmap(new, old, key, z3.BoolVal(True))
    await_clearing(new, old, lambda p, k: z3.And(clears_first, old.has_keyid(key, p, k)))
    clear(new, old, cleared)
    programs = old.some(PACKAGE, target)
    leave_residue(new, old, programs, old.kind("clear"), old.bytes("zeros"))
    return Step(guard, old.answer("ok"), new.cases())


def extend(old: State, choice: Any) -> Step:
    """With per-package KeyIDs: a key gets a KeyID on one more package, as its owner supplies it.

    The owner supplies the same key again, so this reads what it had asked for; the kernel could
    not tell if it were another one.
    """
    key, package = choice.key, choice.package
    kind, supplied = old.requested_kind[key], old.requested_bytes[key]
    # DECIDE
    programs = z3.And(old.has_lead(package), old.has_room(package))
    succeeds = z3.And(programs, z3.Not(choice.fails))

    def gets(p: Term, k: Term) -> Term:
        return z3.And(p == package, old.is_next_free(package, k))

    # GUARD
    guard = z3.And(
        old.live[key],
        old.memory[package],
        z3.Not(old.is_used_on(key, package)),
        z3.Implies(choice.fails, programs),
    )
    # EFFECT
    new = Effect(old)
    program(new, old, lambda p, k: z3.And(succeeds, gets(p, k)), kind, supplied)
    leave_residue(new, old, programs, kind, supplied)
    new.set("mapped", lambda x, p, k: z3.And(succeeds, x == key, gets(p, k)), to=True)
    is_user = kind == old.kind("user")
    new.set("bit", lambda p, k: z3.And(succeeds, gets(p, k), is_user), to=True)
    stuck = z3.And(quarantines(old), programs, choice.fails)
    await_clearing(new, old, lambda p, k: z3.And(stuck, gets(p, k)))
    return Step(guard, answer(old, z3.BoolVal(False), succeeds), new.cases())


def preparse_error(old: State, choice: Any) -> Step:
    """A payload with a user's key in it is refused while it is parsed (an unknown token, say)."""
    new = Effect(old)
    leak_payload(new, old, z3.BoolVal(True), choice.bytes)
    return Step(old.is_user_bytes(choice.bytes), old.answer("EINVAL"), new.cases())


def refuses_kind(old: State, kind: Term) -> Term:
    """Whether the design refuses payloads of this kind."""
    if old.design.user_keys == "allowed":
        return z3.BoolVal(False)
    return kind == old.kind("user")


def refuses(old: State, kind: Term, concerned: Callable[[Term], Term]) -> Term:
    """Whether a payload is refused with EINVAL: its kind, or a package that is out of reach."""
    if old.design.unreachable_package == "ignored":
        return refuses_kind(old, kind)
    unreachable = old.some(PACKAGE, lambda p: z3.And(concerned(p), old.out_of_reach(p)))
    return z3.Or(refuses_kind(old, kind), unreachable)


def answer(old: State, refused: Term, succeeds: Term) -> Term:
    """EINVAL for a refusal, ENOKEY for no room or a package that failed, otherwise success."""
    return z3.If(
        refused, old.answer("EINVAL"), z3.If(succeeds, old.answer("ok"), old.answer("ENOKEY"))
    )


def _grant(new: Effect, old: State, key: Term, succeeds: Term, kind: Term, supplied: Term) -> None:
    """The owner has what it asked for."""
    new.set("live", lambda x: z3.And(succeeds, x == key), to=True)
    new.set("requested_kind", lambda x: z3.And(succeeds, x == key), to=kind)
    new.set("requested_bytes", lambda x: z3.And(succeeds, x == key), to=supplied)


def _next_object(old: State, key: Term, has_room: Term) -> Term:
    """The lowest unused key object; where all are in use, only a call that will find no room."""
    lower_all_live = old.every(KEY, lambda x: z3.Implies(old.less(x, key), old.live[x]))
    all_live = old.every(KEY, lambda x: old.live[x])
    is_first = z3.Not(old.some(KEY, lambda x: old.less(x, key)))
    return z3.Or(
        z3.And(z3.Not(old.live[key]), lower_all_live),
        z3.And(all_live, is_first, z3.Not(has_room)),
    )


def _wants_memory(old: State, wanted: Callable[[Term], Term]) -> Term:
    """A key is wanted on one package or more, all of which have memory (they are NUMA nodes)."""
    return z3.And(
        old.some(PACKAGE, wanted),
        old.every(PACKAGE, lambda p: z3.Implies(wanted(p), old.memory[p])),
    )
