"""Who still needs a KeyID in the model: counting, stealing, reused addresses, and lost locks."""

from __future__ import annotations

import pytest
from model_runs import everywhere, with_key, with_page, with_two_keys, with_vma, without_keyid
from runs import Run

from model import Scope


def holders(run: Run, keyid: int) -> set[str]:
    """Whose references a KeyID counts (of global KeyIDs)."""
    vmas = range(run.scope.vmas)
    found = {f"vma {v}" for v in vmas if run("counted", v, keyid) == "yes"}
    return found | ({"key"} if run("key_counted", keyid) == "yes" else set())


# Counting


def test_a_keyid_begins_with_its_keys_reference_and_counts_its_vmas() -> None:
    run = with_key("rfc-v2-fixed")
    assert {"key"} == holders(run, 1)
    run.do("encrypt", vma=0, key=0)
    run.do("fork", vma=0, child=1)
    assert {"key", "vma 0", "vma 1"} == holders(run, 1)
    run.do("unmap", vma=0)
    assert {"key", "vma 1"} == holders(run, 1)


def test_a_key_that_is_destroyed_leaves_its_keyid_to_the_vmas_that_use_it() -> None:
    run = with_vma("rfc-v2")
    expected = {"live[0]": "no", "given[0,1]": "no", "key_counted[1]": "no"}
    assert expected == run.changes("destroy", key=0)
    assert ["yes", "yes"] == [run("mapped", 0, 1), run("bit", 1)]


def test_the_keyid_goes_with_whoever_leaves_last() -> None:
    first, second = with_vma("rfc-v2"), with_vma("rfc-v2")
    first.do("destroy", key=0)
    assert "yes" == first("mapped", 0, 1)
    first.do("unmap", vma=0)
    second.do("unmap", vma=0)
    assert "yes" == second("mapped", 0, 1)
    second.do("destroy", key=0)
    assert ["no", "no"] == [run("mapped", 0, 1) for run in (first, second)]


# Addresses that are used again


def test_as_posted_a_freed_key_object_may_be_handed_out_while_the_map_holds_its_address() -> None:
    run = with_vma("rfc-v2")
    run.do("destroy", key=0)
    assert [True, True] == [run.can("instantiate", key=x, kind="cpu") for x in (0, 1)]
    run.do("instantiate", key=0, kind="cpu")
    assert ["yes", "yes"] == [run("mapped", 0, k) for k in (1, 2)]
    assert ["no", "yes"] == [run("given", 0, k) for k in (1, 2)]


def test_a_serial_number_is_never_used_again() -> None:
    run = with_vma("rfc-v2-fixed")
    run.do("destroy", key=0)
    assert [False, True] == [run.can("instantiate", key=x, kind="cpu") for x in (0, 1)]


def test_a_key_at_a_reused_address_is_found_at_the_old_keyid() -> None:
    run = with_vma("rfc-v2")
    run.do("destroy", key=0)
    run.do("instantiate", key=0, kind="user", bytes="B")
    expected = {
        "uses[1,1]": "yes",
        "counted[1,1]": "yes",
        "astray[1]": "yes",
        "wants[1]": "yes",
    }
    assert expected == run.changes("encrypt", vma=1, key=0)


def test_an_update_at_a_reused_address_programs_the_old_keyid() -> None:
    run = with_vma("rfc-v2")
    run.do("fork", vma=0, child=1)
    run.do("destroy", key=0)
    run.do("instantiate", key=0, kind="cpu")
    run.do("unmap", vma=1)  # one reference left: the posted update finds the KeyID unused
    assert "ok" == run.do("update", key=0, kind="user", bytes="B")
    assert ["B", "random"] == [run("entry_bytes", 0, k) for k in (1, 2)]
    assert ["B", "B"] == [run("requested_bytes", k) for k in (1, 2)]
    assert "yes" == run("astray", 0)  # its owner named the key that is gone


