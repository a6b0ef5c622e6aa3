"""What an observer says of pages is looked at in DRAM and through KeyIDs, or written down."""

from __future__ import annotations

from typing import Any

import pytest
from runs import call_of, grounded

from conformance import Subject
from conformance.pagewatch import Watched
from designs import design_from_text
from impl import Entry, Mode
from model import Scope

SCOPE = Scope(2, 1, 2, 2, 3, 1)


class Driven:
    """A kernel that is driven by labels, with its pages at hand."""

    def __init__(self, design: str = "rfc-v2", *, bypass: bool = False) -> None:
        self.design = design_from_text(design)
        self.subject = Subject(self.design, SCOPE, bypass=bypass)
        self.pages = self.subject.pages

    def do(self, action: str, **choice: Any) -> str:
        grounding = grounded(self.design, SCOPE)
        return self.subject.call(grounding, call_of(grounding.system, action, **choice))

    def opened(self, vma: int) -> set[int]:
        return {keyid for keyid in (1, 2) if self.pages.opens(vma, keyid)}


def with_page(kind: str = "user", package: int = 0, **more: Any) -> Driven:
    """VMA 0 uses key 0, and its page was written on a package."""
    driven = Driven(**more)
    driven.do("instantiate", key=0, kind=kind, bytes="A" if kind == "user" else "zeros")
    driven.do("encrypt", vma=0, key=0)
    driven.do("write", vma=0, package=package)
    return driven


def known(watched: Watched) -> dict[str, Any]:
    """What is known of a VMA but for its process, its bytes and where they lie."""
    others = ("process", "at", "data", "stored")
    return {name: value for name, value in vars(watched).items() if name not in others}


NOTHING: dict[str, Any] = {
    "is_there": False,
    "under": None,
    "own": frozenset(),
    "is_intact": False,
    "is_astray": False,
    "wants": False,
    "is_hung": False,
}


def test_before_anything_nothing_is_known() -> None:
    driven = Driven()
    assert NOTHING == known(driven.pages.vmas[0])
    assert (None, None, 0) == (
        driven.pages.page(0),
        driven.pages.package(0),
        driven.pages.handle(0),
    )
    assert (False, False, []) == (
        driven.pages.is_plain(0),
        driven.pages.opens(0, 1),
        driven.pages.sharers(0),
    )


def test_a_vma_without_a_process_has_none() -> None:
    with pytest.raises(ValueError, match=r"^VMA 0 has no process$"):
        Driven().pages.process(0)


def test_a_written_page_is_there_intact_under_its_key_and_its_own_keyids() -> None:
    driven = with_page()
    expected = {"is_there": True, "under": "A", "own": {1}, "is_intact": True, "wants": True}
    assert NOTHING | expected == known(driven.pages.vmas[0])
    assert (0, {1}, False) == (driven.pages.package(0), driven.opened(0), driven.pages.is_plain(0))
    watched = driven.pages.vmas[0]
    assert watched.data == watched.stored == driven.pages.read(*driven.pages.page(0))  # type: ignore[misc]


def test_no_two_writes_store_the_same_bytes() -> None:
    driven = with_page()
    first = driven.pages.vmas[0].data
    driven.do("write", vma=0, package=0)
    assert first != driven.pages.vmas[0].data


@pytest.mark.parametrize(
    ("kind", "bypass", "plain"),
    [("clear", True, True), ("clear", False, False), ("no_encrypt", False, True)],
)
def test_plaintext_is_looked_for_in_dram(kind: str, bypass: bool, plain: bool) -> None:
    driven = with_page(kind, bypass=bypass)
    assert plain == driven.pages.is_plain(0)
    assert (None, set()) == (driven.pages.vmas[0].under, driven.opened(0))


def test_a_page_whose_entry_changes_behind_the_kernels_back_is_not_intact_for_good() -> None:
    driven = with_page()
    table = driven.subject.kernel.machine.packages[0].table
    right = table[1]
    table[1] = Entry(Mode.ENCRYPT, 1, b"d" * 16, b"t" * 16)
    driven.pages.look()
    assert (False, set()) == (driven.pages.vmas[0].is_intact, driven.opened(0))
    table[1] = right
    driven.pages.look()
    assert (False, {1}) == (driven.pages.vmas[0].is_intact, driven.opened(0))


def test_a_page_that_is_moved_as_garbage_is_opened_and_not_intact() -> None:
    driven = with_page()
    driven.subject.kernel.machine.packages[0].table[1] = Entry(
        Mode.ENCRYPT, 1, b"d" * 16, b"t" * 16
    )
    driven.do("migrate", vma=0, package=1)
    watched = driven.pages.vmas[0]
    assert (1, False, {1}) == (driven.pages.package(0), watched.is_intact, driven.opened(0))
    assert watched.data != watched.stored


def test_a_child_knows_what_its_parent_knows_and_shares_its_frame() -> None:
    driven = with_page()
    driven.do("fork", vma=0, child=2)
    assert known(driven.pages.vmas[0]) == known(driven.pages.vmas[2])
    assert ([2], [0]) == (driven.pages.sharers(0), driven.pages.sharers(2))
    driven.do("write", vma=2, package=0)
    assert ([], []) == (driven.pages.sharers(0), driven.pages.sharers(2))
    assert driven.pages.page(0) != driven.pages.page(2)


def test_a_child_without_a_page_knows_no_frame() -> None:
    driven = Driven()
    driven.do("instantiate", key=0, kind="user", bytes="A")
    driven.do("encrypt", vma=0, key=0)
    driven.do("fork", vma=0, child=1)
    assert NOTHING | {"wants": True} == known(driven.pages.vmas[1])
    assert driven.pages.vmas[1].at is None


def test_a_freed_page_stays_where_it_was_until_its_frame_is_used_again() -> None:
    driven = with_page()
    at = driven.pages.vmas[0].at
    driven.do("unmap", vma=0)
    watched = driven.pages.vmas[0]
    assert (False, at, {1}, False) == (
        watched.is_there,
        watched.at,
        driven.opened(0),
        driven.pages.is_plain(0),
    )
    driven.do("encrypt", vma=1, key=0)
    driven.do("write", vma=1, package=1)
    assert at == driven.pages.vmas[0].at
    driven.do("migrate", vma=1, package=0)
    assert (None, frozenset(), set()) == (watched.at, watched.own, driven.opened(0))
    assert at == driven.pages.vmas[1].at


def test_a_page_that_others_still_map_is_not_freed_with_the_first() -> None:
    driven = with_page()
    driven.do("fork", vma=0, child=1)
    driven.do("unmap", vma=0)
    assert driven.pages.vmas[0].at is None
    assert driven.pages.vmas[1].is_there


def test_a_keyid_that_is_given_to_another_key_is_not_the_pages_own_any_more() -> None:
    driven = with_page()
    driven.pages.given(None, 2)
    assert {1} == driven.pages.vmas[0].own
    driven.pages.given(1, 1)  # of another package's map
    assert {1} == driven.pages.vmas[0].own
    driven.pages.given(0, 1)
    assert set() == driven.pages.vmas[0].own


def test_what_has_no_page_cannot_be_placed() -> None:
    with pytest.raises(ValueError, match=r"^cannot watch VMA 0: it has no page$"):
        Driven().pages.placed(0, b"", None, False)
