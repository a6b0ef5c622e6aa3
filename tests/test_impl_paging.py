"""Page faults, copy-on-write, contents through keys, and migration."""

from __future__ import annotations

import pytest
from address_spaces import BASE, CPU, NO_ENCRYPT, PER_PACKAGE, P, Process, World, refused, user

from impl.hardware.keytable import Mode
from impl.mm.paging import PlainWrite

TEXT = b"what the process wrote"


def page(world: World, at: int = BASE, process: Process | None = None):
    return world.mm.page_table(process or world.init).get(at)


def encrypted(payload: bytes = CPU, pages: int = 1, **machine) -> World:
    """A world with pages from BASE under KeyID 1."""
    world = World(**machine)
    world.map(pages)
    world.encrypt(BASE, pages, world.key(payload))
    return world


# Access


def test_memory_reads_as_zeros_before_it_is_written() -> None:
    world = World()
    world.map(2)
    assert bytes(2 * P) == world.read(BASE, 2 * P)


def test_a_mapping_takes_no_frames_before_it_is_touched() -> None:
    world = World()
    world.map(2)
    assert {} == world.mm.page_table(world.init)
    world.write(BASE + P, TEXT)
    assert [BASE + P] == list(world.mm.page_table(world.init))


@pytest.mark.parametrize("offset", [0, 1, 63, P - 3, P, 2 * P - 1])
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_what_is_written_reads_back_across_pages(offset: int, is_encrypted: bool) -> None:
    world = World()
    world.map(4)
    if is_encrypted:
        world.encrypt(BASE, 4, world.key())
    data = bytes(range(256)) * 20
    world.write(BASE + offset, data)
    assert data == world.read(BASE + offset, len(data))
    assert bytes(offset) == world.read(BASE, offset)


def test_nothing_is_read_or_written_where_no_byte_is_asked_for() -> None:
    world = World()
    assert b"" == world.read(BASE, 0)
    world.write(BASE, b"")
    assert {} == world.mm.page_table(world.init)


def test_an_access_without_a_mapping_is_a_bad_pointer() -> None:
    world = World()
    world.map(1)
    refused("EFAULT", world.mm.read(world.init, BASE - 1, 1))
    refused("EFAULT", world.mm.write(world.init, BASE + P, b"x"))
    message = refused("EFAULT", world.mm.read(world.init, BASE, P + 1))
    assert (
        "cannot read 4097 bytes at 0x100000 in process 1: nothing is mapped at 0x101000" == message
    )


def test_a_store_reaches_the_pages_before_the_one_that_is_refused() -> None:
    world = World()
    world.map(1)
    refused("EFAULT", world.mm.write(world.init, BASE + P - 2, b"abcd"))
    assert b"ab" == world.read(BASE + P - 2, 2)


@pytest.mark.parametrize(
    ("prot", "read", "write"),
    [("none", "EFAULT", "EFAULT"), ("r", None, "EFAULT"), ("w", None, None), ("x", None, "EFAULT")],
)
@pytest.mark.parametrize("is_present", [False, True])
def test_protection_is_enforced(
    prot: str, read: str | None, write: str | None, is_present: bool
) -> None:
    world = World()
    world.map(1)
    if is_present:
        world.write(BASE, TEXT)
    world.run(world.mm.mprotect(world.init, BASE, P, prot))
    for errno, access in (
        (read, lambda: world.mm.read(world.init, BASE, 1)),
        (write, lambda: world.mm.write(world.init, BASE, b"x")),
    ):
        if errno is None:
            world.run(access())
        else:
            refused(errno, access())


def test_contents_outlive_a_time_without_permission() -> None:
    world = World()
    world.map(1)
    world.write(BASE, TEXT)
    for prot in ("none", "r", "rw"):
        world.run(world.mm.mprotect(world.init, BASE, P, prot))
    assert TEXT == world.read(BASE, len(TEXT))
    world.write(BASE, b"W")
    assert b"W" == world.read(BASE, 1)


def test_without_a_free_frame_the_access_is_refused() -> None:
    world = World(limit=1)
    world.map(3)
    world.write(BASE, b"x" * 2 * P)
    message = refused("ENOMEM", world.mm.read(world.init, BASE + 2 * P, 1))
    assert message.endswith("no package where the page may lie has a free page frame")
    assert b"x" == world.read(BASE, 1)


# Where pages come from