def stolen(vmas: int = 1) -> Run:
    """A key at the address of a destroyed one is destroyed, and drops a VMA's reference."""
    run = with_vma("rfc-v2")
    if vmas == 2:
        run.do("fork", vma=0, child=1)
    run.do("destroy", key=0)
    run.do("instantiate", key=0, kind="cpu")
    run.do("destroy", key=0)
    return run


def test_destroy_at_a_reused_address_takes_the_reference_of_the_least_vma() -> None:
    run = stolen(vmas=2)
    assert {"vma 1"} == holders(run, 1)
    assert {"key"} == holders(run, 2)
    assert ["yes", "yes"] == [run("uses", v, 1) for v in (0, 1)]


def test_a_stolen_last_reference_frees_the_keyid_under_the_vma_and_leaves_the_other_for_ever() -> (
    None
):
    run = stolen()
    assert ["no", "yes"] == [run("mapped", 0, k) for k in (1, 2)]
    assert ["yes", set(), {"key"}] == [run("uses", 0, 1), holders(run, 1), holders(run, 2)]
    assert "no" == run("live", 0)


def test_a_vma_that_keeps_a_freed_keyid_goes_astray_with_the_next_key_there() -> None:
    run = stolen()
    assert "no" == run("astray", 0)
    run.do("instantiate", key=1, kind="cpu")
    assert ["yes", "yes"] == [run("mapped", 1, 1), run("astray", 0)]


def test_a_vma_without_a_reference_drops_the_keys_and_so_a_live_key_loses_its_keyid() -> None:
    run = without_keyid()
    assert [set(), "yes"] == [holders(run, 1), run("live", 1)]


def test_a_page_under_a_freed_keyid_is_not_its_owners_any_more() -> None:
    run = with_page("rfc-v2")
    run.do("destroy", key=0)
    run.do("instantiate", key=0, kind="cpu")
    run.do("destroy", key=0)
    assert ["yes", "yes"] == [run("own", 0, 1), run("intact", 0)]
    run.do("instantiate", key=1, kind="cpu")
    assert ["no", "no"] == [run("own", 0, 1), run("intact", 0)]


def test_per_package_a_reused_address_gives_vmas_the_new_keys_keyids() -> None:
    run = Run("per-package,key_lookup=by_address")
    run.do("instantiate", key=0, kind="user", bytes="A", wanted={0})
    run.do("encrypt", vma=0, key=0)
    run.do("destroy", key=0)
    assert not run.can("write", vma=0, package=1)
    run.do("instantiate", key=0, kind="user", bytes="B", wanted={1})
    assert "yes" == run("astray", 0)
    run.do("write", vma=0, package=1)
    assert ["yes", "no"] == [run("written", 0, "B"), run("own", 0, 1)]


# Locks that are lost


def test_as_posted_an_update_while_a_vma_uses_the_key_is_refused_and_loses_the_lock() -> None:
    run = with_vma("rfc-v2,parser=strict,count_entries=n_plus_1")
    before = run.state
    assert "EBUSY" == run.do("update", key=0, kind="cpu")
    run.state = before
    assert {"lost_lock": "yes"} == run.changes("update", key=0, kind="cpu")


def test_as_posted_an_update_of_a_key_without_keyid_is_refused_and_loses_the_lock() -> None:
    run = without_keyid()
    before = run.state
    assert "EINVAL" == run.do("update", key=1, kind="cpu")
    run.state = before
    assert {"lost_lock": "yes"} == run.changes("update", key=1, kind="cpu")


def test_repaired_an_update_that_is_refused_changes_nothing() -> None:
    run = with_vma("rfc-v2-fixed")
    before = run.state
    assert "EBUSY" == run.do("update", key=0, kind="cpu")
    assert before == run.state


def test_a_payload_that_cannot_be_parsed_loses_no_lock() -> None:
    run = with_vma("rfc-v2,user_keys=refused", "cpu")
    run.do("update", key=0, kind="user", bytes="A")
    assert "no" == run("lost_lock")


