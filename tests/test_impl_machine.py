"""Packages, key tables, physical addresses with KeyID bits, and DRAM behind the line engine."""

from __future__ import annotations

# House style puts the expected value first.
from typing import Any

import pytest

from impl.errors import BadAddress
from impl.hardware.keytable import RESET, Entry, KeyTable, Mode
from impl.hardware.machine import Machine
from impl.hardware.msr import IA32_TME_ACTIVATE
from impl.hardware.pconfig import Command, Status, Structure, control

USER = Entry(Mode.ENCRYPT, 1, b"D" * 16, b"T" * 16)
TEXT = bytes(range(200))


def stored(machine: Machine, package: int = 0) -> bytes:
    return b"".join(page for _, page in machine.packages[package].dram.image())


@pytest.mark.parametrize("offset", [0, 1, 63, 64, 4090, 8191])
@pytest.mark.parametrize("keyid", [0, 1, 2])
@pytest.mark.parametrize("package", [0, 1])
def test_what_is_written_through_a_keyid_reads_back(package: int, keyid: int, offset: int) -> None:
    machine = Machine()
    machine.packages[package].table[1] = USER
    machine.packages[package].table[2] = Entry(Mode.NO_ENCRYPT)
    address = machine.address(package, offset, keyid)
    machine.write(address, TEXT)
    assert TEXT == machine.read(address, len(TEXT))


def test_a_partial_write_leaves_the_rest_of_its_line_alone() -> None:
    machine = Machine()
    machine.packages[0].table[1] = USER
    start = machine.address(0, 0, 1)
    machine.write(start, bytes(range(128)))
    machine.write(start + 60, b"12345678")
    assert bytes(range(60)) + b"12345678" + bytes(range(68, 128)) == machine.read(start, 128)


@pytest.mark.parametrize("tme", ["on", "off"])
def test_memory_that_was_written_can_be_written_over_across_pages(tme: str) -> None:
    machine = Machine(tme=tme)
    machine.write(0, bytes(3 * 4096))
    for offset in (4090, 4096, 8191):
        machine.write(offset, TEXT)
        assert b"\0" + TEXT == machine.read(offset - 1, 1 + len(TEXT))
        machine.write(offset, bytes(len(TEXT)))
    assert bytes(3 * 4096) == machine.read(0, 3 * 4096)


def test_the_wrong_key_gives_garbage_and_no_error() -> None:
    machine = Machine()
    machine.packages[0].table[1] = USER
    machine.write(machine.address(0, 0, 1), TEXT)
    machine.packages[0].table[1] = Entry(Mode.ENCRYPT, 1, b"E" * 16, b"T" * 16)
    assert machine.read(machine.address(0, 0, 1), len(TEXT)) != TEXT


def test_a_keyid_in_mode_tme_behaves_as_keyid_0() -> None:
    machine = Machine()
    machine.write(machine.address(0, 0, 1), TEXT)
    assert TEXT == machine.read(machine.address(0, 0), len(TEXT))


def test_no_encrypt_stores_plaintext_and_encrypt_does_not() -> None:
    machine = Machine()
    machine.packages[0].table[1] = USER
    machine.packages[0].table[2] = Entry(Mode.NO_ENCRYPT)
    machine.write(machine.address(0, 0, 1), TEXT)
    assert TEXT not in stored(machine)
    machine.write(machine.address(0, 0, 2), TEXT)
    assert TEXT in stored(machine)


@pytest.mark.parametrize(("tme", "is_plain"), [("on", False), ("off", True), ("bypass", True)])
def test_the_platform_setting_decides_how_keyid_0_memory_is_stored(
    tme: str, is_plain: bool
) -> None:
    machine = Machine(tme=tme)
    machine.write(machine.address(0, 0), TEXT)
    assert is_plain == (TEXT in stored(machine))


@pytest.mark.parametrize("tme", ["on", "off", "bypass"])
def test_other_keyids_encrypt_whatever_keyid_0_does(tme: str) -> None:
    machine = Machine(tme=tme)
    machine.packages[0].table[1] = USER
    machine.write(machine.address(0, 0, 1), TEXT)
    assert TEXT not in stored(machine)


def test_a_key_table_and_its_memory_survive_all_cpus_going_offline() -> None:
    machine = Machine()
    package = machine.packages[1]
    package.table[1] = USER
    machine.write(machine.address(1, 0, 1), TEXT)
    for cpu in package.cpus:
        cpu.online = False
    assert package.has_online_cpu() is False
    assert USER == package.table[1]
    assert TEXT == machine.read(machine.address(1, 0, 1), len(TEXT))


def test_a_reset_empties_a_key_table() -> None:
    table = KeyTable(2)
    table[2] = USER
    table.reset()
    assert [RESET, RESET] == [table[1], table[2]]


