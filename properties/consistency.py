"""Consistency: do the key tables of all packages stay in step with each other and with the map?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.families import can_hang
from model.programming import mode_of
from model.sorts import CPU, KEY, KEYID, PACKAGE, VMA


def _entries_agree(state: State, key: Any, here: tuple[Any, Any], there: tuple[Any, Any]) -> Term:
    """Two entries (package, KeyID) have the same mode and, for a user key, the same bytes."""
    same_bytes = z3.And(
        state.entry_bytes[here] == state.entry_bytes[there],
        state.entry_bytes[here] != state.bytes("random"),
    )
    is_user = state.kind_asked(key, here[1]) == state.kind("user")
    return z3.And(
        state.entry_mode[here] == state.entry_mode[there], z3.Implies(is_user, same_bytes)
    )


def _all_agree(state: State, concerned: Any) -> Term:
    """The entries of every mapped KeyID agree over the packages that are concerned."""
    if state.per_package:
        return state.every(
            KEY,
            PACKAGE,
            PACKAGE,
            KEYID,
            KEYID,
            lambda x, p, q, k, j: z3.Implies(
                z3.And(
                    state.less(p, q),
                    concerned(p),
                    concerned(q),
                    state.has_keyid(x, p, k),
                    state.has_keyid(x, q, j),
                ),
                _entries_agree(state, x, (p, k), (q, j)),
            ),
        )
    return state.every(
        KEY,
        PACKAGE,
        PACKAGE,
        KEYID,
        lambda x, p, q, k: z3.Implies(
            z3.And(state.less(p, q), concerned(p), concerned(q), state.has_keyid(x, p, k)),
            _entries_agree(state, x, (p, k), (q, k)),
        ),
    )


def _key_on_two(state: State, concerned: Any) -> Term:
    """A key has a KeyID on two packages that are concerned: a user key, if there are any."""

    def is_telling(key: Any, keyid: Any) -> Term:
        if state.design.user_keys == "refused":
            return z3.BoolVal(True)
        return state.kind_asked(key, keyid) == state.kind("user")

    return state.some(
        KEY,
        PACKAGE,
        PACKAGE,
        KEYID,
        lambda x, p, q, k: z3.And(
            state.less(p, q),
            concerned(p),
            concerned(q),
            state.has_keyid(x, p, k),
            state.is_used_on(x, q),
            is_telling(x, k),
        ),
    )


def _two_entries(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    p, q, k = at["p"], at["q"], at["k"]
    j = at.get("j", k)
    key = words.requested(reading, at["x"], k)
    states = [
        f"package {package}"
        + _without_cpu(reading, package)
        + (f" at {words.keyid_name(keyid)}" if k != j else "")
        + f" holds {words.entry(reading, package, keyid)}"
        for package, keyid in ((p, k), (q, j))
    ]
    who = "the key" if k != j else words.keyid_name(k)
    return f"{who} stands for {key}, but {states[0]} and {states[1]}"


def _without_cpu(reading: Reading, package: int) -> str:
    cpus = range(reading.size("online", 1))
    has_online = any(reading.is_true("online", package, c) for c in cpus)
    return "" if has_online else " (no online CPU)"


TABLES_AGREE = Property(
    id="tables-agree",
    kind="state",
    sentence=(
        "For every mapped KeyID, all packages that have an online CPU hold the same mode and"
        " algorithm, and for user keys the same key bytes."
    ),
    formula=lambda state: _all_agree(state, state.has_online),
    premise=Premise("state", lambda state: _key_on_two(state, state.has_online)),
    explain=_two_entries,
    source="RFC v2 patch 11: programming system-wide",
)

MEMORY_AGREES = Property(
    id="memory-agrees",
    kind="state",
    sentence=(
        "For every mapped KeyID, all packages whose memory is present hold the same mode and"
        " algorithm, and for user keys the same key bytes."
    ),
    formula=lambda state: _all_agree(state, lambda p: state.memory[p]),
    premise=Premise("state", lambda state: _key_on_two(state, lambda p: state.memory[p])),
    explain=_two_entries,
    source="RFC v2 patch 13: packages whose CPUs are offline still serve memory",
)


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


def is_as_requested(state: State, key: Any, package: Any, keyid: Any) -> Term:
    """The entry is what the key's owner last got."""
    kind = state.kind_asked(key, keyid)
    key_bytes = z3.If(
        kind == state.kind("user"),
        state.entry_bytes[package, keyid] == state.bytes_asked(key, keyid),
        z3.Implies(
            kind == state.kind("cpu"),
            state.entry_bytes[package, keyid] == state.bytes("random"),
        ),
    )
    return z3.And(state.entry_mode[package, keyid] == mode_of(state, kind), key_bytes)


def _as_requested(state: State) -> Term:
    return state.every(
        KEY,
        PACKAGE,
        KEYID,
        lambda x, p, k: z3.Implies(
            z3.And(state.memory[p], state.has_keyid(x, p, k)), is_as_requested(state, x, p, k)
        ),
    )


def _any_key(state: State) -> Term:
    return state.some(KEY, lambda x: state.live[x])


def _explain_request(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    x, p, k = at["x"], at["p"], at["k"]
    return (
        f"the owner of {words.keyid_name(k)} last got {words.requested(reading, x, k)}, but package"
        f" {p}{_without_cpu(reading, p)} holds {words.entry(reading, p, k)}"
    )


TABLE_AS_REQUESTED = Property(
    id="table-as-requested",
    kind="state",
    sentence=(
        "The entry of a mapped KeyID is what its key's owner last successfully asked for, on every"
        " package whose memory is present."
    ),
    formula=_as_requested,
    premise=Premise("state", _any_key),
    explain=_explain_request,
    source="RFC v2 patches 10 and 11",
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
    premise=Premise("state", _any_key),
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
