"""What processes do with encrypted memory: encrypt, unmap, fork, write; and pages that migrate.

RFC v2 patches 07 and 08. A VMA here is one page of a process of its own; one that is not encrypted
matters to nothing and is left out, so that a VMA begins with encrypt_mprotect or as a fork's child
and ends when it is unmapped. A process writes whole pages. There is always a free page frame.
"""

from __future__ import annotations

from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import Action, Parameter, Step, Term
from designs import Design
from model.families import can_hang, remembers_keyids
from model.pages import lose_page, place, reuse_frame
from model.references import clearing, drop_of_vma, may_release, release, take
from model.sorts import KEY, KEYID, PACKAGE, VMA
from model.state import State


def actions(design: Design) -> tuple[Action, ...]:
    """What can happen to VMAs and pages."""
    vma, package = Parameter("vma", VMA), Parameter("package", PACKAGE)
    return (
        Action("encrypt", (vma, Parameter("key", KEY), *clearing(design)), encrypt),
        Action("unmap", (vma, *clearing(design)), unmap_vma),
        Action("fork", (vma, Parameter("child", VMA)), fork),
        Action("write", (vma, package), write),
        Action("migrate", (vma, package), migrate),
    )


def encrypt(old: State, choice: Any) -> Step:
    """encrypt_mprotect: the VMA gets the KeyID that the key's look-up finds, and loses its page.

    The reference of the KeyID that it had is dropped with the map lock held: where that is the last
    one, the posted code takes the lock again and waits for itself.
    """
    vma, key = choice.vma, choice.key

    def found(p: Any, k: Term) -> Term:
        return old.finds(key, p, k)

    # DECIDE
    is_mapped = old.some_slot(found)
    changes = z3.And(is_mapped, z3.Not(_uses_found(old, vma, key)))

    def left(p: Any, k: Term) -> Term:
        return z3.And(changes, old.vma_uses(vma, p, k))

    new = Effect(old)
    last = drop_of_vma(new, old, vma, left)
    hangs = z3.And(z3.BoolVal(can_hang(old.design)), old.some_slot(last))
    goes = z3.And(changes, z3.Not(hangs))
    # GUARD
    in_time = z3.And(old.lock_is_free(), _is_back(old, vma))
    guard = z3.And(old.live[key], in_time, may_release(old, choice, last))
    # EFFECT
    if can_hang(old.design):
        new.set("lost_lock", hangs, to=True)
        new.set("hung", lambda v: z3.And(hangs, v == vma), to=True)
        new.set("in_flight", lambda x: z3.And(hangs, x == key), to=True)
    else:
        release(new, old, last, choice)
    _use(new, old, vma, key, goes)
    _ask(new, old, vma, key, z3.And(is_mapped, z3.Not(hangs)))
    take(new, old, vma, lambda p, k: z3.And(goes, found(p, k)))
    lose_page(new, old, vma, goes)
    refused = z3.If(is_mapped, old.answer("ok"), old.answer("EINVAL"))
    return Step(guard, z3.If(hangs, old.answer("waits for ever"), refused), new.cases())


def _is_back(old: State, vma: Term) -> Term:
    """Whether the VMA's process can make calls: none of its own is on its way for ever."""
    return z3.Not(old.hung[vma]) if can_hang(old.design) else z3.BoolVal(True)


def _uses_found(old: State, vma: Term, key: Term) -> Term:
    """Whether the VMA has the KeyID already that the key's look-up finds."""
    if old.per_package:
        return old.uses[vma, key]
    return old.some(KEYID, lambda k: z3.And(old.finds(key, None, k), old.uses[vma, k]))


def _use(new: Effect, old: State, vma: Term, key: Term, goes: Term) -> None:
    """The VMA has the KeyID (with per-package KeyIDs, the key) and no other."""

    def is_it(i: Term) -> Term:
        return i == key if old.per_package else old.finds(key, None, i)

    new.set("uses", lambda v, i: z3.And(goes, v == vma), to=lambda v, i: is_it(i))


def _ask(new: Effect, old: State, vma: Term, key: Term, done: Term) -> None:
    """What the owner asked for, and whether it got it (ghosts), also where the KeyID stays."""

    def is_another(p: Any, k: Term) -> Term:
        return z3.And(old.finds(key, p, k), z3.Not(old.was_given(key, p, k)))

    def asks(k: Any) -> Term:
        kind = old.kind_asked(key, k)
        return z3.Or(kind == old.kind("user"), kind == old.kind("cpu"))

    given = old.some_slot(lambda p, k: z3.And(old.was_given(key, p, k), asks(k)))
    new.set("astray", lambda v: z3.And(done, v == vma), to=old.some_slot(is_another))
    new.set("wants", lambda v: z3.And(done, v == vma), to=given)


