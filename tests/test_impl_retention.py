"""The key retention service: Linux's answers, mktme keys, collection, and what remains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from key_answers import ANSWERS
from key_scripts import SCRIPTS, render
from live_keys import Simulated

from designs import DESIGNS, Design
from impl.errors import (
    AccessDenied,
    Deadlock,
    InvalidArgument,
    KernelError,
    KeyExpired,
    KeyRevoked,
    NoKey,
    NotSupported,
)
from impl.hardware.machine import Machine
from impl.keyrings.keys import Key
from impl.keyrings.permissions import Need
from impl.keyrings.process import Process
from impl.keyrings.retention import KeyRetention
from impl.locks import Mode, Thread
from impl.service.globalscope import GlobalKeyService
from impl.service.hotplug import Hotplug
from impl.service.material import KeyMaterial
from impl.service.packagescope import PerPackageKeyService
from impl.service.payload import Preparser
from impl.service.system import System
from impl.threads import Acquire, Operation, Pause, Release, run

POSTED = DESIGNS["rfc-v2"]
FIXED = DESIGNS["rfc-v2-fixed"]
PER_PACKAGE = DESIGNS["per-package"]
SESSION = -3
DATA, TWEAK = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
USER = f"type=user algorithm=aes-xts-128 key={DATA} tweak={TWEAK}".encode()
CPU = b"type=cpu algorithm=aes-xts-128"
SECRET = b"a secret of 25 characters"


class StandIn:
    """A key service that notes what it is asked, and refuses what ``refused`` names."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refused: set[str] = set()

    def _answer(self, what: str, *details: Any) -> Operation[None]:
        yield Pause(what)
        self.asked.append((what, *details))
        if what in self.refused:
            raise NoKey(what, "refused on purpose")

    def instantiate(
        self, key: Key, material: KeyMaterial, wanted: Iterable[int] | None
    ) -> Operation[None]:
        return self._answer("instantiate", key.serial, material.command.name, wanted)

    def update(self, key: Key, material: KeyMaterial) -> Operation[None]:
        return self._answer("update", key.serial, material.command.name)

    def destroy(self, key: Key) -> Operation[None]:
        return self._answer("destroy", key.serial)

    def extend(self, key: Key, package: int, material: KeyMaterial) -> Operation[None]:
        return self._answer("extend", key.serial, package, material.command.name)


class Setting:
    """A kernel's key retention service, root, and a user without capabilities."""

    def __init__(self, design: Design = POSTED, service: Any = lambda system: StandIn()) -> None:
        self.system = System(design, Machine(packages=2, cpus=1, keyids=2), 0)
        self.service = service(self.system)
        Hotplug(self.system, self.service)
        self.keyctl = KeyRetention(self.system, self.service)
        self.root = Process(1)
        self.user = Process(2, 1000, 1000, capabilities=frozenset())
        self.session = run(self.keyctl.join_session_keyring(self.root))

    def add(self, type: str, description: str, payload: bytes, **more: Any) -> int:
        return run(self.keyctl.add_key(self.root, type, description, payload, SESSION, **more))

    def collect(self) -> list[int]:
        return run(self.keyctl.collect())

    def live_objects(self, holds: str) -> int:
        return sum(found.live and found.holds == holds for found in self.system.slab.objects())


def real(design: Design) -> Setting:
    """The same over the real key service of the design, with every package online."""
    return Setting(
        design,
        PerPackageKeyService if design.keyid_scope == "per_package" else GlobalKeyService,
    )


# The calls, as Linux answers them


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_answered_as_linux_answered_it(name: str) -> None:
    script = SCRIPTS[name]
    uid = script.uid or 0
    assert ANSWERS[name] == render(Simulated(uid, uid).run(script.calls))


def test_every_pinned_answer_belongs_to_a_script() -> None:
    assert set(SCRIPTS) == set(ANSWERS)