def test_pages_come_from_the_process_s_own_package_first_then_from_others_in_order() -> None:
    world = World(packages=3, limit=1)
    world.init.node = 1
    world.map(3)
    world.write(BASE, bytes(3 * P))
    placed = [entry.package for entry in world.mm.page_table(world.init).values()]
    assert [1, 0, 2] == placed


def test_packages_without_memory_give_no_pages() -> None:
    world = World(absent=frozenset({1}))
    world.init.node = 1
    world.map(1)
    world.read(BASE, 1)
    assert 0 == page(world).package


def test_a_package_that_does_not_exist_gives_no_pages() -> None:
    world = World()
    world.init.node = 7
    world.map(1)
    world.read(BASE, 1)
    assert 0 == page(world).package


# Through keys


def test_a_page_table_entry_carries_the_keyid() -> None:
    world = encrypted()
    world.read(BASE, 1)
    assert 1 == page(world).keyid


def test_an_encrypted_page_is_stored_as_ciphertext_even_without_tme() -> None:
    world = encrypted(user(), tme="off")
    world.write(BASE, TEXT)
    assert TEXT not in world.stored(0)


def test_a_fault_zeroes_the_page_through_its_keyid() -> None:
    world = encrypted(tme="off")
    world.read(BASE, 1)
    plain = page(world).address
    assert bytes(P) == world.machine.read(plain | 1 << world.machine.keyid_shift, P)
    assert bytes(P) != world.machine.read(plain, P)


def test_the_same_frame_through_another_key_is_garbage() -> None:
    world = encrypted(user("1"))
    world.key(user("2"))
    world.write(BASE, TEXT)
    plain, shift = page(world).address, world.machine.keyid_shift
    assert TEXT == world.machine.read(plain | 1 << shift, len(TEXT))
    assert TEXT != world.machine.read(plain | 2 << shift, len(TEXT))
    assert TEXT != world.machine.read(plain, len(TEXT))


def test_the_next_owner_of_a_frame_cannot_decrypt_what_was_left_in_it() -> None:
    world = encrypted(user("1"), tme="off")
    world.write(BASE + P - len(TEXT), TEXT)
    frame = page(world).address
    world.run(world.mm.munmap(world.init, BASE, P))
    left = world.machine.read(frame + P - len(TEXT), len(TEXT))
    assert TEXT != left
    assert bytes(len(TEXT)) != left
    # Whoever gets the same KeyID while its entry stays reads it all the same.
    assert TEXT == world.machine.read(
        frame + P - len(TEXT) | 1 << world.machine.keyid_shift, len(TEXT)
    )


def test_pages_are_given_back_in_order_of_address_however_they_were_touched() -> None:
    world = World()
    world.map(3)
    for number in (2, 0, 1):
        world.write(BASE + number * P, b"x")
    frames = {at: entry.address for at, entry in world.mm.page_table(world.init).items()}
    world.run(world.mm.munmap(world.init, 0x1_0000, 1 << 40))
    world.map(1)
    world.read(BASE, 1)
    assert frames[BASE + 2 * P] == page(world).address


# Copy on write


@pytest.mark.parametrize("payload", [None, CPU, user()])
def test_parent_and_child_see_the_same_until_one_of_them_writes(payload: bytes | None) -> None:
    world = World()
    world.map(2)
    if payload is not None:
        world.encrypt(BASE, 2, world.key(payload))
    world.write(BASE, TEXT)
    world.write(BASE + P, TEXT)
    child = world.fork()
    assert world.mm.page_table(world.init) == world.mm.page_table(child)
    world.write(BASE, b"CHILD", child)
    world.write(BASE + P, b"PARENT")
    assert (TEXT, b"PARENT" + TEXT[6:]) == (
        world.read(BASE, len(TEXT)),
        world.read(BASE + P, len(TEXT)),
    )
    assert (b"CHILD" + TEXT[5:], TEXT) == (
        world.read(BASE, len(TEXT), child),
        world.read(BASE + P, len(TEXT), child),
    )


def test_a_page_is_copied_only_while_it_is_shared() -> None:
    world = World()
    world.map(1)
    world.write(BASE, TEXT)
    frame = page(world)
    child = world.fork()
    world.write(BASE, b"c", child)
    assert frame != page(world, BASE, child)
    world.write(BASE, b"p")
    assert frame == page(world)
    assert b"c" + TEXT[1:] == world.read(BASE, len(TEXT), child)


