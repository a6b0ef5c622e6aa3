"""Who may hold a lock, and whom a waiting writer keeps out."""

from __future__ import annotations

import pytest

from impl.locks import Lock, Mode, Thread

ANNA, BEN, CARL = Thread("Anna"), Thread("Ben"), Thread("Carl")


def test_a_new_lock_is_free_for_readers_and_writers() -> None:
    lock = Lock("lock")
    assert not lock.is_held
    assert [True, True] == [lock.is_free_for(ANNA, mode) for mode in Mode]


def test_a_writer_keeps_everybody_out() -> None:
    lock = Lock("lock")
    lock.acquire(ANNA, Mode.EXCLUSIVE)
    assert lock.is_held
    assert [False, False] == [lock.is_free_for(BEN, mode) for mode in Mode]


def test_readers_share_and_keep_writers_out() -> None:
    lock = Lock("lock")
    lock.acquire(ANNA, Mode.SHARED)
    assert lock.is_free_for(BEN, Mode.SHARED)
    assert not lock.is_free_for(BEN, Mode.EXCLUSIVE)
    lock.acquire(BEN, Mode.SHARED)
    assert {ANNA: Mode.SHARED, BEN: Mode.SHARED} == lock.holders


def test_a_waiting_writer_keeps_new_readers_out_and_gets_in_itself() -> None:
    lock = Lock("lock")
    lock.acquire(ANNA, Mode.SHARED)
    lock.wait(BEN)
    assert not lock.is_free_for(CARL, Mode.SHARED)
    lock.release(ANNA)
    assert not lock.is_free_for(CARL, Mode.SHARED)
    lock.acquire(BEN, Mode.EXCLUSIVE)
    assert [] == lock.waiting_writers
    lock.release(BEN)
    assert lock.is_free_for(CARL, Mode.SHARED)


def test_a_released_lock_is_free_again() -> None:
    lock = Lock("lock")
    lock.acquire(ANNA, Mode.EXCLUSIVE)
    lock.release(ANNA)
    assert not lock.is_held
    assert lock.is_free_for(BEN, Mode.EXCLUSIVE)


@pytest.mark.parametrize("mode", Mode)
def test_a_lock_is_not_recursive(mode: Mode) -> None:
    lock = Lock("lock")
    lock.acquire(ANNA, mode)
    with pytest.raises(ValueError, match="cannot acquire the lock: it is not free"):
        lock.acquire(ANNA, mode)


def test_a_lock_that_is_not_free_cannot_be_acquired() -> None:
    lock = Lock("lock")
    lock.acquire(ANNA, Mode.EXCLUSIVE)
    with pytest.raises(ValueError, match="it is not free"):
        lock.acquire(BEN, Mode.SHARED)


def test_only_a_holder_can_release() -> None:
    lock = Lock("lock")
    lock.acquire(ANNA, Mode.EXCLUSIVE)
    with pytest.raises(ValueError, match="cannot release the lock: Ben does not hold it"):
        lock.release(BEN)
    assert {ANNA: Mode.EXCLUSIVE} == lock.holders


def test_threads_of_one_name_are_two_threads() -> None:
    lock = Lock("lock")
    lock.acquire(Thread("Anna"), Mode.SHARED)
    lock.acquire(Thread("Anna"), Mode.SHARED)
    assert 2 == len(lock.holders)
