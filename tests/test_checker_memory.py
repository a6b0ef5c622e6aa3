"""A memory budget is kept: states go to disk, counts stay exact, and what cannot be is said."""

from __future__ import annotations

import errno
import gc
import tempfile
import tracemalloc

import numpy as np
import pytest
import textbook
import z3
from small_systems import ANSWER, claim_of, counter, numeral
from test_checker_jit import both_ways, interpreted  # noqa: F401

from checker.exploring import jit_search, tables
from checker.exploring.explore import explore
from checker.exploring.seen import Seen
from checker.exploring.spill import Levels, Memory, MemoryReached
from checker.systems.system import GroundAction, GroundSystem, Variable

COMMIT, CLAIMS = textbook.two_phase_commit(5)


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    gc.collect()
    assert [] == list(tmp_path.glob("mktme-states-*"))


@pytest.fixture
def written(monkeypatch):
    """How many files a search makes."""
    paths = []
    original = Memory.new_path

    def new_path(memory):
        paths.append(original(memory))
        return paths[-1]

    monkeypatch.setattr(Memory, "new_path", new_path)
    return paths


@pytest.mark.parametrize("budget", [30_000, 60_000])
def test_counts_stay_exact_when_states_go_to_disk(budget, written):
    whole = explore(COMMIT.system, CLAIMS, jit=False)
    seen = explore(COMMIT.system, CLAIMS, jit=False, memory_max=budget)
    assert whole == seen
    assert whole.memory > budget >= seen.memory
    assert written


def test_the_counterexample_is_the_same_one_when_levels_are_on_disk(written):
    system, n = counter(10, 130)
    claim = claim_of(n != 900)
    whole = explore(system, [claim], jit=False)
    seen = explore(system, [claim], jit=False, memory_max=12_000)
    assert whole == seen
    assert 900 == len(seen.findings["claim"].counterexample.calls)
    assert whole.memory > 24 * 900
    assert seen.memory <= 12_000
    assert written


def test_a_budget_that_is_enough_writes_nothing(written):
    assert explore(COMMIT.system, CLAIMS, jit=False, memory_max=10**9).closed
    assert [] == written


def test_a_budget_too_small_for_a_chunk_is_a_bounded_answer_that_names_it():
    system, n = counter()
    claim = claim_of(z3.ULE(n, 15))
    verdict = explore(system, [claim], jit=False, memory_max=100).verdict(system, claim)
    assert ("HOLDS_TO", 0) == (verdict.word, verdict.depth)
    assert "more than 100 bytes of memory" == verdict.reason


def test_a_violation_is_not_lost_when_memory_ends_the_search():
    system, n = counter()
    claim = claim_of(n != 0)
    assert "VIOLATED" == explore(system, [claim], memory_max=100).verdict(system, claim).word


@pytest.mark.parametrize("bits_max", [0, 28])
@pytest.mark.parametrize("budget", [20_000, 40_000])
def test_a_table_without_room_gives_way_to_arrays_on_disk(
    budget, bits_max, interpreted, monkeypatch  # noqa: F811
):  # fmt: skip
    monkeypatch.setattr(tables, "BITS_MAX", bits_max)
    monkeypatch.setattr(tables, "_FILLED", 256)
    monkeypatch.setattr(jit_search, "_FOUND", 64)
    monkeypatch.setattr(jit_search, "_BLOCK", 1024)
    ground, claims = textbook.two_phase_commit(4)
    seen = both_ways(ground.system, claims, memory_max=budget)
    assert seen == explore(ground.system, claims, jit=False)
    assert seen.memory <= budget


def test_a_full_disk_is_a_bounded_answer_too(monkeypatch):
    def full(memory):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Memory, "new_path", full)
    seen = explore(COMMIT.system, CLAIMS, jit=False, memory_max=30_000)
    assert "the disk took no more states: No space left on device" == seen.reason
    assert 0 < seen.depth < explore(COMMIT.system, CLAIMS, jit=False).depth
    verdict = seen.verdict(COMMIT.system, CLAIMS[0])
    assert "HOLDS_TO" == verdict.word


