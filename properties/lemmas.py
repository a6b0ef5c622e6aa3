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
from model.attacker import is_in_use
from model.sorts import BYTES, CPU, KEY, KEYID, KIND, PACKAGE, VMA
from properties.consistency import is_as_requested


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


def _is_user(state: State, key: Any, keyid: Any) -> Term:
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


def _leads_are_online(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.lead[p, c], state.online[p, c]))


def _online_packages_have_a_lead(state: State) -> Term:
    return state.every(PACKAGE, CPU, lambda p, c: z3.Implies(state.online[p, c], state.has_lead(p)))


def _some_package_is_led(state: State) -> Term:
    return state.some(PACKAGE, lambda p: state.has_lead(p))


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
            state.some(KEY, lambda x: z3.And(state.has_keyid(x, p, k), _is_user(state, x, k))),
        )
    )


def _user_keys_have_bits(state: State) -> Term:
    return _every_use(state, lambda x, p, k: z3.Implies(_is_user(state, x, k), state.has_bit(p, k)))


# Entries and what owners asked for


def _user_keys_are_user_bytes(state: State) -> Term:
    return _every_use(
        state,
        lambda x, p, k: z3.Implies(
            _is_user(state, x, k), state.is_user_bytes(state.bytes_asked(x, k))
        ),
    )


def _no_user_keys(state: State) -> Term:
    return _every_use(state, lambda x, p, k: z3.Not(_is_user(state, x, k)))


def _modes_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), where(state, p)),
            state.entry_mode[p, k] == _asked_mode(state, x, k),
        ),
    )


def _user_entries_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), _is_user(state, x, k), where(state, p)),
            state.entry_bytes[p, k] == state.bytes_asked(x, k),
        ),
    )


def _entries_as_asked(where: Callable[[State, Any], Term]) -> Callable[[State], Term]:
    return lambda state: state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), where(state, p)), is_as_requested(state, x, p, k)
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
                    (state.kind_asked(x, k) == state.kind(name))
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
            z3.And(state.has_keyid(x, None, k), _is_user(state, x, k)),
            state.vault_bytes[k] == state.bytes_asked(x, k),
        ),
    )


# References, and VMAs


def _keys_are_counted(state: State) -> Term:
    return _every_use(
        state, lambda x, p, k: z3.Implies(state.live[x], state.has_key_reference(p, k))
    )


def _counted_keys_are_live(state: State) -> Term:
    def is_live(p: Any, k: Any) -> Term:
        return state.some(KEY, lambda x: z3.And(state.live[x], state.has_keyid(x, p, k)))

    return state.every_slot(lambda p, k: z3.Implies(state.has_key_reference(p, k), is_live(p, k)))


def _every_vma_use(state: State, body: Callable[[Any, Any, Any], Term]) -> Term:
    """For every KeyID that a VMA uses: `body(vma, package, KeyID)`."""
    if not state.per_package:
        return state.every(VMA, KEYID, lambda v, k: z3.Implies(state.uses[v, k], body(v, None, k)))
    return state.every(
        VMA,
        KEY,
        PACKAGE,
        KEYID,
        lambda v, x, p, k: z3.Implies(
            z3.And(state.uses[v, x], state.has_keyid(x, p, k)), body(v, p, k)
        ),
    )


def _vmas_are_counted(state: State) -> Term:
    return _every_vma_use(state, lambda v, p, k: state.has_vma_reference(v, p, k))


def _counted_vmas_use(state: State) -> Term:
    def uses(v: Any) -> Callable[[Any, Any], Term]:
        return lambda p, k: z3.Implies(state.has_vma_reference(v, p, k), state.vma_uses(v, p, k))

    return state.every(VMA, lambda v: state.every_slot(uses(v)))


def _vmas_use_one(state: State) -> Term:
    sort = KEY if state.per_package else KEYID
    return state.every(
        VMA,
        sort,
        sort,
        lambda v, i, j: z3.Implies(z3.And(state.uses[v, i], state.uses[v, j]), i == j),
    )


