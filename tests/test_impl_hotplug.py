"""CPU startup, teardown, added packages, and every startup gate."""

from __future__ import annotations

# House style puts the expected value first.
import pytest

from designs import DESIGNS, Design
from impl.errors import AlreadyExists, Busy, InvalidArgument, NoKey, NotPermitted
from impl.hardware.keytable import RESET, Entry, Mode
from impl.hardware.pconfig import Command, Status
from impl.kernel import Kernel

POSTED = DESIGNS["rfc-v2"]
SAVEKEYS = DESIGNS["rfc-v2-savekeys"]
RESUPPLY = DESIGNS["resupply"]

DATA, TWEAK = b"DATA-of-a-key-01", b"TWEAK-of-a-key-1"
USER_ENTRY = Entry(Mode.ENCRYPT, 1, DATA, TWEAK)
ZERO_ENTRY = Entry(Mode.ENCRYPT, 1, bytes(16), bytes(16))
USER = f"type=user algorithm=aes-xts-128 key={DATA.hex()} tweak={TWEAK.hex()}".encode()
CPU = b"type=cpu algorithm=aes-xts-128"


def added(design: Design, *payloads: bytes, keyids: int = 3) -> Kernel:
    """A kernel with keys, and package 1 put in afterwards, its CPUs offline."""
    kernel = Kernel(design, keyids=keyids, absent=frozenset({1}))
    for payload in payloads:
        kernel.instantiate(payload)
    kernel.package_add(1)
    return kernel


def is_up(kernel: Kernel) -> bool:
    package = kernel.machine.packages[1]
    return package.cpus[0].online


def test_at_boot_cpu_0_of_every_present_package_leads() -> None:
    kernel = Kernel(POSTED, packages=3, absent=frozenset({1}))
    assert {(0, 0), (2, 0)} == kernel.lead_cpus()


def test_with_no_key_mapped_a_first_cpu_leads_and_makes_memory_usable() -> None:
    kernel = added(POSTED)
    assert kernel.machine.packages[1].memory_present is False
    kernel.cpu_startup(1, 1)
    assert {(0, 0), (1, 1)} == kernel.lead_cpus()
    assert kernel.machine.packages[1].memory_present is True
    assert [] == kernel.machine.executions


def test_a_further_cpu_of_a_package_just_comes_online() -> None:
    kernel = added(SAVEKEYS, USER)
    kernel.cpu_startup(1, 0)
    executed = len(kernel.machine.executions)
    kernel.cpu_startup(1, 1)
    assert {(0, 0), (1, 0)} == kernel.lead_cpus()
    assert executed == len(kernel.machine.executions)


def test_a_further_cpu_passes_no_gate() -> None:
    kernel = Kernel(POSTED)
    kernel.cpu_teardown(1, 1)
    kernel.instantiate(USER)
    kernel.cpu_startup(1, 1)
    assert 4 == kernel.machine.count_online()


def test_starting_an_online_cpu_and_stopping_an_offline_one_changes_nothing() -> None:
    kernel = Kernel(POSTED)
    kernel.cpu_startup(1, 0)
    kernel.cpu_teardown(1, 1)
    kernel.cpu_teardown(1, 1)
    assert 3 == kernel.machine.count_online()


@pytest.mark.parametrize(("package", "cpu"), [(2, 0), (-1, 0), (1, 2), (0, -1)])
@pytest.mark.parametrize("call", ["cpu_startup", "cpu_teardown"])
def test_a_cpu_that_does_not_exist_is_refused(call: str, package: int, cpu: int) -> None:
    with pytest.raises(InvalidArgument, match=f"cannot .* CPU {cpu} of package {package}"):
        getattr(Kernel(POSTED), call)(package, cpu)


def test_a_cpu_of_an_absent_package_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="the package is not in the machine"):
        Kernel(POSTED, absent=frozenset({1})).cpu_startup(1, 0)


