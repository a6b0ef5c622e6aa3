"""Bookkeeping: do map, bitmap, counts and lead CPUs say what is so?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.families import can_hang
from model.sorts import CPU, KEY, KEYID, PACKAGE, VMA


def _is_user_keyid(state: State, package: Any, keyid: Any) -> Term:
    return state.some(
        KEY,
        lambda x: z3.And(
            state.has_keyid(x, package, keyid),
            state.kind_asked(x, keyid) == state.kind("user"),
        ),
    )


def _explain_bit(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    keyid, package = at["k"], at.get("p")
    key = words.holder(reading, keyid, package)
    where = "" if package is None else f" on package {package}"
    name = words.keyid_name(keyid) + where
    where_bit = (keyid,) if package is None else (package, keyid)
    is_set = reading.is_true("bit", *where_bit)
    held = "is free" if key is None else f"is mapped to {words.requested(reading, key, keyid)}"
    if not is_set:
        return f"{name} {held}, but its bit is not set"
    if key is None or words.kind_asked(reading, key, keyid) != "user":
        return f"{name} {held}, but its bit is set"
    return f"{name} {held} and its bit is set, but the gate's weight does not cover it"


BITMAP_EXACT = Property(
    id="bitmap-exact",
    kind="state",
    sentence=(
        "Between operations, a KeyID's bit counts towards the gate exactly when it is mapped to a"
        " user key."
    ),
    formula=lambda state: state.every_slot(
        lambda p, k: state.is_counted(p, k) == _is_user_keyid(state, p, k)
    ),
    premise=Premise(
        "state",
        lambda state: z3.Not(state.every_slot(lambda p, k: z3.Not(_is_user_keyid(state, p, k)))),
    ),
    explain=_explain_bit,
    source="RFC v2 patch 12",
)


def _has_one_keyid(state: State, x: Any) -> Term:
    """A key has one KeyID; with per-package KeyIDs one on every package where it has any."""
    if not state.per_package:
        return z3.And(
            state.some(KEYID, lambda k: state.has_keyid(x, None, k)),
            state.every(
                KEYID,
                KEYID,
                lambda k, j: z3.Implies(
                    z3.And(state.has_keyid(x, None, k), state.has_keyid(x, None, j)), k == j
                ),
            ),
        )
    return z3.And(
        state.some(PACKAGE, lambda p: state.is_used_on(x, p)),
        state.every(
            PACKAGE,
            KEYID,
            KEYID,
            lambda p, k, j: z3.Implies(
                z3.And(state.has_keyid(x, p, k), state.has_keyid(x, p, j)), k == j
            ),
        ),
    )


def _explain_map(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    places = words.places(reading, at["x"])
    if not places:
        return "a live key has no KeyID: the one it was given was released under it"
    return (
        f"a live key is found at {' and at '.join(places)}: a slot still holds the address of a"
        " freed key object that is now this key's"
    )


MAP_EXACT = Property(
    id="map-exact",
    kind="state",
    sentence="A live key has exactly one KeyID (with per-package KeyIDs, one for each package).",
    formula=lambda state: state.every(
        KEY, lambda x: z3.Implies(state.live[x], _has_one_keyid(state, x))
    ),
    premise=Premise("state", lambda state: state.some(KEY, lambda x: state.live[x])),
    explain=_explain_map,
    source="RFC v2 patch 04",
)


def _is_counted_right(state: State, p: Any, k: Any) -> Term:
    """The references counted are the live key's and those of the VMAs that use the KeyID.

    A VMA whose process is still inside encrypt_mprotect, for ever, is on its way.
    """

    def is_on_its_way(v: Any) -> Term:
        return state.hung[v] if can_hang(state.design) else z3.BoolVal(False)

    is_live = state.some(KEY, lambda x: z3.And(state.live[x], state.has_keyid(x, p, k)))
    vmas = state.every(
        VMA,
        lambda v: z3.Or(
            is_on_its_way(v), state.has_vma_reference(v, p, k) == state.vma_uses(v, p, k)
        ),
    )
    return z3.And(state.has_key_reference(p, k) == is_live, vmas)


def _explain_count(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    k, p = at["k"], at.get("p")
    slot = (k,) if p is None else (p, k)
    vmas = range(reading.size("uses", 0))
    count = words.references(reading, slot)
    key = words.holder(reading, k, p)
    lives = key is not None and reading.is_true("live", key)
    users = [v for v in vmas if words.uses(reading, v, k, p)]
    owed = int(lives) + len(users)
    return (
        f"{words.slot_name(k, p)} has {count} of {owed} references: {'a' if lives else 'no'} live"
        f" key, and {words.vmas(users)}"
    )


REFCOUNT_EXACT = Property(
    id="refcount-exact",
    kind="state",
    sentence="A KeyID's references are one for a live key, and one for each VMA that uses it.",
    formula=lambda state: state.every_slot(lambda p, k: _is_counted_right(state, p, k)),
    premise=Premise("state", lambda state: state.some(VMA, lambda v: state.is_encrypted(v))),
    explain=_explain_count,
    source="RFC v2 patch 07",
)


def _are_led(state: State) -> Term:
    """In parts, each of which is proved by itself: together they take Z3 its time."""
    lead, online = state.lead, state.online
    return z3.And(
        state.every(PACKAGE, lambda p: state.has_online(p) == state.has_lead(p)),
        state.every(PACKAGE, CPU, lambda p, c: z3.Implies(lead[p, c], online[p, c])),
        state.every(
            PACKAGE,
            CPU,
            CPU,
            lambda p, c, d: z3.Implies(z3.And(lead[p, c], lead[p, d]), c == d),
        ),
    )


def _explain_lead(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    p = at["p"]
    cpus = range(reading.size("lead", 1))
    leads = [str(c) for c in cpus if reading.is_true("lead", p, c)]
    online = [str(c) for c in cpus if reading.is_true("online", p, c)]
    said = (
        f"package {p} has CPU {' and '.join(online)} online"
        if online
        else f"package {p} has no online CPU"
    )
    return f"{said}, and is led by {'CPU ' + ' and '.join(leads) if leads else 'none'}"


LEAD_EXACT = Property(
    id="lead-exact",
    kind="state",
    sentence="Each package with an online CPU has exactly one lead CPU, online and its own.",
    formula=_are_led,
    premise=Premise(
        "step", lambda step: z3.BoolVal(step.action in ("cpu_startup", "cpu_teardown"))
    ),
    explain=_explain_lead,
    source="RFC v2 patch 13",
)
