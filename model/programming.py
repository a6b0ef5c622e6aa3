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
from model.sorts import KIND, PACKAGE
from model.state import State


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


def program(
    new: Effect, old: State, at: Callable[[Term, Term], Term], kind: Term, supplied: Term
) -> None:
    """Key table entries (package, KeyID) become what a payload of this kind asks for (PCONFIG)."""
    no_key = z3.Or(kind == old.kind("clear"), kind == old.kind("no_encrypt"))
    mode = z3.If(
        kind == old.kind("clear"),
        old.mode("tme"),
        z3.If(kind == old.kind("no_encrypt"), old.mode("no_encrypt"), old.mode("encrypt")),
    )
    own = z3.If(kind == old.kind("user"), supplied, old.bytes("random"))
    new.set("entry_mode", at, to=mode)
    new.set("entry_bytes", at, to=z3.If(no_key, old.bytes("zeros"), own))


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


def unmap(new: Effect, old: State, key: Term, when: Term) -> None:
    """The key gives up its KeyIDs, and is a key no more."""
    new.set("live", lambda x: z3.And(when, x == key), to=False)
    new.set("requested_kind", lambda x: z3.And(when, x == key), to=old.kind("user"))
    new.set("requested_bytes", lambda x: z3.And(when, x == key), to=old.bytes("zeros"))
    new.set("mapped", old.for_map(lambda x, p, k: z3.And(when, x == key)), to=False)
    its = old.for_bitmap(lambda p, k: z3.And(when, old.has_keyid(key, p, k)))
    new.set("bit", its, to=False)
    scrub_vault(new, old, lambda k: z3.And(when, old.has_keyid(key, None, k)))


def await_clearing(new: Effect, old: State, at: Callable[[Any, Term], Term]) -> None:
    """KeyIDs go out of service on every package that is in the machine (those `at` names).

    A package that was added and has no CPU online yet is one of them: a CPU startup that failed
    half-way may have programmed it.
    """
    new.set("uncleared", lambda p, k: z3.And(at(p, k), old.present[p]), to=True)


def quarantines(old: State) -> Term:
    """Whether a KeyID that could not be programmed goes out of service."""
    return z3.BoolVal(old.design.on_program_failure == "quarantine")