def test_an_invalidated_key_is_gone_at_once() -> None:
    setting = Setting()
    key = setting.add("user", "a", b"x")
    run(setting.keyctl.invalidate(setting.root, key))
    for look in (
        setting.keyctl.describe(setting.root, key),
        setting.keyctl.read(setting.root, key),
        setting.keyctl.search(setting.root, SESSION, "user", "a"),
        setting.keyctl.request_key(setting.root, "user", "a"),
    ):
        with pytest.raises(NoKey):
            run(look)


# mktme keys


def test_an_mktme_key_is_instantiated_updated_and_destroyed_by_the_key_service() -> None:
    setting = Setting()
    key = setting.add("mktme", "k", USER)
    assert key == setting.add("mktme", "k", CPU)
    run(setting.keyctl.update(setting.root, key, USER))
    run(setting.keyctl.unlink(setting.root, key, SESSION))
    assert [key] == setting.collect()
    assert [
        ("instantiate", key, "SET_KEY_DIRECT", None),
        ("update", key, "SET_KEY_RANDOM"),
        ("update", key, "SET_KEY_DIRECT"),
        ("destroy", key),
    ] == setting.service.asked


def test_an_mktme_key_is_described_and_cannot_be_read_even_when_it_was_revoked() -> None:
    setting = Setting()
    key = setting.add("mktme", "k", CPU)
    text = run(setting.keyctl.describe(setting.root, key))
    assert "mktme;0;0;3d010000;k" == text
    run(setting.keyctl.revoke(setting.root, key))
    with pytest.raises(NotSupported, match=rf"^cannot read key {key}: an mktme key"):
        run(setting.keyctl.read(setting.root, key))


def test_a_revoked_mktme_key_is_live_until_it_is_collected() -> None:
    setting = Setting()
    key, other = setting.add("mktme", "k", CPU), setting.add("user", "k", b"x")
    run(setting.keyctl.revoke(setting.root, key))
    assert {key} == setting.system.keys.live_serials()
    assert [key] == setting.collect()
    assert set() == setting.system.keys.live_serials()
    assert "user;0;0;3f010000;k" == run(setting.keyctl.describe(setting.root, other))


def test_who_lacks_the_capabilities_adds_no_mktme_key() -> None:
    setting = Setting()
    with pytest.raises(AccessDenied, match="CAP_SYS_RESOURCE"):
        run(setting.keyctl.add_key(setting.user, "mktme", "k", CPU, SESSION))
    assert [] == setting.service.asked


def test_a_payload_is_judged_before_a_key_is_looked_for() -> None:
    setting = Setting()
    key = setting.add("mktme", "k", CPU)
    with pytest.raises(InvalidArgument):
        setting.add("mktme", "k", b"type=unheard-of")
    run(setting.keyctl.revoke(setting.root, key))
    with pytest.raises(KeyRevoked):
        run(setting.keyctl.update(setting.root, key, b"type=unheard-of"))


@pytest.mark.parametrize("refused", ["instantiate", "update"])
def test_nothing_of_a_payload_remains_whether_the_service_refuses_or_not(refused: str) -> None:
    for is_refused in (False, True):
        setting = Setting()
        key = setting.add("mktme", "k", CPU)
        setting.service.refused = {refused} if is_refused else set()
        adding = setting.keyctl.add_key(setting.root, "mktme", "new", USER, SESSION)
        updating = setting.keyctl.update(setting.root, key, USER)
        operation: Operation[Any] = adding if refused == "instantiate" else updating
        try:
            run(operation)
            assert not is_refused
        except NoKey:
            assert is_refused
        memory = setting.system.memory
        assert [] == memory.find(bytes.fromhex(DATA)) + memory.find(DATA.encode())
        assert 0 == setting.live_objects("payload structure")
        assert 0 == setting.live_objects("payload copy")


def test_a_key_that_could_not_be_instantiated_leaves_nothing_behind() -> None:
    setting = Setting()
    before = setting.keyctl.quota.account(0), setting.live_objects("key object")
    setting.service.refused = {"instantiate"}
    with pytest.raises(NoKey):
        setting.add("mktme", "k", CPU)
    assert before == (setting.keyctl.quota.account(0), setting.live_objects("key object"))
    assert b"" == run(setting.keyctl.read(setting.root, SESSION))
    assert [] == setting.collect()


