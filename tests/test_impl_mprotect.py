"""encrypt_mprotect, the locks of all calls, and where the last reference of a KeyID goes."""

from __future__ import annotations

import pytest
from address_spaces import (
    BASE,
    FIXED,
    PER_PACKAGE,
    POSTED,
    TEXT,
    P,
    World,
    encrypted,
    locks_held,
    orphaned,
    protect,
    refused,
    trace,
    unmap,
    user,
)

from designs import Design
from impl.errors import AccessDenied, Deadlock, KernelError, KeyExpired, KeyRevoked, NoKey
from impl.keyrings.permissions import Need

# encrypt_mprotect


def test_encrypting_takes_a_reference_and_throws_the_pages_away() -> None:
    world = World()
    world.map(2)
    world.write(BASE, TEXT)
    serial = world.key()
    assert 1 == world.count(1)
    world.encrypt(BASE, 2, serial, "r")
    assert ([(0, 2, "r", 1)], 2) == (world.shape(), world.count(1))
    assert bytes(len(TEXT)) == world.read(BASE, len(TEXT))


def test_the_key_is_looked_up_with_view_permission_and_put() -> None:
    world = encrypted(1)
    assert [(1, 1, Need.VIEW)] == world.retention.asked
    assert [1] == world.retention.put_serials


def test_encrypting_with_the_same_key_again_keeps_the_pages() -> None:
    world = encrypted(2)
    world.write(BASE, TEXT)
    world.encrypt(BASE, 2, 1)
    world.encrypt(BASE, 2, 1, "r")
    assert (TEXT, 2) == (world.read(BASE, len(TEXT)), world.count(1))
    assert [(0, 2, "r", 1)] == world.shape()


def test_another_key_takes_the_place_of_the_first() -> None:
    world = encrypted(2)
    world.write(BASE, TEXT)
    world.encrypt(BASE, 2, world.key())
    assert ([(0, 2, "rw", 2)], 1, 2) == (world.shape(), world.count(1), world.count(2))
    assert bytes(len(TEXT)) == world.read(BASE, len(TEXT))


def test_encrypting_a_part_splits_the_vma_and_counts_each_piece() -> None:
    world = encrypted(5)
    world.write(BASE, TEXT)
    world.encrypt(BASE + P, 3, world.key())
    assert [(0, 1, "rw", 1), (1, 3, "rw", 2), (4, 1, "rw", 1)] == world.shape()
    assert (3, 2) == (world.count(1), world.count(2))
    assert TEXT == world.read(BASE, len(TEXT))


def test_pieces_with_one_key_merge_and_drop_a_reference() -> None:
    world = encrypted(5)
    world.encrypt(BASE + P, 3, world.key())
    world.encrypt(BASE + P, 3, 1)
    assert ([(0, 5, "rw", 1)], 2, 1) == (world.shape(), world.count(1), world.count(2))


def test_encrypting_nothing_succeeds() -> None:
    world = World()
    world.run(world.mm.encrypt_mprotect(world.init, BASE, 0, "q", world.key()))
    assert ([], 1) == (world.shape(), world.count(1))


@pytest.mark.parametrize(
    ("errno", "address", "length", "prot"),
    [
        ("EINVAL", BASE, P + 1, "rw"),
        ("EINVAL", BASE + 1, P, "rw"),
        ("EINVAL", BASE, P, "q"),
        ("ENOMEM", BASE + 8 * P, P, "rw"),
        ("ENOMEM", BASE, -P, "rw"),
    ],
)
@pytest.mark.parametrize("design", [POSTED, FIXED])
def test_encrypt_mprotect_refuses(
    design: Design, errno: str, address: int, length: int, prot: str
) -> None:
    world = World(design)
    world.map(1)
    serial = world.key()
    refused(errno, world.mm.encrypt_mprotect(world.init, address, length, prot, serial))
    assert ([(0, 1, "rw", 0)], 1, []) == (world.shape(), world.count(1), locks_held(world))


@pytest.mark.parametrize("refusal", [NoKey, KeyRevoked, KeyExpired, AccessDenied])
def test_a_key_that_cannot_be_looked_up_refuses_before_any_lock(
    refusal: type[KernelError],
) -> None:
    world = World()
    world.map(1)
    world.retention.refusal = refusal("encrypt", "of the key")
    operation = world.mm.encrypt_mprotect(world.init, BASE + 1, P, "q", 5)
    assert ["look key 5 up"] == trace(world, operation)
    refused(refusal.name, world.mm.encrypt_mprotect(world.init, BASE, P, "rw", 5))
    assert [] == world.retention.put_serials


def test_an_unaligned_length_is_refused_before_the_key_is_looked_up() -> None:
    world = World()
    refused("EINVAL", world.mm.encrypt_mprotect(world.init, BASE, P - 1, "rw", 99))
    assert [] == world.retention.asked