@pytest.mark.parametrize("keyid", [0, 3, -1])
def test_a_key_table_has_entries_for_keyids_1_to_n_only(keyid: int) -> None:
    table = KeyTable(2)
    with pytest.raises(IndexError, match=r"the table holds 1\.\.2"):
        _ = table[keyid]
    with pytest.raises(IndexError, match=r"the table holds 1\.\.2"):
        table[keyid] = USER


def test_an_entry_shows_a_fingerprint_and_never_its_key() -> None:
    assert "Entry(encrypt, key e1b3)" == repr(USER)
    assert "Entry(TME)" == repr(RESET)
    assert "Entry(no-encrypt)" == repr(Entry(Mode.NO_ENCRYPT))
    table = KeyTable(1)
    table[1] = USER
    assert "KeyTable([Entry(encrypt, key e1b3)])" == repr(table)


def test_an_absent_package_has_no_memory_until_a_cpu_has_started() -> None:
    machine = Machine(absent=frozenset({1}))
    with pytest.raises(BadAddress, match="memory of package 1 is not usable"):
        machine.read(machine.address(1, 0), 1)
    machine.add_package(1)
    assert (True, False) == (machine.packages[1].present, machine.packages[1].memory_present)
    assert [False, False] == [cpu.online for cpu in machine.packages[1].cpus]
    with pytest.raises(BadAddress, match="memory of package 1 is not usable"):
        machine.read(machine.address(1, 0), 1)


def test_a_package_is_added_once_only() -> None:
    machine = Machine(absent=frozenset({1}))
    machine.add_package(1)
    with pytest.raises(ValueError, match="cannot add package 1: it is in the machine"):
        machine.add_package(1)


@pytest.mark.parametrize(
    ("address", "size"),
    [(-1, 1), (3 << 50, 1), (2 << 32, 1), ((1 << 32) - 1, 2), (0, -1)],
)
def test_addresses_of_no_memory_are_refused(address: int, size: int) -> None:
    with pytest.raises(BadAddress, match="cannot access"):
        Machine(keyids=2).read(address, size)


def test_the_keyid_takes_the_top_bits_of_a_52_bit_address() -> None:
    machine = Machine(keyids=3)
    assert 3 << 50 | 1 << 32 | 64 == machine.address(1, 64, 3)


@pytest.mark.parametrize(
    ("shape", "fact"),
    [
        ({"packages": 0}, "packages must be 1"),
        ({"cpus": 0}, "needs a CPU"),
        ({"keyids": 0}, "KeyIDs must be 1"),
        ({"keyids": 1 << 15}, r"KeyIDs must be 1\.\.32767"),
        ({"absent": frozenset({2})}, "only existing packages"),
        ({"absent": frozenset({0})}, "package 0 holds the kernel"),
        ({"tme": "maybe"}, "tme must be one of on, off, bypass"),
    ],
)
def test_a_machine_that_cannot_be_built_is_refused(shape: dict[str, Any], fact: str) -> None:
    with pytest.raises(ValueError, match=f"cannot build the machine: .*{fact}"):
        Machine(**shape)


def test_the_largest_machine_can_be_built() -> None:
    machine = Machine(packages=32, cpus=1, keyids=32767)
    address = machine.address(31, 0, 32767)
    machine.write(address, b"x")
    assert b"x" == machine.read(address, 1)


def test_online_cpus_are_counted_over_all_packages() -> None:
    assert 4 == Machine(packages=3, cpus=2, absent=frozenset({2})).count_online()


def test_memory_of_every_package_is_stored_under_a_key_of_its_own() -> None:
    machine = Machine()
    for package in (0, 1):
        machine.write(machine.address(package, 0), TEXT)
    assert stored(machine, 0) != stored(machine, 1)


@pytest.mark.parametrize("tme", ["on", "off", "bypass"])
def test_a_reset_empties_every_table_and_leaves_memory_as_it_is_stored(tme: str) -> None:
    machine = Machine(tme=tme)
    for package in (0, 1):
        machine.packages[package].table[1] = USER
        machine.write(machine.address(package, 0, 1), TEXT)
    images = [stored(machine, package) for package in (0, 1)]
    machine.reset()
    assert [RESET, RESET] == [package.table[1] for package in machine.packages]
    assert images == [stored(machine, package) for package in (0, 1)]


@pytest.mark.parametrize(("tme", "is_readable"), [("on", False), ("off", True), ("bypass", True)])
def test_after_a_reset_keyid_0_memory_is_readable_only_where_it_was_plain(
    tme: str, is_readable: bool
) -> None:
    machine = Machine(tme=tme)
    machine.write(0, TEXT)
    machine.reset()
    assert is_readable == (TEXT == machine.read(0, len(TEXT)))


def test_after_a_reset_all_cpus_of_all_packages_in_the_machine_are_online() -> None:
    machine = Machine(packages=3, absent=frozenset({1, 2}))
    machine.add_package(1)
    machine.packages[0].cpus[1].online = False
    machine.reset()
    online = [[cpu.online for cpu in package.cpus] for package in machine.packages]
    assert [[True, True], [True, True], [False, False]] == online
    assert [True, True, False] == [package.memory_present for package in machine.packages]


