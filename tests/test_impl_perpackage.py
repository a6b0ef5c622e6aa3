"""Every operation when each package has its own map of KeyIDs."""

from __future__ import annotations

# House style puts the expected value first.
from collections.abc import Callable

import pytest

from designs import DESIGNS
from impl.errors import Busy, InvalidArgument, KernelError, NoKey
from impl.hardware.keytable import RESET, Entry, Mode
from impl.hardware.pconfig import Command, Status
from impl.kernel import Kernel

FIXED = DESIGNS["per-package"]
POSTED = DESIGNS["rfc-v2"].but(keyid_scope="per_package")

DATA, TWEAK = b"DATA-of-a-key-01", b"TWEAK-of-a-key-1"
USER_ENTRY = Entry(Mode.ENCRYPT, 1, DATA, TWEAK)
USER = f"type=user algorithm=aes-xts-128 key={DATA.hex()} tweak={TWEAK.hex()}".encode()
CPU = b"type=cpu algorithm=aes-xts-128"


def busy(package: int) -> Callable[[int, int, Command], Status]:
    return lambda struck, keyid, command: (
        Status.DEVICE_BUSY if struck == package else Status.PROG_SUCCESS
    )


def offline(kernel: Kernel, package: int) -> None:
    for cpu in range(len(kernel.machine.packages[package].cpus)):
        kernel.cpu_teardown(package, cpu)