def test_a_page_read_after_the_fork_stays_shared() -> None:
    world = World()
    world.map(1)
    world.write(BASE, TEXT)
    child = world.fork()
    assert TEXT == world.read(BASE, len(TEXT), child)
    assert page(world) == page(world, BASE, child)


def test_mprotect_does_not_undo_copy_on_write() -> None:
    world = World()
    world.map(1)
    world.write(BASE, TEXT)
    child = world.fork()
    for prot in ("r", "rw"):
        world.run(world.mm.mprotect(child, BASE, P, prot))
    world.write(BASE, b"child", child)
    assert TEXT == world.read(BASE, len(TEXT))


def test_a_shared_page_is_not_copied_without_a_free_frame() -> None:
    world = World(packages=1, limit=1)
    world.map(1)
    world.write(BASE, TEXT)
    child = world.fork()
    refused("ENOMEM", world.mm.write(child, BASE, b"child"))
    assert TEXT == world.read(BASE, len(TEXT), child)


def test_a_copy_lies_on_the_package_of_the_process_that_writes() -> None:
    world = encrypted(user())
    world.write(BASE, TEXT)
    child = world.fork()
    child.node = 1
    world.write(BASE, b"C", child)
    assert (0, 1) == (page(world).package, page(world, BASE, child).package)
    assert b"C" + TEXT[1:] == world.read(BASE, len(TEXT), child)


def test_a_child_keeps_its_page_when_the_parent_takes_another_key() -> None:
    world = encrypted(user("1"))
    world.write(BASE, TEXT)
    child = world.fork()
    world.encrypt(BASE, 1, world.key(user("2")))
    assert bytes(len(TEXT)) == world.read(BASE, len(TEXT))
    assert TEXT == world.read(BASE, len(TEXT), child)
    assert (2, 1) == (page(world).keyid, page(world, BASE, child).keyid)


# Migration


@pytest.mark.parametrize("payload", [None, CPU, user()])
def test_a_migrated_page_keeps_its_contents(payload: bytes | None) -> None:
    world = World()
    world.map(1)
    if payload is not None:
        world.encrypt(BASE, 1, world.key(payload))
    world.write(BASE, TEXT)
    old = page(world)
    world.run(world.mm.migrate(world.init, BASE + 17, 1))
    assert (0, 1) == (old.package, page(world).package)
    assert TEXT == world.read(BASE, len(TEXT))
    assert "freed" == world.mm.locate(old.address).state
    world.write(BASE, b"W")
    assert b"W" + TEXT[1:] == world.read(BASE, len(TEXT))


def test_a_page_migrates_for_all_processes_that_share_it() -> None:
    world = encrypted(user())
    world.write(BASE, TEXT)
    child = world.fork()
    world.run(world.mm.migrate(child, BASE, 1))
    assert 1 == page(world).package
    assert page(world) == page(world, BASE, child)
    world.write(BASE, b"C", child)
    assert (TEXT, b"C" + TEXT[1:]) == (
        world.read(BASE, len(TEXT)),
        world.read(BASE, len(TEXT), child),
    )


def test_a_page_that_is_there_already_stays_where_it_is() -> None:
    world = World(limit=1)
    world.map(1)
    world.write(BASE, TEXT)
    old = page(world)
    world.run(world.mm.migrate(world.init, BASE, 0))
    assert old == page(world)


def test_a_page_migrates_to_a_package_without_online_cpus() -> None:
    world = encrypted(user())
    world.write(BASE, TEXT)
    for cpu in world.machine.packages[1].cpus:
        cpu.online = False
    world.run(world.mm.migrate(world.init, BASE, 1))
    assert TEXT == world.read(BASE, len(TEXT))


@pytest.mark.parametrize("package", [1, 2, -1])
def test_a_page_cannot_migrate_to_memory_that_is_not_there(package: int) -> None:
    world = World(absent=frozenset({1}))
    world.map(1)
    world.write(BASE, TEXT)
    refused("ENODEV", world.mm.migrate(world.init, BASE, package))


def test_only_pages_that_are_present_migrate() -> None:
    world = World()
    world.map(1)
    refused("ENOENT", world.mm.migrate(world.init, BASE, 1))
    refused("EFAULT", world.mm.migrate(world.init, BASE + P, 1))


def test_a_full_package_takes_no_page() -> None:
    world = World(limit=1)
    world.map(2)
    world.write(BASE, TEXT * 300)
    refused("ENOMEM", world.mm.migrate(world.init, BASE, 1))
    assert TEXT * 300 == world.read(BASE, len(TEXT) * 300)


