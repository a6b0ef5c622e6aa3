"""What becomes of a page's bytes: where they lie, under which key, and who can read them.

All but `page`, `shares` and `carries` is what an observer knows of a frame (ghosts), for each VMA
by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import Term
from model.families import remembers_keyids
from model.sorts import KEY, KEYID, PACKAGE, VMA
from model.state import State

Placed = Callable[[Term, Term, Term], Term]
"""Whether a VMA's page is placed on a package with a KeyID."""


def place(new: Effect, old: State, whose: Any, there: Any, moves: Term) -> None:
    """Pages are written to a package's memory, through the entry of their KeyID there.

    A page that `moves` gets the KeyID that its key has now; else it keeps its own.
    """

    def at(v: Term, p: Term, k: Term) -> Term:
        has_it = old.vma_uses(v, p, k)
        if remembers_keyids(old.design):
            has_it = z3.If(moves, has_it, old.page_carries(v, p, k))
        return z3.And(there(p), has_it)

    new.set("page", lambda v, p: whose(v), to=lambda v, p: there(p))
    if remembers_keyids(old.design):
        carried = lambda v, k: old.some(PACKAGE, lambda p: at(v, p, k))  # noqa: E731
        new.set("carries", lambda v, k: whose(v), to=carried)
    new.set("plain", whose, to=lambda v: _is_plain(old, at, v))
    new.set("written", lambda v, b: whose(v), to=lambda v, b: _is_under(old, at, v, b))
    new.set("opens", lambda v, j: whose(v), to=lambda v, j: _is_opened(old, at, v, j))
    new.set("own", lambda v, j: whose(v), to=lambda v, j: _is_own(old, at, v, j))


def _is_plain(old: State, at: Placed, v: Term) -> Term:
    """Whether the entry leaves the page's bytes in DRAM as they are."""

    def has_mode(name: str) -> Term:
        mode = old.mode(name)
        return old.some(
            PACKAGE, KEYID, lambda p, k: z3.And(at(v, p, k), old.entry_mode[p, k] == mode)
        )

    return z3.Or(has_mode("no_encrypt"), z3.And(has_mode("tme"), old.bypass))


def _is_under(old: State, at: Placed, v: Term, b: Term) -> Term:
    """Whether the entry encrypts with this key."""

    def is_it(p: Term, k: Term) -> Term:
        is_key = old.entry_mode[p, k] == old.mode("encrypt")
        return z3.And(at(v, p, k), is_key, old.entry_bytes[p, k] == b)

    return old.some(PACKAGE, KEYID, is_it)


def _is_opened(old: State, at: Placed, v: Term, j: Term) -> Term:
    """By the KeyID itself, or by another one whose entry has the very same key."""

    def alike(p: Term, k: Term) -> Term:
        known = old.entry_bytes[p, k] != old.bytes("random")
        same = z3.And(
            old.entry_mode[p, j] == old.mode("encrypt"),
            old.entry_bytes[p, j] == old.entry_bytes[p, k],
            known,
        )
        is_key = old.entry_mode[p, k] == old.mode("encrypt")
        return z3.And(at(v, p, k), is_key, z3.Or(j == k, same))

    return old.some(PACKAGE, KEYID, alike)


def _is_own(old: State, at: Placed, v: Term, j: Term) -> Term:
    """The page's KeyID, unless that is not its named key's, but was given to another."""
    given = old.some(KEY, PACKAGE, lambda x, p: z3.And(at(v, p, j), old.was_given(x, p, j)))
    is_anothers = z3.And(old.astray[v], given)
    return z3.And(old.some(PACKAGE, lambda p: at(v, p, j)), z3.Not(is_anothers))


def reuse_frame(new: Effect, old: State, package: Term, when: Term) -> None:
    """A page that is placed takes the frame freed last: of freed pages there nothing more is known.

    That forgets all of a package's freed pages, of which only one is overwritten.
    """
    gone = lambda v: z3.And(when, old.left[v, package])  # noqa: E731
    new.set("left", lambda v, p: z3.And(when, p == package), to=False)
    _forget_bytes(new, gone)


def lose_page(new: Effect, old: State, vma: Term, when: Term) -> None:
    """Its page is thrown away; the frame, if nobody shares it, is free and keeps its bytes."""

    def its(v: Term) -> Term:
        return z3.And(when, v == vma)

    is_shared = old.some(VMA, lambda u: old.shares[vma, u])
    new.set("page", lambda v, p: its(v), to=False)
    if remembers_keyids(old.design):
        new.set("carries", lambda v, k: its(v), to=False)
    new.set(
        "left",
        lambda v, p: z3.And(its(v), old.page[v, p]),
        to=z3.Not(is_shared),
    )
    new.set("shares", lambda v, u: z3.And(when, z3.Or(v == vma, u == vma)), to=False)
    _know_nothing(new, its)
    lost = lambda v: z3.And(its(v), is_shared)  # noqa: E731
    _forget_bytes(new, lost)


def _know_nothing(new: Effect, its: Any) -> None:
    """Of a page that is not there, nothing is said (values that a state begins with)."""
    new.set("intact", its, to=False)
    new.set("plain", its, to=False)


def _forget_bytes(new: Effect, its: Any) -> None:
    """Nor of the bytes in a frame that is not its any more."""
    new.set("written", lambda v, b: its(v), to=False)
    new.set("opens", lambda v, k: its(v), to=False)
    new.set("own", lambda v, k: its(v), to=False)
