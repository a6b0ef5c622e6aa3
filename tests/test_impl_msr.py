"""The registers that activate memory encryption: what WRMSR refuses, and what follows from them."""

from __future__ import annotations

# House style puts the expected value first.
import pytest

from impl.errors import BadAddress, GeneralProtection
from impl.hardware.machine import Machine
from impl.hardware.msr import (
    IA32_TME_ACTIVATE,
    IA32_TME_CAPABILITY,
    Registers,
    activation,
    capability,
)
from impl.hardware.pconfig import Command, Status, Structure, control

CAPABILITY, ACTIVATE = IA32_TME_CAPABILITY, IA32_TME_ACTIVATE
STRUCTURE = 0x2_0000
SET_DIRECT = control(Command.SET_KEY_DIRECT, 1)


def unlocked(keyids: int = 5, *, bypass: bool = True) -> Registers:
    return Registers(capability(keyids, bypass=bypass))


def test_the_capability_register_has_its_fields_where_the_manual_puts_them() -> None:
    assert 1 | 1 << 31 | 3 << 32 | 5 << 36 == capability(5)
    assert 1 | 15 << 32 | 32767 << 36 == capability(32767, bypass=False)


def test_the_activation_register_has_its_fields_where_the_manual_puts_them() -> None:
    assert 1 << 1 | 3 << 32 | 1 << 48 == activation(3)
    assert 1 << 31 | 3 << 32 | 1 << 48 == activation(3, enable=False, bypass=True)


@pytest.mark.parametrize(("tme", "low"), [("on", 0b11), ("off", 0b01), ("bypass", 1 << 31 | 0b11)])
def test_firmware_activates_and_locks_every_package_that_is_there(tme: str, low: int) -> None:
    machine = Machine(packages=2, keyids=5, tme=tme)
    activated = 1 << 48 | 3 << 32 | low
    assert [activated] * 2 == [machine.rdmsr(p, ACTIVATE) for p in (0, 1)]
    assert [capability(5)] * 2 == [machine.rdmsr(p, CAPABILITY) for p in (0, 1)]


def test_a_package_that_is_added_was_activated_before_a_cpu_of_it_starts() -> None:
    machine = Machine(absent=frozenset({1}))
    assert machine.packages[1].registers.locked is False
    machine.add_package(1)
    machine.packages[1].cpus[0].online = True
    assert machine.rdmsr(0, ACTIVATE) == machine.rdmsr(1, ACTIVATE)


@pytest.mark.parametrize("package", [-1, 1, 2])
def test_an_msr_needs_a_cpu_to_execute_the_instruction_on(package: int) -> None:
    machine = Machine(absent=frozenset({1}))
    with pytest.raises(ValueError, match=f"RDMSR: package {package} has no online CPU"):
        machine.rdmsr(package, ACTIVATE)
    with pytest.raises(ValueError, match=f"WRMSR: package {package} has no online CPU"):
        machine.wrmsr(package, ACTIVATE, 0)


@pytest.mark.parametrize("msr", [0x980, 0x983, 0x984, 0x9FF])
def test_an_unknown_register_is_refused(msr: int) -> None:
    machine = Machine()
    with pytest.raises(GeneralProtection, match="there is no such register"):
        machine.rdmsr(0, msr)
    with pytest.raises(GeneralProtection, match="there is no such register"):
        machine.wrmsr(0, msr, 0)


def test_the_capability_register_is_read_only() -> None:
    machine = Machine()
    with pytest.raises(GeneralProtection, match="IA32_TME_CAPABILITY: it is read-only"):
        machine.wrmsr(0, CAPABILITY, machine.rdmsr(0, CAPABILITY))


def test_the_activation_register_is_written_once() -> None:
    machine = Machine()
    before = machine.rdmsr(0, ACTIVATE)
    with pytest.raises(GeneralProtection, match="IA32_TME_ACTIVATE: it is locked"):
        machine.wrmsr(0, ACTIVATE, before)
    assert before == machine.rdmsr(0, ACTIVATE)