# KeyIDs per package


def per_package(packages: list[int], **machine) -> World:
    """A world whose pages from BASE have a key on some packages, with another KeyID on each.

    Key number 1 is on package 0 alone, so that KeyID 1 is taken there.
    """
    world = World(PER_PACKAGE, packages=3, keyids=4, **machine)
    world.key(user("9"), [0])
    world.map(3)
    world.encrypt(BASE, 3, world.key(user("3"), packages))
    return world


def test_an_entry_carries_the_keyid_of_the_page_s_own_package() -> None:
    world = per_package([0, 1])
    world.write(BASE, TEXT)
    world.init.node = 1
    world.write(BASE + P, TEXT)
    entries = world.mm.page_table(world.init).values()
    assert [(0, 2), (1, 1)] == [(entry.package, entry.keyid) for entry in entries]
    assert (TEXT, TEXT) == (world.read(BASE, len(TEXT)), world.read(BASE + P, len(TEXT)))


def test_pages_come_only_from_packages_where_the_key_has_a_keyid() -> None:
    world = per_package([1], limit=1)
    world.write(BASE, TEXT)
    assert 1 == page(world).package
    refused("ENOMEM", world.mm.write(world.init, BASE + P, TEXT))


def test_unencrypted_pages_come_from_any_package() -> None:
    world = per_package([1])
    world.map(1, BASE + 8 * P)
    world.read(BASE + 8 * P, 1)
    found = page(world, BASE + 8 * P)
    assert (0, 0) == (found.package, found.keyid)


def test_a_page_migrates_from_keyid_to_keyid() -> None:
    world = per_package([0, 1])
    world.write(BASE, TEXT)
    world.run(world.mm.migrate(world.init, BASE, 1))
    assert (1, 1) == (page(world).package, page(world).keyid)
    assert TEXT == world.read(BASE, len(TEXT))


def test_a_page_does_not_migrate_to_a_package_where_its_key_has_no_keyid() -> None:
    world = per_package([0, 1])
    world.write(BASE, TEXT)
    old = page(world)
    message = refused("ENOKEY", world.mm.migrate(world.init, BASE, 2))
    assert message.endswith("the mapping's key has no KeyID on package 2")
    assert old == page(world)


def test_an_extended_key_lets_its_pages_migrate() -> None:
    world = World(PER_PACKAGE)
    serial = world.key(user("3"), [0])
    world.map(1)
    world.encrypt(BASE, 1, serial)
    world.write(BASE, TEXT)
    world.run(world.calls.extend(serial, 1, user("3")))
    world.run(world.mm.migrate(world.init, BASE, 1))
    assert (1, TEXT) == (page(world).package, world.read(BASE, len(TEXT)))


# Plain writes


def test_writes_through_an_encrypting_keyid_are_not_plain() -> None:
    world = encrypted(user())
    world.write(BASE, TEXT)
    child = world.fork()
    world.write(BASE, TEXT, child)
    world.run(world.mm.migrate(world.init, BASE, 1))
    assert [] == world.mm.plain_writes


def test_writes_of_unencrypted_vmas_are_not_recorded() -> None:
    world = World()
    world.map(1)
    world.write(BASE, TEXT)
    assert [] == world.mm.plain_writes


def test_every_write_through_a_no_encrypt_entry_is_recorded_with_its_cause() -> None:
    world = encrypted(NO_ENCRYPT)
    world.write(BASE, TEXT)
    child = world.fork()
    world.write(BASE, b"C", child)
    world.run(world.mm.migrate(world.init, BASE, 1))
    mode = Mode.NO_ENCRYPT
    assert [
        PlainWrite(1, BASE, 0, 1, mode, "zeroed"),
        PlainWrite(1, BASE, 0, 1, mode, "stored"),
        PlainWrite(2, BASE, 0, 1, mode, "copied"),
        PlainWrite(2, BASE, 0, 1, mode, "stored"),
        PlainWrite(1, BASE, 1, 1, mode, "migrated"),
    ] == world.mm.plain_writes


def test_a_page_on_a_package_whose_entry_was_reset_is_recorded_as_tme() -> None:
    world = encrypted(user())
    world.read(BASE, 1)
    world.machine.packages[0].table.reset()
    world.write(BASE, TEXT)
    assert [PlainWrite(1, BASE, 0, 1, Mode.TME, "stored")] == world.mm.plain_writes
