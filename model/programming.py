"""What programming one KeyID does to key tables, vault and freed memory.

Shared by every operation that executes PCONFIG. A transient failure is the environment's choice:
where `on_program_failure` retries, a chosen failure is one that outlasts the retries.

The functions that take `new` add cases to an effect; `at` says for which KeyIDs (and packages).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import Term
from model.sorts import KEYID, KIND, PACKAGE
from model.state import Slots, State


def is_well_formed(old: State, kind: Term, supplied: Term) -> Term:
    """A payload carries key bytes exactly when it is of type user; others carry zeros here.

    A payload with `type=cpu` may bring entropy in `key=`; it is not a user's key, and no property
    so far speaks of it.
    """
    is_user = kind == old.kind("user")
    return z3.If(is_user, old.is_user_bytes(supplied), supplied == old.bytes("zeros"))


def faults_strike(old: State, fails: Any, programmed: Callable[[Term], Term]) -> Term:
    """A PCONFIG can fail only where one is executed."""
    return old.every(PACKAGE, lambda p: z3.Implies(fails[p], programmed(p)))


def mode_of(old: State, kind: Term) -> Term:
    """The mode of the entry that a payload of this kind asks for."""
    return z3.If(
        kind == old.kind("clear"),
        old.mode("tme"),
        z3.If(kind == old.kind("no_encrypt"), old.mode("no_encrypt"), old.mode("encrypt")),
    )


def program(
    new: Effect,
    old: State,
    at: Callable[[Term, Term], Term],
    kind: Term,
    supplied: Term | Callable[[Term], Term],
) -> None:
    """Key table entries (package, KeyID) become what a payload of this kind asks for (PCONFIG).

    `supplied` is the user's key, for each KeyID where they differ.
    """
    no_key = z3.Or(kind == old.kind("clear"), kind == old.kind("no_encrypt"))
    mode = mode_of(old, kind)

    def key(k: Term) -> Term:
        users = supplied(k) if callable(supplied) else supplied
        own = z3.If(kind == old.kind("user"), users, old.bytes("random"))
        return z3.If(no_key, old.bytes("zeros"), own)

    new.set("entry_mode", at, to=mode)
    new.set("entry_bytes", at, to=lambda p, k: key(k))
    _pages_see_it(new, old, at, mode, key)


def _pages_see_it(
    new: Effect, old: State, at: Any, mode: Term, key: Callable[[Term], Term]
) -> None:
    """What becomes of pages whose KeyID is programmed anew: ghosts, no step of the kernel's.

    A page reads back while the entry stays what it was written under; every random key is another
    one, and with TME in bypass, TME and no-encrypt are alike. A KeyID opens a page when it gets the
    very key that the page was written under.
    """

    def differs(p: Term, k: Term) -> Term:
        encrypt = old.mode("encrypt")
        plain = z3.And(old.bypass, old.entry_mode[p, k] != encrypt, mode != encrypt)
        same = z3.And(old.entry_mode[p, k] == mode, old.entry_bytes[p, k] == key(k))
        return z3.Or(z3.Not(z3.Or(plain, same)), key(k) == old.bytes("random"))

    def loses(v: Term, p: Term, k: Term) -> Term:
        return z3.And(at(p, k), old.page[v, p], old.page_carries(v, p, k), differs(p, k))

    def lies(v: Term, p: Term) -> Term:
        return z3.Or(old.page[v, p], old.left[v, p])

    def is_its(v: Term, k: Term) -> Term:
        is_key = z3.And(mode == old.mode("encrypt"), key(k) != old.bytes("random"))
        return z3.And(is_key, old.written[v, key(k)])

    new.set("intact", lambda v: old.some(PACKAGE, KEYID, lambda p, k: loses(v, p, k)), to=False)
    new.set(
        "opens", lambda v, k: old.some(PACKAGE, lambda p: z3.And(at(p, k), lies(v, p))), to=is_its
    )


def clear(new: Effect, old: State, at: Callable[[Term, Term], Term]) -> None:
    """Key table entries become TME, and are no longer waited for."""
    program(new, old, at, old.kind("clear"), old.bytes("zeros"))
    new.set("uncleared", at, to=False)


def leave_residue(new: Effect, old: State, programs: Term, kind: Term, supplied: Term) -> None:
    """The programming structure is freed with this payload in it (patch 11).

    It is zeroed when allocated, and its cache hands out the object last freed first, so one object
    holds whatever was programmed last. The entropy mixed into a random key is no user's key.
    """
    if old.design.program_struct == "dirty_free":
        is_user = kind == old.kind("user")
        new.set("struct_residue", lambda b: programs, to=lambda b: z3.And(is_user, supplied == b))


def leak_payload(new: Effect, old: State, refused: Term, supplied: Term) -> None:
    """A payload that is refused while it is parsed keeps the key bytes read so far (patch 10)."""
    if old.design.parse_error == "leaks_payload":
        new.set(
            "leaked",
            lambda b: z3.And(refused, b == supplied, old.is_user_bytes(supplied)),
            to=True,
        )


def load_vault(
    new: Effect, old: State, at: Callable[[Term], Term], kind: Term, supplied: Term
) -> None:
    """Patch 12: the vault keeps the control word, and with `savekeys` the key, of whatever type."""
    if old.per_package:
        return
    for name in KIND.values:
        is_kind = kind == old.kind(name)
        new.set(
            "vault_control",
            lambda k, is_kind=is_kind: z3.And(at(k), is_kind),
            to=old.control(name),
        )
    if old.design.savekeys == "on":
        new.set("vault_bytes", at, to=supplied)


def scrub_vault(new: Effect, old: State, at: Callable[[Term], Term]) -> None:
    """The vault slots of released KeyIDs are zeroed, where the design does so."""
    if not old.per_package and old.design.vault_on_release == "scrub":
        new.set("vault_control", at, to=old.control("empty"))
        new.set("vault_bytes", at, to=old.bytes("zeros"))


def await_clearing(new: Effect, old: State, at: Callable[[Any, Term], Term]) -> None:
    """KeyIDs go out of service on every package that is in the machine (those `at` names).

    A package that was added and has no CPU online yet is one of them: a CPU startup that failed
    half-way may have programmed it.
    """
    new.set("uncleared", lambda p, k: z3.And(at(p, k), old.present[p]), to=True)


def read_payload(new: Effect, old: State, when: Term) -> None:
    """A payload is copied: as posted, one byte beyond its end is read as well (patch 10)."""
    if old.design.parser == "lenient":
        new.set("overread", when, to=True)


def take_payload(new: Effect, old: State, supplied: Term) -> None:
    """An owner hands the kernel a key: what lies about of it is not a released key's any more."""
    read_payload(new, old, z3.BoolVal(True))
    new.set("released", lambda b: b == supplied, to=False)


def strays(new: Effect, old: State, at: Slots) -> None:
    """The counts of these slots are accessed: as posted there is none for KeyID N (patch 07)."""
    if old.design.count_entries == "n":
        beyond = old.some_slot(lambda p, k: z3.And(at(p, k), old.is_last_keyid(k)))
        new.set("overrun", beyond, to=True)


def quarantines(old: State) -> Term:
    """Whether a KeyID that could not be programmed goes out of service."""
    return z3.BoolVal(old.design.on_program_failure == "quarantine")