def _used_keys_are_mapped(state: State) -> Term:
    if not state.per_package:
        return state.every(
            VMA, KEYID, lambda v, k: z3.Implies(state.uses[v, k], state.is_mapped(None, k))
        )

    def is_somewhere(x: Any) -> Term:
        return state.some(PACKAGE, lambda p: state.is_used_on(x, p))

    return state.every(VMA, KEY, lambda v, x: z3.Implies(state.uses[v, x], is_somewhere(x)))


def _live_keys_have_keyids(state: State) -> Term:
    return state.every(
        KEY,
        lambda x: z3.Implies(state.live[x], state.some_slot(lambda p, k: state.has_keyid(x, p, k))),
    )


def _keys_have_one_keyid(state: State) -> Term:
    if not state.per_package:
        return state.every(
            KEY,
            KEYID,
            KEYID,
            lambda x, k, j: z3.Implies(
                z3.And(state.has_keyid(x, None, k), state.has_keyid(x, None, j)), k == j
            ),
        )
    return state.every(
        KEY,
        PACKAGE,
        KEYID,
        KEYID,
        lambda x, p, k, j: z3.Implies(
            z3.And(state.has_keyid(x, p, k), state.has_keyid(x, p, j)), k == j
        ),
    )


def _mapped_is_counted(state: State) -> Term:
    """A slot in use has a reference."""
    return _every_use(
        state,
        lambda x, p, k: z3.Or(state.has_key_reference(p, k), state.any_vma_reference(p, k)),
    )


def _keys_keep_what_they_got(state: State) -> Term:
    return _every_use(state, lambda x, p, k: z3.Implies(state.live[x], state.was_given(x, p, k)))


def _given_is_mapped(state: State) -> Term:
    def is_mapped(x: Any) -> Callable[[Any, Any], Term]:
        return lambda p, k: z3.Implies(state.was_given(x, p, k), state.has_keyid(x, p, k))

    return state.every(KEY, lambda x: state.every_slot(is_mapped(x)))


def _none_is_astray(state: State) -> Term:
    return state.every(VMA, lambda v: z3.Not(state.astray[v]))


def _wants_encryption(state: State) -> Term:
    """The KeyID of a VMA whose owner asked for encryption stands for a key that encrypts."""

    def encrypts(v: Any, x: Any, k: Any) -> Term:
        kind = state.kind_asked(x, k)
        return z3.Implies(
            state.wants[v], z3.Or(kind == state.kind("user"), kind == state.kind("cpu"))
        )

    if not state.per_package:
        return state.every(
            VMA, KEYID, lambda v, k: z3.Implies(state.uses[v, k], encrypts(v, None, k))
        )
    return state.every(VMA, KEY, lambda v, x: z3.Implies(state.uses[v, x], encrypts(v, x, None)))


# Pages


def _pages_are_of_vmas(state: State) -> Term:
    return state.every(
        VMA, PACKAGE, lambda v, p: z3.Implies(state.page[v, p], state.is_encrypted(v))
    )


def _pages_lie_in_memory(state: State) -> Term:
    return state.every(VMA, PACKAGE, lambda v, p: z3.Implies(state.page[v, p], state.memory[p]))


def _pages_lie_once(state: State) -> Term:
    return state.every(
        VMA,
        PACKAGE,
        PACKAGE,
        lambda v, p, q: z3.Implies(z3.And(state.page[v, p], state.page[v, q]), p == q),
    )


def _pages_have_a_keyid(state: State) -> Term:
    return state.every(
        VMA,
        PACKAGE,
        lambda v, p: z3.Implies(
            state.page[v, p], state.some(KEYID, lambda k: state.vma_uses(v, p, k))
        ),
    )


def _pages_are_intact(state: State) -> Term:
    return state.every(VMA, PACKAGE, lambda v, p: z3.Implies(state.page[v, p], state.intact[v]))


def _plain_pages_are_pages(state: State) -> Term:
    return state.every(
        VMA, lambda v: z3.Implies(state.plain[v], state.some(PACKAGE, lambda p: state.page[v, p]))
    )


