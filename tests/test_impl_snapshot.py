"""A moment of a kernel comes back whole: nothing that happened since can be told from it."""

from __future__ import annotations

import dataclasses
import functools
import gc
import hashlib
import types
from collections import deque
from enum import Enum
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_calls import CALLS, Numbers, make, portrait

from designs import DESIGNS, Design
from impl import Deadlock, Kernel, Snapshot
from impl.hardware.engine import LineEngine
from impl.hardware.faults import Failure, Script
from impl.hardware.pconfig import Status
from impl.threads import Acquire

NUMBERS = st.tuples(
    st.integers(0, 3 * len(CALLS) - 1), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)
)
RUNS = st.lists(NUMBERS, max_size=25)


def booted(design: Design) -> Kernel:
    return Kernel(design, packages=3, absent=frozenset({2}), seed=7)


@given(
    st.sampled_from(sorted(DESIGNS)),
    st.lists(NUMBERS, min_size=10, max_size=40),
    RUNS.filter(bool),
    RUNS,
)
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_a_detour_leaves_no_trace(
    name: str, before: list[Numbers], detour: list[Numbers], after: list[Numbers]
) -> None:
    straight, strays = booted(DESIGNS[name]), booted(DESIGNS[name])
    assert [make(straight, call) for call in before] == [make(strays, call) for call in before]
    moment = strays.snapshot()
    answers = set()
    for _ in range(2):
        answers.add(str([make(strays, call) for call in detour]))
        strays.restore(moment)
        assert portrait(straight) == portrait(strays)
    assert 1 == len(answers)
    assert [make(straight, call) for call in after] == [make(strays, call) for call in after]
    assert portrait(straight) == portrait(strays)