def test_the_key_is_put_when_the_call_is_refused() -> None:
    world = World()
    refused("ENOMEM", world.mm.encrypt_mprotect(world.init, BASE, P, "rw", world.key()))
    assert [1] == world.retention.put_serials


@pytest.mark.parametrize("design", [POSTED, FIXED])
def test_a_key_without_a_keyid_is_refused_and_the_map_lock_released(design: Design) -> None:
    world = World(design)
    world.map(1)
    keyless = world.system.keys.create()
    world.system.keys.enrol(keyless)
    message = refused(
        "EINVAL", world.mm.encrypt_mprotect(world.init, BASE, P, "rw", keyless.serial)
    )
    assert message.endswith(f"key {keyless.serial} has no KeyID")
    assert [] == locks_held(world)


def test_only_anonymous_memory_is_encrypted_and_what_is_before_a_file_stays_so() -> None:
    world = World()
    world.map(1)
    world.map(1, BASE + P, anonymous=False)
    world.map(1, BASE + 2 * P)
    serial = world.key()
    refused("EINVAL", world.mm.encrypt_mprotect(world.init, BASE, 3 * P, "rw", serial))
    assert [(0, 1, "rw", 1), (1, 1, "rw", 0), (2, 1, "rw", 0)] == world.shape()
    assert (2, []) == (world.count(1), locks_held(world))


def test_encrypting_stops_at_a_gap_and_what_is_before_it_stays_so() -> None:
    world = World()
    world.map(1)
    world.map(1, BASE + 2 * P)
    refused("ENOMEM", world.mm.encrypt_mprotect(world.init, BASE, 3 * P, "rw", world.key()))
    assert ([(0, 1, "rw", 1), (2, 1, "rw", 0)], 2) == (world.shape(), world.count(1))


def test_encrypting_spans_vmas_of_different_protection() -> None:
    world = World()
    world.map(1, prot="r")
    world.map(1, BASE + P, prot="none")
    world.map(1, BASE + 2 * P)
    world.encrypt(BASE, 3, world.key())
    assert ([(0, 3, "rw", 1)], 2) == (world.shape(), world.count(1))


# Locks


def test_encrypt_mprotect_takes_the_map_lock_then_mmap_sem() -> None:
    world = World(POSTED)
    world.map(1)
    serial = world.key()
    assert [
        "look key 1 up",
        "+map lock",
        "+mmap_sem of process 1",
        "-mmap_sem of process 1",
        "-map lock",
    ] == trace(world, world.mm.encrypt_mprotect(world.init, BASE, P, "rw", serial))


def test_an_access_takes_mmap_sem_for_a_page_fault_only() -> None:
    world = World()
    world.map(1)
    words = "write 1 bytes at 0x100000 in process 1"
    fault = ["+read mmap_sem of process 1", "-mmap_sem of process 1"]
    assert [words, *fault, words] == trace(world, world.mm.write(world.init, BASE, b"x"))
    assert [words] == trace(world, world.mm.write(world.init, BASE, b"x"))


def test_a_refused_page_fault_gives_mmap_sem_back() -> None:
    world = World()
    refused("EFAULT", world.mm.read(world.init, BASE, 1))
    refused("EFAULT", world.mm.migrate(world.init, BASE, 1))
    assert [] == locks_held(world)


@pytest.mark.parametrize("call", ["mmap", "munmap", "mprotect", "fork", "exit"])
def test_calls_that_change_vmas_hold_mmap_sem_for_writing(call: str) -> None:
    world = World()
    arguments = {"mmap": (P,), "munmap": (BASE, P), "mprotect": (BASE, P, "r")}.get(call, ())
    if call == "mprotect":
        world.map(1)
    operation = getattr(world.mm, call)(world.init, *arguments)
    assert ["+mmap_sem of process 1", "-mmap_sem of process 1"] == trace(world, operation)


def test_migration_holds_mmap_sem_for_reading() -> None:
    world = encrypted(1)
    world.read(BASE, 1)
    operation = world.mm.migrate(world.init, BASE, 1)
    assert ["+read mmap_sem of process 1", "-mmap_sem of process 1"] == trace(world, operation)


# The last reference


@pytest.mark.parametrize("last_put", ["locks_again", "deferred"])
def test_unmapping_the_last_vma_frees_the_keyid(last_put: str) -> None:
    world = orphaned(FIXED.but(last_put=last_put))
    unmap(world, 0, 1)
    assert ([], 0, []) == (list(world.service.map.entries()), world.count(1), locks_held(world))


def test_as_posted_the_last_reference_takes_the_map_lock_under_mmap_sem() -> None:
    world = orphaned(POSTED)
    assert [
        "+mmap_sem of process 1",
        "+map lock",
        "-map lock",
        "-mmap_sem of process 1",
    ] == trace(world, world.mm.munmap(world.init, BASE, P))


