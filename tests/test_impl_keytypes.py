"""Key types on their own: payloads in kernel memory, and what each type refuses."""

from __future__ import annotations

import pytest

from designs import DESIGNS
from impl.errors import InvalidArgument, NotSupported, QuotaExceeded
from impl.hardware.machine import Machine
from impl.heap.kbuffer import PIECE_BYTES, Buffers
from impl.keyrings.keyring import Keyrings
from impl.keyrings.keys import Key
from impl.keyrings.keytypes import KeyringType, LogonType, Prepared, UserType
from impl.keyrings.listing import describe, left, line
from impl.keyrings.mktmetype import MktmeType
from impl.keyrings.process import Process
from impl.service.system import System
from impl.threads import run

PROCESS = Process(1)
SECRET = b"a secret of 25 characters"


class Setting:
    def __init__(self) -> None:
        self.system = System(DESIGNS["rfc-v2"], Machine(), 0)
        self.keys = self.system.keys
        self.buffers = Buffers(self.system.memory, self.system.slab)
        self.user = UserType(self.buffers, self.keys.quota)

    def key(self, payload: bytes = SECRET) -> Key:
        key = self.keys.allocate(("user", "a"), (1000, 1000), 0x3F01_0000, "add")
        run(self.user.instantiate(key, self.user.preparse(payload, PROCESS, "add"), None, "add"))
        self.keys.enrol(key)
        return key

    def live_objects(self, holds: str) -> int:
        return sum(found.live and found.holds == holds for found in self.system.slab.objects())


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7])
def test_byte_strings_of_any_length_are_kept_and_scrubbed(size: int) -> None:
    setting = Setting()
    data = bytes(number % 251 for number in range(size))
    buffer = setting.buffers.store(data, "string")
    assert -(-size // PIECE_BYTES) == len(buffer)
    assert data == setting.buffers.load(buffer, size)
    setting.buffers.scrub(buffer)
    assert 0 == setting.live_objects("string")
    assert not any(any(setting.system.memory.read(piece.address, piece.size)) for piece in buffer)


def test_a_header_comes_before_the_bytes() -> None:
    setting = Setting()
    buffer = setting.buffers.store(SECRET, "string", 24)
    (hit,) = setting.system.memory.find(SECRET)
    assert ("kmalloc-64", 24) == (hit.area, hit.offset)
    assert SECRET == setting.buffers.load(buffer, len(SECRET), 24)


@pytest.mark.parametrize("size", [0, 32_768])
def test_a_user_key_takes_1_to_32767_bytes(size: int) -> None:
    with pytest.raises(InvalidArgument, match=r"^cannot add: the payload's length is not 1\.\."):
        Setting().user.preparse(b"x" * size, PROCESS, "add")


def test_a_payload_that_nobody_took_over_is_cleared() -> None:
    setting = Setting()
    setting.user.free_preparse(setting.user.preparse(SECRET, PROCESS, "add"))
    assert [] == setting.system.memory.find(SECRET)
    assert 0 == setting.live_objects("user key payload")


def test_a_payload_that_was_taken_over_stays() -> None:
    setting = Setting()
    key = setting.keys.allocate(("user", "a"), (0, 0), 0x3F01_0000, "add")
    prepared = setting.user.preparse(SECRET, PROCESS, "add")
    run(setting.user.instantiate(key, prepared, None, "add"))
    setting.user.free_preparse(prepared)
    assert SECRET == setting.user.read(key)
    assert ("a: 25", 25) == (setting.user.describe(key), key.payload_bytes)


def test_an_update_clears_the_old_payload_and_forgets_the_timeout() -> None:
    setting = Setting()
    key = setting.key()
    key.expiry = 5.0
    run(setting.user.update(key, setting.user.preparse(b"new", PROCESS, "update"), "update"))
    assert (b"new", None, []) == (
        setting.user.read(key),
        key.expiry,
        setting.system.memory.find(SECRET),
    )


def test_an_update_beyond_the_quota_leaves_the_old_payload() -> None:
    setting = Setting()
    key = setting.key()
    key.expiry = 5.0
    setting.keys.quota.maxbytes = 30
    prepared = setting.user.preparse(b"x" * 40, PROCESS, "update")
    with pytest.raises(QuotaExceeded):
        run(setting.user.update(key, prepared, "update"))
    assert (SECRET, 5.0) == (setting.user.read(key), key.expiry)
    setting.user.free_preparse(prepared)
    assert 1 == setting.live_objects("user key payload")


def test_a_revoked_user_key_gives_its_payload_up_and_no_longer_pays_for_it() -> None:
    setting = Setting()
    key = setting.key()
    setting.user.revoke(key, "revoke")
    assert (b"", [], 2) == (
        setting.user.read(key),
        setting.system.memory.find(SECRET),
        setting.keys.quota.account(1000).bytes,
    )
    run(setting.user.destroy(key))
    assert 0 == setting.live_objects("user key payload")


def test_a_logon_key_needs_a_namespace_and_cannot_be_read() -> None:
    setting = Setting()
    logon = LogonType(setting.buffers, setting.keys.quota)
    logon.vet_description("afs:k", "add")
    logon.vet_description("afs:", "add")
    for description in ("plain", ":k"):
        with pytest.raises(InvalidArgument, match="no namespace before a colon"):
            logon.vet_description(description, "add")
    setting.user.vet_description("plain", "add")
    with pytest.raises(NotSupported, match=r"^cannot read key 1: a logon key cannot be read$"):
        logon.read(setting.key())


def test_a_keyring_takes_no_payload_and_no_update() -> None:
    setting = Setting()
    keyring = KeyringType(Keyrings(setting.keys))
    with pytest.raises(InvalidArgument, match=r"^cannot add: a keyring takes no payload$"):
        keyring.preparse(b"x", PROCESS, "add")
    prepared = keyring.preparse(b"", PROCESS, "add")
    keyring.free_preparse(prepared)
    with pytest.raises(NotSupported, match=r"^cannot update: a keyring cannot be updated$"):
        run(keyring.update(setting.key(), prepared, "update"))


@pytest.mark.parametrize("ending", ["revoke", "destroy"])
def test_a_keyring_unlinks_everything_at_its_end(ending: str) -> None:
    setting = Setting()
    keyrings = Keyrings(setting.keys)
    keyring, key = KeyringType(keyrings), setting.key()
    ring = keyrings.create("r", (1000, 1000), 0x3F01_0000, "add")
    assert "r: empty" == keyring.describe(ring)
    keyrings.reserve(ring, key.index, "link")
    keyrings.insert(ring, key)
    assert ("r: 1", key.serial.to_bytes(4, "little")) == (
        keyring.describe(ring),
        keyring.read(ring),
    )
    if ending == "revoke":
        keyring.revoke(ring, "revoke")
    else:
        run(keyring.destroy(ring))
    assert ({}, 1) == (ring.links, key.usage)


def test_the_mktme_type_keeps_no_payload() -> None:
    setting = Setting()
    service: object = None
    mktme = MktmeType(setting.system.preparser, service)  # type: ignore[arg-type]
    prepared = mktme.preparse(b"type=cpu algorithm=aes-xts-128", PROCESS, "add")
    assert 1 == setting.live_objects("payload structure")
    mktme.free_preparse(prepared)
    mktme.free_preparse(prepared)
    assert 0 == setting.live_objects("payload structure")
    mktme.vet_description("anything", "add")
    mktme.revoke(setting.key(), "revoke")
    assert "a" == mktme.describe(setting.key())
    with pytest.raises(NotSupported, match=r"an mktme key cannot be read back$"):
        mktme.read(setting.key())


def test_what_preparse_made_shows_no_payload() -> None:
    assert "secret" not in repr(Setting().user.preparse(SECRET, PROCESS, "add"))
    assert "Prepared" in repr(Prepared())


@pytest.mark.parametrize(
    ("expiry", "now", "expected"),
    [
        (None, 5, "perm"),
        (5, 5, "expd"),
        (6, 5, "1s"),
        (64, 5, "59s"),
        (65, 5, "1m"),
        (3600, 0, "1h"),
        (86_400, 0, "1d"),
        (604_799, 0, "6d"),
        (604_800, 0, "1w"),
        (10 * 604_800, 0, "10w"),
    ],
)
def test_the_time_left_is_shown_in_its_largest_unit(
    expiry: float | None, now: float, expected: str
) -> None:
    assert expected == left(expiry, now)


def test_flags_and_the_missing_group_are_shown() -> None:
    setting = Setting()
    key = setting.key()
    key.gid = -1
    assert "user;1000;65534;3f010000;a" == describe(key)
    setting.keys.revoke(key)
    key.is_invalidated = True
    assert "00000001 IR-Q--i     1 perm 3f010000  1000 65534 user      a" == line(key, 0, "a")