def lived(name: str) -> Kernel:
    """A kernel with something of everything: keys, pages, failures, a lost lock, a lost thread."""
    kernel = booted(DESIGNS[name])
    kernel.machine.accesses.start()
    for number in range(8 * len(CALLS)):
        make(kernel, (number * 7, number % 6, number // 3 % 6, number // 5 % 6))
    kernel.machine.faults = Script([Failure(Status.DEVICE_BUSY, times=None)])
    lock = next(lock for lock in kernel.mm.locks())
    for _ in range(2):
        with pytest.raises(Deadlock):
            kernel.run(never_back(lock))
    return kernel


def never_back(lock: Any) -> Any:
    yield Acquire(lock)
    yield Acquire(lock)


CHANGELESS = (
    *(int, float, str, bytes, bool, type(None), Enum, type, range, tuple, frozenset),
    *(types.BuiltinFunctionType, types.MethodType, types.FunctionType, types.GeneratorType),
)
POISON = object()


def parts_of(root: object) -> list[Any]:
    """Every object that a kernel reaches, found by the garbage collector's own rules."""
    met, ahead, found = set(), [root], []
    while ahead:
        part = ahead.pop()
        if id(part) in met or isinstance(part, type | Enum | LineEngine):
            continue
        met.add(id(part))
        found.append(part)
        if isinstance(part, types.FunctionType):
            ahead += [*(part.__closure__ or ()), *(part.__defaults__ or ())]
        elif isinstance(part, types.MethodType):
            ahead.append(part.__self__)
        elif isinstance(part, types.GeneratorType):
            continue
        else:
            # An attribute may lie in the object itself or in a dictionary that it makes when asked.
            ahead += [vars(part)] if hasattr(part, "__dict__") else gc.get_referents(part)
    return found


def is_frozen(part: object) -> bool:
    return dataclasses.is_dataclass(part) and part.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["rfc-v2", "per-package", "wrapped-vault"])
def test_no_attribute_of_any_object_escapes_a_snapshot(name: str) -> None:
    kernel = lived(name)
    before = portrait(kernel)
    moment = kernel.snapshot()
    frozen = {id(vars(p)) for p in parts_of(kernel) if is_frozen(p) and hasattr(p, "__dict__")}
    spoilt = 0
    for part in parts_of(kernel):
        match part:
            case dict() if id(part) not in frozen:
                for key in [*part, "spoilt"]:
                    part[key] = POISON
            case list():
                part[:] = [POISON]
            case set():
                part.add(POISON)
            case types.CellType():
                part.cell_contents = POISON
            case Random():
                part.random()
            case _:
                changeless = isinstance(part, CHANGELESS) or is_frozen(part)
                assert changeless or hasattr(part, "__dict__") or id(part) in frozen, type(part)
                continue
        spoilt += 1
    moment.restore()
    assert before == portrait(kernel)
    assert 150 < spoilt


def test_a_frozen_object_has_no_attribute_beside_its_fields() -> None:
    for name in ("rfc-v2", "per-package"):
        for part in parts_of(lived(name)):
            if is_frozen(part) and hasattr(part, "__dict__"):
                assert {field.name for field in dataclasses.fields(part)} == set(vars(part))


def test_the_kernel_and_its_parts_stay_the_same_objects() -> None:
    kernel = booted(DESIGNS["rfc-v2"])
    parts = [kernel.machine, kernel.memory, kernel.init, *kernel.machine.packages]
    moment = kernel.snapshot()
    serial = kernel.instantiate(b"type=cpu algorithm=aes-xts-128")
    kernel.restore(moment)
    again = [kernel.machine, kernel.memory, kernel.init, *kernel.machine.packages]
    assert all(old is new for old, new in zip(parts, again, strict=True))
    assert serial == kernel.instantiate(b"type=cpu algorithm=aes-xts-128")


def test_a_moment_can_be_older_than_another_that_is_brought_back() -> None:
    kernel = booted(DESIGNS["rfc-v2"])
    moments, portraits = [], []
    for number in range(3):
        moments.append(kernel.snapshot())
        portraits.append(portrait(kernel))
        make(kernel, (0, number, 0, 0))
    for number in (1, 0, 2, 0):
        kernel.restore(moments[number])
        assert portraits[number] == portrait(kernel)


def test_a_lost_lock_and_the_thread_that_waits_for_it_come_and_go() -> None:
    kernel = booted(DESIGNS["rfc-v2"])
    free = kernel.snapshot()
    lock = next(lock for lock in kernel.mm.locks())
    with pytest.raises(Deadlock):
        kernel.run(never_back(lock))
    held, names = kernel.snapshot(), kernel.held_locks()
    assert 1 == len(names)
    kernel.restore(free)
    assert [] == kernel.held_locks()
    kernel.restore(held)
    assert names == kernel.held_locks()
    with pytest.raises(Deadlock):
        kernel.run(never_back(lock))


class Slotted:
    """An object that keeps its state in slots, one of them not filled."""

    __slots__ = ("empty", "filled")


class Both(Slotted):
    """The same, with attributes of its own beside them."""


def test_a_class_with_slots_and_other_attributes_is_brought_back_whole() -> None:
    part = Both()
    part.filled, part.other = 1, 2
    moment = Snapshot(part)
    part.filled, part.other, part.empty = 3, 4, 5
    moment.restore()
    assert (1, {"other": 2}) == (part.filled, vars(part))
    assert not hasattr(part, "empty")


def test_slots_and_empty_cells_are_brought_back_too() -> None:
    part = Slotted()
    part.filled = [1]

    def reader() -> object:
        return late

    moment = Snapshot([part, reader])
    part.filled = [2]
    part.empty = 3
    late = 4
    assert 4 == reader()
    moment.restore()
    assert ([1], False) == (part.filled, hasattr(part, "empty"))
    with pytest.raises(NameError):
        reader()


def kind_of(part: object) -> str:
    return type(part).__name__


@pytest.mark.parametrize(
    "part",
    [bytearray(1), deque(), memoryview(b""), iter([]), functools.partial(int), hashlib.sha256()],
    ids=kind_of,
)
def test_what_there_is_no_rule_for_is_refused(part: object) -> None:
    kernel = booted(DESIGNS["rfc-v2"])
    kernel.machine.packages[0].added_later = {"deep": [part]}  # type: ignore[attr-defined]
    kind = kind_of(part)
    with pytest.raises(TypeError, match=f"^cannot take a snapshot: there is no rule for {kind}$"):
        kernel.snapshot()


def test_a_snapshot_shows_nothing_of_what_it_holds() -> None:
    assert "<impl.snapshot.Snapshot object" == repr(booted(DESIGNS["rfc-v2"]).snapshot())[:30]
