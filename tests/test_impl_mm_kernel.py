"""Memory with the real key retention service, and interleavings of memory calls."""

from __future__ import annotations

from address_spaces import (
    BASE,
    CPU,
    FIXED,
    POSTED,
    TEXT,
    P,
    Process,
    World,
    refused,
    user,
)

from designs import Design
from impl import Kernel
from impl.interleaving.explorer import explore
from impl.interleaving.findings import Report
from impl.interleaving.scenario import Scenario
from impl.threads import Acquire

# With the key retention service

U = -4  # KEY_SPEC_USER_KEYRING
NAMED = ("mktme", "name")


def retained() -> tuple[Kernel, Process, int]:
    """A kernel, its first process with two pages, and a key in the user keyring."""
    kernel = Kernel(FIXED, keyids=4)
    kernel.run(kernel.mm.mmap(kernel.init, 2 * P, BASE))
    return kernel, kernel.init, kernel.run(kernel.keyctl.add_key(kernel.init, *NAMED, user(), U))


def test_memory_keeps_a_retained_key_s_keyid_until_its_last_vma_goes() -> None:
    kernel, init, serial = retained()
    kernel.run(kernel.mm.encrypt_mprotect(init, BASE, 2 * P, "rw", serial))
    kernel.run(kernel.mm.write(init, BASE, TEXT))
    kernel.run(kernel.keyctl.invalidate(init, serial))
    kernel.run(kernel.keyctl.collect())
    assert (1, TEXT) == (
        kernel.references(1),
        kernel.run(kernel.mm.read(init, BASE, len(TEXT))),
    )
    kernel.run(kernel.mm.exit(init))
    assert ({}, []) == (kernel.mapped(), kernel.held_locks())


def test_retained_keys_refuse_as_looking_them_up_does() -> None:
    kernel, init, serial = retained()

    def call(process: Process, key: int):
        return kernel.mm.encrypt_mprotect(process, BASE, P, "rw", key)

    refused("ENOKEY", call(init, serial + 50))
    stranger = kernel.process(uid=5)
    kernel.run(kernel.mm.mmap(stranger, P, BASE))
    refused("EACCES", call(stranger, serial))
    other = kernel.run(kernel.keyctl.add_key(init, "mktme", "other", CPU, U))
    kernel.run(kernel.keyctl.revoke(init, other))
    refused("EKEYREVOKED", call(init, other))
    plain = kernel.run(kernel.keyctl.add_key(init, "user", "plain", b"x", U))
    refused("EINVAL", call(init, plain))
    kernel.run(kernel.keyctl.set_timeout(init, serial, 10))
    kernel.run(call(init, serial))
    kernel.keyctl.clock.advance(11)
    refused("EKEYEXPIRED", call(init, serial))
    assert [] == kernel.held_locks()


def chained(request, operation):
    """An operation that was suspended at a request, from there on."""
    yield request
    yield from operation


def test_the_garbage_collector_waits_for_a_call_that_looked_a_key_up() -> None:
    kernel, init, serial = retained()
    operation = kernel.mm.encrypt_mprotect(init, BASE, P, "rw", serial)
    next(operation)
    # The key is looked up now, and the call waits for the map lock.
    waiting = next(operation)
    assert isinstance(waiting, Acquire)
    kernel.run(kernel.keyctl.invalidate(init, serial))
    kernel.run(kernel.keyctl.collect())
    assert 1 == kernel.references(1)
    kernel.run(chained(waiting, operation), "encrypt_mprotect")
    assert 2 == kernel.references(1)
    kernel.run(kernel.keyctl.collect())
    assert 1 == kernel.references(1)


def test_a_child_has_the_session_keyring_and_exit_lets_go_of_it() -> None:
    kernel, init, _ = retained()
    ring = kernel.run(kernel.keyctl.join_session_keyring(init, "session"))
    child = kernel.run(kernel.mm.fork(init))
    assert {"s": ring} == child.keyrings
    kernel.run(kernel.mm.exit(child))
    assert {} == child.keyrings


# Interleavings


def raced(design: Design) -> Report:
    """Every interleaving of unmapping a destroyed key's VMA and encrypting another."""

    def boot() -> World:
        world = World(design)
        world.map(1)
        world.map(1, BASE + 2 * P)
        gone, _ = world.key(), world.key()
        world.encrypt(BASE, 1, gone)
        world.run(world.calls.destroy(gone))
        return world

    def observe(world: World):
        keyids = tuple(world.service.map.entries())
        return tuple(world.shape()), keyids, world.count(1), world.count(2)

    unmapping = "munmap", lambda world: world.mm.munmap(world.init, BASE, P)
    encrypting = (
        "encrypt_mprotect",
        lambda world: world.mm.encrypt_mprotect(world.init, BASE + 2 * P, P, "rw", 2),
    )
    operations = dict([unmapping, encrypting])
    return explore(Scenario(boot, operations, lambda world: world.machine.accesses, observe))


def test_as_posted_unmapping_and_encrypting_can_wait_for_each_other() -> None:
    (deadlock,) = raced(POSTED).deadlocks
    text = "\n".join(deadlock.what.lines())
    assert "map lock" in text
    assert "mmap_sem of process 1" in text


def test_deferred_unmapping_and_encrypting_end_as_in_some_order() -> None:
    report = raced(FIXED)
    assert (True, (), (), ()) == (
        report.is_complete,
        report.deadlocks,
        report.left_held,
        report.unserialisable,
    )


def test_faults_on_a_shared_page_end_as_in_some_order() -> None:
    def boot() -> World:
        world = World()
        world.map(1)
        world.encrypt(BASE, 1, world.key())
        world.write(BASE, b"both")
        world.fork()
        return world

    def observe(world: World):
        parent, child = world.init, world.mm.processes[2]
        contents = world.read(BASE, 4, parent), world.read(BASE, 4, child)
        return contents, world.count(1), world.mm.frames.pools[0].count_used

    def by(pid: int, call: str, *arguments):
        return lambda world: getattr(world.mm, call)(world.mm.processes[pid], *arguments)

    operations = {
        "parent writes": by(1, "write", BASE, b"P"),
        "child writes": by(2, "write", BASE, b"C"),
        "page migrates": by(1, "migrate", BASE, 1),
    }
    report = explore(Scenario(boot, operations, lambda world: world.machine.accesses, observe))
    assert (True, (), (), ()) == (
        report.is_complete,
        report.deadlocks,
        report.left_held,
        report.unserialisable,
    )
