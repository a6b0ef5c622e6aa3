"""What processes do with encrypted memory in the model, with one map and with one per package."""

from __future__ import annotations

import pytest
from model_runs import with_key, with_page, with_two_keys, with_vma, without_keyid
from runs import Run

from model import Scope

# encrypt


def test_encrypt_gives_the_vma_the_keyid_that_the_look_up_finds_and_takes_its_reference() -> None:
    run = with_key("rfc-v2-fixed")
    expected = {"uses[0,1]": "yes", "counted[0,1]": "yes", "wants[0]": "yes"}
    assert expected == run.changes("encrypt", vma=0, key=0)


def test_encrypting_again_with_the_same_key_changes_nothing() -> None:
    run = with_page("rfc-v2")
    assert {} == run.changes("encrypt", vma=0, key=0)
    assert "ok" == run.do("encrypt", vma=0, key=0)


def test_encrypting_with_another_key_drops_the_old_reference_and_loses_the_page() -> None:
    run = with_two_keys("rfc-v2")
    run.do("write", vma=0, package=0)
    expected = {
        "uses[0,1]": "no",
        "uses[0,2]": "yes",
        "counted[0,1]": "no",
        "counted[0,2]": "yes",
        "page[0,0]": "no",
        "left[0,0]": "yes",
        "intact[0]": "no",
    }
    assert expected == run.changes("encrypt", vma=0, key=1)


def test_only_a_live_key_encrypts() -> None:
    assert not Run("rfc-v2").can("encrypt", vma=0, key=0)
    run = with_vma("rfc-v2")
    run.do("destroy", key=0)
    assert not run.can("encrypt", vma=1, key=0)


@pytest.mark.parametrize(
    ("kind", "wants"), [("user", "yes"), ("cpu", "yes"), ("clear", "no"), ("no_encrypt", "no")]
)
def test_whoever_names_a_key_that_encrypts_asks_for_encryption(kind: str, wants: str) -> None:
    assert wants == with_vma("rfc-v2", kind)("wants", 0)


def test_as_posted_dropping_the_last_reference_with_the_lock_held_waits_for_ever() -> None:
    run = with_two_keys("rfc-v2")
    run.do("write", vma=0, package=0)
    run.do("destroy", key=0)
    expected = {
        "counted[0,1]": "no",
        "lost_lock": "yes",
        "hung[0]": "yes",
        "in_flight[1]": "yes",
    }
    before = run.state
    assert expected == run.changes("encrypt", vma=0, key=1)
    run.state = before
    assert "waits for ever" == run.do("encrypt", vma=0, key=1)


def test_with_a_deferred_release_the_old_keyid_is_free_when_encrypt_returns() -> None:
    run = with_two_keys("rfc-v2-fixed")
    run.do("destroy", key=0)
    assert "ok" == run.do("encrypt", vma=0, key=1)
    assert ["no", "yes"] == [run("mapped", 0, 1), run("uses", 0, 2)]
    assert ["tme", "tme"] == [run("entry_mode", p, 1) for p in (0, 1)]


def test_a_key_that_lost_its_keyid_encrypts_nothing() -> None:
    run = without_keyid()
    before = run.state
    assert "EINVAL" == run.do("encrypt", vma=0, key=1)
    assert before == run.state


# unmap


def test_unmap_drops_the_vmas_reference_and_frees_its_page() -> None:
    run = with_page("rfc-v2")
    expected = {
        "uses[0,1]": "no",
        "counted[0,1]": "no",
        "wants[0]": "no",
        "page[0,0]": "no",
        "left[0,0]": "yes",
        "intact[0]": "no",
    }
    assert expected == run.changes("unmap", vma=0)
    assert not run.can("unmap", vma=0)


def test_as_posted_unmap_of_the_last_reference_frees_the_keyid_and_clears_nothing() -> None:
    run = with_vma("rfc-v2")
    run.do("destroy", key=0)
    expected = {
        "uses[0,1]": "no",
        "counted[0,1]": "no",
        "wants[0]": "no",
        "mapped[0,1]": "no",
        "bit[1]": "no",
        "known[1,A]": "no",
        "requested_bytes[1]": "zeros",
        "released[A]": "yes",
    }
    assert expected == run.changes("unmap", vma=0)


def test_repaired_unmap_of_the_last_reference_clears_the_keyid_first() -> None:
    run = with_vma("rfc-v2-fixed")
    assert not run.can("unmap", vma=0, fails={1})  # it executes no PCONFIG yet
    run.do("destroy", key=0)
    assert "encrypt" == run("entry_mode", 1, 1)
    run.do("unmap", vma=0, fails={1})
    assert ["tme", "encrypt"] == [run("entry_mode", p, 1) for p in (0, 1)]
    assert ["no", "yes"] == [run("uncleared", p, 1) for p in (0, 1)]
    assert "no" == run("mapped", 0, 1)


def test_a_shared_page_is_not_freed_by_the_first_who_goes() -> None:
    run = with_page("rfc-v2")
    run.do("fork", vma=0, child=1)
    run.do("unmap", vma=0)
    assert ["no", "yes"] == [run("left", 0, 0), run("page", 1, 0)]
    assert ["no", "no", "no"] == [run("written", 0, "A"), run("opens", 0, 1), run("own", 0, 1)]
    run.do("unmap", vma=1)
    assert "yes" == run("left", 1, 0)


