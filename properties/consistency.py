"""Consistency: do the key tables of all packages stay in step with each other and with the map?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.programming import mode_of
from model.sorts import KEY, KEYID, PACKAGE


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
    premise=Premise("state", lambda state: state.some(KEY, lambda x: state.live[x])),
    explain=_explain_request,
    source="RFC v2 patches 10 and 11",
)