def test_packages_go_with_mktme_keys_of_one_scope() -> None:
    for design, type, packages in (
        (POSTED, "mktme", [0]),
        (PER_PACKAGE, "mktme", None),
        (PER_PACKAGE, "user", [0]),
    ):
        with pytest.raises(ValueError, match="packages go with type mktme"):
            Setting(design).add(type, "k", CPU, packages=packages)
    setting = Setting(PER_PACKAGE)
    key = setting.add("mktme", "k", CPU, packages=[1])
    assert [("instantiate", key, "SET_KEY_RANDOM", [1])] == setting.service.asked


def test_a_key_is_extended_by_whoever_may_write_to_it() -> None:
    setting = Setting(PER_PACKAGE)
    key = setting.add("mktme", "k", CPU, packages=[1])
    run(setting.keyctl.extend(setting.root, key, 0, CPU))
    assert ("extend", key, 0, "SET_KEY_RANDOM") == setting.service.asked[-1]
    with pytest.raises(AccessDenied, match="WRITE"):
        run(setting.keyctl.extend(setting.user, key, 0, CPU))
    with pytest.raises(NotSupported, match="a key of type user has no KeyID"):
        run(setting.keyctl.extend(setting.root, setting.add("user", "a", b"x"), 0, b"x"))
    with pytest.raises(NotSupported, match="a key of type keyring cannot be updated"):
        run(setting.keyctl.extend(setting.root, SESSION, 0, b""))
    with pytest.raises(InvalidArgument, match="longer than 4096"):
        run(setting.keyctl.extend(setting.root, key, 0, b"x" * 4097))


@pytest.mark.parametrize("design", [POSTED, FIXED])
def test_the_real_service_gives_keyids_and_gets_them_back(design: Design) -> None:
    setting = real(design)
    first, second = setting.add("mktme", "a", USER), setting.add("mktme", "b", CPU)
    with pytest.raises(NoKey, match="no KeyID is free"):
        setting.add("mktme", "c", CPU)
    run(setting.keyctl.invalidate(setting.root, first))
    assert [first] == setting.collect()
    third = setting.add("mktme", "c", CPU)
    keys = setting.system.keys
    assert [1, 2] == [setting.service.keyid_of(keys.look_up(s, "look")) for s in (third, second)]


def test_the_real_service_gives_keyids_package_by_package() -> None:
    setting = real(PER_PACKAGE)
    key = setting.add("mktme", "a", CPU, packages=[1])
    run(setting.keyctl.extend(setting.root, key, 0, CPU))
    keyids = setting.service.keyids_of(setting.system.keys.look_up(key, "look"))
    assert {0: 1, 1: 1} == keyids
    run(setting.keyctl.clear(setting.root, SESSION))
    assert [key] == setting.collect()
    assert [0, 0] == [key_map.count for key_map in setting.service.maps]


def test_an_operation_that_waits_for_ever_keeps_the_keyring_to_itself() -> None:
    setting = real(POSTED)
    setting.system.map_lock.acquire(Thread("somebody"), Mode.EXCLUSIVE)
    with pytest.raises(Deadlock):
        setting.add("mktme", "a", USER)
    assert 1 == setting.live_objects("payload copy")
    with pytest.raises(Deadlock, match="semaphore of key"):
        setting.add("user", "b", b"x")
    assert "keyring;0;0;3f030000;_ses" == run(setting.keyctl.describe(setting.root, SESSION))


# The garbage collector