def _wanted_pages_are_encrypted(state: State) -> Term:
    return state.every(VMA, lambda v: z3.Not(z3.And(state.wants[v], state.plain[v])))


def _sharers_are_alike(state: State) -> Term:
    sort = KEY if state.per_package else KEYID
    pages = state.every(
        VMA,
        VMA,
        PACKAGE,
        lambda v, u, p: z3.Implies(state.shares[v, u], state.page[v, p] == state.page[u, p]),
    )
    uses = state.every(
        VMA,
        VMA,
        sort,
        lambda v, u, i: z3.Implies(state.shares[v, u], state.uses[v, i] == state.uses[u, i]),
    )
    return z3.And(pages, uses)


def _sharing_is_mutual(state: State) -> Term:
    return state.every(VMA, VMA, lambda v, u: z3.Implies(state.shares[v, u], state.shares[u, v]))


def _sharers_have_a_page(state: State) -> Term:
    return state.every(
        VMA,
        VMA,
        lambda v, u: z3.Implies(
            state.shares[v, u], state.some(PACKAGE, lambda p: state.page[v, p])
        ),
    )


def _sharers_ask_alike(state: State) -> Term:
    return state.every(
        VMA, VMA, lambda v, u: z3.Implies(state.shares[v, u], state.wants[v] == state.wants[u])
    )


def _opened_are_encrypted(state: State) -> Term:
    def lies(v: Any, p: Any) -> Term:
        return z3.Or(state.page[v, p], state.left[v, p])

    return state.every(
        VMA,
        PACKAGE,
        KEYID,
        lambda v, p, k: z3.Implies(
            z3.And(lies(v, p), state.opens[v, k]), state.entry_mode[p, k] == state.mode("encrypt")
        ),
    )


def _freed_pages_lie_in_memory(state: State) -> Term:
    return state.every(VMA, PACKAGE, lambda v, p: z3.Implies(state.left[v, p], state.memory[p]))


def _freed_pages_are_not_pages(state: State) -> Term:
    return state.every(
        VMA,
        PACKAGE,
        PACKAGE,
        lambda v, p, q: z3.And(
            z3.Not(z3.And(state.left[v, p], state.page[v, q])),
            z3.Implies(z3.And(state.left[v, p], state.left[v, q]), p == q),
        ),
    )


# What lies about


def _kept_keys_are_in_use(state: State) -> Term | None:
    """A user key in the vault is that of a KeyID in use."""
    if state.per_package:
        return None

    def is_its(k: Any) -> Term:
        return state.some(
            KEY,
            lambda x: z3.And(
                state.has_keyid(x, None, k),
                _is_user(state, x, k),
                state.bytes_asked(x, k) == state.vault_bytes[k],
            ),
        )

    return state.every(
        KEYID,
        lambda k: z3.Implies(state.is_user_bytes(state.vault_bytes[k]), is_its(k)),
    )


def _released_keys_are_not_in_use(state: State) -> Term:
    return state.every(BYTES, lambda b: z3.Not(z3.And(state.released[b], is_in_use(state, b))))


def _released_keys_are_user_keys(state: State) -> Term:
    return state.every(BYTES, lambda b: z3.Implies(state.released[b], state.is_user_bytes(b)))


def _nothing_lies_about(state: State) -> Term:
    return state.every(BYTES, lambda b: z3.Not(z3.Or(state.struct_residue[b], state.leaked[b])))


def _nothing_is_kept(state: State) -> Term | None:
    if state.per_package:
        return None
    return state.every(KEYID, lambda k: z3.Not(state.is_user_bytes(state.vault_bytes[k])))


