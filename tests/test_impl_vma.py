"""Runs of pages that are mapped alike: splitting, merging, and room for another."""

from __future__ import annotations

import pytest

from impl.errors import InvalidArgument
from impl.hardware.accesses import Accesses
from impl.mm.vma import (
    USER_END,
    USER_START,
    USER_TOP,
    USER_UNMAPPED,
    Vma,
    VmaList,
    page_end,
    page_of,
    protection,
)

P = 4096


def listed(*vmas: Vma) -> VmaList:
    found = VmaList(Accesses(), 1)
    for vma in vmas:
        found.insert(vma)
    return found


def vma(first: int, end: int, prot: str = "rw", handle: int = 0, file: int | None = None) -> Vma:
    return Vma(first * P, end * P, prot, handle, file)


def test_vmas_are_kept_in_order_of_address() -> None:
    assert [vma(1, 2), vma(3, 4), vma(5, 6)] == list(listed(vma(3, 4), vma(1, 2), vma(5, 6)))


def test_an_address_lies_in_the_vma_around_it_and_in_no_other() -> None:
    vmas = listed(vma(1, 3), vma(5, 6))
    found = [vmas.at(address) for address in (P - 1, P, 3 * P - 1, 3 * P, 5 * P, 6 * P)]
    assert [None, vma(1, 3), vma(1, 3), None, vma(5, 6), None] == found


def test_a_range_meets_the_vmas_with_pages_in_it() -> None:
    vmas = listed(vma(1, 3), vma(3, 5), vma(7, 9))
    assert [vma(1, 3), vma(3, 5)] == vmas.between(2 * P, 7 * P)
    assert [] == vmas.between(5 * P, 7 * P)


def test_a_split_keeps_everything_but_the_boundary() -> None:
    vmas = listed(vma(1, 5, "r", 3, 7))
    assert vma(2, 5, "r", 3, 7) == vmas.split(2 * P)
    assert [vma(1, 2, "r", 3, 7), vma(2, 5, "r", 3, 7)] == list(vmas)


@pytest.mark.parametrize("page", [0, 1, 5, 8])
def test_there_is_nothing_to_split_at_an_edge_or_a_gap(page: int) -> None:
    vmas = listed(vma(1, 5), vma(7, 8))
    assert vmas.split(page * P) is None
    assert [vma(1, 5), vma(7, 8)] == list(vmas)


def test_neighbours_that_agree_become_one() -> None:
    vmas = listed(vma(1, 2, "r", 3), vma(2, 4, "r", 3))
    assert vma(2, 4, "r", 3) == vmas.merge(2 * P)
    assert [vma(1, 4, "r", 3)] == list(vmas)


@pytest.mark.parametrize(
    "right",
    [
        vma(2, 4, "rw", 3, 7),
        vma(2, 4, "r", 2, 7),
        vma(2, 4, "r", 3, 8),
        vma(2, 4, "r", 3, None),
        vma(3, 4, "r", 3, 7),
    ],
    ids=["prot", "handle", "file", "anonymous", "gap"],
)
def test_neighbours_that_differ_stay_apart(right: Vma) -> None:
    vmas = listed(vma(1, 2, "r", 3, 7), right)
    assert vmas.merge(2 * P) is None
    assert [vma(1, 2, "r", 3, 7), right] == list(vmas)


def test_the_inside_of_a_vma_is_no_seam() -> None:
    vmas = listed(vma(1, 4))
    assert vmas.merge(2 * P) is None
    assert [vma(1, 4)] == list(vmas)


def test_room_is_found_as_high_as_possible() -> None:
    vmas = listed()
    assert USER_TOP - 2 * P == vmas.gap(2 * P)
    vmas.insert(Vma(USER_TOP - 3 * P, USER_TOP - 2 * P, "rw"))
    assert USER_TOP - 2 * P == vmas.gap(2 * P)
    assert USER_TOP - 6 * P == vmas.gap(3 * P)


def test_a_vma_across_the_top_leaves_the_room_below_it() -> None:
    vmas = listed(Vma(USER_TOP - P, USER_TOP + P, "rw"))
    assert USER_TOP - 2 * P == vmas.gap(P)


def test_what_does_not_fit_below_the_top_is_placed_upwards() -> None:
    vmas = listed(Vma(USER_START, USER_TOP, "rw"))
    assert USER_TOP == vmas.gap(P)
    assert USER_END - USER_TOP == (USER_END - vmas.gap(USER_END - USER_TOP))


def test_room_upwards_starts_at_a_third_of_the_address_space() -> None:
    vmas = listed(Vma(USER_TOP - P, USER_TOP, "rw"))
    length = USER_TOP - USER_START
    assert vmas.gap(length) is None
    vmas = listed(Vma(USER_START, USER_UNMAPPED, "rw"), Vma(USER_TOP - P, USER_TOP, "rw"))
    length = USER_END - USER_UNMAPPED
    assert vmas.gap(length) is None
    vmas = listed(Vma(USER_START, USER_UNMAPPED, "rw"))
    assert USER_UNMAPPED == vmas.gap(length)


def test_room_of_exactly_the_length_is_room() -> None:
    assert USER_START == listed().gap(USER_TOP - USER_START)
    assert USER_START == listed(Vma(USER_START + P, USER_TOP, "rw")).gap(P)
    # Above the top, where only the way upwards looks.
    above = listed(Vma(USER_START, USER_TOP, "rw"), Vma(USER_TOP + 2 * P, USER_END, "rw"))
    assert USER_TOP == above.gap(2 * P)
    assert above.gap(3 * P) is None


def test_there_may_be_no_room_at_all() -> None:
    assert listed(Vma(USER_START, USER_END, "rw")).gap(P) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("none", ""), ("r", "r"), ("wr", "rw"), ("xwr", "rwx"), ("w", "w")],
)
def test_a_protection_is_letters_in_any_order(text: str, kept: str) -> None:
    assert kept == protection(text, "map")


@pytest.mark.parametrize("text", ["rq", "rr", "rw ", "R", "rnone"])
def test_anything_else_is_no_protection(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"cannot map: .* is no protection"):
        protection(text, "map")


@pytest.mark.parametrize(
    ("prot", "reads", "writes"),
    [("", False, False), ("r", True, False), ("w", True, True), ("x", True, False)],
)
def test_x86_can_read_whatever_it_can_write_or_execute(
    prot: str, reads: bool, writes: bool
) -> None:
    mapped = vma(1, 2, prot)
    assert (reads, writes) == (mapped.permits("r"), mapped.permits("w"))


def test_addresses_are_rounded_to_pages() -> None:
    assert (P, P, 2 * P) == (page_of(P), page_of(2 * P - 1), page_of(2 * P))
    assert (P, 2 * P, 2 * P) == (page_end(P), page_end(P + 1), page_end(2 * P))


def test_what_is_looked_at_and_changed_is_reported() -> None:
    accesses = Accesses()
    vmas = VmaList(accesses, 7)
    accesses.start()
    vmas.at(P)
    assert ({("mm", 7)}, set()) == (accesses.reads, accesses.writes)
    vmas.insert(vma(1, 3))
    assert {("mm", 7)} == accesses.writes
    for change in (
        lambda: vmas.split(2 * P),
        lambda: vmas.merge(2 * P),
        lambda: vmas.replace(vma(1, 3), vma(1, 3, "r")),
        lambda: vmas.remove(vma(1, 3, "r")),
    ):
        accesses.start()
        change()
        assert {("mm", 7)} == accesses.writes
