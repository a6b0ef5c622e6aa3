"""Slab caches over DRAM, and the search of kernel memory."""

from __future__ import annotations

# House style puts the expected value first.
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.hardware.machine import Machine
from impl.heap.memory import Hit, KernelMemory
from impl.heap.slab import KMALLOC_SIZES, Slab

NEEDLE = b"a needle of some length"


def memory_and_slab(tme: str = "on") -> tuple[KernelMemory, Slab]:
    memory = KernelMemory(Machine(tme=tme))
    return memory, Slab(memory)


def test_the_object_freed_last_is_reused_first() -> None:
    _, slab = memory_and_slab()
    first, second = slab.kmalloc(32, "one"), slab.kmalloc(32, "two")
    slab.kfree(first)
    slab.kfree(second)
    assert [second, first] == [slab.kmalloc(20, "three"), slab.kmalloc(32, "four")]
    assert "three" == second.holds


def test_freed_bytes_stay_until_they_are_overwritten() -> None:
    memory, slab = memory_and_slab()
    held = slab.kmalloc(64, "text")
    memory.write(held.address, NEEDLE)
    slab.kfree(held)
    assert [Hit(held.address, "kmalloc-64", "text", 0, "freed")] == memory.find(NEEDLE)
    again = slab.kmalloc(64, "other")
    assert NEEDLE == memory.read(again.address, len(NEEDLE))


def test_kzalloc_zeroes_what_the_last_owner_left() -> None:
    memory, slab = memory_and_slab()
    held = slab.kmalloc(64, "text")
    memory.write(held.address, NEEDLE)
    slab.kfree(held)
    assert held is slab.kzalloc(50, "zeroed")
    assert bytes(64) == memory.read(held.address, 64)


def test_kfree_sensitive_clears_the_whole_object_first() -> None:
    memory, slab = memory_and_slab()
    held = slab.kmalloc(33, "text")
    memory.write(held.address, b"x" * 64)
    slab.kfree_sensitive(held)
    assert bytes(64) == memory.read(held.address, 64)
    assert held.live is False


def test_an_object_cannot_be_freed_twice() -> None:
    _, slab = memory_and_slab()
    held = slab.kmalloc(8, "once")
    slab.kfree(held)
    with pytest.raises(ValueError, match="it is free already"):
        slab.kfree(held)


def test_no_size_class_is_larger_than_2048() -> None:
    _, slab = memory_and_slab()
    with pytest.raises(ValueError, match="cannot allocate 2049 bytes"):
        slab.kmalloc(2049, "too much")


@given(sizes=st.lists(st.integers(1, 2048), max_size=60))
def test_live_objects_never_overlap(sizes: list[int]) -> None:
    _, slab = memory_and_slab()
    held = sorted((slab.kmalloc(size, "object") for size in sizes), key=lambda found: found.address)
    assert all(one.address + one.size <= other.address for one, other in pairwise(held))
    assert {found.size for found in held} <= set(KMALLOC_SIZES)


def test_a_cache_of_its_own_keeps_its_alignment() -> None:
    _, slab = memory_and_slab()
    cache = slab.create_cache("own", 192, 256)
    held = [cache.allocate("structure") for _ in range(40)]
    assert {0} == {found.address % 256 for found in held}
    assert 40 == len({found.address for found in held})


def test_the_slab_lists_what_was_ever_handed_out() -> None:
    _, slab = memory_and_slab()
    one, two = slab.kmalloc(8, "one"), slab.kmalloc(2048, "two")
    slab.kfree(one)
    assert [("one", False), ("two", True)] == [(o.holds, o.live) for o in slab.objects()]
    assert [one, two] == slab.objects()


def test_a_search_names_area_offset_and_state_and_never_bytes() -> None:
    memory, slab = memory_and_slab()
    area = memory.area("vault", 100)
    memory.write(area.address + 5, NEEDLE)
    held = slab.kmalloc(256, "key object")
    memory.write(held.address + 7, NEEDLE)
    hits = memory.find(NEEDLE)
    assert [
        Hit(area.address + 5, "vault", "vault", 5, "live"),
        Hit(held.address + 7, "kmalloc-256", "key object", 7, "live"),
    ] == hits
    assert NEEDLE.decode() not in repr(hits)


def test_a_search_finds_overlapping_and_line_crossing_occurrences() -> None:
    memory, slab = memory_and_slab()
    held = slab.kmalloc(256, "text")
    memory.write(held.address + 62, b"\xaa\xbb\xaa\xbb\xaa")
    assert [62, 64] == [hit.offset for hit in memory.find(b"\xaa\xbb\xaa")]


def test_a_search_needs_a_needle() -> None:
    memory, _ = memory_and_slab()
    with pytest.raises(ValueError, match="the needle is empty"):
        memory.find(b"")
    with pytest.raises(ValueError, match="the needle is empty"):
        memory.find_each([NEEDLE, b""])


def test_a_search_for_several_needles_finds_what_each_alone_does() -> None:
    memory, slab = memory_and_slab()
    for number, needle in enumerate((NEEDLE, b"another", NEEDLE)):
        memory.write(slab.kmalloc(256, f"object {number}").address, needle)
    needles = [b"another", b"nowhere", NEEDLE]
    assert [1, 0, 2] == [len(hits) for hits in memory.find_each(needles)]
    assert [memory.find(needle) for needle in needles] == memory.find_each(needles)


def test_bytes_outside_every_object_are_padding() -> None:
    memory, _ = memory_and_slab()
    area = memory.area("small", 10)
    assert "no object" == memory.locate(area.address + 10).area


def test_static_areas_start_zeroed_and_do_not_share_lines() -> None:
    memory, _ = memory_and_slab()
    one, two = memory.area("one", 10), memory.area("two", 100)
    assert bytes(100) == memory.read(two.address, 100)
    assert one.address // 64 != two.address // 64


@pytest.mark.parametrize("tme", ["on", "off", "bypass"])
def test_a_search_sees_kernel_memory_as_keyid_0_maps_it(tme: str) -> None:
    memory, slab = memory_and_slab(tme)
    memory.write(slab.kmalloc(64, "text").address, NEEDLE)
    assert 1 == len(memory.find(NEEDLE))
