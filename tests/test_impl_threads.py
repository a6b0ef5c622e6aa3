"""Operations that run to their end, one after the other."""

from __future__ import annotations

import pytest

from impl.errors import Busy, Deadlock
from impl.hardware.pconfig import Command
from impl.locks import Lock, Mode
from impl.threads import Acquire, Execute, Operation, Pause, Release, holding, run


def test_run_gives_the_result_and_the_lock_back() -> None:
    lock = Lock("lock")

    def operation() -> Operation[int]:
        yield Pause("look")
        yield Acquire(lock)
        assert lock.is_held
        yield Execute(0, 0, 1, Command.CLEAR_KEY)
        yield Release(lock)
        return 7

    assert 7 == run(operation())
    assert not lock.is_held


def test_run_raises_what_the_operation_raises() -> None:
    def operation() -> Operation[None]:
        yield Pause("look")
        raise Busy("look", "it is busy")

    with pytest.raises(Busy):
        run(operation())


def test_a_lock_that_an_operation_leaves_held_stops_the_next_one_for_ever() -> None:
    lock = Lock("lock")

    def careless() -> Operation[None]:
        yield Acquire(lock)

    def careful() -> Operation[None]:
        yield Acquire(lock)
        yield Release(lock)

    run(careless(), "lose")
    assert ["lose"] == [thread.name for thread in lock.holders]
    with pytest.raises(Deadlock, match="cannot come: it would wait forever for the lock"):
        run(careful(), "come")


@pytest.mark.parametrize("second", Mode)
def test_a_thread_that_takes_a_writers_lock_twice_waits_for_itself(second: Mode) -> None:
    lock = Lock("lock")

    def operation() -> Operation[None]:
        yield Acquire(lock)
        yield Acquire(lock, second)

    with pytest.raises(Deadlock):
        run(operation())


def test_an_operation_that_waits_for_ever_is_not_unwound() -> None:
    lock, unwound = Lock("lock"), []

    def operation() -> Operation[None]:
        try:
            yield Acquire(lock)
            yield Acquire(lock)
        except GeneratorExit:
            unwound.append("lock")
            raise

    with pytest.raises(Deadlock):
        run(operation())
    assert [] == unwound


def test_the_name_of_an_operation_is_its_functions_unless_given() -> None:
    lock = Lock("lock")

    def lose() -> Operation[None]:
        yield Acquire(lock)

    run(lose())
    assert ["lose"] == [thread.name for thread in lock.holders]


@pytest.mark.parametrize("mode", Mode)
def test_holding_holds_the_lock_around_its_body_and_gives_its_result(mode: Mode) -> None:
    lock = Lock("lock")

    def body() -> Operation[str]:
        yield Pause("look")
        return ", ".join(held.value for held in lock.holders.values())

    assert mode.value == run(holding(lock, body, mode))
    assert not lock.is_held


def test_holding_releases_when_the_body_is_refused() -> None:
    lock = Lock("lock")

    def body() -> Operation[None]:
        yield Pause("look")
        raise Busy("look", "it is busy")

    with pytest.raises(Busy):
        run(holding(lock, body))
    assert not lock.is_held


def test_holding_does_not_release_after_a_bug() -> None:
    lock = Lock("lock")

    def body() -> Operation[None]:
        yield Pause("look")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(holding(lock, body))
    assert lock.is_held
