"""Consistency: do the key tables of all packages stay in step with each other and with the map?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.sorts import KEY, KEYID, PACKAGE


def _entries_agree(state: State, key: Any, here: tuple[Any, Any], there: tuple[Any, Any]) -> Term:
    """Two entries (package, KeyID) have the same mode and, for a user key, the same bytes."""
    same_bytes = z3.And(
        state.entry_bytes[here] == state.entry_bytes[there],
        state.entry_bytes[here] != state.bytes("random"),
    )
    is_user = state.requested_kind[key] == state.kind("user")
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

    def is_telling(key: Any) -> Term:
        if state.design.user_keys == "refused":
            return z3.BoolVal(True)
        return state.requested_kind[key] == state.kind("user")

    return state.some(
        KEY,
        PACKAGE,
        PACKAGE,
        lambda x, p, q: z3.And(
            state.less(p, q),
            concerned(p),
            concerned(q),
            state.is_used_on(x, p),
            state.is_used_on(x, q),
            is_telling(x),
        ),
    )


def _two_entries(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    p, q, k = at["p"], at["q"], at["k"]
    j = at.get("j", k)
    key = words.requested(reading, at["x"])
    states = [
        f"package {package}"
        + ("" if _has_online(reading, package) else " (no online CPU)")
        + (f" at {words.keyid_name(keyid)}" if k != j else "")
        + f" holds {words.entry(reading, package, keyid)}"
        for package, keyid in ((p, k), (q, j))
    ]
    who = "the key" if k != j else words.keyid_name(k)
    return f"{who} stands for {key}, but {states[0]} and {states[1]}"


def _has_online(reading: Reading, package: int) -> bool:
    return any(reading.is_true("online", package, c) for c in range(reading.size("online", 1)))


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
            state.requested_kind[x] == state.kind("user"),
        ),
    )


def _explain_bit(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    keyid, package = at["k"], at.get("p")
    key = words.holder(reading, keyid, package)
    where = "" if package is None else f" on package {package}"
    name = words.keyid_name(keyid) + where
    where_bit = (keyid,) if package is None else (package, keyid)
    is_set = reading.is_true("bit", *where_bit)
    held = "is free" if key is None else f"is mapped to {words.requested(reading, key)}"
    if not is_set:
        return f"{name} {held}, but its bit is not set"
    if key is None or reading("requested_kind", key) != "user":
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
