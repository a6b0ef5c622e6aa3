"""A scope is refused out of range, and gives every index sort its size."""

from __future__ import annotations

import pytest

from designs import DESIGNS
from model import LIMITS, Scope, ScopeError
from model.sorts import BYTES, CPU, KEY, KEYID, LOCK, PACKAGE, THREAD, TOKEN, VMA


def test_the_default_scope_is_two_of_everything() -> None:
    assert Scope(packages=2, cpus=2, keyids=2, values=2) == Scope()
    said = "2 packages, 2 CPUs each, 2 KeyIDs, 2 distinct user keys, 2 VMAs, 2 threads"
    assert said == str(Scope())


def test_there_are_as_many_key_objects_as_keyids_and_two_constants_among_the_bytes() -> None:
    expected = {
        PACKAGE: 3,
        CPU: 1,
        KEYID: 4,
        KEY: 4,
        BYTES: 4,
        VMA: 1,
        THREAD: 3,
        TOKEN: 5,
        LOCK: 3,
    }
    assert expected == Scope(3, 1, 4, 2, 1, 3).sizes(DESIGNS["rfc-v2"])


def test_with_per_package_keyids_there_is_a_key_object_for_every_pair() -> None:
    assert 12 == Scope(3, 1, 4, 2).sizes(DESIGNS["per-package"])[KEY]


@pytest.mark.parametrize(
    ("bound", "value", "refusal"),
    [
        ("packages", 0, "packages=0 is out of range; known: 1 to 8"),
        ("packages", 9, "packages=9 is out of range; known: 1 to 8"),
        ("cpus", 0, "cpus=0 is out of range; known: 1 to 8"),
        ("cpus", 9, "cpus=9 is out of range; known: 1 to 8"),
        ("keyids", 0, "keyids=0 is out of range; known: 1 to 15"),
        ("keyids", 16, "keyids=16 is out of range; known: 1 to 15"),
        ("values", -1, "values=-1 is out of range; known: 1 to 4"),
        ("values", 5, "values=5 is out of range; known: 1 to 4"),
    ],
)
def test_a_bound_out_of_range_is_refused_with_the_range(
    bound: str, value: int, refusal: str
) -> None:
    with pytest.raises(ScopeError) as refused:
        Scope(**{bound: value})
    assert refusal == str(refused.value)


@pytest.mark.parametrize("bound", LIMITS)
def test_the_ends_of_a_range_belong_to_it(bound: str) -> None:
    least, greatest = LIMITS[bound]
    assert [least, greatest] == [getattr(Scope(**{bound: v}), bound) for v in (least, greatest)]