def test_packages_are_added_once_and_only_where_there_is_a_socket() -> None:
    kernel = added(POSTED)
    with pytest.raises(AlreadyExists, match="cannot add package 1: it is in the machine already"):
        kernel.package_add(1)
    with pytest.raises(InvalidArgument, match="cannot add package 2: the machine has no such"):
        kernel.package_add(2)


# the gates


def test_the_posted_gate_refuses_a_package_while_a_user_key_is_in_use() -> None:
    kernel = added(POSTED, USER)
    with pytest.raises(NotPermitted, match="cannot start CPU 0 of package 1: a user key is in use"):
        kernel.cpu_startup(1, 0)
    assert (False, {(0, 0)}) == (is_up(kernel), kernel.lead_cpus())
    assert kernel.machine.packages[1].memory_present is False
    assert kernel.map_lock_held is False


def test_the_posted_gate_does_not_see_keyid_n() -> None:
    kernel = added(POSTED, USER, keyids=1)
    kernel.cpu_startup(1, 0)
    assert [USER_ENTRY, ZERO_ENTRY] == [p.table[1] for p in kernel.machine.packages]


def test_the_posted_gate_sees_keyid_n_with_n_plus_1_bits() -> None:
    kernel = added(POSTED.but(bitmap_bits="n_plus_1"), USER, keyids=1)
    with pytest.raises(NotPermitted):
        kernel.cpu_startup(1, 0)


def test_cpu_keys_are_requested_again_and_become_other_keys() -> None:
    kernel = added(POSTED, CPU, b"type=no-encrypt")
    kernel.cpu_startup(1, 0)
    one, other = (package.table[1] for package in kernel.machine.packages)
    assert (Mode.ENCRYPT, Mode.ENCRYPT) == (one.mode, other.mode)
    assert one.data_key != other.data_key
    assert Entry(Mode.NO_ENCRYPT) == kernel.machine.packages[1].table[2]
    assert [(1, 1), (1, 2)] == [(e.package, e.keyid) for e in kernel.machine.executions[-2:]]


@pytest.mark.parametrize("form", ["plaintext", "wrapped"])
def test_saved_user_keys_are_programmed_from_the_vault(form: str) -> None:
    kernel = added(SAVEKEYS.but(vault_form=form), USER)
    kernel.cpu_startup(1, 0)
    assert (True, USER_ENTRY) == (is_up(kernel), kernel.machine.packages[1].table[1])


@pytest.mark.parametrize("payload", [USER, CPU])
def test_refuse_any_key_refuses_while_any_keyid_is_mapped(payload: bytes) -> None:
    kernel = added(POSTED.but(startup_gate="refuse_any_key"), payload)
    with pytest.raises(NotPermitted, match="a KeyID is mapped"):
        kernel.cpu_startup(1, 0)
    kernel.destroy(min(kernel.live_serials()))
    kernel.cpu_startup(1, 0)
    assert is_up(kernel) is True


def test_without_a_gate_an_unsaved_user_key_is_programmed_as_zeros() -> None:
    kernel = added(POSTED.but(startup_gate="none"), USER)
    kernel.cpu_startup(1, 0)
    assert ZERO_ENTRY == kernel.machine.packages[1].table[1]


def test_resupply_programs_user_keys_from_their_owners_answers() -> None:
    kernel = added(RESUPPLY, CPU, USER, USER)
    asked = []

    def resupply(serial: int) -> bytes:
        asked.append(serial)
        return USER

    kernel.resupply = resupply
    assert kernel.resupply is resupply
    kernel.cpu_startup(1, 0)
    table = kernel.machine.packages[1].table
    assert [kernel.mapped()[2], kernel.mapped()[3]] == asked
    assert (Mode.ENCRYPT, USER_ENTRY, USER_ENTRY) == (table[1].mode, table[2], table[3])
    assert [] == kernel.find(DATA) + kernel.find(DATA.hex().encode())


