"""Packages, key tables, physical addresses with KeyID bits, and DRAM behind the line engine."""

from __future__ import annotations

# House style puts the expected value first.
from typing import Any

import pytest

from impl.errors import BadAddress
from impl.keytable import RESET, Entry, KeyTable, Mode
from impl.machine import Machine

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
