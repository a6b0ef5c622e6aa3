"""instantiate, update, destroy and retry_clear with one KeyID for all packages, knob by knob."""

from __future__ import annotations

# House style puts the expected value first.
from collections.abc import Callable

import pytest

from designs import DESIGNS, Design
from impl.errors import Deadlock, InvalidArgument, KernelError, NoKey, NotSupported
from impl.hardware.keytable import RESET, Entry, Mode
from impl.hardware.pconfig import Command, Status, control
from impl.kernel import Kernel

POSTED = DESIGNS["rfc-v2"]
FIXED = DESIGNS["rfc-v2-fixed"]
QUARANTINE = POSTED.but(on_program_failure="quarantine")

DATA, TWEAK = b"DATA-of-a-key-01", b"TWEAK-of-a-key-1"
USER_ENTRY = Entry(Mode.ENCRYPT, 1, DATA, TWEAK)
USER_CONTROL = control(Command.SET_KEY_DIRECT, 1)
CPU = b"type=cpu algorithm=aes-xts-128"
CLEAR = b"type=clear"


def user(data: bytes = DATA, tweak: bytes = TWEAK) -> bytes:
    return f"type=user algorithm=aes-xts-128 key={data.hex()} tweak={tweak.hex()}".encode()


def busy(*packages: int, times: int = 1_000) -> Callable[[int, int, Command], Status]:
    """Every PCONFIG on these packages finds its table busy, the first so many times."""
    left = dict.fromkeys(packages, times)

    def faults(package: int, keyid: int, command: Command) -> Status:
        if left.get(package, 0) == 0:
            return Status.PROG_SUCCESS
        left[package] -= 1
        return Status.DEVICE_BUSY

    return faults


def entries(kernel: Kernel, keyid: int) -> list[Entry]:
    return [package.table[keyid] for package in kernel.machine.packages]