# fork


def test_fork_takes_a_reference_and_shares_the_page() -> None:
    run = with_page("rfc-v2")
    expected = {
        "uses[1,1]": "yes",
        "counted[1,1]": "yes",
        "wants[1]": "yes",
        "page[1,0]": "yes",
        "shares[0,1]": "yes",
        "shares[1,0]": "yes",
        "intact[1]": "yes",
        "written[1,A]": "yes",
        "opens[1,1]": "yes",
        "own[1,1]": "yes",
    }
    assert expected == run.changes("fork", vma=0, child=1)


def test_fork_without_a_page_shares_none() -> None:
    run = with_vma("rfc-v2")
    expected = {"uses[1,1]": "yes", "counted[1,1]": "yes", "wants[1]": "yes"}
    assert expected == run.changes("fork", vma=0, child=1)


def test_fork_needs_a_vma_that_is_encrypted_and_a_child_that_is_not_there_yet() -> None:
    run = with_vma("rfc-v2")
    found = [(v, c) for v in (0, 1) for c in (0, 1) if run.can("fork", vma=v, child=c)]
    assert [(0, 1)] == found
    run.do("fork", vma=0, child=1)
    assert not any(run.can("fork", vma=v, child=c) for v in (0, 1) for c in (0, 1))


def test_a_grandchild_shares_with_both() -> None:
    run = with_page("rfc-v2", scope=Scope(2, 1, 1, 1, 3, 1))
    run.do("fork", vma=0, child=1)
    run.do("fork", vma=1, child=2)
    pairs = {(v, w) for v in range(3) for w in range(3) if run("shares", v, w) == "yes"}
    assert {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)} == pairs


# With per-package KeyIDs


def test_per_package_a_vma_refers_to_its_key_and_so_to_all_of_its_keyids() -> None:
    run = with_key("per-package")
    expected = {
        "uses[0,0]": "yes",
        "counted[0,0,1]": "yes",
        "counted[0,1,1]": "yes",
        "wants[0]": "yes",
    }
    assert expected == run.changes("encrypt", vma=0, key=0)


def elsewhere() -> Run:
    """Key 0 has KeyID 2 on package 1 only; VMA 0 uses it and has its page there."""
    run = Run("per-package")
    run.do("instantiate", key=0, kind="cpu", wanted={1})
    run.do("instantiate", key=1, kind="user", bytes="A", wanted={1})
    run.do("encrypt", vma=0, key=1)
    run.do("write", vma=0, package=1)
    return run


def test_per_package_a_page_carries_the_keyid_of_the_package_where_it_lies() -> None:
    run = elsewhere()
    run.do("extend", key=1, package=0)
    assert ["no", "yes"] == [run("own", 0, k) for k in (1, 2)]
    run.do("migrate", vma=0, package=0)
    assert ["yes", "no"] == [run("own", 0, k) for k in (1, 2)]
    assert ["yes", "no"] == [run("opens", 0, k) for k in (1, 2)]


def test_per_package_pages_lie_only_where_the_key_has_a_keyid() -> None:
    run = elsewhere()
    assert not run.can("write", vma=0, package=0)
    before = run.state
    assert "ENOKEY" == run.do("migrate", vma=0, package=0)
    assert before == run.state


def test_per_package_a_key_that_is_extended_brings_its_references_along() -> None:
    run = elsewhere()
    run.do("fork", vma=0, child=1)
    run.do("extend", key=1, package=0)
    assert ["yes", "yes", "yes"] == [
        run("key_counted", 0, 1),
        run("counted", 0, 0, 1),
        run("counted", 1, 0, 1),
    ]


def test_per_package_the_last_reference_takes_every_keyid_of_the_key() -> None:
    run = with_vma("per-package")
    run.do("destroy", key=0)
    assert ["yes", "yes"] == [run("mapped", 0, p, 1) for p in (0, 1)]
    run.do("unmap", vma=0, fails={1})
    assert ["no", "no"] == [run("mapped", 0, p, 1) for p in (0, 1)]
    assert ["no", "yes"] == [run("uncleared", p, 1) for p in (0, 1)]
    assert ["tme", "encrypt"] == [run("entry_mode", p, 1) for p in (0, 1)]


def test_per_package_encrypting_with_another_key_and_forking_count_on_every_package() -> None:
    run = with_two_keys("per-package")
    run.do("encrypt", vma=0, key=1)
    run.do("fork", vma=0, child=1)
    counted = {
        (v, p, k)
        for v in (0, 1)
        for p in (0, 1)
        for k in (1, 2)
        if run("counted", v, p, k) == "yes"
    }
    assert {(0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2)} == counted


def test_per_package_the_copy_of_a_shared_page_lies_where_its_writer_runs() -> None:
    run = with_page("per-package")
    run.do("fork", vma=0, child=1)
    expected = {"page[1,0]": "no", "page[1,1]": "yes", "shares[0,1]": "no", "shares[1,0]": "no"}
    assert expected == run.changes("write", vma=1, package=1)


def test_per_package_a_put_that_locks_again_waits_for_ever_too() -> None:
    run = with_two_keys("per-package,last_put=locks_again")
    run.do("destroy", key=0)
    assert "waits for ever" == run.do("encrypt", vma=0, key=1)
    assert ["yes", "no", "no"] == [run("lost_lock"), run("counted", 0, 0, 1), run("uses", 0, 1)]
