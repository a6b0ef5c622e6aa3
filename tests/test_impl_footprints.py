"""What operations note of the shared state that they touch, and that no search loses by it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from address_spaces import BASE, CPU, P, user
from kernel_races import DOOMED, RING, SPARE, USED, booted

from designs import DESIGNS
from impl.errors import KernelError
from impl.interleaving.explorer import explore
from impl.interleaving.outcome import kernel_scenario
from impl.interleaving.scenario import Run
from impl.interleaving.schedule import Choice
from impl.kernel import Kernel
from impl.threads import Operation

FIXED = DESIGNS["rfc-v2-fixed"]
POSTED = DESIGNS["rfc-v2"]
UID = 1000
SESSION, USER = -3, -4

Begin = Callable[[Kernel], Operation[Any]]


def online() -> Kernel:
    return booted(FIXED, "online")


def added() -> Kernel:
    return booted(FIXED, "added")


def offline() -> Kernel:
    return booted(FIXED, "offline")


def uncleared() -> Kernel:
    return booted(FIXED, "uncleared")


def absent() -> Kernel:
    return Kernel(FIXED, 2, 1, 2, frozenset({1}), tme="off")


def posted() -> Kernel:
    """A key of the posted design, whose structures are freed as they are."""
    kernel = Kernel(POSTED, 1, 1, 2, tme="off")
    kernel.instantiate(user("1"))
    return kernel


def poor() -> Kernel:
    """User 1000 owns a session keyring and a key in it, and may own no more keys."""
    kernel = Kernel(FIXED, 1, 1, 2, tme="off")
    kernel.poor = kernel.process(UID, UID, capabilities=frozenset())
    ring = kernel.run(kernel.keyctl.join_session_keyring(kernel.poor))
    assert 1 == ring
    kernel.run(kernel.keyctl.add_key(kernel.poor, "user", "one", b"1", ring))
    kernel.keyctl.quota.maxkeys = 2
    return kernel


def crowded() -> Kernel:
    """A process with two pages mapped, and a machine with one page frame."""
    kernel = Kernel(FIXED, 1, 1, 2, tme="off", frames=1)
    kernel.run(kernel.mm.mmap(kernel.init, 2 * P, BASE))
    return kernel


def write(page: int) -> Begin:
    return lambda k: k.mm.write(k.init, BASE + page * P, b"text")


def map_file(k: Kernel) -> Operation[int]:
    return k.mm.mmap(k.init, P, BASE + 0x10_0000, anonymous=False)


def spend(k: Kernel) -> Operation[int]:
    return k.keyctl.add_key(k.poor, "user", "two", b"2", RING)


def earn(k: Kernel) -> Operation[None]:
    return k.keyctl.unlink(k.poor, 2, RING)


def join(k: Kernel) -> Operation[int]:
    return k.keyctl.join_session_keyring(k.init)


def leave(k: Kernel) -> Operation[None]:
    return k.mm.exit(k.init)


def request(k: Kernel) -> Operation[int]:
    return k.keyctl.request_key(k.init, "user", "one")


def add_to_user(k: Kernel) -> Operation[int]:
    return k.keyctl.add_key(k.init, "user", "one", b"1", USER)


def bare() -> Kernel:
    """A process without any keyring."""
    return Kernel(FIXED, 1, 1, 2, tme="off")


def put_in(k: Kernel) -> Operation[None]:
    return k.calls.package_add(1)


def take_out(k: Kernel) -> Operation[None]:
    return k.calls.package_remove(1)


def start(k: Kernel) -> Operation[None]:
    return k.calls.cpu_startup(1, 0)


def stop(k: Kernel) -> Operation[None]:
    return k.calls.cpu_teardown(1, 0)


def collect(k: Kernel) -> Operation[list[int]]:
    return k.keyctl.collect()


def cpu(k: Kernel) -> Operation[int]:
    return k.calls.instantiate(CPU)


KEYRINGS = ("keyrings of process", 1)
REGISTER = "user register"
OUT = "pairs out of service"

# What was booted, the operation, and what it must have read and written, among other things.
TOUCHED: list[tuple[Callable[[], Kernel], Begin, set[Any], set[Any]]] = [
    (poor, spend, {("quota", UID)}, set()),
    (poor, earn, {("key", 2)}, {("quota", UID), ("key usage", 2), ("key", 1)}),
    (online, join, set(), {KEYRINGS, "last serial number", "known keys", ("key", 5)}),
    (online, leave, {KEYRINGS}, {KEYRINGS, "processes", ("process", 1), ("mm", 1)}),
    (online, leave, set(), {("page table", 1), ("frames", 0), ("key usage", RING)}),
    (online, lambda k: k.mm.fork(k.init), {KEYRINGS}, {("keyrings of process", 2)}),
    (online, lambda k: k.mm.fork(k.init), {("mm", 1)}, {("mm", 2), ("page table", 2)}),
    (bare, request, {REGISTER}, set()),
    (bare, add_to_user, set(), {REGISTER, ("quota", 0), ("key", 1)}),
    (bare, lambda k: k.keyctl.describe(k.init, SESSION), {REGISTER}, {KEYRINGS}),
    (online, lambda k: k.keyctl.describe(k.init, SPARE), {("key", SPARE), KEYRINGS}, set()),
    (online, lambda k: k.keyctl.revoke(k.init, SPARE), {"clock"}, {("key", SPARE)}),
    (online, lambda k: k.keyctl.invalidate(k.init, SPARE), set(), {("key", SPARE)}),
    (online, collect, {"known keys", ("key usage", DOOMED)}, {("key", DOOMED), "known keys"}),
    (absent, put_in, set(), {"packages"}),
    (added, put_in, {"packages"}, set()),
    (added, take_out, {"packages", ("frames", 1)}, {"packages"}),
    (uncleared, take_out, {OUT}, {OUT}),
    (uncleared, lambda k: k.calls.retry_clear(0, 3), {OUT, "lead CPUs"}, {OUT}),
    (uncleared, cpu, {OUT, "lead CPUs"}, {("key table", 0), ("random source", 0)}),
    (added, collect, {"packages", "lead CPUs"}, {OUT, ("key table", 0)}),
    (added, start, {"packages"}, {"packages", "lead CPUs", ("key table", 1)}),
    (online, stop, {"packages"}, {"packages", "lead CPUs"}),
    (bare, map_file, set(), {"files", ("mm", 1)}),
    (crowded, write(0), {"packages", ("mm", 1), ("page table", 1)}, {("frames", 0)}),
    (online, lambda k: k.mm.migrate(k.init, BASE, 1), {("mm", 1)}, {("frames", 1)}),
    (posted, cpu, set(), {("slab cache", "mktme_key_program"), ("slab cache", "key_jar")}),
    (posted, cpu, set(), {("slab cache", "kmalloc-64"), "heap top"}),
    (posted, lambda k: k.calls.destroy(1), {("key usage", 1)}, {("slab cache", "key_jar")}),
]


@pytest.mark.parametrize(("boot", "begin", "reads", "writes"), TOUCHED)
def test_an_operation_notes_what_it_touches(
    boot: Callable[[], Kernel], begin: Begin, reads: set[Any], writes: set[Any]
) -> None:
    kernel = boot()
    accesses = kernel.machine.accesses
    accesses.start()
    # What a refused operation has looked at counts as well.
    with suppress(KernelError):
        kernel.run(begin(kernel), "operation")
    assert (set(), set()) == (reads - accesses.reads, writes - accesses.writes)


def test_a_refusal_for_want_of_quota_has_looked_at_it_and_changed_nothing() -> None:
    kernel = poor()
    quota = kernel.keyctl.quota
    quota.accesses.start()
    with pytest.raises(KernelError, match="uid 1000 owns 2 keys"):
        quota.charge(UID, "two", "add")
    assert ({("quota", UID)}, set()) == (quota.accesses.reads, quota.accesses.writes)


# A look, or a change, that an operation makes only together with others that note the same.
LOOKS: dict[str, tuple[Callable[[], Kernel], Callable[[Kernel], object], set[Any], set[Any]]] = {
    "a live key": (online, lambda k: k._system.keys.get(SPARE), {("key", SPARE)}, set()),
    "a lost key": (online, lambda k: k._system.keys.is_lost(SPARE), {("key", SPARE)}, set()),
    "a reference": (
        online,
        lambda k: k._system.keys.take(k._system.keys._known[SPARE]),
        set(),
        {("key usage", SPARE)},
    ),
    "a user's session keyring": (
        online,
        lambda k: k.keyctl._special._is_of_user(k._system.keys._known[RING]),
        {REGISTER},
        set(),
    ),
    "a present page": (
        online,
        lambda k: k.init.mm.pages.present(BASE),
        {("page table", 1)},
        set(),
    ),
    "a range of pages": (
        online,
        lambda k: k.init.mm.pages.between(BASE, BASE + P),
        {("page table", 1)},
        set(),
    ),
    "the processes": (online, lambda k: k.mm.processes, {"processes"}, set()),
    "the next pid": (online, lambda k: k.mm.pid_next, {"processes"}, set()),
    "a process": (online, lambda k: k.process(), {"processes"}, {"processes"}),
    "a CPU": (
        offline,
        lambda k: k.calls._hotplug._set_online(k.machine.packages[1].cpus[0], True),
        set(),
        {"packages"},
    ),
    "packages out of reach": (
        lambda: booted(DESIGNS["no-hotplug"], "online"),
        lambda k: k._system.refuse_unreachable([0], "call"),
        {"packages"},
        set(),
    ),
    "memory of a package": (
        lambda: booted(DESIGNS["per-package"], "online"),
        lambda k: k._service._require_memory(0, "call"),
        {"packages"},
        set(),
    ),
}


@pytest.mark.parametrize("what", LOOKS)
def test_a_single_look_notes_just_that(what: str) -> None:
    boot, look, reads, writes = LOOKS[what]
    kernel = boot()
    kernel.machine.accesses.start()
    look(kernel)
    assert (reads, writes) == (kernel.machine.accesses.reads, kernel.machine.accesses.writes)


def test_the_step_that_makes_memory_usable_notes_that_as_the_first_one_did() -> None:
    run = Run(kernel_scenario(added, {"start": start}), set())
    footprints = []
    while ways := run.ways(0):
        footprints.append(run.measure(Choice(0, ways[0])))
    places = [place for place, step in enumerate(footprints) if "packages" in step.writes]
    assert 2 == len(places)
    assert "lead CPUs" in footprints[places[1]].writes


RACES: dict[str, tuple[Callable[[], Kernel], Begin, Begin]] = {
    "quota": (poor, spend, earn),
    "keyrings of a process": (online, join, leave),
    "keyrings of a child": (online, join, lambda k: k.mm.fork(k.init)),
    "user register": (bare, request, add_to_user),
    "user register twice": (
        bare,
        lambda k: k.keyctl.get_keyring_id(k.init, SESSION),
        lambda k: k.keyctl.get_keyring_id(k.init, USER),
    ),
    "packages that come": (absent, put_in, start),
    "packages that go": (added, take_out, start),
    "packages that go and come": (added, take_out, put_in),
    "packages that migration asks for": (added, start, lambda k: k.mm.migrate(k.init, BASE, 1)),
    "packages that lose their CPU": (online, stop, cpu),
    "pairs out of service": (uncleared, take_out, lambda k: k.calls.retry_clear(1, 3)),
    "pairs out of service and adds": (uncleared, take_out, cpu),
    "files": (bare, map_file, map_file),
    "frames": (crowded, write(0), write(1)),
    "frames of an exiting process": (crowded, write(0), leave),
    "slab": (posted, lambda k: k.calls.destroy(1), cpu),
    "known keys": (online, collect, lambda k: k.keyctl.unlink(k.init, USED, RING)),
    "clock": (
        online,
        lambda k: k.keyctl.set_timeout(k.init, SPARE, 5),
        lambda k: k.keyctl.revoke(k.init, SPARE),
    ),
}


@pytest.mark.parametrize("kind", RACES)
def test_the_reduction_loses_nothing_of(kind: str) -> None:
    boot, one, other = RACES[kind]
    scenario = kernel_scenario(boot, {"one": one, "other": other})
    reduced, unreduced = (
        explore(scenario, reduce=reduce, executions_max=4000) for reduce in (True, False)
    )
    assert (True, True) == (reduced.is_complete, unreduced.is_complete)
    for found in ("deadlocks", "left_held", "outcomes"):
        assert {f.what for f in getattr(unreduced, found)} == {
            f.what for f in getattr(reduced, found)
        }
