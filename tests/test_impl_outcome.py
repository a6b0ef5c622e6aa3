"""The kernel's own operations, interleaved in every way: deadlocks, lost locks, odd outcomes."""

from __future__ import annotations

import itertools

import pytest
from address_spaces import BASE, CPU, Bare, P, user

from designs import DESIGNS, Design
from impl.interleaving.explorer import explore
from impl.interleaving.outcome import MAKING, Booted, answer, is_serial, kernel_scenario, observe
from impl.interleaving.replayed import replay
from impl.kernel import Kernel
from impl.keyrings.process import Process
from impl.mm.manager import MemoryManager

POSTED = DESIGNS["rfc-v2"]
REPAIRED = [name for name in DESIGNS if not name.startswith("rfc-v2") or name.endswith("-fixed")]


def kernel(design, keys=(), offline=(), packages=2, keyids=2):
    """A kernel with some keys, then some packages without an online CPU."""
    booted = Kernel(design, packages, 1, keyids, tme="off")
    for payload in keys:
        booted.instantiate(payload, None if design.keyid_scope == "global" else range(packages))
    for package in offline:
        booted.cpu_teardown(package, 0)
    booted.resupply = lambda serial: user("2")
    return booted


def with_memory(design, destroyed=False):
    """The same with a process that has mapped two pages, the first encrypted with key 1.

    ``destroyed``: key 1 is gone, so that the VMA has the last reference to its KeyID.
    """
    booted = kernel(design, [CPU, CPU], keyids=3)
    booted.mm = MemoryManager(booted._system, booted._service, Bare(booted._system))
    booted.init = Process(1)
    booted.mm.adopt(booted.init)
    booted.run(booted.mm.mmap(booted.init, 2 * P, BASE))
    booted.run(booted.mm.encrypt_mprotect(booted.init, BASE, P, "rw", 1))
    if destroyed:
        booted.destroy(1)
    return booted


def add(payload):
    """A new key on all packages."""
    return lambda k: k.calls.instantiate(
        payload, None if k.design.keyid_scope == "global" else range(len(k.machine.packages))
    )


def update(serial, payload):
    return lambda k: k.calls.update(serial, payload)


def destroy(serial):
    return lambda k: k.calls.destroy(serial)


def start(package):
    return lambda k: k.calls.cpu_startup(package, 0)


def stop(package):
    return lambda k: k.calls.cpu_teardown(package, 0)


def unmap(page):
    return lambda k: k.mm.munmap(k.init, BASE + page * P, P)


def encrypt(page, serial):
    return lambda k: k.mm.encrypt_mprotect(k.init, BASE + page * P, P, "rw", serial)


def search(boot, faults_max=0, reduce=True, executions_max=100_000, **operations):
    """Explore operations, their names written with underscores for blanks."""
    named = {name.replace("_", " "): begin for name, begin in operations.items()}
    return explore(
        kernel_scenario(boot, named, faults_max), reduce=reduce, executions_max=executions_max
    )


def steps(finding):
    return [str(step) for step in finding.schedule]


def odd(report):
    """Outcomes without a waiting operation that no sequential order gives."""
    return [finding for finding in report.unserialisable if not finding.what.is_stuck]


# The posted code's deadlocks and lost locks


def updating_while_a_package_starts(design):
    return search(
        lambda: kernel(design, [CPU], offline=[1]), update_key_1=update(1, CPU), start_CPU=start(1)
    )


def test_update_and_cpu_startup_take_map_and_hotplug_lock_in_opposite_orders() -> None:
    report = updating_while_a_package_starts(POSTED)
    (found,) = report.deadlocks
    assert [
        "start CPU holds the CPU-hotplug lock for writing",
        "update key 1 holds the map lock",
        "start CPU waits for the map lock",
        "update key 1 waits for the CPU-hotplug lock for reading",
    ] == found.what.lines()
    assert [
        "update key 1: begins",
        "update key 1: goes on to read the payload",
        "update key 1: acquires the map lock",
        "start CPU: begins",
        "start CPU: acquires the CPU-hotplug lock",
    ] == steps(found)
    assert ((), 4) == (report.left_held, report.executions)


def test_with_the_hotplug_lock_first_they_do_not() -> None:
    report = updating_while_a_package_starts(POSTED.but(lock_order="hotplug_first"))
    assert ((), (), 3) == (report.deadlocks, report.left_held, report.executions)