@pytest.mark.parametrize("answer", [None, b"nonsense", CPU, b""])
def test_resupply_refuses_before_programming_if_one_owner_gives_no_user_key(
    answer: bytes | None,
) -> None:
    kernel = added(RESUPPLY, USER, USER)
    answers = {1: USER, 2: answer}
    asked = []

    def resupply(serial: int) -> bytes | None:
        asked.append(serial)
        return answers[serial]

    kernel.resupply = resupply
    executed = len(kernel.machine.executions)
    with pytest.raises(NotPermitted, match="the owner of KeyID 2 did not supply its key again"):
        kernel.cpu_startup(1, 0)
    assert ([1, 2], executed) == (asked, len(kernel.machine.executions))
    assert (False, []) == (is_up(kernel), kernel.find(DATA))


def test_resupply_asks_every_owner_even_after_one_did_not_answer() -> None:
    kernel = added(RESUPPLY, USER, USER)
    asked = []
    kernel.resupply = asked.append
    with pytest.raises(NotPermitted, match="the owner of KeyID 1"):
        kernel.cpu_startup(1, 0)
    assert [1, 2] == asked


def test_owners_answer_nothing_unless_someone_says_otherwise() -> None:
    with pytest.raises(NotPermitted, match="did not supply its key again"):
        added(RESUPPLY, USER).cpu_startup(1, 0)


def test_resupply_asks_nobody_when_no_user_key_is_in_use() -> None:
    kernel = added(RESUPPLY, CPU)
    kernel.cpu_startup(1, 0)
    assert is_up(kernel) is True


# failures while a package comes online


@pytest.mark.parametrize(("setting", "attempts"), [("leave", 1), ("quarantine", 3)])
def test_a_failing_pconfig_keeps_the_cpu_out_and_earlier_entries_stay(
    setting: str, attempts: int
) -> None:
    kernel = added(SAVEKEYS.but(on_program_failure=setting), USER, USER, USER)
    kernel.machine.faults = lambda package, keyid, command: (
        Status.DEVICE_BUSY if keyid == 2 else Status.PROG_SUCCESS
    )
    executed = len(kernel.machine.executions)
    with pytest.raises(NoKey, match="PCONFIG failed for KeyID 2"):
        kernel.cpu_startup(1, 0)
    table = kernel.machine.packages[1].table
    assert [USER_ENTRY, RESET, RESET] == [table[1], table[2], table[3]]
    assert (False, {(0, 0)}, set()) == (is_up(kernel), kernel.lead_cpus(), kernel.uncleared())
    assert executed + 1 + attempts == len(kernel.machine.executions)
    assert kernel.map_lock_held is False


def test_a_returning_package_is_programmed_over_its_old_entries() -> None:
    kernel = Kernel(SAVEKEYS)
    serial = kernel.instantiate(USER)
    for cpu in (0, 1):
        kernel.cpu_teardown(1, cpu)
    assert USER_ENTRY == kernel.machine.packages[1].table[1]
    kernel.update(serial, b"type=no-encrypt")
    assert USER_ENTRY == kernel.machine.packages[1].table[1]
    kernel.cpu_startup(1, 1)
    assert Entry(Mode.NO_ENCRYPT) == kernel.machine.packages[1].table[1]


def test_random_keys_can_fail_for_want_of_entropy() -> None:
    kernel = added(POSTED, CPU)
    kernel.machine.faults = lambda package, keyid, command: (
        Status.ENTROPY_ERROR if command is Command.SET_KEY_RANDOM else Status.PROG_SUCCESS
    )
    with pytest.raises(NoKey):
        kernel.cpu_startup(1, 0)


# teardown


def test_when_a_lead_cpu_goes_the_lowest_other_one_leads() -> None:
    kernel = Kernel(POSTED, cpus=3)
    kernel.cpu_teardown(1, 0)
    assert {(0, 0), (1, 1)} == kernel.lead_cpus()
    kernel.cpu_teardown(1, 2)
    assert {(0, 0), (1, 1)} == kernel.lead_cpus()
    kernel.cpu_teardown(1, 1)
    assert {(0, 0)} == kernel.lead_cpus()
    assert kernel.machine.packages[1].memory_present is True