def refused(errno: str, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(KernelError) as refusal:
        call(*arguments)
    assert errno == refusal.value.name


def offline(kernel: Kernel, package: int) -> None:
    for cpu in range(len(kernel.machine.packages[package].cpus)):
        kernel.cpu_teardown(package, cpu)


# instantiate


def test_a_user_key_is_programmed_on_every_package_and_mapped_to_the_lowest_keyid() -> None:
    kernel = Kernel(POSTED, keyids=3)
    serial = kernel.instantiate(user())
    assert {1: serial} == kernel.mapped()
    assert 1 == kernel.keyid_of(serial)
    assert {serial} == kernel.live_serials()
    assert [USER_ENTRY] * 2 == entries(kernel, 1)
    assert (True, 1) == (kernel.bit(1), kernel.weight())
    assert (USER_CONTROL, bytes(16), bytes(16)) == kernel.vault(1)


def test_a_cpu_key_is_another_key_on_every_package() -> None:
    kernel = Kernel(POSTED)
    kernel.instantiate(CPU)
    one, other = entries(kernel, 1)
    assert (Mode.ENCRYPT, Mode.ENCRYPT) == (one.mode, other.mode)
    assert one.data_key != other.data_key
    assert (False, 0) == (kernel.bit(1), kernel.weight())


@pytest.mark.parametrize(
    ("payload", "entry"), [(CLEAR, RESET), (b"type=no-encrypt", Entry(Mode.NO_ENCRYPT))]
)
def test_clear_and_no_encrypt_take_a_keyid_too(payload: bytes, entry: Entry) -> None:
    kernel = Kernel(POSTED)
    serial = kernel.instantiate(payload)
    assert ({1: serial}, [entry] * 2, 0) == (kernel.mapped(), entries(kernel, 1), kernel.weight())


def test_the_same_entropy_goes_into_both_fields_of_a_random_key() -> None:
    kernel = Kernel(POSTED, packages=1)
    kernel.machine.packages[0].random = bytes
    kernel.instantiate(CPU + b" key=" + b"00" * 16 + b" tweak=" + b"ff" * 16)
    entry = entries(kernel, 1)[0]
    assert entry.data_key == bytes(255 ^ byte for byte in entry.tweak_key)
    assert bytes(16) != entry.data_key


def test_with_every_keyid_mapped_another_key_is_refused() -> None:
    kernel = Kernel(POSTED, keyids=1)
    kernel.instantiate(CPU)
    executed = len(kernel.machine.executions)
    with pytest.raises(NoKey, match="cannot instantiate key: no KeyID is free"):
        kernel.instantiate(user())
    assert executed == len(kernel.machine.executions)
    assert 1 == len(kernel.live_serials())


def test_a_failing_package_does_not_stop_the_others_and_their_entries_stay() -> None:
    kernel = Kernel(POSTED, packages=3)
    kernel.machine.faults = busy(0, 2)
    refused("ENOKEY", kernel.instantiate, user())
    assert [RESET, USER_ENTRY, RESET] == entries(kernel, 1)
    assert ({}, set(), set()) == (kernel.mapped(), kernel.live_serials(), kernel.uncleared())
    assert (0, (0, bytes(16), bytes(16))) == (kernel.weight(), kernel.vault(1))
    assert 3 == len(kernel.machine.executions)


def test_after_a_failure_the_keyid_is_free_again_as_posted() -> None:
    kernel = Kernel(POSTED)
    kernel.machine.faults = busy(1, times=1)
    refused("ENOKEY", kernel.instantiate, user())
    assert 1 == kernel.keyid_of(kernel.instantiate(CPU))


def test_with_quarantine_two_failures_are_outlasted() -> None:
    kernel = Kernel(QUARANTINE)
    kernel.machine.faults = busy(1, times=2)
    kernel.instantiate(user())
    assert [USER_ENTRY] * 2 == entries(kernel, 1)
    assert [0, 1, 1, 1] == [done.package for done in kernel.machine.executions]


def test_with_quarantine_a_third_failure_takes_the_keyid_out_of_service_everywhere() -> None:
    kernel = Kernel(QUARANTINE, packages=3, absent=frozenset({2}))
    kernel.machine.faults = busy(1, times=3)
    refused("ENOKEY", kernel.instantiate, user())
    assert {(0, 1), (1, 1)} == kernel.uncleared()
    assert ({}, [USER_ENTRY, RESET, RESET]) == (kernel.mapped(), entries(kernel, 1))
    assert 2 == kernel.keyid_of(kernel.instantiate(CPU))
    refused("ENOKEY", kernel.instantiate, CPU)


def test_a_package_without_online_cpu_is_passed_over_as_posted() -> None:
    kernel = Kernel(POSTED)
    offline(kernel, 1)
    kernel.instantiate(user())
    assert [USER_ENTRY, RESET] == entries(kernel, 1)


def test_refuse_keys_refuses_after_preparse_and_before_anything_is_programmed() -> None:
    kernel = Kernel(POSTED.but(unreachable_package="refuse_keys"))
    serial = kernel.instantiate(CPU)
    offline(kernel, 1)
    executed = len(kernel.machine.executions)
    with pytest.raises(InvalidArgument, match="package 1 has memory but no online CPU"):
        kernel.instantiate(user())
    refused("EINVAL", kernel.update, serial, user())
    assert executed == len(kernel.machine.executions)
    assert [] == kernel.find(DATA)
    assert kernel.map_lock_held is False


def test_refuse_keys_does_not_mind_a_package_whose_memory_was_never_usable() -> None:
    kernel = Kernel(POSTED.but(unreachable_package="refuse_keys"), absent=frozenset({1}))
    kernel.instantiate(user())
    kernel.package_add(1)
    kernel.instantiate(user())
    assert {1, 2} == set(kernel.mapped())


@pytest.mark.parametrize("design", [POSTED, DESIGNS["per-package"]], ids=lambda d: d.name)
def test_packages_go_with_the_per_package_scope_and_only_with_it(design: Design) -> None:
    packages = [0] if design is POSTED else None
    with pytest.raises(ValueError, match="packages go with keyid_scope=per_package"):
        Kernel(design).instantiate(CPU, packages)


def test_a_refused_payload_changes_nothing_but_the_leak() -> None:
    kernel = Kernel(POSTED)
    refused("EINVAL", kernel.instantiate, b"type=mine")
    assert ({}, [], set()) == (kernel.mapped(), kernel.machine.executions, kernel.live_serials())


# update


def test_update_programs_the_same_keyid_anew() -> None:
    kernel = Kernel(POSTED)
    serial = kernel.instantiate(CPU)
    kernel.update(serial, user())
    assert ({1: serial}, [USER_ENTRY] * 2) == (kernel.mapped(), entries(kernel, 1))
    assert (True, USER_CONTROL) == (kernel.bit(1), kernel.vault(1)[0])


@pytest.mark.parametrize("setting", ["clear_before_program", "after_success"])
def test_update_to_another_type_clears_the_bit(setting: str) -> None:
    kernel = Kernel(POSTED.but(bitmap_update=setting))
    serial = kernel.instantiate(user())
    kernel.update(serial, CPU)
    assert (False, control(Command.SET_KEY_RANDOM, 1)) == (kernel.bit(1), kernel.vault(1)[0])


@pytest.mark.parametrize(
    ("setting", "bit"), [("clear_before_program", False), ("after_success", True)]
)
def test_a_failed_update_keeps_vault_and_mapping_and_the_bit_if_so_designed(
    setting: str, bit: bool
) -> None:
    kernel = Kernel(POSTED.but(bitmap_update=setting))
    serial = kernel.instantiate(user())
    kernel.machine.faults = busy(0)
    refused("ENOKEY", kernel.update, serial, CPU)
    assert (bit, USER_CONTROL) == (kernel.bit(1), kernel.vault(1)[0])
    assert ({1: serial}, {serial}) == (kernel.mapped(), kernel.live_serials())
    assert USER_ENTRY == entries(kernel, 1)[0]
    assert entries(kernel, 1)[1] != USER_ENTRY


@pytest.mark.parametrize("vault", ["keep", "scrub"])
def test_a_failed_update_with_quarantine_takes_the_key_its_keyid(vault: str) -> None:
    kernel = Kernel(QUARANTINE.but(vault_on_release=vault, savekeys="on"))
    serial = kernel.instantiate(user())
    kernel.machine.faults = busy(0)
    refused("ENOKEY", kernel.update, serial, CPU)
    assert ({}, set(), False) == (kernel.mapped(), kernel.live_serials(), kernel.bit(1))
    assert {(0, 1), (1, 1)} == kernel.uncleared()
    assert kernel.keyid_of(serial) is None
    kept = {"keep": (USER_CONTROL, DATA, TWEAK), "scrub": (0, bytes(16), bytes(16))}
    assert kept[vault] == kernel.vault(1)


def test_a_key_that_lost_its_keyid_can_be_destroyed_to_no_effect_but_not_updated() -> None:
    kernel = Kernel(QUARANTINE)
    serial = kernel.instantiate(CPU)
    kernel.machine.faults = busy(0)
    refused("ENOKEY", kernel.update, serial, CPU)
    kernel.destroy(serial)
    kernel.destroy(serial)
    refused("ENOKEY", kernel.update, serial, CPU)
    assert {(0, 1), (1, 1)} == kernel.uncleared()


@pytest.mark.parametrize("call", ["update", "destroy"])
def test_an_unknown_serial_is_refused(call: str) -> None:
    kernel = Kernel(POSTED)
    arguments = [99, CPU] if call == "update" else [99]
    with pytest.raises(NoKey, match=f"cannot {call} key 99: no live key"):
        getattr(kernel, call)(*arguments)


def forget_mapping(kernel: Kernel) -> None:
    """Empty the map in kernel memory; no call by itself leads to a live key without KeyID."""
    start = next(area for area in kernel.memory.areas if area.name == "map")
    kernel.memory.write(start.address, bytes(start.size))


def test_updating_a_key_without_keyid_returns_with_the_map_lock_held_as_posted() -> None:
    kernel = Kernel(POSTED)
    serial = kernel.instantiate(CPU)
    forget_mapping(kernel)
    with pytest.raises(InvalidArgument, match="the key has no KeyID"):
        kernel.update(serial, CPU)
    assert kernel.map_lock_held is True
    for call in (
        lambda: kernel.instantiate(CPU),
        lambda: kernel.update(serial, CPU),
        lambda: kernel.cpu_teardown(0, 0),
        lambda: kernel.retry_clear(0, 1),
    ):
        with pytest.raises(Deadlock, match="would wait forever for the map lock"):
            call()
    # The updates that wait for ever still refer to the key.
    refused("EBUSY", kernel.destroy, serial)
    assert kernel.machine.packages[0].cpus[0].online is True


def test_updating_a_key_without_keyid_releases_the_map_lock_when_repaired() -> None:
    kernel = Kernel(POSTED.but(error_unlock="present"))
    serial = kernel.instantiate(CPU)
    forget_mapping(kernel)
    refused("EINVAL", kernel.update, serial, CPU)
    assert kernel.map_lock_held is False
    kernel.instantiate(CPU)


# destroy


@pytest.mark.parametrize("lookup", ["by_address", "by_serial"])
def test_destroy_frees_the_keyid_and_keeps_table_and_vault_as_posted(lookup: str) -> None:
    kernel = Kernel(POSTED.but(savekeys="on", key_lookup=lookup))
    serial = kernel.instantiate(user())
    kernel.destroy(serial)
    assert ({}, set(), False) == (kernel.mapped(), kernel.live_serials(), kernel.bit(1))
    assert ([USER_ENTRY] * 2, (USER_CONTROL, DATA, TWEAK)) == (entries(kernel, 1), kernel.vault(1))
    assert 1 == kernel.keyid_of(kernel.instantiate(CPU))


def test_scrub_zeroes_the_vault_slot_on_release() -> None:
    kernel = Kernel(POSTED.but(savekeys="on", vault_on_release="scrub"))
    kernel.destroy(kernel.instantiate(user()))
    assert (0, bytes(16), bytes(16)) == kernel.vault(1)


def test_clear_first_clears_the_entry_on_every_package() -> None:
    kernel = Kernel(POSTED.but(on_release="clear_first"))
    kernel.destroy(kernel.instantiate(user()))
    assert ([RESET] * 2, set(), {}) == (entries(kernel, 1), kernel.uncleared(), kernel.mapped())


@pytest.mark.parametrize(("setting", "attempts"), [("leave", 1), ("quarantine", 3)])
def test_clear_first_keeps_a_keyid_out_of_service_where_clearing_failed(
    setting: str, attempts: int
) -> None:
    kernel = Kernel(POSTED.but(on_release="clear_first", on_program_failure=setting))
    serial = kernel.instantiate(user())
    kernel.machine.faults = busy(1, times=attempts)
    kernel.destroy(serial)
    assert ({(1, 1)}, [RESET, USER_ENTRY]) == (kernel.uncleared(), entries(kernel, 1))
    assert 2 + 1 + attempts == len(kernel.machine.executions)
    assert 2 == kernel.keyid_of(kernel.instantiate(CPU))


def test_clear_first_keeps_a_keyid_out_of_service_where_no_cpu_is_online() -> None:
    kernel = Kernel(POSTED.but(on_release="clear_first"), packages=3, absent=frozenset({2}))
    serial = kernel.instantiate(user())
    offline(kernel, 1)
    kernel.destroy(serial)
    assert {(1, 1)} == kernel.uncleared()


# retry_clear


def uncleared_kernel() -> Kernel:
    kernel = Kernel(FIXED, keyids=1)
    serial = kernel.instantiate(user())
    offline(kernel, 1)
    kernel.destroy(serial)
    return kernel


def test_retry_clear_brings_a_keyid_back_into_service() -> None:
    kernel = uncleared_kernel()
    refused("ENOKEY", kernel.instantiate, CPU)
    kernel.cpu_startup(1, 0)
    assert {(1, 1)} == kernel.uncleared()
    kernel.retry_clear(1, 1)
    assert (set(), [RESET] * 2) == (kernel.uncleared(), entries(kernel, 1))
    assert 1 == kernel.keyid_of(kernel.instantiate(CPU))


def test_retry_clear_fails_without_online_cpu_and_while_pconfig_fails() -> None:
    kernel = uncleared_kernel()
    with pytest.raises(NoKey, match="cannot clear KeyID 1 of package 1: the package has no online"):
        kernel.retry_clear(1, 1)
    kernel.cpu_startup(1, 0)
    kernel.machine.faults = busy(1, times=3)
    with pytest.raises(NoKey, match="PCONFIG failed"):
        kernel.retry_clear(1, 1)
    assert {(1, 1)} == kernel.uncleared()


def test_retry_clear_refuses_what_is_not_waiting_to_be_cleared() -> None:
    with pytest.raises(InvalidArgument, match="it is not waiting to be cleared"):
        Kernel(FIXED).retry_clear(0, 1)


# the programming structure and the stack


def test_the_programming_structure_is_freed_with_the_key_in_it_as_posted() -> None:
    kernel = Kernel(POSTED)
    kernel.instantiate(user())
    places = [(hit.area, hit.holds, hit.offset, hit.state) for hit in kernel.find(DATA)]
    assert [("mktme_key_program", "programming structure", 64, "freed")] == places
    assert [128] == [hit.offset for hit in kernel.find(TWEAK)]
    kernel.instantiate(CPU)
    assert [] == kernel.find(DATA)


def test_a_scrubbed_structure_leaves_nothing_in_kernel_memory() -> None:
    kernel = Kernel(POSTED.but(program_struct="scrubbed_free"))
    kernel.instantiate(user())
    assert [] == kernel.find(DATA) + kernel.find(TWEAK)


@pytest.mark.parametrize(("setting", "stays"), [("dirty_free", True), ("scrubbed_free", False)])
def test_the_entropy_stays_on_the_stack_unless_scrubbed(setting: str, stays: bool) -> None:
    kernel = Kernel(POSTED.but(program_struct=setting))
    kernel.instantiate(CPU)
    stack = next(area for area in kernel.memory.areas if area.name == "kernel stack")
    assert stays == any(kernel.memory.read(stack.address, stack.size))


@pytest.mark.parametrize("form", ["plaintext", "wrapped"])
def test_saved_keys_are_found_in_the_vault_only_in_plaintext(form: str) -> None:
    kernel = Kernel(DESIGNS["rfc-v2-savekeys-fixed"].but(vault_form=form))
    kernel.instantiate(user())
    assert (["vault"] if form == "plaintext" else []) == [hit.area for hit in kernel.find(DATA)]
    assert (USER_CONTROL, DATA, TWEAK) == kernel.vault(1)


def test_savekeys_keeps_the_extra_entropy_of_a_cpu_key_too() -> None:
    kernel = Kernel(DESIGNS["rfc-v2-savekeys"])
    kernel.instantiate(CPU + b" key=" + DATA.hex().encode())
    assert (control(Command.SET_KEY_RANDOM, 1), DATA, bytes(16)) == kernel.vault(1)


# the rest


def test_extend_means_nothing_with_a_global_keyid() -> None:
    kernel = Kernel(POSTED)
    with pytest.raises(NotSupported, match="a KeyID is on every package already"):
        kernel.extend(kernel.instantiate(CPU), 1, CPU)


def test_per_package_questions_are_refused_with_a_global_keyid() -> None:
    kernel = Kernel(POSTED)
    with pytest.raises(ValueError, match="there is no map per package"):
        kernel.keyids_of(kernel.instantiate(CPU))


@pytest.mark.parametrize("setting", ["n", "n_plus_1"])
def test_keyid_n_counts_towards_the_weight_only_with_n_plus_1_bits(setting: str) -> None:
    kernel = Kernel(POSTED.but(bitmap_bits=setting), keyids=1)
    kernel.instantiate(user())
    assert (True, 1 if setting == "n_plus_1" else 0) == (kernel.bit(1), kernel.weight())
    assert [] == [event for event in kernel.events if event.what == "user-type bitmap"]


def test_a_bit_outside_the_allocated_words_is_recorded() -> None:
    kernel = Kernel(POSTED, packages=1, keyids=64)
    for _ in range(64):
        kernel.instantiate(user())
    indices = {event.index for event in kernel.events if event.what == "user-type bitmap"}
    assert {64} == indices


def test_the_posted_code_leaves_its_arrays() -> None:
    kernel = Kernel(POSTED, keyids=1)
    kernel.destroy(kernel.instantiate(user()))
    assert {"encrypt_count", "payload text"} == {event.what for event in kernel.events}


def test_a_repaired_design_stays_within_its_arrays() -> None:
    kernel = Kernel(DESIGNS["rfc-v2-fixed"], keyids=64)
    for serial in [kernel.instantiate(user()) for _ in range(64)]:
        kernel.destroy(serial)
    assert [] == kernel.events


def test_one_seed_gives_one_run() -> None:
    runs = []
    for _ in range(2):
        kernel = Kernel(POSTED, seed=5)
        kernel.instantiate(CPU)
        runs.append(entries(kernel, 1))
    assert runs[0] == runs[1]
    other = Kernel(POSTED, seed=6)
    other.instantiate(CPU)
    assert runs[0] != entries(other, 1)
