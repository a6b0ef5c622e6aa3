"""What a page is written under, who opens it, where it moves, and what programming does to it."""

from __future__ import annotations

import pytest
from model_runs import with_page, with_two_keys, with_vma
from runs import Run

from model import Scope

ONE_CPU = Scope(2, 1, 2)


# write


def test_the_first_write_places_the_page_where_the_process_runs() -> None:
    run = with_vma("rfc-v2")
    expected = {
        "page[0,1]": "yes",
        "intact[0]": "yes",
        "written[0,A]": "yes",
        "opens[0,1]": "yes",
        "own[0,1]": "yes",
    }
    assert expected == run.changes("write", vma=0, package=1)


def test_a_later_write_stays_where_the_page_is() -> None:
    run = with_page("rfc-v2", package=1)
    assert {} == run.changes("write", vma=0, package=0)


def test_the_first_write_after_a_fork_copies_the_page() -> None:
    run = with_page("rfc-v2")
    run.do("fork", vma=0, child=1)
    expected = {"page[1,0]": "no", "page[1,1]": "yes", "shares[0,1]": "no", "shares[1,0]": "no"}
    assert expected == run.changes("write", vma=1, package=1)


def test_of_three_who_share_one_that_writes_leaves_the_others_together() -> None:
    run = with_page("rfc-v2", scope=Scope(2, 1, 1, 1, 3, 1))
    run.do("fork", vma=0, child=1)
    run.do("fork", vma=0, child=2)
    run.do("write", vma=0, package=0)
    pairs = {(v, w) for v in range(3) for w in range(3) if run("shares", v, w) == "yes"}
    assert {(1, 2), (2, 1)} == pairs


def test_a_page_can_only_be_written_where_there_is_memory() -> None:
    run = with_vma("rfc-v2", absent=1)
    assert [True, False] == [run.can("write", vma=0, package=p) for p in (0, 1)]
    run.do("package_add", package=1)
    assert not run.can("write", vma=0, package=1)


def test_a_new_page_takes_the_frame_freed_last_so_that_of_freed_pages_nothing_is_known() -> None:
    run = with_two_keys("rfc-v2")
    run.do("write", vma=0, package=0)
    run.do("unmap", vma=0)
    assert ["yes", "yes"] == [run("left", 0, 0), run("written", 0, "A")]
    run.do("encrypt", vma=1, key=1)
    run.do("write", vma=1, package=1)
    assert "yes" == run("left", 0, 0)
    run.do("migrate", vma=1, package=0)
    assert ["no", "no", "no"] == [run("left", 0, 0), run("written", 0, "A"), run("opens", 0, 1)]


@pytest.mark.parametrize(
    ("kind", "bypass", "plain"),
    [
        ("user", True, "no"),
        ("cpu", True, "no"),
        ("clear", True, "yes"),
        ("clear", False, "no"),
        ("no_encrypt", True, "yes"),
        ("no_encrypt", False, "yes"),
    ],
)
def test_a_page_is_plaintext_in_dram_where_its_entry_does_not_encrypt(
    kind: str, bypass: bool, plain: str
) -> None:
    assert plain == with_page("rfc-v2", kind, bypass=bypass)("plain", 0)


@pytest.mark.parametrize(
    ("kind", "written", "opens"),
    [
        ("user", {"A"}, {1}),
        ("cpu", {"random"}, {1}),
        ("clear", set(), set()),
        ("no_encrypt", set(), set()),
    ],
)
def test_a_page_is_written_under_the_key_of_its_entry_which_opens_it(
    kind: str, written: set[str], opens: set[int]
) -> None:
    run = with_page("rfc-v2", kind)
    values = ("zeros", "random", "A", "B")
    assert written == {b for b in values if run("written", 0, b) == "yes"}
    assert opens == {k for k in (1, 2) if run("opens", 0, k) == "yes"}


def test_another_keyid_with_the_very_same_key_opens_the_page_and_is_not_its_own() -> None:
    run = with_vma("rfc-v2")
    run.do("instantiate", key=1, kind="user", bytes="A")
    run.do("write", vma=0, package=0)
    assert ["yes", "yes"] == [run("opens", 0, k) for k in (1, 2)]
    assert ["yes", "no"] == [run("own", 0, k) for k in (1, 2)]


def test_two_random_keys_never_open_each_others_pages() -> None:
    run = with_vma("rfc-v2", "cpu")
    run.do("instantiate", key=1, kind="cpu")
    run.do("write", vma=0, package=0)
    assert ["yes", "no"] == [run("opens", 0, k) for k in (1, 2)]


# migrate


def test_migration_moves_the_page_for_all_who_share_it() -> None:
    run = with_page("rfc-v2")
    run.do("fork", vma=0, child=1)
    expected = {"page[0,0]": "no", "page[0,1]": "yes", "page[1,0]": "no", "page[1,1]": "yes"}
    assert expected == run.changes("migrate", vma=1, package=1)


