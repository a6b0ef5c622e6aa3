"""Data: does a page stay what its owner wrote, under the key that its owner named and no other?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.sorts import BYTES, KEY, KEYID, PACKAGE, VMA
from properties.consistency import is_as_requested


def _any_page(state: State) -> Term:
    return state.some(VMA, PACKAGE, lambda v, p: state.page[v, p])


def _explain_loss(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    v, p = at["v"], at["p"]
    entries = [
        f"{words.keyid_name(k)} there now holds {words.entry(reading, p, k)}"
        for k in range(reading.size("entry_mode", 1))
        if words.page_has(reading, v, k, p)
    ]
    return (
        f"the page of VMA {v} on package {p} does not read back what was written:"
        f" {' and '.join(entries)}, which is not what it was written under"
    )


LIVE_DATA_INTACT = Property(
    id="live-data-intact",
    kind="state",
    sentence=(
        "What was written through an encrypted VMA reads back the same until its owner unmaps or"
        " re-encrypts it."
    ),
    formula=lambda state: state.every(
        VMA, PACKAGE, lambda v, p: z3.Implies(state.page[v, p], state.intact[v])
    ),
    premise=Premise("state", _any_page),
    explain=_explain_loss,
    source="RFC v2 patch 13: packages are programmed again when they come online",
)


def _is_right(state: State) -> Term:
    """The KeyID is the named key's, and where a page lies so is the entry."""

    def is_its(v: Any, x: Any, p: Any, k: Any) -> Term:
        has_page = z3.And(state.page[v, p], state.page_carries(v, p, k), state.has_keyid(x, p, k))
        return z3.Implies(has_page, is_as_requested(state, x, p, k))

    def is_mapped(v: Any, i: Any) -> Term:
        """What it uses (a KeyID, or a key object) has not been released under it."""
        if state.per_package:
            mapped = state.some_slot(lambda p, k: state.has_keyid(i, p, k))
        else:
            mapped = state.is_mapped(None, i)
        return z3.Implies(state.uses[v, i], mapped)

    return z3.And(
        state.every(VMA, lambda v: z3.Not(state.astray[v])),
        state.every(VMA, KEY if state.per_package else KEYID, is_mapped),
        state.every(VMA, KEY, PACKAGE, KEYID, is_its),
    )


def _explain_key(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    v = at["v"]
    if reading.is_true("astray", v):
        names = [
            words.slot_name(k, p) for k, p in words.slots(reading) if words.uses(reading, v, k, p)
        ]
        return (
            f"VMA {v} has {' and '.join(names)}, which is not the KeyID of the key its owner named"
        )
    if "i" in at:
        held = "a key object" if words.is_per_package(reading) else words.keyid_name(at["i"])
        return f"VMA {v} uses {held}, which was released under it"
    p, k, x = at["p"], at["k"], at["x"]
    return (
        f"the page of VMA {v} lies on package {p}, whose {words.keyid_name(k)} holds"
        f" {words.entry(reading, p, k)}; its owner named {words.requested(reading, x, k)}"
    )


RIGHT_KEY = Property(
    id="right-key",
    kind="state",
    sentence="A VMA is encrypted with the key that its owner named.",
    formula=_is_right,
    premise=Premise("state", lambda state: state.some(VMA, lambda v: state.is_encrypted(v))),
    explain=_explain_key,
    source="RFC v2 patches 04 and 08: a key's KeyID is found by the address of the key object",
)


def _is_a_strangers(state: State, v: Any, k: Any, p: Any) -> Term:
    """The slot stands for a key whose owner neither wrote the page nor knows its key.

    An owner knows every user key that it handed in for its key.
    """

    def knows(x: Any) -> Term:
        return state.some(BYTES, lambda b: z3.And(state.written[v, b], state.is_known(x, k, b)))

    def is_anothers(x: Any) -> Term:
        return z3.And(state.has_keyid(x, p, k), z3.Not(knows(x)))

    return z3.And(z3.Not(state.own[v, k]), state.some(KEY, is_anothers))


def _lies(state: State, v: Any, p: Any) -> Term:
    """The bytes of a page, which may have been freed, lie on the package."""
    return z3.Or(state.page[v, p], state.left[v, p])


def _meets_a_stranger(state: State) -> Term:
    """A page lies encrypted on a package where another key than its own has a KeyID."""

    def is_met(v: Any, b: Any, p: Any, k: Any) -> Term:
        encrypted = z3.And(_lies(state, v, p), state.written[v, b])
        return z3.And(encrypted, _is_a_strangers(state, v, k, p))

    return state.some(VMA, BYTES, PACKAGE, KEYID, is_met)


def _no_stranger_reads(state: State) -> Term:
    def is_sealed(v: Any, p: Any, k: Any) -> Term:
        opened = z3.And(_lies(state, v, p), state.opens[v, k])
        return z3.Not(z3.And(opened, _is_a_strangers(state, v, k, p)))

    def is_not_shown(v: Any, w: Any, p: Any, k: Any) -> Term:
        """Nor does a VMA that was led astray have the KeyID of another's page."""
        led = z3.And(state.astray[w], state.vma_uses(w, p, k))
        opened = z3.And(_lies(state, v, p), state.opens[v, k], state.own[v, k])
        is_theirs = z3.And(state.page[v, p], z3.Or(v == w, state.shares[v, w]))
        return z3.Not(z3.And(led, opened, z3.Not(is_theirs), names_a_stranger(v, p, k)))

    def names_a_stranger(v: Any, p: Any, k: Any) -> Term:
        """The key that is found at the slot was given another, and its owner not the page's key."""

        def knows(x: Any) -> Term:
            return state.some(
                KEYID,
                BYTES,
                lambda j, b: z3.And(
                    state.was_given(x, p, j), state.is_known(x, j, b), state.written[v, b]
                ),
            )

        return state.some(KEY, lambda x: z3.And(state.has_keyid(x, p, k), z3.Not(knows(x))))

    return z3.And(
        state.every(VMA, PACKAGE, KEYID, is_sealed),
        state.every(VMA, VMA, PACKAGE, KEYID, is_not_shown),
    )


def _explain_neighbour(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    v, p, k = at["v"], at["p"], at["k"]
    whose = "lies" if reading.is_true("page", v, p) else "lay, and was freed,"
    name = words.keyid_name(k)
    said = f"the page of VMA {v} {whose} on package {p} under a key that its {name} holds"
    if "w" in at:
        return f"{said}, which VMA {at['w']} uses too, although its owner named another key"
    package = p if words.is_per_package(reading) else None
    x = words.holder(reading, k, package)
    named = "another key" if x is None else words.requested(reading, x, k)
    return f"{said}; that KeyID now stands for {named}, whose owner can so decrypt the page"


NO_NEIGHBOUR = Property(
    id="no-neighbour",
    kind="state",
    sentence="No key's owner can decrypt a page written under another key.",
    formula=_no_stranger_reads,
    premise=Premise("state", _meets_a_stranger),
    explain=_explain_neighbour,
    source="RFC v2 patch 11: KeyIDs separate the memory of those who own the keys",
)