@pytest.mark.parametrize("other", ["add", "update", "stop"])
def test_every_programming_meets_every_hotplug_that_way(other: str) -> None:
    by_name = {"add": add(CPU), "update": update(1, CPU)}
    programming = by_name.get(other, add(CPU))
    report = search(lambda: kernel(POSTED, [CPU]), programming=programming, stop_CPU=stop(1))
    assert [{"programming", "stop CPU"}] == [found.what.threads for found in report.deadlocks]


def test_an_update_that_answers_ebusy_leaves_the_map_lock_held() -> None:
    report = search(lambda: with_memory(POSTED), update_key_1=update(1, CPU), unmap=unmap(0))
    (left,) = report.left_held
    assert "update key 1 has ended and still holds the map lock" == str(left.what)
    assert "update key 1: acquires the map lock, fails with EBUSY" == steps(left)[-1]
    # It depends on who comes first; both ends are those of a sequential order.
    assert 2 == len(report.outcomes) == len(report.sequential)


def test_a_key_is_not_collected_under_an_operation_that_refers_to_it() -> None:
    operations = {"update_key_1": update(1, CPU), "destroy_key_1": destroy(1)}
    report = search(lambda: kernel(POSTED, [CPU]), **operations)
    assert ((), ()) == (report.left_held, report.deadlocks)
    # The collector comes again when the update is done.
    (found,) = odd(report)
    assert "update key 1: ok, destroy key 1: EBUSY" == str(found.what)


def test_after_a_lost_map_lock_the_next_operation_waits_for_ever() -> None:
    report = search(lambda: with_memory(POSTED), update_key_1=update(1, CPU), add=add(CPU))
    (stuck,) = report.deadlocks
    assert [
        "update key 1 has ended and still holds the map lock",
        "add waits for the map lock",
    ] == stuck.what.lines()
    assert () == report.unserialisable


def encrypting_while_unmapping(design):
    return search(
        lambda: with_memory(design, destroyed=True), encrypt=encrypt(1, 2), unmap=unmap(0)
    )


def test_encrypt_mprotect_and_munmap_take_map_lock_and_mmap_sem_in_opposite_orders() -> None:
    report = encrypting_while_unmapping(POSTED)
    (found,) = report.deadlocks
    assert [
        "encrypt holds the map lock",
        "unmap holds the mmap_sem of process 1",
        "encrypt waits for the mmap_sem of process 1",
        "unmap waits for the map lock",
    ] == found.what.lines()
    assert (5, 1, 3) == (len(found.schedule), found.switches, report.executions)


def test_with_the_last_put_deferred_they_do_not() -> None:
    report = encrypting_while_unmapping(POSTED.but(last_put="deferred"))
    assert ((), 1) == (report.deadlocks, len(report.outcomes))


def test_encrypt_mprotect_that_drops_the_last_reference_waits_for_itself() -> None:
    report = search(lambda: with_memory(POSTED, destroyed=True), encrypt=encrypt(0, 2))
    (found,) = report.deadlocks
    assert [
        "encrypt holds the map lock",
        "encrypt waits for the map lock",
    ] == found.what.lines()
    assert report.outcomes[0].what == report.sequential[0].what


# Outcomes


def test_two_adds_get_a_keyid_each_in_either_order() -> None:
    report = search(lambda: kernel(POSTED), add_a=add(CPU), add_b=add(user("3")))
    assert ((), []) == (report.deadlocks, odd(report))
    assert 2 == len(report.outcomes) == len(report.sequential)
    first = dict.fromkeys(line for found in report.outcomes for line in found.what.observed)
    assert "KeyID 1 is mapped to the key of add a" in first
    assert "KeyID 1 is mapped to the key of add b" in first


def test_two_adds_compete_for_the_last_keyid() -> None:
    report = search(lambda: kernel(POSTED, keyids=1), add_a=add(CPU), add_b=add(CPU))
    assert {"add a: ok, add b: ENOKEY", "add a: ENOKEY, add b: ok"} == {
        str(found.what) for found in report.outcomes
    }


@pytest.mark.parametrize(
    ("startup_gate", "refused"), [("user_bitmap", {"add: ok, start: EPERM"}), ("none", set())]
)
def test_a_key_added_during_startup_is_on_every_package_or_the_package_stays_out(
    startup_gate: str, refused: set[str]
) -> None:
    design = DESIGNS["rfc-v2-fixed"].but(startup_gate=startup_gate)
    report = search(lambda: kernel(design, offline=[1]), 1, add=add(user()), start=start(1))
    assert [] == odd(report)
    answers = {str(found.what) for found in report.outcomes}
    # The gate refuses the package if the key is first.
    assert {"add: ok, start: ok"} | refused == {a for a in answers if "ENOKEY" not in a}


