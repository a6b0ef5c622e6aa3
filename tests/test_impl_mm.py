"""mmap, munmap, mprotect, fork and exit: answers, VMAs, and references."""

from __future__ import annotations

import pytest
from address_spaces import (
    BASE,
    FIXED,
    TEXT,
    P,
    Process,
    World,
    encrypted,
    locks_held,
    orphaned,
    protect,
    refused,
    unmap,
)

from impl.errors import Deadlock, KernelError
from impl.locks import Mode, Thread
from impl.mm.vma import USER_END, USER_START, USER_TOP
from impl.threads import Release

# mmap


def test_mappings_without_an_address_are_placed_downwards_from_the_top() -> None:
    world = World()
    first, second = world.map(2, None), world.map(1, None, prot="r")
    assert (USER_TOP - 2 * P, USER_TOP - 3 * P) == (first, second)


def test_a_length_is_rounded_up_to_whole_pages() -> None:
    world = World()
    world.run(world.mm.mmap(world.init, P + 1, BASE))
    assert [(0, 2, "rw", 0)] == world.shape()


def test_a_mapping_at_an_address_replaces_what_is_there() -> None:
    world = World()
    world.map(4)
    world.write(BASE, TEXT)
    world.write(BASE + P, TEXT)
    world.map(2, BASE + P, prot="r")
    assert [(0, 1, "rw", 0), (1, 2, "r", 0), (3, 1, "rw", 0)] == world.shape()
    assert (TEXT, bytes(len(TEXT))) == (
        world.read(BASE, len(TEXT)),
        world.read(BASE + P, len(TEXT)),
    )


def test_a_new_mapping_merges_with_neighbours_that_agree() -> None:
    world = World()
    world.map(1)
    world.map(1, BASE + 2 * P)
    world.map(1, BASE + P)
    assert [(0, 3, "rw", 0)] == world.shape()


def test_file_mappings_do_not_merge_with_each_other_nor_with_memory() -> None:
    world = World()
    world.map(1, anonymous=False)
    world.map(1, BASE + P, anonymous=False)
    world.map(1, BASE + 2 * P)
    assert 3 == len(world.shape())


def test_the_halves_of_a_file_mapping_merge_again() -> None:
    world = World()
    world.map(2, anonymous=False)
    protect(world, 1, 1, "r")
    assert [(0, 1, "rw", 0), (1, 1, "r", 0)] == world.shape()
    protect(world, 1, 1, "rw")
    assert [(0, 2, "rw", 0)] == world.shape()


@pytest.mark.parametrize(
    ("errno", "length", "address", "prot"),
    [
        ("EINVAL", 0, None, "rw"),
        ("EINVAL", P, BASE + 1, "rw"),
        ("EINVAL", P, BASE, "q"),
        ("EPERM", P, USER_START - P, "rw"),
        ("EPERM", P, 0, "rw"),
        ("ENOMEM", P, USER_END, "rw"),
        ("ENOMEM", USER_END + P, None, "rw"),
        ("ENOMEM", USER_END, None, "rw"),
        ("ENOMEM", -1, None, "rw"),
        ("ENOMEM", P, -P, "rw"),
    ],
)
def test_mmap_refuses(errno: str, length: int, address: int | None, prot: str) -> None:
    world = World()
    refused(errno, world.mm.mmap(world.init, length, address, prot))
    assert ([], []) == (world.shape(), locks_held(world))


def test_the_last_and_the_first_page_can_be_mapped() -> None:
    world = World()
    world.map(1, USER_END - P)
    world.map(1, USER_START)
    world.write(USER_END - 1, b"x")
    assert b"x" == world.read(USER_END - 1, 1)


# munmap


def test_unmapping_the_middle_leaves_two_vmas() -> None:
    world = World()
    world.map(5)
    unmap(world, 1, 2)
    assert [(0, 1, "rw", 0), (3, 2, "rw", 0)] == world.shape()


