"""What lemmas say of packages, keys, entries and the vault: the formulas behind `lemmas`.

A formula gives None where a design lacks what it speaks of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.system import Term
from model import State
from model.sorts import CPU, KEY, KEYID, KIND, PACKAGE
from properties.consistency import is_as_requested


def for_own_keyids(formula: Callable[[State], Term]) -> Callable[[State], Term | None]:
    """The formula, for designs where each package has KeyIDs of its own."""
    return lambda state: formula(state) if state.per_package else None


def for_global_keyids(formula: Callable[[State], Term]) -> Callable[[State], Term | None]:
    """The formula, for designs with one map for all packages; those have a vault."""
    return lambda state: None if state.per_package else formula(state)


def every_use(state: State, body: Callable[[Any, Any, Any], Term]) -> Term:
    """For every use of a KeyID by a key: `body(key, package, KeyID)`, no package if global."""
    if state.per_package:
        return state.every(
            KEY,
            PACKAGE,
            KEYID,
            lambda x, p, k: z3.Implies(state.has_keyid(x, p, k), body(x, p, k)),
        )
    return state.every(
        KEY, KEYID, lambda x, k: z3.Implies(state.has_keyid(x, None, k), body(x, None, k))
    )


def is_user(state: State, key: Any, keyid: Any) -> Term:
    return state.kind_asked(key, keyid) == state.kind("user")


def _asked_mode(state: State, key: Any, keyid: Any) -> Term:
    """The mode that the key's owner asked for."""
    kind = state.kind_asked(key, keyid)
    return z3.If(
        kind == state.kind("clear"),
        state.mode("tme"),
        z3.If(kind == state.kind("no_encrypt"), state.mode("no_encrypt"), state.mode("encrypt")),
    )


# Packages and CPUs


def leads_are_online(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.lead[p, c], state.online[p, c]))


def online_packages_have_a_lead(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.online[p, c], state.has_lead(p)))


def some_package_is_led(state: State) -> Term:
    return state.some(PACKAGE, lambda p: state.has_lead(p))


def online_cpus_are_present(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.online[p, c], state.present[p]))


def online_packages_have_memory(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.online[p, c], state.memory[p]))


def absent_tables_are_empty(state: State) -> Term:
    return state.every(
        PACKAGE,
        KEYID,
        lambda p, k: z3.Or(state.present[p], state.entry_mode[p, k] == state.mode("tme")),
    )


# The map


def keyids_have_one_key(state: State) -> Term:
    def is_only_one(x: Any, p: Any, k: Any) -> Term:
        return state.every(KEY, lambda y: z3.Implies(state.has_keyid(y, p, k), x == y))

    return every_use(state, is_only_one)


def mapped_keyids_are_in_service(state: State) -> Term:
    return state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(state.has_keyid(x, p, k), z3.Not(state.uncleared[p, k])),
    )


def used_packages_have_memory(state: State) -> Term:
    return every_use(state, lambda x, p, k: state.memory[p])


def used_packages_are_online(state: State) -> Term:
    return every_use(state, lambda x, p, k: state.has_online(p))


def unmapped_entries_are_clear(state: State) -> Term:
    """Of a KeyID that no key has: its entry is TME wherever it need not be cleared any more."""
    return state.every(
        PACKAGE,
        KEYID,
        lambda p, k: z3.Or(
            state.is_mapped(p, k),
            state.uncleared[p, k],
            state.entry_mode[p, k] == state.mode("tme"),
        ),
    )


# Bits


def bits_are_of_user_keys(state: State) -> Term:
    return state.every_slot(
        lambda p, k: z3.Implies(
            state.has_bit(p, k),
            state.some(KEY, lambda x: z3.And(state.has_keyid(x, p, k), is_user(state, x, k))),
        )
    )


def user_keys_have_bits(state: State) -> Term:
    return every_use(state, lambda x, p, k: z3.Implies(is_user(state, x, k), state.has_bit(p, k)))


# Entries and what owners asked for


def user_keys_are_user_bytes(state: State) -> Term:
    return every_use(
        state,
        lambda x, p, k: z3.Implies(
            is_user(state, x, k), state.is_user_bytes(state.bytes_asked(x, k))
        ),
    )


def asked_keys_are_known(state: State) -> Term:
    return every_use(
        state,
        lambda x, p, k: z3.Implies(
            is_user(state, x, k), state.is_known(x, k, state.bytes_asked(x, k))
        ),
    )


def no_user_keys(state: State) -> Term:
    return every_use(state, lambda x, p, k: z3.Not(is_user(state, x, k)))


def modes_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), where(state, p)),
            state.entry_mode[p, k] == _asked_mode(state, x, k),
        ),
    )


def user_entries_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), is_user(state, x, k), where(state, p)),
            state.entry_bytes[p, k] == state.bytes_asked(x, k),
        ),
    )


def entries_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), where(state, p)), is_as_requested(state, x, p, k)
        ),
    )


def with_cpu(state: State, package: Any) -> Term:
    return state.has_online(package)


def with_memory(state: State, package: Any) -> Term:
    return state.memory[package]


def anywhere(state: State, package: Any) -> Term:
    return z3.BoolVal(True)


def used_memory_is_in_reach(state: State) -> Term:
    return state.every(
        KEY,
        KEYID,
        PACKAGE,
        lambda x, k, p: z3.Implies(
            z3.And(state.has_keyid(x, None, k), state.memory[p]), state.has_online(p)
        ),
    )


# The vault


def control_words_as_asked(state: State) -> Term:
    return state.every(
        KEY,
        KEYID,
        lambda x, k: z3.Implies(
            state.has_keyid(x, None, k),
            z3.And(
                [
                    (state.kind_asked(x, k) == state.kind(name))
                    == (state.vault_control[k] == state.control(name))
                    for name in KIND.values
                ]
            ),
        ),
    )


def kept_keys_as_asked(state: State) -> Term:
    return state.every(
        KEY,
        KEYID,
        lambda x, k: z3.Implies(
            z3.And(state.has_keyid(x, None, k), is_user(state, x, k)),
            state.vault_bytes[k] == state.bytes_asked(x, k),
        ),
    )
