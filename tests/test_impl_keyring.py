"""Links, their price, cycles, and how deep a search goes."""

from __future__ import annotations

import pytest

from designs import DESIGNS
from impl.errors import (
    AccessDenied,
    KeyExpired,
    KeyRevoked,
    NoEntry,
    NotAKeyring,
    QuotaExceeded,
    TooManyLevels,
    WouldDeadlock,
)
from impl.hardware.machine import Machine
from impl.heap.memory import KernelMemory
from impl.heap.slab import Slab
from impl.keyrings.keyring import Keyrings, unpack_serials
from impl.keyrings.keys import Key, Keys
from impl.keyrings.process import Process
from impl.keyrings.search import DEPTH_MAX, Search, refuse_cycle

OWNER = (1000, 1000)
MASK = 0x3F3F_0000
PROCESS = Process(1, *OWNER, capabilities=frozenset())


class Setting:
    def __init__(self) -> None:
        memory = KernelMemory(Machine())
        self.keys = Keys(DESIGNS["rfc-v2"], memory, Slab(memory))
        self.keyrings = Keyrings(self.keys)

    def ring(self, name: str, *links: Key) -> Key:
        ring = self.keyrings.create(name, OWNER, MASK, "create")
        for key in links:
            self.link(ring, key)
        return ring

    def key(self, name: str) -> Key:
        key = self.keys.allocate(("user", name), OWNER, MASK, "create")
        self.keys.enrol(key)
        return key

    def link(self, ring: Key, key: Key) -> None:
        self.keyrings.reserve(ring, key.index, "link")
        self.keyrings.insert(ring, key)

    def search(self, description: str, type: str = "user", **more: bool) -> Search:
        return Search(self.keys, PROCESS, (type, description), True, "search", **more)

    def bytes_owned(self) -> int:
        return self.keys.quota.account(OWNER[0]).bytes


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_a_link_costs_four_bytes_and_refers_to_its_key(setting: Setting) -> None:
    key, ring = setting.key("a"), setting.ring("r")
    before = setting.bytes_owned()
    setting.link(ring, key)
    assert (before + 4, 2) == (setting.bytes_owned(), key.usage)
    assert [key.serial] == unpack_serials(setting.keyrings.serials(ring))
    setting.keyrings.remove(ring, key, "unlink")
    assert (before, 1, {}) == (setting.bytes_owned(), key.usage, ring.links)


def test_a_link_displaces_at_no_cost(setting: Setting) -> None:
    old, new, ring = setting.key("a"), setting.key("a"), setting.ring("r")
    setting.link(ring, old)
    before = setting.bytes_owned()
    setting.link(ring, new)
    assert (before, 1, 2, {new.index: new}) == (
        setting.bytes_owned(),
        old.usage,
        new.usage,
        ring.links,
    )
    setting.link(ring, new)
    assert 2 == new.usage


def test_a_link_that_is_not_made_costs_nothing(setting: Setting) -> None:
    key, ring = setting.key("a"), setting.ring("r")
    before = setting.bytes_owned()
    setting.keyrings.reserve(ring, key.index, "link")
    setting.keyrings.cancel(ring, key.index, "link")
    assert before == setting.bytes_owned()
    setting.link(ring, key)
    setting.keyrings.cancel(ring, key.index, "link")
    assert before + 4 == setting.bytes_owned()


def test_a_link_beyond_the_quota_is_refused(setting: Setting) -> None:
    key, ring = setting.key("a"), setting.ring("r")
    setting.keys.quota.maxbytes = setting.bytes_owned() + 3
    with pytest.raises(QuotaExceeded):
        setting.keyrings.reserve(ring, key.index, "link")


def test_a_revoked_keyring_takes_no_link(setting: Setting) -> None:
    key, ring = setting.key("a"), setting.ring("r")
    setting.keys.revoke(ring)
    with pytest.raises(KeyRevoked, match=rf"^cannot link: keyring {ring.serial} was revoked$"):
        setting.keyrings.reserve(ring, key.index, "link")


def test_unlinking_goes_by_type_and_description(setting: Setting) -> None:
    linked, namesake = setting.key("a"), setting.key("a")
    ring = setting.ring("r", linked)
    setting.keyrings.remove(ring, namesake, "unlink")
    assert ({}, 1, 1) == (ring.links, linked.usage, namesake.usage)
    with pytest.raises(NoEntry, match=r"^cannot unlink: keyring 3 links no such key as 1$"):
        setting.keyrings.remove(ring, linked, "unlink")


def test_clearing_unlinks_everything(setting: Setting) -> None:
    first, second = setting.key("a"), setting.key("b")
    before = setting.bytes_owned()
    ring = setting.ring("", first, second)
    setting.keyrings.clear(ring, "clear")
    assert ({}, 1, 1, before + 1) == (
        ring.links,
        first.usage,
        second.usage,
        setting.bytes_owned(),
    )