def refused(errno: str, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(KernelError) as refusal:
        call(*arguments)
    assert errno == refusal.value.name


def table(kernel: Kernel, package: int) -> list[Entry]:
    return [kernel.machine.packages[package].table[k] for k in (1, 2)]


def test_a_key_gets_the_lowest_free_keyid_of_each_wanted_package() -> None:
    kernel = Kernel(FIXED)
    one = kernel.instantiate(CPU, [1])
    both = kernel.instantiate(USER, [1, 0, 1])
    assert ({1: 1}, {0: 1, 1: 2}) == (kernel.keyids_of(one), kernel.keyids_of(both))
    assert {(0, 1): both, (1, 1): one, (1, 2): both} == kernel.mapped()
    assert [USER_ENTRY, RESET] == table(kernel, 0)
    assert USER_ENTRY == table(kernel, 1)[1]
    assert (True, False, True) == (kernel.bit(0, 1), kernel.bit(1, 1), kernel.bit(1, 2))
    assert (2, 1, 1) == (kernel.weight(), kernel.weight(0), kernel.weight(1))


def test_unreachable_wanted_packages_are_passed_over() -> None:
    kernel = Kernel(FIXED)
    offline(kernel, 1)
    assert {0: 1} == kernel.keyids_of(kernel.instantiate(USER, [0, 1]))
    with pytest.raises(NoKey, match="none of the packages has an online CPU"):
        kernel.instantiate(USER, [1])
    refused("ENOKEY", kernel.instantiate, USER, [])


@pytest.mark.parametrize("package", [1, 2, -1])
def test_a_wanted_package_without_usable_memory_is_refused(package: int) -> None:
    kernel = Kernel(FIXED, absent=frozenset({1}))
    with pytest.raises(InvalidArgument, match=f"package {package} has no usable memory"):
        kernel.instantiate(USER, [0, package])
    assert ({}, []) == (kernel.mapped(), kernel.machine.executions)


def test_refuse_keys_looks_at_the_wanted_packages_only() -> None:
    kernel = Kernel(FIXED.but(unreachable_package="refuse_keys"))
    both = kernel.instantiate(CPU, [0, 1])
    offline(kernel, 1)
    one = kernel.instantiate(CPU, [0])
    refused("EINVAL", kernel.instantiate, CPU, [0, 1])
    kernel.update(one, USER)
    refused("EINVAL", kernel.update, both, USER)
    # Key 2 has KeyID 2 of package 0, and nothing that was refused left a trace.
    assert (Mode.ENCRYPT, USER_ENTRY) == (table(kernel, 0)[0].mode, table(kernel, 0)[1])
    assert {(0, 1): both, (1, 1): both, (0, 2): one} == kernel.mapped()


def test_without_a_free_keyid_on_one_package_nothing_is_programmed() -> None:
    kernel = Kernel(FIXED, keyids=1)
    kernel.instantiate(CPU, [1])
    executed = len(kernel.machine.executions)
    with pytest.raises(NoKey, match="no KeyID is free on package 1"):
        kernel.instantiate(USER, [0, 1])
    assert executed == len(kernel.machine.executions)
    assert 1 == len(kernel.live_serials())


@pytest.mark.parametrize(
    ("setting", "uncleared"), [("leave", set()), ("quarantine", {(0, 1), (1, 1)})]
)
def test_a_failing_package_leaves_the_key_unmapped_everywhere(
    setting: str, uncleared: set[tuple[int, int]]
) -> None:
    kernel = Kernel(FIXED.but(on_program_failure=setting))
    kernel.machine.faults = busy(0)
    refused("ENOKEY", kernel.instantiate, USER, [0, 1])
    assert ({}, set(), uncleared) == (kernel.mapped(), kernel.live_serials(), kernel.uncleared())
    assert (RESET, USER_ENTRY) == (table(kernel, 0)[0], table(kernel, 1)[0])


def test_an_uncleared_pair_is_out_of_service_on_its_own_package_only() -> None:
    kernel = Kernel(FIXED)
    kernel.machine.faults = busy(1)
    refused("ENOKEY", kernel.instantiate, USER, [1])
    kernel.machine.faults = busy(-1)
    assert {(1, 1)} == kernel.uncleared()
    assert {0: 1, 1: 2} == kernel.keyids_of(kernel.instantiate(USER, [0, 1]))
    kernel.retry_clear(1, 1)
    assert set() == kernel.uncleared()


# update


def test_update_programs_the_packages_in_reach_and_moves_all_bits() -> None:
    kernel = Kernel(FIXED)
    serial = kernel.instantiate(CPU, [0, 1])
    offline(kernel, 1)
    before = table(kernel, 1)[0]
    kernel.update(serial, USER)
    assert (USER_ENTRY, before) == (table(kernel, 0)[0], table(kernel, 1)[0])
    assert (True, True) == (kernel.bit(0, 1), kernel.bit(1, 1))
    kernel.update(serial, CPU)
    assert 0 == kernel.weight()


def test_update_with_none_of_the_keys_packages_in_reach_is_refused() -> None:
    kernel = Kernel(FIXED)
    serial = kernel.instantiate(CPU, [1])
    offline(kernel, 1)
    with pytest.raises(NoKey, match="none of the key's packages has an online CPU"):
        kernel.update(serial, USER)
    assert ({(1, 1): serial}, False) == (kernel.mapped(), kernel.map_lock_held)


def test_a_failed_update_leaves_the_mapping_or_takes_all_keyids() -> None:
    for setting, lives in (("leave", True), ("quarantine", False)):
        kernel = Kernel(FIXED.but(on_program_failure=setting))
        serial = kernel.instantiate(USER, [0, 1])
        kernel.machine.faults = busy(1)
        refused("ENOKEY", kernel.update, serial, CPU)
        assert lives == (serial in kernel.live_serials())
        assert ({0: 1, 1: 1} if lives else {}) == kernel.keyids_of(serial)
        assert (set() if lives else {(0, 1), (1, 1)}) == kernel.uncleared()
        assert (2 if lives else 0) == kernel.weight()


def test_clear_before_program_loses_the_bits_of_a_failed_update() -> None:
    kernel = Kernel(POSTED, keyids=3)
    serial = kernel.instantiate(USER, [0, 1])
    kernel.machine.faults = busy(1)
    refused("ENOKEY", kernel.update, serial, USER)
    assert 0 == kernel.weight()


@pytest.mark.parametrize(("setting", "held"), [("missing", True), ("present", False)])
def test_updating_a_key_without_keyid_keeps_the_lock_as_posted(setting: str, held: bool) -> None:
    kernel = Kernel(POSTED.but(error_unlock=setting))
    serial = kernel.instantiate(CPU, [0])
    area = next(area for area in kernel.memory.areas if area.name == "map of package 0")
    kernel.memory.write(area.address, bytes(area.size))
    refused("EINVAL", kernel.update, serial, CPU)
    assert held == kernel.map_lock_held


# destroy


def test_destroy_clears_the_keys_packages_only() -> None:
    kernel = Kernel(FIXED, packages=3)
    serial = kernel.instantiate(USER, [0, 1])
    offline(kernel, 1)
    executed = len(kernel.machine.executions)
    kernel.destroy(serial)
    assert ({}, {(1, 1)}) == (kernel.mapped(), kernel.uncleared())
    assert [0] == [done.package for done in kernel.machine.executions[executed:]]
    assert (RESET, USER_ENTRY) == (table(kernel, 0)[0], table(kernel, 1)[0])


def test_destroy_keeps_the_entries_as_posted() -> None:
    kernel = Kernel(POSTED)
    serial = kernel.instantiate(USER, [0, 1])
    kernel.destroy(serial)
    assert ({}, 0, set()) == (kernel.mapped(), kernel.weight(), kernel.uncleared())
    assert USER_ENTRY == table(kernel, 1)[0]
    refused("ENOKEY", kernel.destroy, serial)


# extend


def test_extend_gives_a_key_a_keyid_on_one_more_package() -> None:
    kernel = Kernel(FIXED)
    kernel.instantiate(CPU, [1])
    serial = kernel.instantiate(USER, [0])
    kernel.extend(serial, 1, USER)
    assert {0: 1, 1: 2} == kernel.keyids_of(serial)
    assert (USER_ENTRY, True) == (table(kernel, 1)[1], kernel.bit(1, 2))


def test_extending_a_user_key_with_other_bytes_goes_unnoticed() -> None:
    kernel = Kernel(FIXED)
    serial = kernel.instantiate(USER, [0])
    kernel.extend(serial, 1, USER.replace(DATA.hex().encode(), b"00" * 16))
    assert table(kernel, 1)[0] != USER_ENTRY


def test_extend_follows_the_type_the_key_has_now() -> None:
    kernel = Kernel(FIXED)
    serial = kernel.instantiate(CPU, [0])
    with pytest.raises(InvalidArgument, match="the payload is of another type than the key"):
        kernel.extend(serial, 1, USER)
    kernel.update(serial, USER)
    refused("EINVAL", kernel.extend, serial, 1, CPU)
    kernel.extend(serial, 1, USER)
    assert {0: 1, 1: 1} == kernel.keyids_of(serial)


def test_extend_is_refused_where_the_key_is_or_no_memory_is() -> None:
    kernel = Kernel(FIXED, packages=3, absent=frozenset({2}))
    serial = kernel.instantiate(CPU, [0])
    with pytest.raises(InvalidArgument, match="it has a KeyID on package 0 already"):
        kernel.extend(serial, 0, CPU)
    with pytest.raises(InvalidArgument, match="package 2 has no usable memory"):
        kernel.extend(serial, 2, CPU)
    refused("ENOKEY", kernel.extend, 99, 1, CPU)


def test_extend_is_refused_out_of_reach_or_without_a_free_keyid() -> None:
    kernel = Kernel(FIXED, keyids=1)
    serial = kernel.instantiate(CPU, [0])
    other = kernel.instantiate(CPU, [1])
    with pytest.raises(NoKey, match="no KeyID is free on package 1"):
        kernel.extend(serial, 1, CPU)
    kernel.destroy(other)
    offline(kernel, 1)
    with pytest.raises(NoKey, match="none of the packages has an online CPU"):
        kernel.extend(serial, 1, CPU)


@pytest.mark.parametrize(("setting", "uncleared"), [("leave", set()), ("quarantine", {(1, 1)})])
def test_a_failed_extend_leaves_the_key_where_it_was(
    setting: str, uncleared: set[tuple[int, int]]
) -> None:
    kernel = Kernel(FIXED.but(on_program_failure=setting))
    serial = kernel.instantiate(CPU, [0])
    kernel.machine.faults = busy(1)
    refused("ENOKEY", kernel.extend, serial, 1, CPU)
    assert ({0: 1}, uncleared) == (kernel.keyids_of(serial), kernel.uncleared())
    assert {serial} == kernel.live_serials()


# hotplug


def test_a_package_that_comes_online_programs_nothing_and_passes_no_gate() -> None:
    kernel = Kernel(FIXED, absent=frozenset({1}))
    kernel.instantiate(USER, [0])
    executed = len(kernel.machine.executions)
    kernel.package_add(1)
    kernel.cpu_startup(1, 0)
    assert executed == len(kernel.machine.executions)
    assert {(0, 0), (1, 0)} == kernel.lead_cpus()


def test_keep_last_lead_looks_at_the_packages_own_map() -> None:
    kernel = Kernel(FIXED.but(teardown="keep_last_lead"), cpus=1)
    kernel.instantiate(CPU, [0])
    with pytest.raises(Busy):
        kernel.cpu_teardown(0, 0)
    kernel.cpu_teardown(1, 0)
    assert {(0, 0)} == kernel.lead_cpus()


# inspection


def test_global_questions_are_refused() -> None:
    kernel = Kernel(FIXED)
    serial = kernel.instantiate(CPU, [0])
    for question in (lambda: kernel.keyid_of(serial), lambda: kernel.vault(1)):
        with pytest.raises(ValueError, match="there is no global map or vault"):
            question()


def test_a_key_that_does_not_exist_has_no_keyids() -> None:
    assert {} == Kernel(FIXED).keyids_of(99)
    assert Kernel(POSTED.but(keyid_scope="global")).keyid_of(99) is None
