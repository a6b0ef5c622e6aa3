"""PCONFIG on the 192-byte structure: every check in its order, every status, every command."""

from __future__ import annotations

# House style puts the expected value first.
import pytest

from impl.errors import GeneralProtection
from impl.hardware.keytable import RESET, Entry, Mode, fingerprint
from impl.hardware.machine import Machine
from impl.hardware.pconfig import (
    Command,
    Execution,
    Outcome,
    Status,
    Structure,
    check_fault,
    control,
)

STRUCTURE = 0x2_0000
SET_DIRECT = control(Command.SET_KEY_DIRECT, 1)
SET_RANDOM = control(Command.SET_KEY_RANDOM, 1)
DATA, TWEAK = b"D" * 16, b"T" * 16


def execute(machine: Machine, structure: Structure, package: int = 0, **how: int) -> Outcome:
    address = how.pop("address", STRUCTURE)
    machine.write(STRUCTURE, structure.encode())
    return machine.pconfig(package, 0, address, **how)


def test_the_structure_has_its_fields_where_the_manual_puts_them() -> None:
    raw = Structure(0x0102, 0x0A0B0C0D, b"\x11" * 64, b"\x22" * 64).encode()
    assert 192 == len(raw)
    assert bytes([0x02, 0x01]) == raw[0:2]
    assert bytes([0x0D, 0x0C, 0x0B, 0x0A]) == raw[2:6]
    assert bytes(58) == raw[6:64]
    assert b"\x11" * 64 == raw[64:128]
    assert b"\x22" * 64 == raw[128:192]


def test_decoding_is_the_inverse_of_encoding() -> None:
    structure = Structure(3, SET_DIRECT, b"\x11" * 64, b"\x22" * 64, b"\x33" * 58)
    assert structure == Structure.decode(structure.encode())


def test_a_structure_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="not 192 bytes"):
        Structure.decode(bytes(191))


def test_a_structure_does_not_show_its_key_fields() -> None:
    assert "D" * 4 not in repr(Structure(1, SET_DIRECT, DATA, TWEAK))


def test_direct_takes_the_keys_as_given_and_on_its_own_package_only() -> None:
    machine = Machine()
    outcome = execute(machine, Structure(1, SET_DIRECT, DATA, TWEAK), package=1)
    assert Outcome(Status.PROG_SUCCESS) == outcome
    assert outcome.zero_flag is False
    assert Entry(Mode.ENCRYPT, 1, DATA, TWEAK) == machine.packages[1].table[1]
    assert RESET == machine.packages[0].table[1]


def test_random_draws_new_keys_at_every_execution_and_on_every_package() -> None:
    machine = Machine()
    entries = []
    for package in (0, 0, 1):
        execute(machine, Structure(1, SET_RANDOM), package=package)
        entries.append(machine.packages[package].table[1])
    assert {Mode.ENCRYPT} == {entry.mode for entry in entries}
    assert 6 == len({key for entry in entries for key in (entry.data_key, entry.tweak_key)})


def test_random_keys_are_the_hardwares_random_bytes_xor_the_fields() -> None:
    machine = Machine()
    machine.packages[0].random = lambda size: b"\x0f" * size
    execute(machine, Structure(1, SET_RANDOM, b"\xf0" * 16, b"\x0f" * 16))
    assert Entry(Mode.ENCRYPT, 1, b"\xff" * 16, bytes(16)) == machine.packages[0].table[1]


def test_the_same_seed_gives_the_same_random_keys() -> None:
    entries = []
    for _ in range(2):
        machine = Machine(seed=7)
        execute(machine, Structure(1, SET_RANDOM))
        entries.append(machine.packages[0].table[1])
    assert entries[0] == entries[1]


@pytest.mark.parametrize(
    ("command", "mode"), [(Command.CLEAR_KEY, Mode.TME), (Command.NO_ENCRYPT, Mode.NO_ENCRYPT)]
)
def test_clear_and_no_encrypt_need_no_algorithm_and_keep_no_key(
    command: Command, mode: Mode
) -> None:
    machine = Machine()
    execute(machine, Structure(1, SET_DIRECT, DATA, TWEAK))
    assert Status.PROG_SUCCESS is execute(machine, Structure(1, control(command))).status
    assert Entry(mode) == machine.packages[0].table[1]


EVERYTHING_WRONG = Structure(0, 0xFF00_0009, b"\1" * 17, reserved=b"\1" * 58)


@pytest.mark.parametrize(
    ("how", "fact"),
    [
        ({"privilege": 3, "leaf": 1, "address": STRUCTURE + 1}, "privilege"),
        ({"leaf": 1, "address": STRUCTURE + 1}, "leaf 1"),
        ({"address": STRUCTURE + 64}, "256-byte aligned"),
        ({}, "reserved"),
    ],
)
def test_general_protection_comes_in_order_and_before_any_status(
    how: dict[str, int], fact: str
) -> None:
    machine = Machine()
    with pytest.raises(GeneralProtection, match=fact):
        execute(machine, EVERYTHING_WRONG, **how)
    assert [] == machine.executions


@pytest.mark.parametrize(
    "structure",
    [
        Structure(1, SET_DIRECT, reserved=bytes(57) + b"\1"),
        Structure(1, SET_DIRECT, reserved=b"\1" + bytes(57)),
        Structure(1, SET_DIRECT | 1 << 24),
        Structure(1, SET_DIRECT | 1 << 31),
    ],
)
def test_any_reserved_bit_raises_general_protection(structure: Structure) -> None:
    with pytest.raises(GeneralProtection, match="reserved"):
        execute(Machine(), structure)