def test_a_keyring_cannot_come_to_contain_itself(setting: Setting) -> None:
    inner = setting.ring("inner")
    outer = setting.ring("outer", setting.ring("middle", inner))
    with pytest.raises(WouldDeadlock, match=r"^cannot link: a keyring cannot contain itself$"):
        refuse_cycle(setting.keys, inner, inner, "link")
    with pytest.raises(WouldDeadlock, match=rf"^cannot link: keyring {inner.serial} is in it$"):
        refuse_cycle(setting.keys, inner, outer, "link")
    refuse_cycle(setting.keys, outer, inner, "link")
    # A namesake is another keyring.
    refuse_cycle(setting.keys, setting.ring("inner"), outer, "link")


def chain(setting: Setting, length: int, last: Key) -> Key:
    """The first of ``length`` keyrings, each of which links the next; the last links ``last``."""
    for number in range(length):
        last = setting.ring(f"c{number}", last)
    return last


def test_keyrings_are_nested_seven_deep_at_most(setting: Setting) -> None:
    top, key = setting.ring("top"), setting.key("a")
    refuse_cycle(setting.keys, top, chain(setting, DEPTH_MAX + 1, key), "link")
    with pytest.raises(TooManyLevels, match=r"^cannot link: keyrings are nested more than 6"):
        refuse_cycle(setting.keys, top, chain(setting, DEPTH_MAX + 2, key), "link")


def test_a_search_goes_six_levels_down(setting: Setting) -> None:
    key = setting.key("a")
    assert key is setting.search("a").find(chain(setting, DEPTH_MAX + 1, key))
    assert setting.search("a").find(chain(setting, DEPTH_MAX + 2, key)) is None


def test_a_keyring_is_searched_before_the_keyrings_in_it(setting: Setting) -> None:
    deep, near = setting.key("a"), setting.key("a")
    ring = setting.ring("r", setting.ring("first", deep), near)
    assert near is setting.search("a").find(ring)


def test_a_search_may_find_the_keyring_it_starts_from(setting: Setting) -> None:
    ring = setting.ring("r", setting.ring("r"))
    assert ring is setting.search("r", "keyring").find(ring)
    setting.keys.revoke(ring)
    search = setting.search("r", "keyring")
    assert search.find(ring) is None
    assert isinstance(search.error, KeyRevoked)


def test_the_first_keyring_must_be_one_and_searchable(setting: Setting) -> None:
    with pytest.raises(NotAKeyring, match=r"^cannot search: key 1 is not a keyring$"):
        setting.search("a").find(setting.key("a"))
    ring = setting.ring("r")
    ring.perm = 0x3737_0000
    with pytest.raises(AccessDenied, match="SEARCH"):
        setting.search("a").find(ring)


def test_keyrings_that_may_not_be_searched_are_passed_over_silently(setting: Setting) -> None:
    inner = setting.ring("inner", setting.key("a"))
    inner.perm = 0x3737_0000
    search = setting.search("a")
    assert search.find(setting.ring("r", inner)) is None
    assert search.error is None


@pytest.mark.parametrize("state", ["is_revoked", "is_invalidated"])
def test_dead_keyrings_are_passed_over(setting: Setting, state: str) -> None:
    inner = setting.ring("inner", setting.key("a"))
    inner.revoked_at = 0.0 if state == "is_revoked" else None
    inner.is_invalidated = state == "is_invalidated"
    assert setting.search("a", checks_state=False).find(setting.ring("r", inner)) is None


def test_a_key_that_may_not_be_used_leaves_its_error(setting: Setting) -> None:
    key = setting.key("a")
    ring = setting.ring("r", key)
    key.perm = 0
    search = setting.search("a")
    assert search.find(ring) is None
    assert isinstance(search.error, AccessDenied)
    key.expiry = 0.0
    search = setting.search("a")
    assert search.find(ring) is None
    assert isinstance(search.error, KeyExpired)
    search = setting.search("a", skips_expired=True)
    assert search.find(ring) is None
    assert search.error is None
    setting.keys.revoke(key)
    search = setting.search("a", skips_expired=True)
    assert search.find(ring) is None
    assert isinstance(search.error, KeyRevoked)
    key.is_invalidated = True
    search = setting.search("a")
    assert search.find(ring) is None
    assert search.error is None


def test_the_search_goes_on_after_a_key_that_may_not_be_used(setting: Setting) -> None:
    revoked, good = setting.key("a"), setting.key("a")
    setting.keys.revoke(revoked)
    ring = setting.ring("r", revoked, setting.ring("inner", good))
    assert good is setting.search("a").find(ring)


def test_what_a_search_looks_at_is_reported(setting: Setting) -> None:
    key = setting.key("a")
    inner = setting.ring("inner", key)
    ring = setting.ring("r", inner)
    setting.keys.accesses.start()
    setting.search("a").find(ring)
    assert {("key", one.serial) for one in (key, inner, ring)} <= setting.keys.accesses.reads
    assert set() == setting.keys.accesses.writes
