"""Page frames: which one is next, what stays in it, and who owns it."""

from __future__ import annotations

import pytest
from address_spaces import BASE, P, World

from impl.hardware.accesses import Accesses
from impl.heap.memory import Hit
from impl.mm.frames import FRAMES_MAX, FRAMES_OFFSET, Frames

SECRET = b"a page of somebody's plaintext"


def frames(limit: int = FRAMES_MAX) -> Frames:
    return Frames(Accesses(), packages=2, limit=limit)


def test_fresh_frames_go_out_in_order_from_1_gib_up_on_their_own_package() -> None:
    pools = frames()
    taken = [pools.allocate(package, (1, page)) for page, package in enumerate((1, 1, 0))]
    start = FRAMES_OFFSET
    assert [(1 << 32) + start, (1 << 32) + start + P, start] == [frame.address for frame in taken]
    assert 1 << 30 == start


def test_the_frame_freed_last_is_reused_first() -> None:
    pools = frames()
    one, two = pools.allocate(0, (1, 0)), pools.allocate(0, (1, P))
    pools.leave(one, (1, 0))
    pools.leave(two, (1, P))
    assert [two, one] == [pools.allocate(0, (2, 0)), pools.allocate(0, (2, P))]


def test_packages_do_not_share_frames() -> None:
    pools = frames()
    one = pools.allocate(0, (1, 0))
    pools.leave(one, (1, 0))
    assert 1 == pools.allocate(1, (1, 0)).package
    assert one is pools.allocate(0, (1, P))


def test_a_limit_counts_the_frames_in_use() -> None:
    pools = frames(limit=2)
    one = pools.allocate(0, (1, 0))
    pools.allocate(0, (1, P))
    assert pools.allocate(0, (1, 2 * P)) is None
    assert pools.allocate(1, (1, 2 * P)) is not None
    pools.leave(one, (1, 0))
    assert one is pools.allocate(0, (1, 2 * P))
    pools.pools[0].limit = 3
    assert pools.allocate(0, (1, 3 * P)) is not None
    assert 3 == pools.pools[0].count_used


def test_no_limit_goes_beyond_the_package() -> None:
    pools = frames(limit=10**9)
    assert FRAMES_OFFSET + FRAMES_MAX * P == 1 << 32
    pool = pools.pools[0]
    pool.frames = [pools.pools[1].allocate((1, 0))] * FRAMES_MAX
    assert pool.allocate((1, P)) is None


def test_a_shared_frame_is_freed_by_its_last_owner() -> None:
    pools = frames()
    frame = pools.allocate(0, (1, 0))
    pools.share(frame, (2, 0))
    assert pools.is_shared(frame)
    pools.leave(frame, (1, 0))
    assert not pools.is_shared(frame)
    assert frame is not pools.allocate(0, (3, 0))
    pools.leave(frame, (2, 0))
    assert frame is pools.allocate(0, (4, 0))


def test_all_owners_move_together() -> None:
    pools = frames()
    old = pools.allocate(0, (1, 0))
    pools.share(old, (2, P))
    new = pools.allocate(1, (1, 0))
    pools.move(old, new)
    assert ([], [(1, 0), (2, P)]) == (list(old.owners), list(new.owners))
    assert old is pools.allocate(0, (3, 0))


def test_a_frame_is_located_with_its_owners_live_and_freed() -> None:
    pools = frames()
    frame = pools.allocate(1, (3, 0x7000))
    pools.share(frame, (4, 0x7000))
    area = "page frames of package 1"
    names = "page 0x7000 of process 3, page 0x7000 of process 4"
    assert Hit(frame.address + 9, area, names, 9, "live") == pools.locate(frame.address + 9)
    pools.leave(frame, (3, 0x7000))
    pools.leave(frame, (4, 0x7000))
    found = pools.locate(frame.address + P - 1)
    last = "page 0x7000 of process 4"
    assert Hit(frame.address + P - 1, area, last, P - 1, "freed") == found


@pytest.mark.parametrize("address", [0, FRAMES_OFFSET - 1, FRAMES_OFFSET + P, 5 << 32])
def test_what_no_page_ever_lay_in_is_not_located(address: int) -> None:
    pools = frames()
    pools.allocate(0, (1, 0))
    assert pools.locate(address) is None


def test_a_freed_frame_keeps_its_bytes_until_its_next_owner_has_it_zeroed() -> None:
    world = World(tme="off")
    world.map(1)
    world.write(BASE, SECRET)
    page = world.mm.page_table(world.init)[BASE]
    world.run(world.mm.munmap(world.init, BASE, P))
    assert "freed" == world.mm.locate(page.address).state
    assert SECRET in world.stored(0)
    world.map(1)
    assert bytes(P) == world.read(BASE, P)
    assert page == world.mm.page_table(world.init)[BASE]
    assert SECRET not in world.stored(0)


def test_user_frames_lie_apart_from_kernel_memory() -> None:
    world = World()
    world.map(1)
    world.write(BASE, SECRET)
    assert [] == world.system.memory.find(SECRET)


def test_frames_report_what_is_touched() -> None:
    accesses = Accesses()
    pools = Frames(accesses, 2)
    accesses.start()
    frame = pools.allocate(1, (1, 0))
    touched = {("frames", 1), ("frame", frame.address)}
    assert touched == accesses.writes
    accesses.start()
    pools.share(frame, (2, 0))
    assert {("frame", frame.address)} == accesses.writes
    accesses.start()
    pools.is_shared(frame)
    assert ({("frame", frame.address)}, set()) == (accesses.reads, accesses.writes)
    pools.leave(frame, (2, 0))
    assert {("frame", frame.address)} == accesses.writes
    pools.leave(frame, (1, 0))
    assert touched == accesses.writes