def unmap_vma(old: State, choice: Any) -> Step:
    """munmap or exit: the VMA's reference is dropped, and its page freed."""
    vma = choice.vma
    new = Effect(old)
    # DECIDE
    last = drop_of_vma(new, old, vma, lambda p, k: old.vma_uses(vma, p, k))
    # GUARD
    guard = z3.And(old.is_encrypted(vma), _is_back(old, vma), may_release(old, choice, last))
    # EFFECT
    release(new, old, last, choice)
    new.set("uses", lambda v, i: v == vma, to=False)
    new.set("astray", lambda v: v == vma, to=False)
    new.set("wants", lambda v: v == vma, to=False)
    lose_page(new, old, vma, z3.BoolVal(True))
    return Step(guard, old.answer("ok"), new.cases())


def fork(old: State, choice: Any) -> Step:
    """A child maps the same: its VMA takes a reference, and shares the page until one writes."""
    vma, child = choice.vma, choice.child
    # GUARD
    guard = z3.And(old.is_encrypted(vma), _is_back(old, vma), z3.Not(old.is_encrypted(child)))
    # EFFECT
    new = Effect(old)

    def its(v: Term) -> Term:
        return v == child

    is_there = old.some(PACKAGE, lambda p: old.page[vma, p])
    carried = ("carries",) if remembers_keyids(old.design) else ()
    for family in ("uses", "page", *carried):
        of = getattr(old, family)
        new.set(family, lambda v, i: its(v), to=lambda v, i, of=of: of[vma, i])
    for family in ("written", "opens", "own"):
        of = getattr(old, family)
        new.set(family, lambda v, i: its(v), to=lambda v, i, of=of: z3.And(is_there, of[vma, i]))
    for family in ("astray", "wants", "intact", "plain"):
        new.set(family, its, to=getattr(old, family)[vma])
    new.set("left", lambda v, p: its(v), to=False)

    def has_it(v: Term) -> Term:
        return z3.And(is_there, z3.Or(v == vma, old.shares[vma, v]))

    new.set(
        "shares",
        lambda v, u: z3.Or(z3.And(its(v), has_it(u)), z3.And(its(u), has_it(v))),
        to=True,
    )
    take(new, old, child, lambda p, k: old.vma_uses(vma, p, k))
    return Step(guard, old.answer("ok"), new.cases())


def write(old: State, choice: Any) -> Step:
    """The process, running on a package, writes its page: where it lies, or in a new frame there.

    The first write places the page, and the first after a fork copies it.
    """
    vma, package = choice.vma, choice.package
    # DECIDE
    is_there = old.some(PACKAGE, lambda p: old.page[vma, p])
    is_shared = old.some(VMA, lambda u: old.shares[vma, u])
    moves = z3.Or(z3.Not(is_there), is_shared)

    def there(p: Term) -> Term:
        return z3.If(moves, p == package, old.page[vma, p])

    # GUARD
    guard = z3.And(old.is_encrypted(vma), _is_back(old, vma), old.may_lie_on(vma, package))
    # EFFECT
    new = Effect(old)
    reuse_frame(new, old, package, moves)
    place(new, old, lambda v: v == vma, there, moves)
    new.set("left", lambda v, p: v == vma, to=False)
    new.set("shares", lambda v, u: z3.Or(v == vma, u == vma), to=False)
    new.set("intact", lambda v: v == vma, to=True)
    return Step(guard, old.answer("ok"), new.cases())


def migrate(old: State, choice: Any) -> Step:
    """The kernel moves a page to another package's memory, for all who share it.

    It reads the page through one KeyID and writes it through the other. With per-package KeyIDs the
    key needs one there.
    """
    vma, package = choice.vma, choice.package
    # DECIDE
    is_there = old.some(PACKAGE, lambda p: old.page[vma, p])
    admitted = old.may_lie_on(vma, package)
    moves = z3.And(is_there, z3.Not(old.page[vma, package]), admitted)
    # GUARD
    guard = z3.And(old.is_encrypted(vma), _is_back(old, vma), old.memory[package])
    # EFFECT
    new = Effect(old)
    sharers = lambda v: z3.And(moves, z3.Or(v == vma, old.shares[vma, v]))  # noqa: E731
    reuse_frame(new, old, package, moves)
    place(new, old, sharers, lambda p: p == package, moves)
    refused = z3.If(is_there, old.answer("ENOKEY"), old.answer("ENOENT"))
    stays = z3.Or(moves, old.page[vma, package])
    return Step(guard, z3.If(stays, old.answer("ok"), refused), new.cases())