def test_a_dead_key_is_unlinked_and_destroyed_only_when_the_collector_runs() -> None:
    setting = Setting()
    revoked, expired, invalid, kept = (setting.add("mktme", name, CPU) for name in "abcd")
    run(setting.keyctl.revoke(setting.root, revoked))
    run(setting.keyctl.set_timeout(setting.root, expired, 5))
    run(setting.keyctl.invalidate(setting.root, invalid))
    setting.keyctl.clock.advance(5)
    with pytest.raises(KeyRevoked):
        run(setting.keyctl.describe(setting.root, revoked))
    with pytest.raises(KeyExpired):
        run(setting.keyctl.describe(setting.root, expired))
    assert [revoked, expired, invalid] == setting.collect()
    with pytest.raises(NoKey, match=f"there is no key {revoked}$"):
        run(setting.keyctl.describe(setting.root, revoked))
    assert {kept} == setting.system.keys.live_serials()


def test_the_collector_waits_as_long_as_its_delay_says() -> None:
    setting = Setting()
    setting.keyctl.collector.delay = 300.0
    revoked, invalid = setting.add("user", "a", b"x"), setting.add("user", "b", b"x")
    run(setting.keyctl.revoke(setting.root, revoked))
    run(setting.keyctl.invalidate(setting.root, invalid))
    assert [invalid] == setting.collect()
    setting.keyctl.clock.advance(299)
    assert [] == setting.collect()
    setting.keyctl.clock.advance(1)
    assert [revoked] == setting.collect()


def test_the_collector_goes_on_to_what_a_keyring_held() -> None:
    setting = Setting()
    ring = setting.add("keyring", "r", b"")
    inner = run(setting.keyctl.add_key(setting.root, "keyring", "in", b"", ring))
    key = run(setting.keyctl.add_key(setting.root, "mktme", "k", CPU, inner))
    run(setting.keyctl.unlink(setting.root, ring, SESSION))
    assert [ring, inner, key] == setting.collect()
    assert [] == setting.collect()


def test_a_key_of_an_operation_in_flight_is_not_collected() -> None:
    setting = Setting()
    key = setting.add("mktme", "k", CPU)
    held = setting.keyctl.look_up(setting.root, key, Need.VIEW, "encrypt memory")
    run(setting.keyctl.invalidate(setting.root, key))
    assert [] == setting.collect()
    assert {key} == setting.system.keys.live_serials()
    setting.keyctl.put(held)
    assert [key] == setting.collect()


def test_a_look_up_names_the_fact_in_the_way() -> None:
    setting = Setting()
    key = setting.add("mktme", "k", CPU)
    with pytest.raises(
        AccessDenied, match=rf"^cannot encrypt memory: key {key} does not give VIEW"
    ):
        setting.keyctl.look_up(setting.user, key, Need.VIEW, "encrypt memory")
    with pytest.raises(InvalidArgument, match=r"^cannot encrypt memory: 0 is no serial number$"):
        setting.keyctl.look_up(setting.root, 0, Need.VIEW, "encrypt memory")
    with pytest.raises(NoKey, match=r"^cannot encrypt memory: there is no key 99$"):
        setting.keyctl.look_up(setting.root, 99, Need.VIEW, "encrypt memory")


def test_a_refused_call_keeps_no_reference() -> None:
    setting = Setting()
    key = setting.add("user", "k", b"x")
    other = setting.add("keyring", "r", b"")
    calls: list[Operation[Any]] = [
        setting.keyctl.link(setting.root, key, key),
        setting.keyctl.link(setting.root, other, other),
        setting.keyctl.unlink(setting.root, key, other),
        setting.keyctl.update(setting.root, key, b""),
        setting.keyctl.update(setting.root, other, b"x"),
        setting.keyctl.setperm(setting.user, key, 0),
        setting.keyctl.add_key(setting.root, "nope", "k", b"", other),
        setting.keyctl.add_key(setting.root, "user", "k", b"", other),
        setting.keyctl.add_key(setting.root, "logon", "k", b"x", other),
        setting.keyctl.search(setting.root, other, "user", "none"),
        setting.keyctl.search(setting.root, other, "user", "k", 77),
    ]
    for call in calls:
        with pytest.raises(KernelError):
            run(call)
    run(setting.keyctl.clear(setting.root, SESSION))
    assert [key, other] == setting.collect()


