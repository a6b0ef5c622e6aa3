"""Secrecy: where do a user's key bytes stay, and what does a released KeyID still open?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property, Transition
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.sorts import BYTES, KEYID, PACKAGE


def _is_nowhere(state: State, b: Term) -> Term:
    """A user key is in no freed structure, no leaked payload, and no vault slot."""
    kept = z3.BoolVal(False)
    if not state.per_package:
        kept = state.some(KEYID, lambda k: state.vault_bytes[k] == b)
    return z3.Not(z3.Or(state.struct_residue[b], state.leaked[b], kept))


def _brings_user_key(step: Transition) -> Term:
    """A call hands a user's key bytes to the kernel."""
    if step.action not in ("instantiate", "update", "preparse_error"):
        return z3.BoolVal(False)
    return step.old.is_user_bytes(step.parameters.bytes)


def _explain_place(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    b = at["b"]
    places = []
    if reading.is_true("struct_residue", b):
        places.append("in a freed programming structure")
    if reading.is_true("leaked", b):
        places.append("in a payload structure that was never freed")
    if reading.has("vault_bytes"):
        label = reading.grounding.finite.labels(BYTES)[b]
        slots = range(reading.size("vault_bytes", 0))
        places += [
            f"in the vault slot of {words.keyid_name(k)}"
            for k in slots
            if reading("vault_bytes", k) == label
        ]
    key = words.material(reading.grounding.finite.labels(BYTES)[b])
    return f"the bytes of user {key} are still in kernel memory, {' and '.join(places)}"


NO_PLAINTEXT_UNSAVED = Property(
    id="no-plaintext-unsaved",
    kind="state",
    sentence=(
        "With savekeys off, between operations no user key's bytes are anywhere in kernel memory,"
        " freed memory included."
    ),
    formula=lambda state: state.every(
        BYTES, lambda b: z3.Implies(state.is_user_bytes(b), _is_nowhere(state, b))
    ),
    premise=Premise("step", _brings_user_key),
    explain=_explain_place,
    source="RFC v2 patch 12: what savekeys=off promises",
)


def _frees_keyid(step: Transition) -> Term:
    """A KeyID that was in use becomes free."""

    def becomes_free(p: Any, k: Any) -> Term:
        return z3.And(z3.Not(step.old.is_free(p, k)), step.new.is_free(p, k))

    return z3.Not(step.old.every_slot(lambda p, k: z3.Not(becomes_free(p, k))))


def _explain_entry(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    p, k = at["p"], at["k"]
    return (
        f"{words.keyid_name(k)} is free, but package {p} still holds {words.entry(reading, p, k)}"
    )


def _released_is_clear(state: State) -> Term:
    return state.every(
        PACKAGE,
        KEYID,
        lambda p, k: z3.Implies(
            z3.And(state.present[p], state.is_free(p, k)),
            state.entry_mode[p, k] == state.mode("tme"),
        ),
    )


RELEASED_IS_CLEAR = Property(
    id="released-is-clear",
    kind="state",
    sentence="A free KeyID's entry is TME on every present package.",
    formula=_released_is_clear,
    premise=Premise("step", _frees_keyid),
    explain=_explain_entry,
    source="RFC v2 patch 10, destroy; patch 01 recommends clearing first",
)
