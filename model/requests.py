"""What a key's owner asks for: what is refused, and what it knows and has once it got it.

An owner's request belongs to the key's slots, or with per-package KeyIDs to the key. All of it is
ghost state but for what makes a refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import Term
from model.sorts import KEYID, PACKAGE
from model.state import Slots, State


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


def grant(
    new: Effect, old: State, succeeds: Term, key: Term, at: Slots, kind: Term, supplied: Term
) -> None:
    """The owner has what it asked for."""
    owner = owner_of(old, succeeds, key, at)
    new.set("requested_kind", owner, to=kind)
    new.set("requested_bytes", owner, to=supplied)


def learn(new: Effect, old: State, owner: Callable[[Term], Term], supplied: Term) -> None:
    """An owner knows a key that it hands in, also where the call is refused."""
    is_key = old.is_user_bytes(supplied)
    new.set("known", lambda i, b: z3.And(owner(i), is_key, b == supplied), to=True)


def take_over(new: Effect, old: State, succeeds: Term, key: Term, at: Slots) -> None:
    """As posted, an address may find what a key that is gone was given, and its VMAs still use."""
    if old.design.key_lookup == "by_serial":
        return

    def is_anothers(p: Any, k: Term) -> Term:
        return z3.And(succeeds, at(p, k), z3.Not(old.was_given(key, p, k)))

    lead_astray(new, old, key, is_anothers)


def owner_of(old: State, when: Term, key: Term, at: Slots) -> Callable[[Term], Term]:
    """Whose request it is: with global KeyIDs that of the slots, else that of the key.

    Where an address finds another slot than the key was given, its owner's request is that of both.
    """
    if old.per_package:
        return lambda i: z3.And(when, i == key)
    if old.design.key_lookup == "by_serial":
        return lambda i: z3.And(when, at(None, i))
    return lambda i: z3.And(when, z3.Or(at(None, i), old.was_given(key, None, i)))


def lead_astray(new: Effect, old: State, key: Term, at: Slots) -> None:
    """VMAs that use what becomes this key's use another key than their owners named."""

    def uses_it(v: Term) -> Term:
        if old.per_package:
            return z3.And(old.uses[v, key], old.some(PACKAGE, KEYID, at))
        return old.some(KEYID, lambda k: z3.And(at(None, k), old.uses[v, k]))

    new.set("astray", uses_it, to=True)