def test_a_key_that_lost_its_keyids_is_revoked_and_collected() -> None:
    setting = Setting()
    key = setting.add("mktme", "k", CPU)
    setting.system.keys.lose(setting.system.keys.look_up(key, "lose"))
    assert set() == setting.system.keys.live_serials()
    with pytest.raises(KeyRevoked):
        run(setting.keyctl.update(setting.root, key, CPU))
    assert [key] == setting.collect()
    assert 1 == setting.live_objects("key object")


def test_keys_outside_of_keyrings_are_no_business_of_the_collector() -> None:
    setting = Setting()
    key = setting.system.keys.create()
    setting.system.keys.enrol(key)
    assert [] == setting.collect()
    assert {key.serial} == setting.system.keys.live_serials()


# Processes


def test_a_new_process_shares_the_session_keyring_and_no_other() -> None:
    setting = Setting()
    key = setting.add("user", "a", b"x")
    run(setting.keyctl.get_keyring_id(setting.root, -1, True))
    child = Process(3)
    setting.keyctl.fork(setting.root, child)
    assert {"s": setting.session} == child.keyrings
    assert b"x" == run(setting.keyctl.read(child, key))
    setting.keyctl.exit(setting.root)
    assert {} == setting.root.keyrings
    assert b"x" == run(setting.keyctl.read(child, key))
    setting.keyctl.exit(child)
    assert setting.session in setting.collect()
    assert 0 == setting.live_objects("user key payload")


def test_a_process_without_a_session_has_none_to_share() -> None:
    setting = Setting()
    child = Process(3)
    setting.keyctl.fork(setting.user, child)
    assert {} == child.keyrings


def test_the_keys_that_a_process_may_view_are_listed() -> None:
    setting = Setting()
    key = setting.add("user", "a", SECRET)
    run(setting.keyctl.set_timeout(setting.root, key, 90))
    setting.add("keyring", "r", b"")
    setting.add("mktme", "m", CPU)
    assert [
        "00000001 I--Q---     1 perm 3f030000     0     0 keyring   _ses: 3",
        "00000002 I--Q---     1   1m 3f010000     0     0 user      a: 25",
        "00000003 I--Q---     1 perm 3f010000     0     0 keyring   r: empty",
        "00000004 I--Q---     1 perm 3d010000     0     0 mktme     m",
    ] == setting.keyctl.listing(setting.root)
    assert [] == setting.keyctl.listing(setting.user)


# Payloads, and operations side by side


def test_payload_bytes_are_in_kernel_memory_until_they_are_replaced() -> None:
    setting = Setting()
    key = setting.add("user", "a", SECRET)
    (hit,) = setting.system.memory.find(SECRET)
    assert ("user key payload", 24, "live") == (hit.holds, hit.offset, hit.state)
    run(setting.keyctl.update(setting.root, key, b"harmless"))
    assert [] == setting.system.memory.find(SECRET)


@pytest.mark.parametrize("ending", ["revoke", "invalidate", "unlink"])
def test_payload_bytes_are_cleared_at_the_end(ending: str) -> None:
    setting = Setting()
    key = setting.add("user", "a", SECRET)
    more = (SESSION,) if ending == "unlink" else ()
    run(getattr(setting.keyctl, ending)(setting.root, key, *more))
    setting.collect()
    assert [] == setting.system.memory.find(SECRET)


def test_a_long_payload_is_kept_whole() -> None:
    setting = Setting()
    payload = bytes(range(256)) * 20
    assert payload == run(setting.keyctl.read(setting.root, setting.add("user", "a", payload)))


def test_no_text_form_of_a_key_shows_its_payload() -> None:
    setting = Setting()
    key = setting.system.keys.look_up(setting.add("user", "a", SECRET), "look")
    assert "secret" not in repr(key) + str(key)