def tables(finding):
    """Package -> what it holds, of what was observed."""
    held: dict[str, set[str]] = {"package 0": set(), "package 1": set()}
    for line in finding.what.observed:
        package, _, entry = line.partition(": ")
        if entry.startswith("KeyID"):
            held[package].add(entry)
    return held["package 0"], held["package 1"]


def test_with_saved_keys_the_tables_agree_whoever_comes_first() -> None:
    design = DESIGNS["rfc-v2-savekeys-fixed"]
    report = search(lambda: kernel(design, offline=[1]), add=add(user()), start=start(1))
    assert report.outcomes
    for found in report.outcomes:
        one, other = tables(found)
        assert one == other != set()


def test_a_failure_as_posted_leaves_the_tables_different_after_an_add() -> None:
    report = search(lambda: kernel(POSTED), 1, add_a=add(user("3")), add_b=add(user("4")))
    assert any(tables(found)[0] != tables(found)[1] for found in report.outcomes)
    assert [] == odd(report)


# Repaired designs


def pairs(design: Design):
    """Two operations each, of those that the design has."""
    payload = CPU if design.user_keys == "refused" else user("2")
    operations = {
        "add": add(payload),
        "update": update(1, payload),
        "destroy": destroy(1),
        "start": start(1),
        "stop": stop(0),
    }
    return itertools.combinations(operations.items(), 2)


@pytest.mark.parametrize("name", REPAIRED)
def test_a_repaired_design_has_no_deadlock_and_no_lost_lock(name: str) -> None:
    design = DESIGNS[name]
    keeps_lead = design.teardown == "keep_last_lead"
    offline = [] if keeps_lead else [1]
    for pair in pairs(design):
        boot = lambda: kernel(design, [CPU], offline, packages=3)  # noqa: E731
        report = search(boot, 1, **dict(pair))
        assert ((), (), True) == (report.deadlocks, report.left_held, report.is_complete)


@pytest.mark.parametrize("name", REPAIRED)
def test_a_repaired_design_has_none_with_memory_either(name: str) -> None:
    design = DESIGNS[name]
    for destroyed in (False, True):
        operations = {
            "encrypt": encrypt(1, 2),
            "encrypt_again": encrypt(0, 2),
            "unmap": unmap(0),
            "update": update(2, CPU),
            "destroy": destroy(2),
        }
        for pair in itertools.combinations(operations.items(), 2):
            boot = lambda: with_memory(design, destroyed)  # noqa: B023, E731
            report = search(boot, **dict(pair))
            assert ((), (), True) == (report.deadlocks, report.left_held, report.is_complete)


@pytest.mark.parametrize("name", ["rfc-v2", "rfc-v2-savekeys"])
def test_the_posted_designs_have_deadlocks(name: str) -> None:
    design = DESIGNS[name]
    reports = [
        search(lambda: kernel(design, [CPU], [1], packages=3), **dict(pair))
        for pair in pairs(design)
    ]
    assert 4 == sum(len(report.deadlocks) for report in reports)


# Is everything noted that a step touches?


def found_by(report):
    """What a search found, without schedules."""
    return [
        {finding.what for finding in findings}
        for findings in (report.deadlocks, report.left_held, report.outcomes)
    ]


def compare(boot, pair, executions_max):
    """Whether the unreduced search came to its end; if so, both searches found the same."""
    unreduced = search(boot, reduce=False, executions_max=executions_max, **dict(pair))
    if unreduced.is_complete:
        reduced = search(boot, **dict(pair))
        assert found_by(unreduced) == found_by(reduced)
        assert reduced.executions <= unreduced.executions
    return unreduced.is_complete


@pytest.mark.parametrize("name", DESIGNS)
def test_the_reduction_loses_nothing_of_the_key_service(name: str) -> None:
    design = DESIGNS[name]
    boot = lambda: kernel(design, [CPU], packages=1)  # noqa: E731
    compared = [compare(boot, pair, 300) for pair in pairs(design)]
    assert compared.count(True) >= 4


@pytest.mark.deep
@pytest.mark.parametrize("name", DESIGNS)
def test_the_reduction_loses_nothing_in_longer_runs(name: str) -> None:
    design = DESIGNS[name]
    boot = lambda: kernel(design, [CPU])  # noqa: E731
    compared = [compare(boot, pair, 6000) for pair in pairs(design)]
    assert compared.count(True) >= 8