@pytest.mark.parametrize("lock", [0, 1])
def test_a_successful_write_locks_by_itself_whatever_the_lock_bit_says(lock: int) -> None:
    registers = unlocked()
    registers.write(ACTIVATE, activation(2) | lock)
    assert registers.locked is True
    assert activation(2) | 1 == registers.read(ACTIVATE)


def test_a_reset_unlocks_and_forgets() -> None:
    registers = unlocked()
    registers.write(ACTIVATE, activation(2))
    registers.reset()
    assert (0, False) == (registers.read(ACTIVATE), registers.locked)
    assert (0, 0, 0) == (registers.keyid_bits, registers.keyids, registers.algorithms)
    registers.write(ACTIVATE, activation(3))
    assert activation(3) | 1 == registers.read(ACTIVATE)


@pytest.mark.parametrize("bit", [3, *range(8, 31), *range(36, 48)])
def test_every_reserved_bit_is_refused(bit: int) -> None:
    registers = unlocked()
    with pytest.raises(GeneralProtection, match="a reserved bit is set"):
        registers.write(ACTIVATE, activation(2) | 1 << bit)
    assert (0, False) == (registers.read(ACTIVATE), registers.locked)


@pytest.mark.parametrize("policy", range(1, 16))
def test_only_the_policy_of_aes_xts_128_is_supported(policy: int) -> None:
    registers = unlocked()
    with pytest.raises(GeneralProtection, match="the policy is not a supported algorithm"):
        registers.write(ACTIVATE, activation(2) | policy << 4)
    assert registers.locked is False


@pytest.mark.parametrize("bit", range(49, 64))
def test_every_algorithm_but_aes_xts_128_is_refused(bit: int) -> None:
    registers = unlocked()
    with pytest.raises(GeneralProtection, match="an algorithm is not supported"):
        registers.write(ACTIVATE, activation(2) | 1 << bit)
    assert registers.locked is False


def test_more_keyid_bits_than_the_capability_are_refused() -> None:
    registers = unlocked(keyids=5)
    with pytest.raises(GeneralProtection, match="more than 3 KeyID bits are not supported"):
        registers.write(ACTIVATE, activation(4))
    assert registers.locked is False


def test_without_multi_key_support_any_keyid_bit_is_refused() -> None:
    registers = Registers(capability(0))
    with pytest.raises(GeneralProtection, match="more than 0 KeyID bits"):
        registers.write(ACTIVATE, activation(1))
    registers.write(ACTIVATE, activation(0))
    assert (True, 0) == (registers.encrypts_keyid_0, registers.keyids)


def test_the_bypass_needs_its_capability() -> None:
    with pytest.raises(GeneralProtection, match="the bypass is not supported"):
        unlocked(bypass=False).write(ACTIVATE, activation(2, bypass=True))
    registers = unlocked()
    registers.write(ACTIVATE, activation(2, bypass=True))
    assert registers.encrypts_keyid_0 is False


def test_keyids_without_enable_are_accepted_here_where_silicon_refuses_them() -> None:
    registers = unlocked()
    registers.write(ACTIVATE, activation(2, enable=False))
    assert (True, False, 3) == (registers.locked, registers.encrypts_keyid_0, registers.keyids)


@pytest.mark.parametrize(("keyid_bits", "read_back"), [(0, 0b100), (2, 0)])
def test_a_tme_key_from_before_standby_cannot_be_restored(keyid_bits: int, read_back: int) -> None:
    registers = unlocked()
    registers.write(ACTIVATE, activation(keyid_bits) | 1 << 2)
    assert (read_back, False) == (registers.read(ACTIVATE), registers.locked)
    assert registers.encrypts_keyid_0 is False
    registers.write(ACTIVATE, activation(2))
    assert registers.locked is True


def test_the_key_select_bit_says_nothing_while_nothing_is_enabled() -> None:
    registers = unlocked()
    registers.write(ACTIVATE, 1 << 2)
    assert (0b101, True) == (registers.read(ACTIVATE), registers.locked)


