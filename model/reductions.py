"""Which states of the model may stand for others: beliefs, each proved for a claim before its use.

`checker.reducing.reduction` proves them, and refuses what is not sound for the claim at hand: the
tables of free KeyIDs, say, are dead where packages are compared, and what `released-is-clear` is
about.

Not declared, because they are not so: key objects are taken lowest first, KeyIDs too, and the gate
does not count the last one. CPUs are interchangeable where a package has two of them; of more, the
lowest takes over the lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import Normaliser, Symmetry, Term
from designs import Design
from model.sorts import BYTES, CPU, KEY, PACKAGE, VMA
from model.state import State


def reductions(design: Design) -> tuple[Symmetry | Normaliser, ...]:
    """What is declared for a design; a design with per-package KeyIDs has no vault."""
    return (
        Normaliser("lead", "any online CPU of a package programs its table as well", _lowest_leads),
        *(_of_packages(design) if design.keyid_scope == "per_package" else _of_machine(design)),
        Symmetry(PACKAGE),
        Symmetry(BYTES),
        Symmetry(CPU),
        Symmetry(VMA),
    )


def _of_packages(_: Design) -> tuple[Normaliser, ...]:
    """Normalisers where each package has its own KeyIDs."""
    return (
        Normaliser(
            "free entries",
            "a KeyID is mapped on a package only when it is programmed there",
            lambda state: _clear_entries(state, lambda p, k: z3.Not(state.is_mapped(p, k))),
        ),
    )


def _of_machine(design: Design) -> tuple[Normaliser, ...]:
    """Normalisers where all packages share the KeyIDs, the map and the vault."""
    if design.unreachable_package == "refuse_keys":
        entries = Normaliser(
            "unused entries",
            "a KeyID is mapped only when it is programmed wherever there is memory, and a package"
            " that gets memory has every mapped KeyID programmed",
            _unused_entries,
        )
    else:
        entries = Normaliser(
            "idle entries",
            "a KeyID is mapped only when it is programmed on all online packages, and a package"
            " that comes online has every mapped KeyID programmed",
            _idle_entries,
        )
    words = Normaliser("vault words", "only mapped KeyIDs are resupplied", _free_vault_words)
    if design.savekeys == "off":
        return (entries, words)
    return (
        entries,
        words,
        Normaliser("vault keys", "only mapped KeyIDs are resupplied", _free_vault_keys),
    )


def _led(state: State, package: Term) -> Term:
    """Whether the package has a lead exactly when it has an online CPU: one, and online.

    All reachable states are so. Proofs speak of other states too, which are left as they are.
    """
    every, lead, online = state.every, state.lead, state.online
    is_online = every(CPU, lambda c: z3.Implies(lead[package, c], online[package, c]))
    is_one = every(
        CPU,
        CPU,
        lambda c, d: z3.Not(z3.And(state.less(c, d), lead[package, c], lead[package, d])),
    )
    return z3.And(is_online, is_one, state.has_lead(package) == state.has_online(package))


def _lowest_leads(state: State) -> Mapping[str, Any]:
    """The lowest online CPU leads."""

    def is_lowest(p: Term, c: Term) -> Term:
        lower = state.some(CPU, lambda d: z3.And(state.less(d, c), state.online[p, d]))
        return z3.And(state.online[p, c], z3.Not(lower))

    new = Effect(state)
    new.set("lead", lambda p, c: _led(state, p), to=is_lowest)
    return new.cases()


def _clear_entries(state: State, at: Any) -> Mapping[str, Any]:
    new = Effect(state)
    new.set("entry_mode", at, to=state.mode("tme"))
    new.set("entry_bytes", at, to=state.bytes("zeros"))
    return new.cases()


def _idle_entries(state: State) -> Mapping[str, Any]:
    """Entries of KeyIDs that are not mapped, or on packages with no online CPU, are as at boot."""

    def is_idle(p: Term, k: Term) -> Term:
        unused = z3.Or(z3.Not(state.is_mapped(p, k)), z3.Not(state.has_online(p)))
        return z3.And(_led(state, p), _resuppliable(state, k), unused)

    return _clear_entries(state, is_idle)


def _unused_entries(state: State) -> Mapping[str, Any]:
    """Entries of KeyIDs that are not mapped, or on packages without memory, are as at boot."""
    all_led = state.every(PACKAGE, lambda p: _led(state, p))

    def is_unused(p: Term, k: Term) -> Term:
        without = z3.Not(z3.Or(state.memory[p], state.has_online(p)))
        unused = z3.Or(z3.Not(state.is_mapped(p, k)), without)
        return z3.And(all_led, _resuppliable(state, k), unused)

    return _clear_entries(state, is_unused)


def _resuppliable(state: State, keyid: Term) -> Term:
    """Whether at most one key has the KeyID, and the vault says what to program for it.

    All reachable states are so, as with `_led`.
    """
    is_one = state.every(
        KEY,
        KEY,
        lambda x, y: z3.Not(
            z3.And(
                state.less(x, y), state.has_keyid(x, None, keyid), state.has_keyid(y, None, keyid)
            )
        ),
    )
    word = state.vault_control[keyid] != state.control("empty")
    return z3.And(is_one, z3.Implies(state.is_mapped(None, keyid), word))


def _free_vault_words(state: State) -> Mapping[str, Any]:
    """Control words of KeyIDs that are not mapped are empty."""
    new = Effect(state)
    free = _is_unmapped(state)
    new.set("vault_control", free, to=state.control("empty"))
    return new.cases()


def _free_vault_keys(state: State) -> Mapping[str, Any]:
    """Saved keys of KeyIDs that are not mapped are zeros."""
    new = Effect(state)
    new.set("vault_bytes", _is_unmapped(state), to=state.bytes("zeros"))
    return new.cases()


def _is_unmapped(state: State) -> Any:
    return lambda k: z3.Not(state.is_mapped(None, k))