def test_deferred_the_last_reference_takes_the_map_lock_after_mmap_sem() -> None:
    world = orphaned(POSTED.but(last_put="deferred"))
    assert [
        "+mmap_sem of process 1",
        "-mmap_sem of process 1",
        "+map lock",
        "-map lock",
    ] == trace(world, world.mm.munmap(world.init, BASE, P))


def test_as_posted_encrypting_over_the_last_reference_waits_for_itself() -> None:
    world = encrypted(1, POSTED)
    serial = world.key()
    world.run(world.calls.destroy(1))
    with pytest.raises(Deadlock, match="wait forever for the map lock"):
        world.encrypt(BASE, 1, serial)
    assert ["map lock", "mmap_sem of process 1"] == locks_held(world)


def test_as_posted_a_new_key_object_takes_over_the_keyid_that_a_vma_kept() -> None:
    # The allocator hands the destroyed key's object to the new key, and the map still names it.
    world = orphaned(POSTED)
    world.write(BASE, TEXT)
    world.encrypt(BASE, 1, world.key())
    assert ([(0, 1, "rw", 1)], TEXT) == (world.shape(), world.read(BASE, len(TEXT)))
    world = orphaned(POSTED.but(key_lookup="by_serial", last_put="deferred"))
    world.encrypt(BASE, 1, world.key())
    assert [(0, 1, "rw", 2)] == world.shape()


def test_deferred_encrypting_over_the_last_reference_frees_the_keyid() -> None:
    world = orphaned(FIXED)
    world.encrypt(BASE, 1, world.key())
    assert [(0, 1, "rw", 2)] == world.shape()
    assert ([2], []) == (list(world.service.map.entries()), locks_held(world))


def test_deferred_a_refused_call_frees_the_keyids_that_it_left_unused() -> None:
    world = orphaned(FIXED)
    serial = world.key()
    refused("ENOMEM", world.mm.encrypt_mprotect(world.init, BASE, 2 * P, "rw", serial))
    assert ([2], []) == (list(world.service.map.entries()), locks_held(world))


@pytest.mark.parametrize("last_put", ["locks_again", "deferred"])
@pytest.mark.parametrize("call", ["exit", "mmap"])
def test_exit_and_mapping_over_it_drop_the_last_reference_too(call: str, last_put: str) -> None:
    world = orphaned(FIXED.but(last_put=last_put))
    if call == "exit":
        world.run(world.mm.exit(world.init))
    else:
        world.map(1)
    assert [] == list(world.service.map.entries())


def test_with_clear_first_the_last_reference_clears_the_key_tables() -> None:
    world = orphaned(FIXED)
    assert "encrypt" == world.machine.packages[1].table[1].mode.value
    unmap(world, 0, 1)
    assert ["TME", "TME"] == [package.table[1].mode.value for package in world.machine.packages]


def test_several_keyids_can_go_in_one_call() -> None:
    world = World()
    world.map(2)
    for page in range(2):
        serial = world.key()
        world.encrypt(BASE + page * P, 1, serial)
        world.run(world.calls.destroy(serial))
    unmap(world, 0, 2)
    assert [] == list(world.service.map.entries())


# KeyIDs per package


def test_per_package_a_vma_counts_on_every_package_of_its_key() -> None:
    world = World(PER_PACKAGE)
    serial = world.key(user(), [0, 1])
    world.map(3)
    world.encrypt(BASE, 3, serial)
    counts = world.service.counts
    assert [2, 2] == [count.peek(1) for count in counts]
    protect(world, 1, 1, "r")
    assert [4, 4] == [count.peek(1) for count in counts]
    world.run(world.mm.exit(world.init))
    assert [1, 1] == [count.peek(1) for count in counts]


@pytest.mark.parametrize("last_put", ["locks_again", "deferred"])
def test_per_package_the_last_reference_frees_all_the_key_s_keyids(last_put: str) -> None:
    world = World(PER_PACKAGE.but(last_put=last_put))
    serial = world.key(user(), [0, 1])
    world.map(1)
    world.encrypt(BASE, 1, serial)
    world.run(world.calls.destroy(serial))
    assert [[1], [1]] == [list(keys.entries()) for keys in world.service.maps]
    unmap(world, 0, 1)
    assert [[], []] == [list(keys.entries()) for keys in world.service.maps]


def test_per_package_as_posted_encrypting_over_the_last_reference_waits_for_itself() -> None:
    world = World(PER_PACKAGE.but(last_put="locks_again"))
    old, new = world.key(user(), [0]), world.key(user(), [1])
    world.map(1)
    world.encrypt(BASE, 1, old)
    world.run(world.calls.destroy(old))
    with pytest.raises(Deadlock):
        world.encrypt(BASE, 1, new)