def losing(run: Run) -> set[str]:
    """Which actions can happen in some way in the present state."""
    return {call.action for call in run.machine.enabled(run.state)}


def test_what_needs_the_lost_lock_cannot_be_called_any_more() -> None:
    run = with_page("rfc-v2,on_program_failure=quarantine", absent=1, scope=Scope(2, 2, 2))
    run.do("instantiate", key=1, kind="cpu", fails={0})
    run.do("fork", vma=0, child=1)
    run.do("cpu_teardown", package=0, cpu=1)
    needs_lock = {
        "instantiate",
        "update",
        "encrypt",
        "cpu_startup",
        "cpu_teardown",
        "retry_clear",
    }
    others = {"destroy", "preparse_error", "package_add", "unmap", "write", "migrate"}
    run.do("cpu_startup", package=0, cpu=1)
    run.do("unmap", vma=1)
    assert needs_lock | others | {"fork"} == losing(run) | {"cpu_startup"}
    run.do("update", key=0, kind="cpu")
    assert "yes" == run("lost_lock")
    assert others | {"fork"} == losing(run)


def test_with_the_lock_lost_a_reference_can_be_dropped_that_is_not_the_last() -> None:
    run = with_two_keys("rfc-v2")
    run.do("update", key=0, kind="cpu")
    assert [True, False] == [run.can("destroy", key=x) for x in (0, 1)]
    run.do("destroy", key=0)
    assert not run.can("unmap", vma=0)


def test_a_process_that_hangs_makes_no_call_and_others_go_on() -> None:
    run = with_two_keys("rfc-v2")
    run.do("encrypt", vma=1, key=1)
    run.do("write", vma=0, package=0)
    run.do("write", vma=1, package=0)
    run.do("destroy", key=0)
    run.do("encrypt", vma=0, key=1)
    calls = [
        ("encrypt", {"key": 1}),
        ("unmap", {}),
        ("write", {"package": 0}),
        ("migrate", {"package": 1}),
    ]
    can = {
        name: [run.can(name, vma=v, **more) for v in (0, 1)]  # type: ignore[arg-type]
        for name, more in calls
    }
    alone = [False, True]
    assert {"encrypt": [False] * 2, "unmap": alone, "write": alone, "migrate": alone} == can
    run.do("unmap", vma=1)
    assert not run.can("fork", vma=0, child=1)


# The count's array


@pytest.mark.parametrize(("entries", "strayed"), [("n", ["no", "yes"]), ("n_plus_1", ["no"] * 2)])
@pytest.mark.parametrize("base", ["rfc-v2-fixed", "per-package"])
def test_the_count_of_the_last_keyid_lies_beyond_the_posted_array(
    base: str, entries: str, strayed: list[str]
) -> None:
    run = Run(f"{base},count_entries={entries}")
    found = []
    for key in (0, 1):
        run.do("instantiate", key=key, kind="cpu", **everywhere(run))
        found.append(run("overrun"))
    assert strayed == found


@pytest.mark.parametrize(
    ("action", "choice"),
    [
        ("encrypt", {"vma": 0, "key": 0}),
        ("fork", {"vma": 1, "child": 0}),
        ("unmap", {"vma": 1}),
        ("destroy", {"key": 0}),
        ("update", {"key": 0, "kind": "cpu"}),
    ],
)
def test_every_access_to_that_count_strays(action: str, choice: dict[str, object]) -> None:
    run = Run("rfc-v2-fixed,count_entries=n", Scope(1, 1, 1))
    run.do("instantiate", key=0, kind="cpu")
    if action != "update":
        run.do("encrypt", vma=1, key=0)
    names = [v.name for v in run.system.variables]
    at = names.index("overrun")
    run.state = (*run.state[:at], 0, *run.state[at + 1 :])
    assert "yes" == run.changes(action, **choice)["overrun"]