def test_unmapping_reaches_over_gaps_and_over_nothing() -> None:
    world = World()
    world.map(1)
    world.map(2, BASE + 4 * P)
    unmap(world, 0, 5)
    assert [(5, 1, "rw", 0)] == world.shape()
    unmap(world, 0, 5)
    assert [(5, 1, "rw", 0)] == world.shape()


def test_an_unmapped_page_is_gone_with_its_contents() -> None:
    world = World()
    world.map(2)
    world.write(BASE, TEXT)
    unmap(world, 0, 1)
    refused("EFAULT", world.mm.read(world.init, BASE, 1))
    world.map(1)
    assert bytes(len(TEXT)) == world.read(BASE, len(TEXT))


@pytest.mark.parametrize(
    ("address", "length"),
    [(BASE + 1, P), (BASE, 0), (USER_END + P, P), (BASE, USER_END), (BASE, -P), (-P, P)],
)
def test_munmap_refuses(address: int, length: int) -> None:
    world = World()
    world.map(1)
    refused("EINVAL", world.mm.munmap(world.init, address, length))
    assert [(0, 1, "rw", 0)] == world.shape()


# mprotect


def test_protecting_a_part_splits_and_undoing_it_merges() -> None:
    world = World()
    world.map(5)
    protect(world, 1, 3, "r")
    assert [(0, 1, "rw", 0), (1, 3, "r", 0), (4, 1, "rw", 0)] == world.shape()
    protect(world, 2, 1, "none")
    assert 5 == len(world.shape())
    protect(world, 0, 5, "r")
    assert [(0, 5, "r", 0)] == world.shape()


def test_protecting_stops_at_a_gap_and_keeps_what_it_has_done() -> None:
    world = World()
    world.map(1)
    world.map(1, BASE + 2 * P)
    refused("ENOMEM", world.mm.mprotect(world.init, BASE, 3 * P, "r"))
    assert [(0, 1, "r", 0), (2, 1, "rw", 0)] == world.shape()
    assert [] == locks_held(world)


def test_a_length_is_rounded_up_by_mprotect_too() -> None:
    world = World()
    world.map(2)
    world.run(world.mm.mprotect(world.init, BASE, 1, "r"))
    assert [(0, 1, "r", 0), (1, 1, "rw", 0)] == world.shape()


def test_protecting_nothing_succeeds_whatever_is_asked_for() -> None:
    world = World()
    world.run(world.mm.mprotect(world.init, BASE, 0, "nonsense"))
    assert [] == world.shape()


@pytest.mark.parametrize(
    ("errno", "address", "length", "prot"),
    [
        ("EINVAL", BASE + 1, P, "r"),
        ("EINVAL", BASE, P, "q"),
        ("ENOMEM", BASE - P, P, "r"),
        ("ENOMEM", BASE, -P, "r"),
        ("ENOMEM", -P, P, "r"),
    ],
)
def test_mprotect_refuses(errno: str, address: int, length: int, prot: str) -> None:
    world = World()
    world.map(1)
    refused(errno, world.mm.mprotect(world.init, address, length, prot))
    assert [(0, 1, "rw", 0)] == world.shape()


def test_protecting_keeps_the_key() -> None:
    world = encrypted(3)
    world.write(BASE, TEXT)
    protect(world, 0, 1, "r")
    assert [(0, 1, "r", 1), (1, 2, "rw", 1)] == world.shape()
    assert (3, TEXT) == (world.count(1), world.read(BASE, len(TEXT)))
    protect(world, 0, 1, "rw")
    assert ([(0, 3, "rw", 1)], 2) == (world.shape(), world.count(1))


# fork and exit


def test_a_child_inherits_credentials_and_memory_and_is_given_keyrings() -> None:
    world = World()
    parent = Process(7, 3, 4, frozenset({5}), frozenset({"CAP_X"}), 1, {"s": 13})
    world.mm.adopt(parent)
    world.map(1, process=parent)
    child = world.fork(parent)
    assert (8, 3, 4, {5}, {"CAP_X"}, 1, {"s": 13}) == (
        child.pid,
        child.uid,
        child.gid,
        child.groups,
        child.capabilities,
        child.node,
        child.keyrings,
    )
    assert world.mm.vmas(parent) == world.mm.vmas(child)
    assert [1, 7, 8] == list(world.mm.processes)


