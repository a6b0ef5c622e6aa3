"""Every transition of the model is the implementation's, in the smallest scope with every action.

What runs by default walks all of them for one named design, and of the others those of the first
calls (`WALKED_BY_DEFAULT`), each from the shortest history of its source state. The deep profile
walks all of all, some again from a second history, and larger scopes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import reporting

from conformance import Disagreement, edges
from conformance.edges import SMALLEST, Walker, missing_actions, walk
from conformance.graph import graph_of
from conformance.lockstep import compiled
from designs import DESIGNS, design_from_text
from impl import Snapshot
from impl.errors import NoKey
from impl.heap.slab import Slab
from impl.keyrings.keys import Key, Keys
from impl.service.bitmap import UserBitmap
from impl.service.refcounts import COUNT_BYTES, EncryptCounts
from impl.service.system import System
from model import LIMITS, Scope, ScopeError

# design: (states, transitions)
GRAPHS = {
    "rfc-v2": (139520, 1993956),
    "rfc-v2-savekeys": (114776, 1639628),
    "rfc-v2-fixed": (3004, 54372),
    "rfc-v2-savekeys-fixed": (3004, 54970),
    "no-hotplug": (764, 11666),
    "cpu-keys-only": (1818, 32930),
    "per-package": (34602, 987366),
    "wrapped-vault": (764, 11818),
    "resupply": (764, 11820),
}

WALKED_BY_DEFAULT = {
    "no-hotplug": 4,
    "wrapped-vault": 4,
    "resupply": None,
    "rfc-v2": 3,
    "rfc-v2-savekeys": 3,
    "rfc-v2-fixed": 4,
    "rfc-v2-savekeys-fixed": 4,
    "cpu-keys-only": 4,
    "per-package": 3,
}
"""The part of each graph that every run of the tests walks: all of it, or the transitions of states
that fewer calls than these lead to. The deep profile walks all of all."""

ANSWERS = {
    "instantiate": {"ok": 24, "ENOKEY": 2672, "EINVAL": 400},
    "update": {"ok": 96, "ENOKEY": 160, "EBUSY": 1120},
    "destroy": {"ok": 344},
    "preparse_error": {"EINVAL": 764},
    "package_add": {"ok": 162},
    "cpu_startup": {"ok": 272, "ENOKEY": 152},
    "cpu_teardown": {"ok": 100, "EBUSY": 560},
    "retry_clear": {"ok": 184, "ENOKEY": 184},
    "encrypt": {"ok": 608},
    "unmap": {"ok": 1104},
    "fork": {"ok": 224},
    "write": {"ok": 1344},
    "migrate": {"ok": 896, "ENOENT": 448},
}
"""Of the design `wrapped-vault`."""

MIXES = (
    "rfc-v2,startup_gate=none",
    "rfc-v2,unreachable_package=refuse_keys,teardown=keep_last_lead",
    "rfc-v2-fixed,on_release=keep",
    "per-package,on_program_failure=leave",
    "per-package,bitmap_bits=n,program_struct=dirty_free",
    "resupply,program_struct=dirty_free,teardown=always",
)

LARGER = ("no-hotplug", "cpu-keys-only", "resupply")


@pytest.mark.parametrize(("name", "levels"), WALKED_BY_DEFAULT.items())
def test_every_transition_is_the_implementations(name: str, levels: int | None) -> None:
    made = walk(DESIGNS[name], levels=levels)
    reporting.WALKS.append(f"{name}: {made.walked:,} of {made.explored:,} transitions")
    assert GRAPHS[name] == (made.states, made.explored)
    assert (levels is None, 0) == (made.is_whole, made.again)
    assert made.walked == sum(sum(answers.values()) for answers in made.made.values())
    assert levels is not None or all(made.made.values())


@pytest.mark.deep
@pytest.mark.parametrize("name", [name for name, part in WALKED_BY_DEFAULT.items() if part])
def test_every_transition_of_a_large_graph_is_the_implementations(name: str) -> None:
    made = walk(DESIGNS[name])
    reporting.WALKS.append(f"{name}: {made.walked:,} of {made.explored:,} transitions")
    assert GRAPHS[name] == (made.states, made.explored)
    assert made.is_whole
    assert all(made.made.values())


@pytest.mark.deep
def test_a_walk_counts_which_answers_each_action_gave() -> None:
    made = walk(DESIGNS["wrapped-vault"], histories=2)
    assert made.made == ANSWERS
    assert (11818, 11818, 11818) == (made.explored, made.walked, made.again)


@pytest.mark.deep
@pytest.mark.parametrize("text", MIXES)
def test_every_transition_is_the_implementations_from_a_second_history_too(text: str) -> None:
    made = walk(design_from_text(text), histories=2, levels=5)
    assert made.walked
    assert made.again


@pytest.mark.deep
@pytest.mark.parametrize("name", LARGER)
def test_every_transition_of_a_larger_scope_is_the_implementations(name: str) -> None:
    assert walk(DESIGNS[name], dataclasses.replace(SMALLEST, cpus=2)).is_whole


REUSED = [
    ("rfc-v2-fixed,key_lookup=by_address", Scope(1, 1, 2, 1, 2, 1), 5, 40964),
    ("per-package,key_lookup=by_address", Scope(1, 1, 2, 1, 1, 1), 5, 21542),
]
"""A key that is gone keeps a KeyID while a VMA uses it; who has its address gets the other."""

LONG_REUSED = [
    ("rfc-v2-fixed,key_lookup=by_address", Scope(1, 1, 2, 1, 2, 1), 7, 356726),
    ("per-package,key_lookup=by_address", Scope(1, 1, 2, 1, 1, 1), 7, 114054),
    ("per-package,key_lookup=by_address", Scope(2, 1, 2, 1, 1, 1), 3, 44868),
    ("rfc-v2,on_program_failure=quarantine", Scope(1, 1, 2, 1, 1, 1), 7, 300222),
    ("resupply,key_lookup=by_address", Scope(2, 1, 2, 1, 1, 1), 5, 182518),
]
"""The same for longer, with two packages, with keys that end, and with owners that are asked."""


def first_calls_walked(text: str, scope: Scope, levels: int) -> int:
    """Transitions made of the first calls, in a scope whose whole graph nobody need explore."""
    design = design_from_text(text)
    graph = graph_of(compiled(design, scope)[1], levels=levels)
    walker = Walker(design, scope, graph, 1)
    walker.run()
    return walker.walked


@pytest.mark.parametrize(
    ("text", "scope", "levels", "walked"),
    [*REUSED, *(pytest.param(*cell, marks=pytest.mark.deep) for cell in LONG_REUSED)],
)
def test_every_transition_is_the_implementations_where_an_address_is_used_again(
    text: str, scope: Scope, levels: int, walked: int
) -> None:
    assert walked == first_calls_walked(text, scope, levels)


@pytest.mark.parametrize("name", DESIGNS)
def test_every_action_happens_in_the_smallest_scope_and_not_in_a_smaller_one(name: str) -> None:
    assert [] == missing_actions(DESIGNS[name], SMALLEST)
    smaller = {
        bound: dataclasses.replace(SMALLEST, **{bound: getattr(SMALLEST, bound) - 1})
        for bound, (least, _) in LIMITS.items()
        if getattr(SMALLEST, bound) > least
    }
    assert ["packages", "vmas"] == list(smaller)
    for scope in smaller.values():
        assert missing_actions(DESIGNS[name], scope)


def test_what_a_smaller_scope_lacks_is_a_second_package_or_vma() -> None:
    assert ["fork"] == missing_actions(DESIGNS["rfc-v2"], dataclasses.replace(SMALLEST, vmas=1))
    one = dataclasses.replace(SMALLEST, packages=1)
    hotplug = ["package_add", "cpu_startup", "cpu_teardown"]
    assert hotplug == missing_actions(DESIGNS["rfc-v2"], one)
    assert ["extend", *hotplug] == missing_actions(DESIGNS["per-package"], one)


def test_a_part_of_a_graph_is_not_the_whole() -> None:
    made = walk(DESIGNS["resupply"], levels=2)
    assert (11820, 648, False) == (made.explored, made.walked, made.is_whole)


def test_a_graph_that_is_too_large_to_walk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "STATES_MAX", 100)
    with pytest.raises(ScopeError, match=r"^resupply has more than 100 states with 2 packages,"):
        walk(DESIGNS["resupply"])


# Faulty implementations

PART = 4
"""A fault is met where few calls lead to."""


ENROL = Keys.enrol


def refused_to_a_second(keys: Keys, key: Key) -> None:
    """`Keys.enrol` as it is, but only for the first key that a kernel ever saw."""
    if key.serial > 1:
        raise NoKey("instantiate key", "there was a key before")
    ENROL(keys, key)


def stops(*_: Any) -> None:
    """What a kernel does that refers to nothing."""
    raise ValueError("no such KeyID")


def counts_unseen(counts: EncryptCounts, keyid: int) -> int:
    """`EncryptCounts._address` as it is, but for the access that nobody should make."""
    return counts._area.address + keyid * COUNT_BYTES


@pytest.mark.parametrize(
    ("where", "name", "fault", "design", "said"),
    [
        (System, "clear", lambda *_: iter(()), "rfc-v2-fixed", r"destroy .*entry_mode"),
        (System, "quarantines", lambda _: False, "per-package", r"uncleared\[.*model yes"),
        (System, "refuse_unreachable", lambda *_: None, "no-hotplug", r"model answers EINVAL"),
        (System, "put_into_service", lambda *_: None, "resupply", r"retry_clear .*uncleared"),
        (UserBitmap, "set", lambda *_: None, "cpu-keys-only,user_keys=allowed", r"bit\["),
        (Slab, "kfree_sensitive", Slab.kfree, "wrapped-vault", r"does not know: freed"),
        (Keys, "release", ENROL, "rfc-v2-fixed", r"a live key that no call made: serial"),
        (EncryptCounts, "_address", counts_unseen, "no-hotplug,count_entries=n", r"overrun: model"),
        (System, "clear", stops, "no-hotplug", r"crashes \(ValueError: no such KeyID\)"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_walk_meets_a_fault(
    where: type, name: str, fault: Any, design: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, fault)
    with pytest.raises(Disagreement, match=said):
        walk(design_from_text(design), levels=PART)


def test_a_fault_that_comes_with_age_is_met_from_the_second_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Keys, "enrol", refused_to_a_second)
    walk(DESIGNS["rfc-v2-fixed"], levels=PART)
    with pytest.raises(Disagreement, match=r"the model answers ok, the implementation ENOKEY"):
        walk(DESIGNS["rfc-v2-fixed"], histories=2, levels=PART)


def test_a_snapshot_that_forgets_something_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Snapshot, "restore", lambda _: None)
    with pytest.raises(Disagreement):
        walk(DESIGNS["rfc-v2-fixed"], levels=PART)


def test_a_disagreement_tells_the_calls_that_lead_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(System, "put_into_service", lambda *_: None)
    with pytest.raises(Disagreement) as told:
        walk(DESIGNS["resupply"], levels=PART)
    assert (
        "after instantiate {'key': '0', 'kind': 'user', 'bytes': 'A', 'fails[0]': 'no',"
        " 'fails[1]': 'no'}, update {'key': '0', 'kind': 'user', 'bytes': 'A', 'fails[0]': 'yes',"
        " 'fails[1]': 'no'}, package_add {'package': '1'}, retry_clear {'package': '0', 'keyid':"
        " '1', 'fails': 'no'}: uncleared[0,1]: model no, implementation yes"
    ) == str(told.value)


def test_booting_into_another_state_is_met_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(System, "uncleared", property(lambda _: frozenset({(0, 1)})))
    with pytest.raises(Disagreement, match=r"^after booting: uncleared\[0,1\]: model no"):
        walk(DESIGNS["rfc-v2-fixed"], Scope(1, 1, 1, 1))