def test_a_closed_set_can_be_had_of_states_on_disk():
    whole = explore(COMMIT.system, [], jit=False, keep_states=True)
    seen = explore(COMMIT.system, [], jit=False, keep_states=True, memory_max=30_000)
    one, other = (found.closed_set(COMMIT.system).states for found in (whole, seen))
    assert np.array_equal(one, other)
    assert whole.states == len(one)


def traced(work):
    """What a function returns, and the most bytes that it held at once."""
    gc.collect()
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def dials(width):
    """Four counters of sixteen values that go up in any order, and bits that never change."""
    still = [Variable(f"still{i}", z3.Bool(f"still{i}"), ("no", "yes")) for i in range(width)]
    values = [numeral(f"n{i}", 4) for i in range(4)]
    start = z3.And(*(z3.Not(v.term) for v in still), *(v.term == 0 for v in values))
    up = [
        GroundAction(f"up{i}", (), v.term != 15, ANSWER, {v.name: v.term + 1})
        for i, v in enumerate(values)
    ]
    return GroundSystem("dials", (*values, *still), start, tuple(up), ("done",))


@pytest.mark.parametrize("width", [0, 65])
def test_states_on_disk_are_brought_together_there_within_the_budget(width):
    budget = 200_000
    system = dials(width)
    seen = explore(system, [], jit=False, keep_states=True, memory_max=budget)
    assert 2**16 == seen.states
    proof, held = traced(lambda: seen.closed_set(system))
    assert held < budget
    assert held < proof.states.nbytes // 2
    assert np.array_equal(np.arange(2**16), proof.states[:, 0] >> np.uint64(48))
    assert seen.closed_set(system).states is proof.states


def test_a_disk_too_full_to_bring_states_together_leaves_the_answer_open(monkeypatch):
    claim = claim_of(z3.BoolVal(True))
    seen = explore(COMMIT.system, [claim], jit=False, keep_states=True, memory_max=30_000)

    def full(memory):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Memory, "new_path", full)
    verdict = seen.verdict(COMMIT.system, claim)
    expected = (
        "the states are not brought together: the disk took no more states: No space left on device"
    )
    assert ("UNKNOWN", expected, None) == (verdict.word, verdict.reason, verdict.proof)


@pytest.mark.parametrize("dtype", ["u8", "S16"])
@pytest.mark.parametrize("limit", [None, 1, 3000])
def test_the_seen_set_is_a_set_wherever_it_lies(dtype, limit):
    rng = np.random.default_rng(5)
    memory = Memory(limit)
    seen = Seen(dtype, memory)
    known: set[object] = set()
    for _ in range(30):
        numbers = rng.integers(0, 2000, rng.integers(0, 90)).astype(">u8")
        raw = np.repeat(numbers, 2).view("S16") if dtype == "S16" else numbers.astype("u8")
        found = np.unique(raw)
        new = seen.without(found)
        assert sorted(set(found.tolist()) - known) == new.tolist()
        seen.add(new)
        known |= set(new.tolist())
        if rng.integers(4) == 0:
            seen.spill()
            assert 0 == seen.nbytes
        assert len(known) == len(seen)
    assert sorted(known) == seen.all().tolist()
    seen.release()
    memory.close()
    assert (0, 0) == (len(seen), memory.used)


def test_levels_on_disk_are_the_levels_they_were():
    memory = Memory()
    levels = Levels(memory)
    arrays = [np.arange(n, dtype=np.uint64) for n in (3, 1, 7, 2)]
    for place, array in enumerate(arrays):
        levels.append(array)
        if place == 1:
            levels.spill()
    assert 9 * 8 == levels.nbytes == memory.used
    levels.spill()
    levels.spill()
    assert [a.tolist() for a in arrays] == [level.tolist() for level in levels.all]
    assert ((3, 1, 7, 2), 13, 0) == (levels.sizes, levels.states, levels.nbytes)
    del levels
    memory.close()


def test_memory_says_what_does_not_fit():
    memory = Memory(1000)
    with pytest.raises(MemoryReached, match="more than 1,000 bytes of memory"):
        memory.reserve(1001)
    memory.reserve(100)
    assert 100 == memory.peak
