"""Lemmas: what is true of every reachable state and makes the claims inductive.

One catalogue serves all designs. A lemma gives None where the design lacks what it speaks of;
which of the others hold in a design, and which of them a claim needs, is found out by `checker`,
so that a design with changed knobs has its proof without being asked for its lemmas. A lemma that
is wrong for a design is dropped there; it cannot make a wrong claim pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.anysize.houdini import Lemma
from checker.systems.system import Term
from model import State
from model.sorts import CPU, KEY, KEYID, KIND, PACKAGE


def _for_own_keyids(formula: Callable[[State], Term]) -> Callable[[State], Term | None]:
    """The formula, for designs where each package has KeyIDs of its own."""
    return lambda state: formula(state) if state.per_package else None


def _for_global_keyids(formula: Callable[[State], Term]) -> Callable[[State], Term | None]:
    """The formula, for designs with one map for all packages; those have a vault."""
    return lambda state: None if state.per_package else formula(state)


def _every_use(state: State, body: Callable[[Any, Any, Any], Term]) -> Term:
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


def _is_user(state: State, key: Any) -> Term:
    return state.requested_kind[key] == state.kind("user")


def _asked_mode(state: State, key: Any) -> Term:
    """The mode that the key's owner asked for."""
    kind = state.requested_kind[key]
    return z3.If(
        kind == state.kind("clear"),
        state.mode("tme"),
        z3.If(kind == state.kind("no_encrypt"), state.mode("no_encrypt"), state.mode("encrypt")),
    )


# Packages and CPUs


def _leads_are_online(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.lead[p, c], state.online[p, c]))


def _online_packages_have_a_lead(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.online[p, c], state.has_lead(p)))


def _online_cpus_are_present(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.online[p, c], state.present[p]))


def _online_packages_have_memory(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.online[p, c], state.memory[p]))


def _memory_is_present(state: State) -> Term:
    return state.every(PACKAGE, lambda p: z3.Implies(state.memory[p], state.present[p]))


def _absent_tables_are_empty(state: State) -> Term:
    return state.every(
        PACKAGE,
        KEYID,
        lambda p, k: z3.Or(state.present[p], state.entry_mode[p, k] == state.mode("tme")),
    )


# The map


def _mapped_keys_are_live(state: State) -> Term:
    return _every_use(state, lambda x, p, k: state.live[x])


def _keyids_have_one_key(state: State) -> Term:
    def is_only_one(x: Any, p: Any, k: Any) -> Term:
        return state.every(KEY, lambda y: z3.Implies(state.has_keyid(y, p, k), x == y))

    return _every_use(state, is_only_one)


def _mapped_keyids_are_in_service(state: State) -> Term:
    return state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(state.has_keyid(x, p, k), z3.Not(state.uncleared[p, k])),
    )


def _used_packages_have_memory(state: State) -> Term:
    return _every_use(state, lambda x, p, k: state.memory[p])


def _used_packages_are_online(state: State) -> Term:
    return _every_use(state, lambda x, p, k: state.has_online(p))


def _unmapped_entries_are_clear(state: State) -> Term:
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


def _bits_are_of_user_keys(state: State) -> Term:
    return state.every_slot(
        lambda p, k: z3.Implies(
            state.has_bit(p, k),
            state.some(KEY, lambda x: z3.And(state.has_keyid(x, p, k), _is_user(state, x))),
        )
    )


def _user_keys_have_bits(state: State) -> Term:
    return _every_use(state, lambda x, p, k: z3.Implies(_is_user(state, x), state.has_bit(p, k)))


# Entries and what owners asked for


def _user_keys_are_user_bytes(state: State) -> Term:
    return state.every(
        KEY,
        lambda x: z3.Implies(
            z3.And(state.live[x], _is_user(state, x)),
            state.is_user_bytes(state.requested_bytes[x]),
        ),
    )


def _no_user_keys(state: State) -> Term:
    return state.every(KEY, lambda x: z3.Implies(state.live[x], z3.Not(_is_user(state, x))))


def _modes_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), where(state, p)),
            state.entry_mode[p, k] == _asked_mode(state, x),
        ),
    )


def _user_entries_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), _is_user(state, x), where(state, p)),
            state.entry_bytes[p, k] == state.requested_bytes[x],
        ),
    )


def _with_cpu(state: State, package: Any) -> Term:
    return state.has_online(package)


def _with_memory(state: State, package: Any) -> Term:
    return state.memory[package]


def _anywhere(state: State, package: Any) -> Term:
    return z3.BoolVal(True)


def _used_memory_is_in_reach(state: State) -> Term:
    return state.every(
        KEY,
        KEYID,
        PACKAGE,
        lambda x, k, p: z3.Implies(
            z3.And(state.has_keyid(x, None, k), state.memory[p]), state.has_online(p)
        ),
    )