@pytest.mark.parametrize("value", [-1, 1 << 64])
def test_a_value_that_is_no_register_contents_is_a_callers_mistake(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit into 64 bits"):
        unlocked().write(ACTIVATE, value)


@pytest.mark.parametrize(("keyid_bits", "keyids"), [(0, 0), (1, 1), (2, 3), (3, 5)])
def test_usable_keyids_are_bounded_by_bits_and_by_keys(keyid_bits: int, keyids: int) -> None:
    registers = unlocked(keyids=5)
    registers.write(ACTIVATE, activation(keyid_bits))
    assert keyids == registers.keyids


def machine_with(value: int | None, keyids: int = 5) -> Machine:
    """A machine whose package 0 was left unlocked by its firmware, and then written."""
    machine = Machine(packages=1, keyids=keyids)
    machine.packages[0].registers.reset()
    if value is not None:
        machine.wrmsr(0, ACTIVATE, value)
    return machine


def status_of(machine: Machine, keyid: int, keyid_ctrl: int = SET_DIRECT) -> Status:
    machine.write(STRUCTURE, Structure(keyid, keyid_ctrl, b"D" * 16, b"T" * 16).encode())
    return machine.pconfig(0, 0, STRUCTURE).status


@pytest.mark.parametrize("value", [None, activation(0)])
def test_pconfig_is_refused_until_keyids_are_activated_and_locked(value: int | None) -> None:
    machine = machine_with(value)
    with pytest.raises(GeneralProtection, match="no KeyIDs are activated and locked"):
        status_of(machine, 1)
    assert [] == machine.executions


def test_pconfig_takes_the_keyids_that_the_registers_allow() -> None:
    machine = machine_with(activation(2))
    assert Status.PROG_SUCCESS is status_of(machine, 3)
    assert Status.INVALID_KEYID is status_of(machine, 4)
    machine = machine_with(activation(3))
    assert Status.PROG_SUCCESS is status_of(machine, 5)
    assert Status.INVALID_KEYID is status_of(machine, 6)


def test_pconfig_takes_the_algorithms_that_the_registers_allow() -> None:
    machine = machine_with(activation(2) & ~(1 << 48))
    assert Status.INVALID_ENC_ALG is status_of(machine, 1)
    assert Status.PROG_SUCCESS is status_of(machine, 1, control(Command.NO_ENCRYPT))


def test_the_keyid_takes_as_many_address_bits_as_were_activated() -> None:
    machine = machine_with(activation(2))
    assert 3 << 50 | 64 == machine.address(0, 64, 3)
    machine.read(machine.address(0, 64, 3), 1)
    machine = machine_with(activation(3))
    assert 3 << 49 | 64 == machine.address(0, 64, 3)
    with pytest.raises(BadAddress, match="no such KeyID"):
        machine.read(machine.address(0, 64, 6), 1)


def test_a_package_that_is_not_activated_has_no_keyids() -> None:
    machine = Machine()
    machine.packages[1].registers.reset()
    machine.read(machine.address(0, 64, 1), 1)
    with pytest.raises(BadAddress, match="no such KeyID"):
        machine.read(machine.address(1, 64, 1), 1)


def test_a_package_that_is_not_activated_encrypts_nothing() -> None:
    machine = Machine()
    machine.write(STRUCTURE, b"x" * 64)
    machine.packages[0].reset()
    assert machine.packages[0].dram.read(STRUCTURE, 64) == machine.read(STRUCTURE, 64)


def test_without_activation_an_address_carries_no_keyid() -> None:
    machine = machine_with(activation(0))
    with pytest.raises(BadAddress, match="no such KeyID"):
        machine.read(1 << 50, 1)


def test_activation_draws_a_new_tme_key() -> None:
    machine = Machine(packages=1)
    machine.write(STRUCTURE, b"x" * 64)
    stored = machine.packages[0].dram.read(STRUCTURE, 64)
    machine.packages[0].registers.reset()
    machine.wrmsr(0, ACTIVATE, activation(2))
    assert machine.read(STRUCTURE, 64) != b"x" * 64
    machine.write(STRUCTURE, b"x" * 64)
    assert machine.packages[0].dram.read(STRUCTURE, 64) != stored