@pytest.mark.parametrize("command", [*Command, 9])
@pytest.mark.parametrize(
    ("field_1", "field_2"),
    [(bytes(16) + b"\1", b""), (bytes(63) + b"\1", b""), (b"", bytes(63) + b"\1")],
)
def test_a_key_field_beyond_16_bytes_raises_general_protection_with_any_command(
    command: int, field_1: bytes, field_2: bytes
) -> None:
    machine = Machine()
    with pytest.raises(GeneralProtection, match="a key field is longer than 16 bytes"):
        execute(machine, Structure(1, control(command, 1), field_1, field_2))
    assert [] == machine.executions


@pytest.mark.parametrize(
    ("how", "fact"),
    [
        ({"leaf": 1, "address": STRUCTURE + 1}, "leaf 1"),
        ({"address": STRUCTURE + 1}, "no KeyIDs are activated"),
    ],
)
def test_activation_is_checked_after_the_leaf_and_before_the_alignment(
    how: dict[str, int], fact: str
) -> None:
    machine = Machine()
    machine.packages[1].registers.reset()
    with pytest.raises(GeneralProtection, match=fact):
        execute(machine, EVERYTHING_WRONG, package=1, **how)


@pytest.mark.parametrize(
    ("structure", "status"),
    [
        # Each structure also has the faults of those below it.
        (Structure(0, control(4, 3)), Status.INVALID_PROG_CMD),
        (Structure(0, control(Command.SET_KEY_RANDOM, 3)), Status.INVALID_KEYID),
        (Structure(1, control(Command.SET_KEY_RANDOM, 3)), Status.INVALID_ENC_ALG),
        (Structure(1, SET_RANDOM), Status.DEVICE_BUSY),
    ],
)
def test_statuses_come_in_order_and_leave_the_entry_alone(
    structure: Structure, status: Status
) -> None:
    machine = Machine()
    execute(machine, Structure(1, SET_DIRECT, DATA, TWEAK))
    before = machine.packages[0].table[1]
    machine.faults = lambda package, keyid, command: Status.DEVICE_BUSY
    outcome = execute(machine, structure)
    assert Outcome(status) == outcome
    assert outcome.zero_flag is True
    assert before == machine.packages[0].table[1]


@pytest.mark.parametrize("command", [4, 5, 255])
def test_an_unknown_command_is_a_status(command: int) -> None:
    outcome = execute(Machine(), Structure(1, control(command, 1)))
    assert Status.INVALID_PROG_CMD is outcome.status


@pytest.mark.parametrize("keyid", [0, 3, 0xFFFF])
def test_keyid_zero_and_keyids_not_enabled_are_a_status(keyid: int) -> None:
    outcome = execute(Machine(keyids=2), Structure(keyid, SET_DIRECT))
    assert Status.INVALID_KEYID is outcome.status


@pytest.mark.parametrize("algorithm", [0, 2, 3, 0x8000])
@pytest.mark.parametrize("command", [Command.SET_KEY_DIRECT, Command.SET_KEY_RANDOM])
def test_not_exactly_one_enabled_algorithm_is_a_status(command: Command, algorithm: int) -> None:
    outcome = execute(Machine(), Structure(1, control(command, algorithm)))
    assert Status.INVALID_ENC_ALG is outcome.status


def test_an_exhausted_random_source_fails_random_keys_only() -> None:
    machine = Machine()
    machine.faults = lambda package, keyid, command: Status.ENTROPY_ERROR
    assert Status.ENTROPY_ERROR is execute(machine, Structure(1, SET_RANDOM)).status
    with pytest.raises(ValueError, match="SET_KEY_DIRECT has no such transient failure"):
        execute(machine, Structure(1, SET_DIRECT))


@pytest.mark.parametrize(
    "status", [Status.INVALID_PROG_CMD, Status.INVALID_KEYID, Status.INVALID_ENC_ALG]
)
def test_only_transient_failures_can_be_injected(status: Status) -> None:
    with pytest.raises(ValueError, match="no such transient failure"):
        check_fault(status, Command.SET_KEY_RANDOM)


def test_faults_are_asked_with_package_keyid_and_command() -> None:
    asked = []
    machine = Machine()

    def faults(package: int, keyid: int, command: Command) -> Status:
        asked.append((package, keyid, command))
        return Status.PROG_SUCCESS

    machine.faults = faults
    execute(machine, Structure(2, SET_DIRECT), package=1)
    assert [(1, 2, Command.SET_KEY_DIRECT)] == asked


def test_every_execution_is_logged_without_key_bytes() -> None:
    machine = Machine()
    execute(machine, Structure(1, SET_DIRECT, DATA, TWEAK))
    execute(machine, Structure(0, control(9)), package=1)
    assert [
        Execution(
            0, 0, 1, Command.SET_KEY_DIRECT, Status.PROG_SUCCESS, 1, fingerprint(DATA, TWEAK)
        ),
        Execution(0, 1, 0, 9, Status.INVALID_PROG_CMD),
    ] == machine.executions
    assert "DDDD" not in repr(machine.executions)


def test_a_cpu_that_is_offline_executes_nothing() -> None:
    machine = Machine()
    machine.packages[0].cpus[0].online = False
    with pytest.raises(ValueError, match="CPU 0 of package 0 is not online"):
        execute(machine, Structure(1, SET_DIRECT))