# The vault


def _control_words_as_asked(state: State) -> Term:
    return state.every(
        KEY,
        KEYID,
        lambda x, k: z3.Implies(
            state.has_keyid(x, None, k),
            z3.And(
                [
                    (state.requested_kind[x] == state.kind(name))
                    == (state.vault_control[k] == state.control(name))
                    for name in KIND.values
                ]
            ),
        ),
    )


def _kept_keys_as_asked(state: State) -> Term:
    return state.every(
        KEY,
        KEYID,
        lambda x, k: z3.Implies(
            z3.And(state.has_keyid(x, None, k), _is_user(state, x)),
            state.vault_bytes[k] == state.requested_bytes[x],
        ),
    )


LEMMAS: tuple[Lemma, ...] = (
    Lemma("leads-online", "A lead CPU is online.", _leads_are_online),
    Lemma(
        "online-lead",
        "A package with an online CPU has a lead CPU.",
        _online_packages_have_a_lead,
    ),
    Lemma("online-present", "An online CPU's package is present.", _online_cpus_are_present),
    Lemma(
        "online-memory",
        "The memory of a package with an online CPU is present.",
        _online_packages_have_memory,
    ),
    Lemma("memory-present", "Memory that is present is of a present package.", _memory_is_present),
    Lemma("absent-tme", "The entries of an absent package are TME.", _absent_tables_are_empty),
    Lemma("mapped-live", "A key that has a KeyID is live.", _mapped_keys_are_live),
    Lemma("one-key", "A KeyID stands for one key at most.", _keyids_have_one_key),
    Lemma(
        "mapped-in-service",
        "A mapped KeyID does not wait for CLEAR_KEY.",
        _mapped_keyids_are_in_service,
    ),
    Lemma(
        "mapped-memory",
        "With per-package KeyIDs, a key has KeyIDs on packages with memory only.",
        _for_own_keyids(_used_packages_have_memory),
    ),
    Lemma(
        "mapped-online",
        "With per-package KeyIDs, a package where a key has a KeyID has an online CPU.",
        _for_own_keyids(_used_packages_are_online),
    ),
    Lemma(
        "unmapped-clear",
        "The entry of an unmapped KeyID is TME, or waits for CLEAR_KEY.",
        _unmapped_entries_are_clear,
    ),
    Lemma("bit-user", "A KeyID whose bit is set is mapped to a user key.", _bits_are_of_user_keys),
    Lemma("user-bit", "The bit of a user key's KeyID is set.", _user_keys_have_bits),
    Lemma(
        "user-bytes",
        "The owner of a live user key asked for a user's key bytes.",
        _user_keys_are_user_bytes,
    ),
    Lemma("no-user-keys", "No live key is a user key.", _no_user_keys),
    Lemma(
        "online-modes",
        "On a package with an online CPU, a mapped KeyID's mode is what its owner asked for.",
        _modes_as_asked(_with_cpu),
    ),
    Lemma(
        "memory-modes",
        "On a package with memory, a mapped KeyID's mode is what its owner asked for.",
        _modes_as_asked(_with_memory),
    ),
    Lemma(
        "online-keys",
        "On a package with an online CPU, a user key's entry has the bytes its owner asked for.",
        _user_entries_as_asked(_with_cpu),
    ),
    Lemma(
        "memory-keys",
        "On a package with memory, a user key's entry has the bytes its owner asked for.",
        _user_entries_as_asked(_with_memory),
    ),
    Lemma(
        "used-modes",
        "With per-package KeyIDs, a mapped KeyID's mode is what its owner asked for.",
        _for_own_keyids(_modes_as_asked(_anywhere)),
    ),
    Lemma(
        "used-keys",
        "With per-package KeyIDs, a user key's entry has the bytes its owner asked for.",
        _for_own_keyids(_user_entries_as_asked(_anywhere)),
    ),
    Lemma(
        "used-in-reach",
        "While a KeyID is mapped, packages with memory have an online CPU.",
        _for_global_keyids(_used_memory_is_in_reach),
    ),
    Lemma(
        "control-words",
        "The vault's control word of a mapped KeyID is of the type its owner asked for.",
        _for_global_keyids(_control_words_as_asked),
    ),
    Lemma(
        "kept-keys",
        "The vault keeps the bytes that a user key's owner asked for.",
        _for_global_keyids(_kept_keys_as_asked),
    ),
)
"""Every lemma of the modelled key service, in the order in which it is easiest read."""


def lemmas_about(system: str) -> tuple[Lemma, ...]:
    """The lemmas of one of a design's systems: of the key service there are some."""
    return LEMMAS if not system else ()
