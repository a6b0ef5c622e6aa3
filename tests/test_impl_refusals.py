"""Refusals and orders of events that no other test of the running kernel looks at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from address_spaces import BASE, CPU, P, user

from designs import DESIGNS
from impl.errors import NoKey
from impl.hardware.pconfig import Command
from impl.interleaving.explorer import explore
from impl.interleaving.outcome import Booted, kernel_scenario, observe
from impl.kernel import Kernel
from impl.keyrings.process import Process
from impl.service.material import CLEAR
from impl.threads import Operation

FIXED = DESIGNS["rfc-v2-fixed"]
POSTED = DESIGNS["rfc-v2"]
PER_PACKAGE = DESIGNS["per-package"]
SESSION, USER_RING, USER_SESSION = -3, -4, -5
UID = 1000


@pytest.mark.parametrize("node", [-1, 2])
def test_a_process_runs_on_a_package_of_the_machine(node: int) -> None:
    kernel = Kernel(FIXED)
    with pytest.raises(ValueError, match=rf"the machine has no package {node}$"):
        kernel.process(node=node)
    assert [1] == list(kernel.mm.processes)
    assert 1 == kernel.process(node=1).node


def test_a_global_key_is_on_all_packages() -> None:
    service = Kernel(FIXED)._service
    with pytest.raises(ValueError, match="with keyid_scope=global a key is on all of them"):
        service.instantiate(service._keys.create(), CLEAR, [0])


def test_a_key_per_package_needs_packages() -> None:
    service = Kernel(PER_PACKAGE)._service
    with pytest.raises(ValueError, match="with keyid_scope=per_package it needs packages"):
        service.instantiate(service._keys.create(), CLEAR, None)


# Session keyrings


def poor(kernel: Kernel) -> Process:
    """A process of user 1000 with no keyring of its own."""
    return kernel.process(UID, UID, capabilities=frozenset())


def close(kernel: Kernel) -> None:
    """User 1000 may own no more keys than now."""
    kernel.keyctl.quota.maxkeys = kernel.keyctl.quota.account(UID).keys


def add(kernel: Kernel, process: Process, ring: int) -> int:
    return kernel.run(kernel.keyctl.add_key(process, "user", "a", b"1", ring))


def test_a_session_keyring_that_would_replace_the_users_must_fit_the_quota() -> None:
    kernel = Kernel(FIXED)
    process = poor(kernel)
    kernel.run(kernel.keyctl.describe(process, SESSION))
    of_user = dict(process.keyrings)
    close(kernel)
    with pytest.raises(NoKey, match=r"^cannot add user key: no session keyring can be made$"):
        add(kernel, process, SESSION)
    assert of_user == process.keyrings


def test_it_replaces_the_users_where_the_quota_allows_it() -> None:
    kernel = Kernel(FIXED)
    process = poor(kernel)
    kernel.run(kernel.keyctl.describe(process, SESSION))
    of_user = process.keyrings["s"]
    add(kernel, process, SESSION)
    assert of_user != process.keyrings["s"]
    assert "_ses" == kernel.key(process.keyrings["s"]).description


def test_the_first_session_keyring_may_go_beyond_the_quota() -> None:
    kernel = Kernel(FIXED)
    process = poor(kernel)
    close(kernel)
    kernel.run(kernel.keyctl.join_session_keyring(process))
    assert "_ses" == kernel.key(process.keyrings["s"]).description


def test_a_users_keyrings_must_fit_the_quota() -> None:
    kernel = Kernel(FIXED)
    process = poor(kernel)
    close(kernel)
    for ring in (SESSION, USER_RING, USER_SESSION):
        with pytest.raises(NoKey, match="the user's keyrings are out of reach"):
            kernel.run(kernel.keyctl.describe(process, ring))
    assert {} == process.keyrings


def test_a_revoked_user_session_keyring_is_out_of_reach_and_searched_no_more() -> None:
    kernel = Kernel(FIXED)
    process = poor(kernel)
    key = add(kernel, process, USER_SESSION)
    assert key == kernel.run(kernel.keyctl.request_key(process, "user", "a"))
    kernel.run(kernel.keyctl.revoke(process, USER_SESSION))
    with pytest.raises(NoKey, match="the user's keyrings are out of reach"):
        kernel.run(kernel.keyctl.describe(process, USER_SESSION))
    with pytest.raises(NoKey, match="none of the process's keyrings has such a key"):
        kernel.run(kernel.keyctl.request_key(process, "user", "a"))


def test_joining_the_session_keyring_that_it_has_changes_nothing() -> None:
    kernel = Kernel(FIXED)
    serial = kernel.run(kernel.keyctl.join_session_keyring(kernel.init, "work"))
    # Joining by name takes a keyring that its user may search without possessing it.
    kernel.run(kernel.keyctl.setperm(kernel.init, serial, 0x3F3F_0000))
    assert 0 == kernel.run(kernel.keyctl.join_session_keyring(kernel.init, "work"))
    assert (serial, 1) == (kernel.init.keyrings["s"], kernel.key(serial).usage)


# What is listed, and in which order things happen


def test_a_key_that_only_waits_for_its_collection_is_not_listed() -> None:
    kernel = Kernel(FIXED)
    ring = kernel.run(kernel.keyctl.join_session_keyring(kernel.init))
    key = add(kernel, kernel.init, ring)
    assert [f"{ring:08x}", f"{key:08x}"] == [
        line.split()[0] for line in kernel.keyctl.listing(kernel.init)
    ]
    kernel.run(kernel.keyctl.unlink(kernel.init, key, ring))
    assert [f"{ring:08x}"] == [line.split()[0] for line in kernel.keyctl.listing(kernel.init)]
    assert [ring, key] == [found.serial for found in kernel.known_keys()]


def test_the_last_references_of_one_call_go_in_the_order_of_their_vmas() -> None:
    kernel = Kernel(FIXED, packages=1, keyids=3)
    serials = [kernel.instantiate(CPU) for _ in range(3)]
    kernel.run(kernel.mm.mmap(kernel.init, 3 * P, BASE))
    process = kernel.init
    kernel.mm._retention.look_up = lambda _, serial, *why: kernel._system.keys.look_up(serial, "")
    kernel.mm._retention.put = lambda key: None
    for page, serial in enumerate(serials):
        protect = kernel.mm.encrypt_mprotect(process, BASE + page * P, P, "rw", serial)
        kernel.run(protect)
        kernel.destroy(serial)
    kernel.run(kernel.mm.munmap(process, BASE, 3 * P))
    cleared = [e.keyid for e in kernel.machine.executions if e.command == Command.CLEAR_KEY]
    assert [1, 2, 3] == cleared


def test_as_posted_an_update_to_a_cpu_key_clears_its_bit_once_only() -> None:
    """KeyID 64 of 64 lies outside the posted bitmap, so that every access to its bit shows."""
    design = POSTED.but(keyid_scope="per_package")
    for package_wise in (True, False):
        kernel = Kernel(design if package_wise else POSTED, packages=1, keyids=64)
        wanted = [0] if package_wise else None
        serials = [kernel.instantiate(CPU, wanted) for _ in range(64)]
        seen = len(kernel.events)
        kernel.update(serials[-1], CPU)
        bitmap = "user-type bitmap of package 0" if package_wise else "user-type bitmap"
        assert 1 == [event.what for event in kernel.events[seen:]].count(bitmap)
        seen = len(kernel.events)
        kernel.update(serials[-1], user())
        assert 2 == [event.what for event in kernel.events[seen:]].count(bitmap)


def test_a_keyid_that_a_failed_update_took_meanwhile_is_not_freed_twice() -> None:
    """As posted a new key object can have a dead one's address, and with it the VMA's KeyID."""

    def boot() -> Kernel:
        kernel = Kernel(FIXED.but(key_lookup="by_address"), packages=1, cpus=1, keyids=2, tme="off")
        kernel.mm._retention.look_up = lambda _, number, *why: kernel._system.keys.look_up(
            number, "encrypt"
        )
        kernel.mm._retention.put = lambda key: None
        serial = kernel.instantiate(CPU)
        kernel.run(kernel.mm.mmap(kernel.init, P, BASE))
        kernel.run(kernel.mm.encrypt_mprotect(kernel.init, BASE, P, "rw", serial))
        kernel.destroy(serial)
        assert 1 == kernel.keyid_of(kernel.instantiate(CPU))
        return kernel

    def unmap(kernel: Kernel) -> Operation[None]:
        return kernel.mm.munmap(kernel.init, BASE, P)

    counts = set()

    def counted(world: Booted) -> tuple[str, ...]:
        key_map = world.kernel._service.map
        counts.add((key_map.count, len(key_map.entries())))
        return observe(world)

    operations = {"update": lambda k: k.calls.update(2, CPU), "unmap": unmap}
    report = explore(replace(kernel_scenario(boot, operations, 1), observe=counted))
    assert report.is_complete
    # The new key's own KeyID 2 goes if the update comes last and fails, else KeyID 1, and once.
    assert {(0, 0), (1, 1)} == counts


def test_a_key_that_loses_its_keyids_while_it_is_extended_has_none_to_add_to() -> None:
    def boot() -> Kernel:
        kernel = Kernel(PER_PACKAGE, cpus=1, tme="off")
        ring = kernel.run(kernel.keyctl.join_session_keyring(kernel.init))
        kernel.run(kernel.keyctl.add_key(kernel.init, "mktme", "k", CPU, ring, [0]))
        return kernel

    operations = {
        "update": lambda k: k.keyctl.update(k.init, 2, CPU),
        "extend": lambda k: k.keyctl.extend(k.init, 2, 1, CPU),
    }
    report = explore(kernel_scenario(boot, operations, 1))
    assert "update: ENOKEY, extend: EINVAL" in {str(found.what) for found in report.outcomes}