def test_a_reset_lets_firmware_activate_again() -> None:
    machine = Machine()
    before = machine.rdmsr(1, IA32_TME_ACTIVATE)
    machine.reset()
    assert before == machine.rdmsr(1, IA32_TME_ACTIVATE)
    assert machine.packages[1].registers.locked is True


def test_a_removed_package_takes_its_table_along_and_its_memory_is_not_usable() -> None:
    machine = Machine()
    package = machine.packages[1]
    package.table[1] = USER
    machine.write(machine.address(1, 0), TEXT)
    for cpu in package.cpus:
        cpu.online = False
    machine.remove_package(1)
    assert (False, False, RESET) == (package.present, package.memory_present, package.table[1])
    with pytest.raises(BadAddress, match="memory of package 1 is not usable"):
        machine.read(machine.address(1, 0), 1)


def test_a_removed_package_can_be_added_again_and_starts_empty() -> None:
    machine = Machine(tme="off")
    machine.write(machine.address(1, 0), TEXT)
    for cpu in machine.packages[1].cpus:
        cpu.online = False
    machine.remove_package(1)
    machine.add_package(1)
    machine.packages[1].memory_present = True
    assert bytes(len(TEXT)) == machine.read(machine.address(1, 0), len(TEXT))


@pytest.mark.parametrize(
    ("number", "fact"),
    [(0, "it holds the kernel"), (1, "a CPU of it is online"), (2, "it is not in the machine")],
)
def test_a_package_that_is_needed_or_not_there_cannot_be_removed(number: int, fact: str) -> None:
    machine = Machine(packages=3, absent=frozenset({2}))
    with pytest.raises(ValueError, match=f"cannot remove package {number}: {fact}"):
        machine.remove_package(number)
    assert [True, True, False] == [package.present for package in machine.packages]


def test_one_seed_gives_one_machine() -> None:
    images = []
    for seed in (1, 1, 2):
        machine = Machine(seed=seed)
        machine.write(0, TEXT)
        images.append(stored(machine))
    assert images[0] == images[1] != images[2]


def touched(machine: Machine) -> tuple[set[object], set[object]]:
    return set(machine.accesses.reads), set(machine.accesses.writes)


@pytest.mark.parametrize(
    ("offset", "size", "lines"),
    [
        (0, 1, {0}),
        (63, 1, {0}),
        (63, 2, {0, 64}),
        (64, 64, {64}),
        (65, 127, {64, 128}),
        (65, 128, {64, 128, 192}),
        (0, 256, {0, 64, 128, 192}),
    ],
)
@pytest.mark.parametrize("tme", ["on", "off"])
def test_every_line_of_memory_that_is_touched_is_reported(
    tme: str, offset: int, size: int, lines: set[int]
) -> None:
    machine = Machine(tme=tme)
    address = machine.address(1, offset)
    plain = {line + (1 << 32) for line in lines}
    machine.accesses.start()
    machine.read(address, size)
    assert (plain, set()) == touched(machine)
    machine.accesses.start()
    machine.write(address, bytes(size))
    assert (set(), plain) == touched(machine)


def test_a_line_is_reported_by_its_plain_address_and_with_the_table_it_was_read_through() -> None:
    machine = Machine()
    machine.packages[1].table[1] = USER
    machine.accesses.start()
    machine.read(machine.address(1, 64, 1), 1)
    assert ({(1 << 32) + 64, ("key table", 1)}, set()) == touched(machine)
    machine.accesses.start()
    machine.write(machine.address(1, 64, 1), b"x")
    assert ({("key table", 1)}, {(1 << 32) + 64}) == touched(machine)


@pytest.mark.parametrize(
    ("keyid_ctrl", "status", "written"),
    [
        (control(Command.SET_KEY_DIRECT, 1), Status.PROG_SUCCESS, {("key table", 1)}),
        (
            control(Command.SET_KEY_RANDOM, 1),
            Status.PROG_SUCCESS,
            {("key table", 1), ("random source", 1)},
        ),
        (control(Command.CLEAR_KEY), Status.PROG_SUCCESS, {("key table", 1)}),
        (control(Command.NO_ENCRYPT), Status.DEVICE_BUSY, set()),
    ],
)
def test_pconfig_reports_what_it_changed_and_the_structure_that_it_read(
    keyid_ctrl: int, status: Status, written: set[object]
) -> None:
    machine = Machine()
    machine.write(0x2_0000, Structure(1, keyid_ctrl).encode())
    machine.faults = lambda package, keyid, command: status
    machine.accesses.start()
    assert status is machine.pconfig(1, 0, 0x2_0000).status
    assert ({0x2_0000, 0x2_0040, 0x2_0080}, written) == touched(machine)