def test_two_adds_of_one_description_make_one_key() -> None:
    setting = Setting()

    def add() -> Operation[int]:
        return setting.keyctl.add_key(setting.root, "mktme", "k", CPU, SESSION)

    first, second = add(), add()
    waiting = advance(first, "first", None)
    assert isinstance(waiting, Pause)
    assert "instantiate" == waiting.before
    # The second one comes as far as the semaphore that the first one holds.
    blocked = advance(second, "second", None)
    assert isinstance(blocked, Acquire)
    with pytest.raises(StopIteration) as end:
        advance(first, "first", waiting)
    advance(second, "second", blocked)
    with pytest.raises(StopIteration) as other_end:
        advance(second, "second", None)
    assert end.value.value == other_end.value.value
    assert ["instantiate", "update"] == [what for what, *_ in setting.service.asked]


THREADS: dict[str, Thread] = {}


def advance(operation: Operation[Any], name: str, held: Any) -> Any:
    """Drive an operation to the pause of the stand-in, or to a lock that is not free."""
    thread = THREADS.setdefault(name, Thread(name))
    request = held if isinstance(held, Acquire) else next(operation)
    while True:
        if isinstance(request, Acquire):
            if not request.lock.is_free_for(thread, request.mode):
                return request
            request.lock.acquire(thread, request.mode)
        elif isinstance(request, Release):
            request.lock.release(thread)
        elif isinstance(request, Pause) and request.before in ("instantiate", "update"):
            return request
        request = next(operation)


def test_every_operation_can_be_suspended_before_it_looks() -> None:
    setting = Setting()
    key = setting.add("user", "a", b"x")
    keyctl, root = setting.keyctl, setting.root
    operations: list[Operation[Any]] = [
        keyctl.add_key(root, "user", "b", b"x", SESSION),
        keyctl.update(root, key, b"x"),
        keyctl.extend(root, key, 0, b"x"),
        keyctl.describe(root, key),
        keyctl.read(root, key),
        keyctl.revoke(root, key),
        keyctl.invalidate(root, key),
        keyctl.set_timeout(root, key, 1),
        keyctl.setperm(root, key, 0),
        keyctl.chown(root, key, 1, 1),
        keyctl.link(root, key, SESSION),
        keyctl.unlink(root, key, SESSION),
        keyctl.clear(root, SESSION),
        keyctl.search(root, SESSION, "user", "a"),
        keyctl.request_key(root, "user", "a"),
        keyctl.get_keyring_id(root, SESSION),
        keyctl.join_session_keyring(root),
        keyctl.collect(),
    ]
    setting.system.machine.accesses.start()
    assert all(isinstance(next(operation), Pause) for operation in operations)
    assert (set(), set()) == (
        setting.system.machine.accesses.reads,
        setting.system.machine.accesses.writes,
    )


def test_what_a_call_touches_is_reported() -> None:
    setting = Setting()
    key = setting.add("user", "a", b"x")
    accesses = setting.system.machine.accesses
    accesses.start()
    run(setting.keyctl.describe(setting.root, key))
    assert ("key", key) in accesses.reads
    assert ("key", key) not in accesses.writes
    accesses.start()
    run(setting.keyctl.update(setting.root, key, b"xyz"))
    assert {("key", key), ("quota", 0), ("key usage", key)} <= accesses.writes
    accesses.start()
    run(setting.keyctl.unlink(setting.root, key, SESSION))
    assert {("key", setting.session), ("quota", 0)} <= accesses.writes
    accesses.start()
    run(setting.keyctl.join_session_keyring(setting.root))
    assert {("keyrings of process", 1), "known keys", "last serial number"} <= accesses.writes


def test_the_preparser_is_asked_with_the_capabilities_of_the_caller() -> None:
    setting = Setting()
    assert isinstance(setting.system.preparser, Preparser)
    setting.root.capabilities = frozenset({"CAP_SYS_RESOURCE"})
    assert setting.add("mktme", "a", CPU)
    setting.root.capabilities = frozenset({"CAP_NET_ADMIN"})
    with pytest.raises(AccessDenied):
        setting.add("mktme", "b", CPU)