@pytest.mark.parametrize("last_put", ["locks_again", "deferred"])
def test_the_reduction_loses_nothing_of_the_memory_manager(last_put: str) -> None:
    boot = lambda: with_memory(POSTED.but(last_put=last_put), destroyed=True)  # noqa: E731
    for pair in itertools.combinations(
        {
            "encrypt": encrypt(1, 2),
            "unmap": unmap(0),
            "fork": lambda k: k.mm.fork(k.init),
            "write": lambda k: k.mm.write(k.init, BASE, b"text"),
            "exit": lambda k: k.mm.exit(k.init),
        }.items(),
        2,
    ):
        assert compare(boot, pair, 1000)


def test_a_kernels_schedule_replays_to_the_same_end() -> None:
    scenario = kernel_scenario(
        lambda: kernel(POSTED, [CPU], offline=[1]),
        {"update": update(1, user("2")), "start": start(1), "add": add(CPU)},
        1,
    )
    report = explore(scenario, executions_max=200)
    assert len(report.outcomes) > 5
    for found in report.outcomes:
        assert found.what == replay(scenario, found.schedule).outcome


# What is observed


def test_the_state_of_a_kernel_reads_as_facts() -> None:
    booted = kernel(DESIGNS["rfc-v2-savekeys"].but(count_entries="n_plus_1"), [CPU, user()], [1])
    world = Booted(booted, frozenset({1}), {2: "add"})
    assert (
        "package 0: KeyID 1 holds encrypt random",
        "package 0: KeyID 2 holds encrypt key 02d4",
        "package 1: KeyID 1 holds encrypt random",
        "package 1: KeyID 2 holds encrypt key 02d4",
        "KeyID 1 is mapped to key 1",
        "KeyID 1 has 1 reference",
        "KeyID 1 has control word 0x101 in its vault slot",
        "KeyID 2 is mapped to the key of add",
        "KeyID 2 is marked as a user key",
        "KeyID 2 has 1 reference",
        "KeyID 2 has key 02d4 in its vault slot",
        "KeyID 2 has control word 0x100 in its vault slot",
        "live: key 1, the key of add",
        "package 0: CPUs online: 0; CPU 0 leads",
        "package 1: CPUs online: none; no CPU leads",
        "key 1: uid 0, permissions 0x00000000",
        "the key of add: uid 0, permissions 0x00000000",
    ) == observe(world)


def test_per_package_keyids_are_named_with_their_package() -> None:
    booted = kernel(DESIGNS["per-package"], [user()])
    facts = observe(Booted(booted, frozenset({1})))
    assert "KeyID 1 of package 1 is mapped to key 1" in facts
    assert "KeyID 1 of package 0 has 1 reference" in facts


def test_a_key_that_nobody_has_got_yet_is_being_made() -> None:
    booted = kernel(POSTED, [CPU])
    assert f"KeyID 1 is mapped to {MAKING}" in observe(Booted(booted, frozenset()))


def test_pairs_out_of_service_and_unusable_memory_are_facts() -> None:
    booted = Kernel(DESIGNS["rfc-v2-fixed"], 2, 1, 2, absent=frozenset({1}))
    booted.package_add(1)
    booted.destroy(booted.instantiate(CPU))
    facts = observe(Booted(booted, frozenset()))
    assert "KeyID 1 is out of service until package 1 has cleared it" in facts
    assert (
        "package 1: CPUs online: none; no CPU leads, its memory is not usable",
        "live: no key",
    ) == (facts[-1], facts[-3])


@pytest.mark.parametrize(
    ("name", "encryption"), [("rfc-v2", "KeyID 1"), ("per-package", "encrypted with key 1")]
)
def test_the_vmas_of_a_process_are_facts(name: str, encryption: str) -> None:
    world = Booted(with_memory(DESIGNS[name]), frozenset({1, 2}))
    assert (
        f"process 1: 1 page, rw, {encryption}",
        "process 1: 1 page, rw, not encrypted",
    ) == observe(world)[-2:]


def test_no_key_byte_is_a_fact() -> None:
    facts = " ".join(observe(Booted(kernel(DESIGNS["rfc-v2-savekeys"], [user()]), frozenset())))
    assert "1111" not in facts


def test_answers_show_no_serial_numbers_and_no_bytes() -> None:
    world = Booted(kernel(POSTED), frozenset())
    given = [answer(world, result) for result in (None, 7, 0, BASE, b"secret", "text", object())]
    assert ["ok", "ok", "ok 0", f"ok {BASE}", "ok, 6 bytes: 2bb80d53", "ok text", "ok"] == given
    assert [True, False, False, False] == [is_serial(r) for r in (1, 0, BASE, True)]
