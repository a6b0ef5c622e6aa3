"""What lemmas say of references, VMAs, pages and what lies about: the formulas behind `lemmas`.

A formula gives None where a design lacks what it speaks of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.system import Term
from model import State
from model.sorts import BYTES, KEY, KEYID, PACKAGE, VMA
from properties.keylemmas import every_use, is_user

# References, and VMAs


def keys_are_counted(state: State) -> Term:
    return every_use(
        state, lambda x, p, k: z3.Implies(state.live[x], state.has_key_reference(p, k))
    )


def counted_keys_are_live(state: State) -> Term:
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


def vmas_are_counted(state: State) -> Term:
    return _every_vma_use(state, lambda v, p, k: state.has_vma_reference(v, p, k))


def counted_vmas_use(state: State) -> Term:
    def uses(v: Any) -> Callable[[Any, Any], Term]:
        return lambda p, k: z3.Implies(state.has_vma_reference(v, p, k), state.vma_uses(v, p, k))

    return state.every(VMA, lambda v: state.every_slot(uses(v)))


def used_keys_are_mapped(state: State) -> Term:
    if not state.per_package:
        return state.every(
            VMA, KEYID, lambda v, k: z3.Implies(state.uses[v, k], state.is_mapped(None, k))
        )

    def is_somewhere(x: Any) -> Term:
        return state.some(PACKAGE, lambda p: state.is_used_on(x, p))

    return state.every(VMA, KEY, lambda v, x: z3.Implies(state.uses[v, x], is_somewhere(x)))


def keys_have_one_keyid(state: State) -> Term:
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


def mapped_is_counted(state: State) -> Term:
    """A slot in use has a reference."""
    return every_use(
        state,
        lambda x, p, k: z3.Or(state.has_key_reference(p, k), state.any_vma_reference(p, k)),
    )


def keys_keep_what_they_got(state: State) -> Term:
    return every_use(state, lambda x, p, k: z3.Implies(state.live[x], state.was_given(x, p, k)))


def given_is_mapped(state: State) -> Term:
    def is_mapped(x: Any) -> Callable[[Any, Any], Term]:
        return lambda p, k: z3.Implies(state.was_given(x, p, k), state.has_keyid(x, p, k))

    return state.every(KEY, lambda x: state.every_slot(is_mapped(x)))


def none_is_astray(state: State) -> Term:
    return state.every(VMA, lambda v: z3.Not(state.astray[v]))


def wants_encryption(state: State) -> Term:
    """The owner of a VMA asked for encryption exactly where its KeyID's key encrypts."""

    def encrypts(v: Any, x: Any, k: Any) -> Term:
        kind = state.kind_asked(x, k)
        return state.wants[v] == z3.Or(kind == state.kind("user"), kind == state.kind("cpu"))

    if not state.per_package:
        return state.every(
            VMA, KEYID, lambda v, k: z3.Implies(state.uses[v, k], encrypts(v, None, k))
        )
    return state.every(VMA, KEY, lambda v, x: z3.Implies(state.uses[v, x], encrypts(v, x, None)))


# Pages


def pages_are_of_vmas(state: State) -> Term:
    return state.every(
        VMA, PACKAGE, lambda v, p: z3.Implies(state.page[v, p], state.is_encrypted(v))
    )


def pages_lie_in_memory(state: State) -> Term:
    return state.every(VMA, PACKAGE, lambda v, p: z3.Implies(state.page[v, p], state.memory[p]))


def pages_lie_once(state: State) -> Term:
    return state.every(
        VMA,
        PACKAGE,
        PACKAGE,
        lambda v, p, q: z3.Implies(z3.And(state.page[v, p], state.page[v, q]), p == q),
    )


def wanted_pages_are_encrypted(state: State) -> Term:
    return state.every(VMA, lambda v: z3.Not(z3.And(state.wants[v], state.plain[v])))


def sharers_have_a_page(state: State) -> Term:
    """Said in one lemma: where there are but two VMAs, either part is inductive by itself."""

    def is_shared(v: Any, u: Any) -> Term:
        return z3.And(state.shares[u, v], state.some(PACKAGE, lambda p: state.page[v, p]))

    return state.every(VMA, VMA, lambda v, u: z3.Implies(state.shares[v, u], is_shared(v, u)))


def opened_are_encrypted(state: State) -> Term:
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


def entries_are_known(state: State) -> Term:
    """Whatever an update missed: the entry of a KeyID is a key that its owner knows, or random."""

    def is_known(x: Any, p: Any, k: Any) -> Term:
        b = state.entry_bytes[p, k]
        return z3.Or(b == state.bytes("random"), state.is_known(x, k, b))

    return state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), state.entry_mode[p, k] == state.mode("encrypt")),
            is_known(x, p, k),
        ),
    )


def freed_pages_lie_in_memory(state: State) -> Term:
    return state.every(VMA, PACKAGE, lambda v, p: z3.Implies(state.left[v, p], state.memory[p]))


def freed_pages_are_not_pages(state: State) -> Term:
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


def kept_keys_are_in_use(state: State) -> Term | None:
    """A user key in the vault is that of a KeyID in use."""
    if state.per_package:
        return None

    def is_its(k: Any) -> Term:
        return state.some(
            KEY,
            lambda x: z3.And(
                state.has_keyid(x, None, k),
                is_user(state, x, k),
                state.bytes_asked(x, k) == state.vault_bytes[k],
            ),
        )

    return state.every(
        KEYID,
        lambda k: z3.Implies(state.is_user_bytes(state.vault_bytes[k]), is_its(k)),
    )


def released_keys_are_user_keys(state: State) -> Term:
    return state.every(BYTES, lambda b: z3.Implies(state.released[b], state.is_user_bytes(b)))


def nothing_lies_about(state: State) -> Term:
    return state.every(BYTES, lambda b: z3.Not(z3.Or(state.struct_residue[b], state.leaked[b])))


def nothing_is_kept(state: State) -> Term | None:
    if state.per_package:
        return None
    return state.every(KEYID, lambda k: z3.Not(state.is_user_bytes(state.vault_bytes[k])))