LEMMAS: tuple[Lemma, ...] = (
    Lemma("leads-online", "A lead CPU is online.", _leads_are_online),
    Lemma(
        "online-lead",
        "A package with an online CPU has a lead CPU.",
        _online_packages_have_a_lead,
    ),
    Lemma("some-lead", "Some package has a lead CPU.", _some_package_is_led),
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
        "memory-asked",
        "On a package with memory, a mapped KeyID's entry is what its owner asked for.",
        _entries_as_asked(_with_memory),
    ),
    Lemma(
        "used-asked",
        "With per-package KeyIDs, a mapped KeyID's entry is what its owner asked for.",
        _for_own_keyids(_entries_as_asked(_anywhere)),
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
    Lemma("key-counted", "The reference of a live key is counted at its KeyID.", _keys_are_counted),
    Lemma("counted-live", "A key whose reference is counted is live.", _counted_keys_are_live),
    Lemma("vma-counted", "The reference of a VMA is counted at its KeyID.", _vmas_are_counted),
    Lemma("counted-uses", "A VMA whose reference is counted uses the KeyID.", _counted_vmas_use),
    Lemma("one-used", "A VMA has one KeyID at most.", _vmas_use_one),
    Lemma("used-mapped", "A KeyID that a VMA uses is mapped.", _used_keys_are_mapped),
    Lemma("live-mapped", "A live key has a KeyID.", _live_keys_have_keyids),
    Lemma("one-keyid", "A key has one KeyID at most in each map.", _keys_have_one_keyid),
    Lemma("mapped-counted", "A mapped KeyID has a reference.", _mapped_is_counted),
    Lemma(
        "mapped-given", "The KeyID of a live key is the one it was given.", _keys_keep_what_they_got
    ),
    Lemma("given-mapped", "A KeyID that a key was given is still its.", _given_is_mapped),
    Lemma("none-astray", "Every VMA has the KeyID of the key its owner named.", _none_is_astray),
    Lemma(
        "wants-encrypted",
        "The KeyID of a VMA whose owner asked for encryption stands for a key that encrypts.",
        _wants_encryption,
    ),
    Lemma("page-encrypted", "A page is of a VMA that has a KeyID.", _pages_are_of_vmas),
    Lemma("page-memory", "A page lies in memory that is present.", _pages_lie_in_memory),
    Lemma("one-page", "A page lies on one package.", _pages_lie_once),
    Lemma("page-keyid", "Where a page lies, its VMA has a KeyID.", _pages_have_a_keyid),
    Lemma("page-intact", "A page reads back what was written.", _pages_are_intact),
    Lemma("plain-page", "Plaintext is that of a page.", _plain_pages_are_pages),
    Lemma(
        "wanted-sealed",
        "The page of a VMA whose owner asked for encryption is not plaintext.",
        _wanted_pages_are_encrypted,
    ),
    Lemma(
        "kept-in-use",
        "A user key in the vault is that of a KeyID in use.",
        _kept_keys_are_in_use,
    ),
    Lemma("shared-alike", "VMAs that share a page have one KeyID and page.", _sharers_are_alike),
    Lemma(
        "shared-both", "Of two VMAs that share a page, each shares the other's.", _sharing_is_mutual
    ),
    Lemma("shared-page", "VMAs that share a page have one.", _sharers_have_a_page),
    Lemma("shared-wants", "The owners of a shared page asked for the same.", _sharers_ask_alike),
    Lemma(
        "opened-encrypt", "A KeyID that decrypts a page is in mode encrypt.", _opened_are_encrypted
    ),
    Lemma(
        "left-memory", "A freed page lies in memory that is present.", _freed_pages_lie_in_memory
    ),
    Lemma(
        "left-once", "A VMA's last freed page is one, and not its page.", _freed_pages_are_not_pages
    ),
    Lemma("released-user", "What is released is a user key.", _released_keys_are_user_keys),
    Lemma("released-idle", "A released user key is not in use.", _released_keys_are_not_in_use),
    Lemma("none-about", "No user key lies in freed or forgotten memory.", _nothing_lies_about),
    Lemma("none-kept", "No user key is in the vault.", _nothing_is_kept),
)
"""Every lemma of the modelled key service, in the order in which it is easiest read."""


def lemmas_about(system: str) -> tuple[Lemma, ...]:
    """The lemmas of one of a design's systems: of the key service there are some."""
    return LEMMAS if not system else ()
