"""Pairs of calls on the repaired designs, in every order and with a failing PCONFIG: what holds.

The calls are those of processes, through keyrings, permissions and VMAs (`kernel_races`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from address_spaces import user
from kernel_races import (
    HOTPLUG,
    MEMORY,
    REPAIRED,
    SPARE,
    USED,
    USER_BYTES,
    WORKERS,
    booted,
    operations,
    race,
    states,
    violations,
)

from designs import DESIGNS, Design
from impl.hardware.keytable import Entry
from impl.hardware.keytable import Mode as EntryMode
from impl.heap.slab import Object
from impl.kernel import Kernel
from impl.locks import Mode, Thread

FIXED = DESIGNS["rfc-v2-fixed"]
PER_PACKAGE = DESIGNS["per-package"]

Pair = tuple[str, ...]

# Why the outcomes of these pairs may be none of whole operations. Nothing else has such outcomes.
KEEPS_WAITING = "it found the key before the update failed, so EINVAL or ok, not EKEYREVOKED"
OVERLAP = "both found the key before the first was done with it"
IN_USE = "the other's usage reference delays the collection of the key"
NOT_POSSESSED = "the unlinked key is still referred to, but possessed no more: EACCES, not ENOKEY"
TWO_STEPS = "a page fault and the access that it was for are two steps, and so are two pages"
ODD: dict[frozenset[str], str] = {
    **{
        frozenset({change, other}): KEEPS_WAITING
        for change in ("add again", "update")
        for other in ("add again", "update", "revoke", "encrypt", "encrypt anew")
    },
    frozenset({"add again", "collect"}): IN_USE,
    frozenset({"update", "collect"}): IN_USE,
    frozenset({"revoke", "collect"}): IN_USE,
    frozenset({"invalidate", "collect"}): IN_USE,
    frozenset({"revoke"}): OVERLAP,
    frozenset({"invalidate"}): OVERLAP,
    frozenset({"unlink"}): OVERLAP,
    frozenset({"unlink", "invalidate"}): NOT_POSSESSED,
    frozenset({"unlink", "extend"}): NOT_POSSESSED,
    frozenset({"fork", "write"}): TWO_STEPS,
    frozenset({"protect", "write"}): TWO_STEPS,
    frozenset({"exit", "write"}): "it found the address space before, so EFAULT and not ESRCH",
    frozenset({"exit", "migrate"}): "it found the address space before, so EFAULT and not ESRCH",
}


def expected(design: Design, state: str, pair: Pair) -> bool:
    """Whether the pair has outcomes that no order of whole operations gives."""
    names = frozenset(pair)
    late = state in ("added", "uncleared")
    if names == {"exit", "migrate"} and late:
        # There is no memory to migrate to, whatever the process.
        return False
    if names == {"add again"} and late and design.keyid_scope == "per_package":
        # The second one makes a new key, and is refused with EINVAL for the new package.
        return False
    if names & {"invalidate", "unlink", "extend"} and state == "released":
        # Nobody finds the key any more.
        return False
    return names in ODD


def check(design: Design, state: str, pairs: list[Pair], faults_max: int = 1) -> None:
    """Every end of these pairs is sound, and just the expected ones are odd."""
    found = {}
    for pair in pairs:
        report = race(design, state, pair, faults_max)
        assert ((), (), True) == (report.deadlocks, report.left_held, report.is_complete), pair
        found[pair] = any(not odd.what.is_stuck for odd in report.unserialisable)
    assert {pair: expected(design, state, pair) for pair in pairs} == found


def pairs_of(design: Design, one: str) -> list[Pair]:
    """It with itself and with everything that is listed after it."""
    names = list(operations(design))
    return [(one, other) for other in names[names.index(one) :]]


@pytest.mark.parametrize("one", operations(FIXED))
def test_no_pair_breaks_anything_while_a_package_is_offline(one: str) -> None:
    check(FIXED, "offline", pairs_of(FIXED, one))


@pytest.mark.parametrize("one", HOTPLUG)
def test_no_pair_breaks_anything_while_a_package_comes_or_goes(one: str) -> None:
    failing = ["add", "update", "collect", "clear", "remove package"] if one == "start" else []
    for other in (*MEMORY, *HOTPLUG, *WORKERS, "add", "update"):
        check(FIXED, "added", [(other, one)], faults_max=int(other in failing))


def test_no_pair_breaks_anything_while_a_keyid_waits_to_be_cleared() -> None:
    check(FIXED, "uncleared", [(one, "clear") for one in operations(FIXED)])


@pytest.mark.parametrize("design", [FIXED, PER_PACKAGE], ids=["rfc-v2-fixed", "per-package"])
def test_no_pair_breaks_anything_while_vmas_have_the_last_references(design: Design) -> None:
    check(design, "released", [(other, "collect") for other in (*MEMORY, "start", "stop")])


def test_no_pair_breaks_anything_where_keys_are_saved() -> None:
    pairs = [("add", "start"), ("update", "start"), ("update", "collect")]
    check(DESIGNS["rfc-v2-savekeys-fixed"], "added", pairs)


@pytest.mark.parametrize("one", ["add again", "update", "unlink", "collect", "stop", *MEMORY])
def test_no_pair_breaks_anything_while_a_key_gets_one_more_keyid(one: str) -> None:
    check(PER_PACKAGE, "online", [(one, "extend")])


@pytest.mark.parametrize(
    ("design", "state", "pair", "what"),
    [
        (FIXED.but(on_release="keep"), "released", ("collect", "exit"), "is free and not clear"),
        (FIXED.but(on_program_failure="leave"), "online", ("add", "fork"), "is free and not clear"),
        (FIXED.but(program_struct="dirty_free"), "online", ("add", "fork"), "a user key lies in"),
    ],
)
def test_an_end_that_breaks_what_must_hold_names_its_schedule(
    design: Design, state: str, pair: Pair, what: str
) -> None:
    with pytest.raises(AssertionError, match=what) as caught:
        race(design, state, pair)
    (note,) = caught.value.__notes__
    assert f"the schedule was: {pair[0]} goes on; {pair[0]} goes on" in note


@pytest.mark.deep
@pytest.mark.parametrize(
    ("name", "state"), [(name, state) for name in REPAIRED for state in states(DESIGNS[name])]
)
def test_no_pair_breaks_anything(name: str, state: str) -> None:
    design = DESIGNS[name]
    check(design, state, list(itertools.combinations_with_replacement(operations(design), 2)))


TRIPLES = [
    ("extend", "fork", "exit"),
    ("extend", "unlink", "collect"),
    ("extend", "unmap", "update"),
    ("extend", "start", "stop"),
    ("unlink", "collect", "exit"),
    ("unlink", "collect", "encrypt anew"),
    ("invalidate", "collect", "unmap"),
    ("add again", "encrypt anew", "collect"),
    ("update", "start", "collect"),
    ("add", "start", "stop"),
    ("fork", "exit", "unmap"),
    ("fork", "migrate", "protect"),
    ("start", "remove package", "clear"),
]


@pytest.mark.deep
@pytest.mark.parametrize("names", TRIPLES, ids=", ".join)
@pytest.mark.parametrize("name", ["rfc-v2-fixed", "per-package", "rfc-v2-savekeys-fixed"])
def test_no_triple_breaks_anything(name: str, names: Pair) -> None:
    design = DESIGNS[name]
    if not set(names) <= operations(design).keys():
        pytest.skip("global KeyIDs are never extended")
    for state in ("online", "released", "added"):
        report = race(design, state, names, 0)
        assert ((), (), True) == (report.deadlocks, report.left_held, report.is_complete)


# Are the checks able to fail?


def lose_a_lock(k: Kernel) -> None:
    k._system.map_lock.acquire(Thread("nobody"), Mode.EXCLUSIVE)


SPOILS: dict[str, Callable[[Kernel], object]] = {
    "nobody holds the map lock": lose_a_lock,
    "the semaphore of key 2 is held": lambda k: k.key(USED).semaphore.acquire(
        Thread("nobody"), Mode.EXCLUSIVE
    ),
    r"KeyID \(1,\) has 3 references, 2 expected": lambda k: k._service.take(1),
    "is mapped and nobody needs it": lambda k: k._service.map.enter(4, 99),
    r"the bit of KeyID \(1,\) is True": lambda k: k._service.bitmap.set(1, True),
    "is set and nobody has it": lambda k: k._service.bitmap.set(4, True),
    r"live keys \[2, 3, 4\] are mapped": lambda k: k._service.map.free(2),
    "the map counts 4 of 3": lambda k: k._service.map._set_count(4),
    "are online and None leads": lambda k: k._system.set_lead(1, None),
    "before it was cleared": lambda k: k._system.put_out_of_service([(0, 1)]),
    "is free and not clear": lambda k: program(k, 1, 4, EntryMode.NO_ENCRYPT),
    "disagree on the mode of KeyID 1": lambda k: program(k, 1, 1, EntryMode.NO_ENCRYPT),
    "key 2 has 2 references, 1 expected": lambda k: k._system.keys.take(k.key(USED)),
    "uid 0 pays for": lambda k: k.keyctl.quota.charge(0, "more", "add"),
    "a user key lies in kmalloc-16, text, freed": lambda k: k.slab.kfree(text(k)),
    "a text was never freed": lambda k: text(k),
    "there are 5 key objects of 4 keys": lambda k: k._system.keys.create(),
    "is mapped with KeyID 1": lambda k: k.init.mm.vmas.replace(
        k.mm.vmas(k.init)[0], replace(k.mm.vmas(k.init)[0], handle=0)
    ),
    "disagree on the user key of KeyID 2": lambda k: disagree(k),
    r"KeyID 1 waits for package 1, which is gone": lambda k: lose_a_package(k),
    "has other owners than page tables say": lambda k: k.mm.frames.allocate(0, (1, 0)),
    "reads something else in page 2": lambda k: program(k, 0, 1, EntryMode.TME),
}


def disagree(k: Kernel) -> None:
    k.run(k.keyctl.update(k.init, SPARE, user("1")))
    k.machine.packages[1].table[2] = k.machine.packages[0].table[1]


def lose_a_package(k: Kernel) -> None:
    k._system.put_out_of_service([(1, 1)])
    k.machine.packages[1].present = False


def program(k: Kernel, package: int, keyid: int, mode: EntryMode) -> None:
    k.machine.packages[package].table[keyid] = Entry(mode)


def text(k: Kernel) -> Object:
    found = k.slab.kmalloc(16, "text")
    k.memory.write(found.address, USER_BYTES[0])
    return found


@pytest.mark.parametrize("state", ["online", "released", "offline", "added", "uncleared"])
@pytest.mark.parametrize("name", REPAIRED)
def test_what_must_hold_holds_when_the_operations_begin(name: str, state: str) -> None:
    design = DESIGNS[name]
    if state in states(design):
        assert [] == list(violations(booted(design, state)))


@pytest.mark.parametrize("what", SPOILS)
def test_what_breaks_is_noticed(what: str) -> None:
    kernel = booted(FIXED, "online")
    SPOILS[what](kernel)
    assert any(re.search(what, found) for found in violations(kernel)), list(violations(kernel))
