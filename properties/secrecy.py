"""Secrecy: where do a user's key bytes stay, and what does a released KeyID still open?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property, Transition
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.attacker import disclosed, in_dram, is_in_use
from model.sorts import BYTES, KEYID, PACKAGE, VMA


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
    keeps = reading.has("vault_bytes") and words.design_of(reading).vault_form == "plaintext"
    if keeps:
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
        BYTES, lambda b: z3.Implies(state.is_user_bytes(b), z3.Not(disclosed(state, b)))
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


def _any_user_key(state: State, condition: Any) -> Term:
    return state.some(BYTES, lambda b: z3.And(state.is_user_bytes(b), condition(b)))


NO_PLAINTEXT_AFTER_RELEASE = Property(
    id="no-plaintext-after-release",
    kind="state",
    sentence="Once a KeyID is released, the user key that it held is nowhere in kernel memory.",
    formula=lambda state: state.every(
        BYTES, lambda b: z3.Not(z3.And(state.released[b], disclosed(state, b)))
    ),
    premise=Premise("state", lambda state: _any_user_key(state, lambda b: state.released[b])),
    explain=_explain_place,
    source="RFC v2 patches 10, 11 and 12",
)


def _dram_has_none(state: State, is_platform: Term) -> Term:
    """On such a platform, a DRAM image has no user key that is in use."""
    return state.every(
        BYTES,
        lambda b: z3.Not(
            z3.And(is_platform, state.is_user_bytes(b), is_in_use(state, b), in_dram(state, b))
        ),
    )


def _explain_image(reading: Reading, at: Mapping[str, int], call: Mapping[str, str]) -> str:
    return f"a DRAM image yields a key in use: {_explain_place(reading, at, call)}"


COLD_BOOT_KEYS = Property(
    id="cold-boot-keys",
    kind="state",
    sentence=(
        "With TME off or in bypass, a DRAM image taken between operations yields no user key in"
        " use."
    ),
    formula=lambda state: _dram_has_none(state, state.bypass),
    premise=Premise(
        "state",
        lambda state: z3.And(state.bypass, _any_user_key(state, lambda b: is_in_use(state, b))),
    ),
    explain=_explain_image,
    source="thread on patch 12: cold-boot resistance",
)

COLD_BOOT_KEYS_TME = Property(
    id="cold-boot-keys-tme",
    kind="state",
    sentence="With TME encrypting KeyID 0 memory, a DRAM image yields no user key in use either.",
    formula=lambda state: _dram_has_none(state, z3.Not(state.bypass)),
    premise=Premise(
        "state",
        lambda state: z3.And(
            z3.Not(state.bypass), _any_user_key(state, lambda b: is_in_use(state, b))
        ),
    ),
    explain=_explain_image,
    source="thread on patch 12: cold-boot resistance",
)


def _explain_page(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    v = at["v"]
    p = words.page_of(reading, v)
    entries = [
        f"{words.keyid_name(k)} there is {words.entry(reading, p, k)}"
        for k in range(reading.size("entry_mode", 1))
        if p is not None and words.page_has(reading, v, k, p)
    ]
    return (
        f"the page of VMA {v}, whose owner asked for encryption, is plaintext in the DRAM of"
        f" package {p}: {' and '.join(entries)}"
    )


COLD_BOOT_DATA = Property(
    id="cold-boot-data",
    kind="state",
    sentence=(
        "With TME off or in bypass, a DRAM image yields no plaintext of a page whose owner asked"
        " for encryption."
    ),
    formula=lambda state: state.every(
        VMA, lambda v: z3.Not(z3.And(state.bypass, state.wants[v], state.plain[v]))
    ),
    premise=Premise(
        "state",
        lambda state: state.some(
            VMA,
            PACKAGE,
            lambda v, p: z3.And(state.bypass, state.wants[v], state.page[v, p]),
        ),
    ),
    explain=_explain_page,
    source="thread on patch 12: cold-boot resistance",
)


def _writes_page(step: Transition) -> Term:
    """A page of a VMA whose owner asked for encryption is written."""
    if step.action not in ("write", "migrate"):
        return z3.BoolVal(False)
    old = step.old
    return z3.And(old.wants[step.parameters.vma], step.answer == step.answers("ok"))


def _writes_no_plaintext(step: Transition) -> Term:
    if step.action not in ("write", "migrate"):
        return z3.BoolVal(True)
    old, new, vma = step.old, step.new, step.parameters.vma
    return z3.Not(z3.And(_writes_page(step), old.wants[vma], new.plain[vma]))


def _explain_write(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    after = reading.after or reading
    return _explain_page(after, {"v": int(call["vma"])}, call)


NEVER_IN_CLEAR = Property(
    id="never-in-clear",
    kind="step",
    sentence=("A write to a page whose owner asked for encryption never reaches DRAM unencrypted."),
    formula=_writes_no_plaintext,
    premise=Premise("step", _writes_page),
    explain=_explain_write,
    source="RFC v2 patches 08 and 11",
)