def test_migration_writes_the_page_under_the_other_packages_key() -> None:
    run = with_vma("rfc-v2")
    run.do("instantiate", key=1, kind="user", bytes="A")
    run.do("update", key=1, kind="user", bytes="B", fails={1})
    run.do("encrypt", vma=0, key=1)
    run.do("write", vma=0, package=0)
    assert ["B", "A"] == [run("entry_bytes", p, 2) for p in (0, 1)]
    expected = {
        "page[0,0]": "no",
        "page[0,1]": "yes",
        "written[0,B]": "no",
        "written[0,A]": "yes",
        "opens[0,1]": "yes",
    }
    assert expected == run.changes("migrate", vma=0, package=1)


def test_migration_answers_where_there_is_nothing_to_move() -> None:
    run = with_vma("rfc-v2")
    assert "ENOENT" == run.do("migrate", vma=0, package=1)
    run.do("write", vma=0, package=1)
    before = run.state
    assert "ok" == run.do("migrate", vma=0, package=1)
    assert before == run.state


def test_a_page_that_cannot_be_read_is_moved_as_it_is_read() -> None:
    """It stays lost: what is stored anew is garbage, which the KeyID opens."""
    run = drawn_anew()
    run.do("migrate", vma=0, package=0)
    assert ["no", "yes", "yes"] == [run("intact", 0), run("opens", 0, 1), run("page", 0, 0)]


# What programming does to pages


def drawn_anew() -> Run:
    """A package went offline and came back, and drew another key for the page that lies there."""
    run = with_page("rfc-v2", "cpu", 1, scope=ONE_CPU)
    run.do("cpu_teardown", package=1, cpu=0)
    assert {"intact[0]": "no", "opens[0,1]": "no", "lead[1,0]": "yes", "online[1,0]": "yes"} == (
        run.changes("cpu_startup", package=1, cpu=0)
    )
    return run


def test_a_random_key_drawn_anew_loses_the_page_and_a_write_makes_it_good() -> None:
    run = drawn_anew()
    assert "yes" == run("written", 0, "random")
    assert {"intact[0]": "yes", "opens[0,1]": "yes"} == run.changes("write", vma=0, package=0)


def test_the_same_user_key_programmed_again_loses_nothing() -> None:
    run = with_page("rfc-v2-savekeys", "user", 1, scope=ONE_CPU)
    run.do("cpu_teardown", package=1, cpu=0)
    expected = {"lead[1,0]": "yes", "online[1,0]": "yes"}
    assert expected == run.changes("cpu_startup", package=1, cpu=0)


def test_a_user_key_that_was_not_saved_comes_back_as_zeros_and_loses_the_page() -> None:
    run = with_page("rfc-v2,startup_gate=none", "user", 1, scope=ONE_CPU)
    run.do("cpu_teardown", package=1, cpu=0)
    run.do("cpu_startup", package=1, cpu=0)
    assert ["zeros", "no", "no"] == [run("entry_bytes", 1, 1), run("intact", 0), run("opens", 0, 1)]


def test_a_page_elsewhere_keeps_what_it_is() -> None:
    run = with_page("rfc-v2", "cpu", 0, scope=ONE_CPU)
    run.do("cpu_teardown", package=1, cpu=0)
    run.do("cpu_startup", package=1, cpu=0)
    assert ["yes", "yes"] == [run("intact", 0), run("opens", 0, 1)]


def test_a_freed_page_is_opened_until_its_keyid_is_programmed_anew() -> None:
    run = with_page("rfc-v2")
    run.do("unmap", vma=0)
    run.do("destroy", key=0)
    assert ["yes", "yes", "yes"] == [run("left", 0, 0), run("opens", 0, 1), run("own", 0, 1)]
    run.do("instantiate", key=0, kind="cpu")
    assert ["no", "no"] == [run("opens", 0, 1), run("own", 0, 1)]
    run.do("update", key=0, kind="user", bytes="A")
    assert ["yes", "no"] == [run("opens", 0, 1), run("own", 0, 1)]


def test_a_programming_that_fails_takes_no_page_from_the_package_where_it_failed() -> None:
    run = with_page("rfc-v2", "user", 1)
    run.do("unmap", vma=0)
    run.do("update", key=0, kind="user", bytes="B", fails={1})
    assert "yes" == run("opens", 0, 1)
    run.do("update", key=0, kind="user", bytes="B")
    assert "no" == run("opens", 0, 1)


@pytest.mark.parametrize(("bypass", "intact"), [(True, "yes"), (False, "no")])
def test_in_bypass_tme_and_no_encrypt_store_a_page_alike(bypass: bool, intact: str) -> None:
    run = with_page("rfc-v2", "no_encrypt", bypass=bypass)
    run.do("fork", vma=0, child=1)
    run.do("destroy", key=0)
    run.do("instantiate", key=0, kind="cpu")  # gets KeyID 2, and is found at KeyID 1
    run.do("unmap", vma=1)
    assert "ok" == run.do("update", key=0, kind="clear")
    assert [intact, "tme"] == [run("intact", 0), run("entry_mode", 0, 1)]


def test_a_key_that_is_cleared_under_a_page_loses_it() -> None:
    """The reference of the VMA was stolen, so that the kernel thinks nobody uses the KeyID."""
    run = with_page("rfc-v2,on_release=clear_first")
    run.do("destroy", key=0)
    run.do("instantiate", key=0, kind="cpu")
    expected = {"intact[0]": "no", "opens[0,1]": "no", "entry_mode[0,1]": "tme"}
    assert expected.items() <= run.changes("destroy", key=0).items()