@pytest.mark.parametrize("design", [POSTED, DESIGNS["no-hotplug"]], ids=lambda d: d.name)
def test_the_last_online_cpu_of_the_machine_stays(design: Design) -> None:
    kernel = Kernel(design, packages=1, cpus=1)
    with pytest.raises(Busy, match="it is the last online CPU of the machine"):
        kernel.cpu_teardown(0, 0)


def test_keep_last_lead_keeps_a_packages_last_cpu_while_a_keyid_is_mapped() -> None:
    kernel = Kernel(POSTED.but(teardown="keep_last_lead"))
    serial = kernel.instantiate(CPU)
    kernel.cpu_teardown(1, 0)
    with pytest.raises(Busy, match="its package's last online CPU and KeyIDs are mapped"):
        kernel.cpu_teardown(1, 1)
    assert {(0, 0), (1, 1)} == kernel.lead_cpus()
    kernel.destroy(serial)
    kernel.cpu_teardown(1, 1)
    assert {(0, 0)} == kernel.lead_cpus()


def test_as_posted_a_packages_last_cpu_may_go_with_keys_mapped() -> None:
    kernel = Kernel(POSTED)
    kernel.instantiate(USER)
    kernel.cpu_teardown(0, 0)
    kernel.cpu_teardown(0, 1)
    assert {(1, 0)} == kernel.lead_cpus()
    kernel.instantiate(CPU)
    assert RESET == kernel.machine.packages[0].table[2]


# packages that go


def removable(design: Design = POSTED) -> Kernel:
    """A kernel whose package 1 has no CPU online."""
    kernel = Kernel(design, cpus=1)
    kernel.cpu_teardown(1, 0)
    return kernel


def test_a_removed_package_takes_key_table_and_memory_along_and_comes_back_empty() -> None:
    kernel = removable()
    kernel.machine.packages[1].table[1] = USER_ENTRY
    kernel.package_remove(1)
    package = kernel.machine.packages[1]
    assert (False, False, RESET) == (package.present, package.memory_present, package.table[1])
    kernel.package_add(1)
    kernel.cpu_startup(1, 0)
    assert (True, RESET) == (package.memory_present, package.table[1])


def test_what_was_left_to_clear_goes_with_a_removed_package() -> None:
    kernel = Kernel(POSTED.but(on_release="clear_first"), cpus=1)
    serial = kernel.instantiate(CPU)
    kernel.cpu_teardown(1, 0)
    kernel.destroy(serial)
    assert {(1, 1)} == kernel.uncleared()
    kernel.package_remove(1)
    assert set() == kernel.uncleared()


def test_a_package_is_not_removed_while_something_needs_it() -> None:
    kernel = Kernel(POSTED, cpus=1)
    with pytest.raises(Busy, match="cannot remove package 1: a CPU of it is online"):
        kernel.package_remove(1)
    with pytest.raises(Busy, match="cannot remove package 0: it holds the kernel"):
        kernel.package_remove(0)
    with pytest.raises(InvalidArgument, match="cannot remove package 2: the package is not in"):
        kernel.package_remove(2)
    address = kernel.run(kernel.mm.mmap(kernel.init, 4096))
    kernel.run(kernel.mm.write(kernel.init, address, b"text"))
    kernel.run(kernel.mm.migrate(kernel.init, address, 1))
    kernel.cpu_teardown(1, 0)
    with pytest.raises(Busy, match="pages of processes lie in its memory"):
        kernel.package_remove(1)
    kernel.run(kernel.mm.exit(kernel.init))
    kernel.package_remove(1)
    with pytest.raises(InvalidArgument, match="the package is not in the machine"):
        kernel.package_remove(1)


def test_a_package_whose_own_map_is_in_use_is_not_removed() -> None:
    kernel = Kernel(DESIGNS["per-package"], cpus=1)
    serial = kernel.instantiate(CPU, [1])
    kernel.cpu_teardown(1, 0)
    with pytest.raises(Busy, match="KeyIDs of its map are in use"):
        kernel.package_remove(1)
    kernel.destroy(serial)
    kernel.package_remove(1)
    assert set() == kernel.uncleared()