def test_fork_takes_a_reference_for_every_encrypted_vma() -> None:
    world = encrypted(3)
    protect(world, 1, 1, "r")
    assert 4 == world.count(1)
    child = world.fork()
    assert 7 == world.count(1)
    unmap(world, 0, 1, child)
    assert 6 == world.count(1)


def test_exit_drops_every_reference_and_frees_every_frame() -> None:
    world = encrypted(3)
    world.write(BASE, bytes(3 * P))
    child = world.fork()
    world.write(BASE, b"copied", child)
    world.run(world.mm.exit(child))
    assert (2, 3) == (world.count(1), world.mm.frames.pools[0].count_used)
    world.run(world.mm.exit(world.init))
    assert (1, 0) == (world.count(1), world.mm.frames.pools[0].count_used)
    assert {} == world.mm.processes


def test_a_process_that_exited_makes_no_calls_and_shows_nothing() -> None:
    world = encrypted(1)
    world.read(BASE, 1)
    gone = world.init
    world.run(world.mm.exit(gone))
    for operation in (
        world.mm.mmap(gone, P),
        world.mm.munmap(gone, BASE, P),
        world.mm.mprotect(gone, BASE, P, "r"),
        world.mm.encrypt_mprotect(gone, BASE, P, "rw", 1),
        world.mm.read(gone, BASE, 1),
        world.mm.write(gone, BASE, b"x"),
        world.mm.migrate(gone, BASE, 1),
        world.mm.fork(gone),
        world.mm.exit(gone),
    ):
        assert refused("ESRCH", operation).endswith("the process has exited")
    assert ([], {}) == (world.mm.vmas(gone), world.mm.page_table(gone))


def test_a_call_that_waited_while_its_process_exited_is_refused() -> None:
    world = World()
    waiting = world.mm.mmap(world.init, P)
    next(waiting)
    world.run(world.mm.exit(world.init))
    # The lock is granted now; the call goes on with it, and gives it back when refused.
    assert isinstance(next(waiting), Release)
    with pytest.raises(KernelError, match="the process has exited"):
        next(waiting)


def test_the_locks_are_those_of_running_processes_and_those_that_were_lost() -> None:
    world = orphaned(FIXED.but(last_put="locks_again"))
    assert ["mmap_sem of process 1"] == [lock.name for lock in world.mm.locks()]
    child = world.fork()
    world.run(world.mm.munmap(world.init, BASE, P))
    assert 2 == len(world.mm.locks())
    world.system.map_lock.acquire(Thread("somebody"), Mode.EXCLUSIVE)
    with pytest.raises(Deadlock):
        world.run(world.mm.exit(child))
    world.run(world.mm.exit(world.init))
    assert ["mmap_sem of process 2"] == [lock.name for lock in world.mm.locks()]
    assert [] == [lock.name for lock in World().mm.locks() if lock.is_held]


def test_pids_are_never_used_again() -> None:
    world = World()
    child = world.fork()
    world.run(world.mm.exit(child))
    assert 3 == world.mm.pid_next
    assert 3 == world.fork().pid
    with pytest.raises(ValueError, match="cannot begin process 2"):
        world.mm.adopt(Process(pid=2))


# What a step touches


def test_processes_touch_each_other_only_where_they_share() -> None:
    world = World()
    world.map(1)
    child = world.fork()
    accesses = world.machine.accesses
    accesses.start()
    world.run(world.mm.mprotect(child, BASE, P, "r"))
    assert {("mm", 2)} == accesses.writes
    accesses.start()
    world.read(BASE, 1)
    assert {("page table", 1), ("frames", 0)} <= accesses.writes
    assert {("mm", 1), ("process", 1), "packages"} <= accesses.reads
    accesses.start()
    world.read(BASE, 1)
    assert set() == accesses.writes
    accesses.start()
    world.run(world.mm.exit(child))
    assert {"processes", ("process", 2), ("mm", 2)} == accesses.writes
