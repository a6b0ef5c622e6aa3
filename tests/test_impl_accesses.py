"""What a step touched, as the machine notes it."""

from __future__ import annotations

from impl.hardware.accesses import Accesses


def test_nothing_is_noted_before_the_first_start() -> None:
    accesses = Accesses()
    accesses.read("a")
    accesses.write("b")
    assert (set(), set()) == (accesses.reads, accesses.writes)


def test_reads_and_writes_are_noted_apart_and_once() -> None:
    accesses = Accesses()
    accesses.start()
    for _ in range(2):
        accesses.read("a")
        accesses.write(("table", 1))
    assert ({"a"}, {("table", 1)}) == (accesses.reads, accesses.writes)


def test_a_start_forgets_and_leaves_what_was_taken_before_alone() -> None:
    accesses = Accesses()
    accesses.start()
    accesses.write("a")
    before = accesses.writes
    accesses.start()
    accesses.write("b")
    assert ({"a"}, {"b"}) == (before, accesses.writes)


def test_lines_are_noted_each_by_its_address() -> None:
    accesses = Accesses()
    accesses.read_lines(range(0, 64, 64))
    accesses.start()
    accesses.read_lines(range(0, 192, 64))
    accesses.write_lines(range(64, 128, 64))
    assert ({0, 64, 128}, {64}) == (accesses.reads, accesses.writes)
