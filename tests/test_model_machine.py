"""What happens to the modelled machine: packages are added, CPUs come and go, clearing is tried."""

from __future__ import annotations

import pytest
from model_runs import offered, unasked, with_key
from runs import Run

from designs import DESIGNS
from model import Scope

# package_add and cpu_startup


def test_an_added_package_is_present_without_cpus_or_memory() -> None:
    run = Run("rfc-v2", absent=1)
    assert not run.can("cpu_startup", package=1, cpu=0)
    assert {"present[1]": "yes"} == run.changes("package_add", package=1)
    assert not run.can("package_add", package=1)


def test_the_first_cpu_of_a_package_leads_it_and_the_second_does_not() -> None:
    run = Run("rfc-v2", absent=1)
    run.do("package_add", package=1)
    expected = {"online[1,1]": "yes", "lead[1,1]": "yes", "memory[1]": "yes"}
    assert expected == run.changes("cpu_startup", package=1, cpu=1)
    assert {"online[1,0]": "yes"} == run.changes("cpu_startup", package=1, cpu=0)
    assert not run.can("cpu_startup", package=1, cpu=0)


@pytest.mark.parametrize(
    ("design", "kind", "answer", "entry"),
    [
        ("rfc-v2", "user", "EPERM", "zeros"),
        ("rfc-v2", "cpu", "ok", "random"),
        ("rfc-v2-savekeys", "user", "ok", "A"),
        ("rfc-v2-savekeys,startup_gate=refuse_any_key", "user", "EPERM", "zeros"),
        ("no-hotplug", "cpu", "EPERM", "zeros"),
        ("rfc-v2,startup_gate=none", "user", "ok", "zeros"),
        ("resupply", "user", "EPERM", "zeros"),
        ("wrapped-vault", "user", "ok", "A"),
    ],
)
def test_the_gate_admits_a_package_or_not(design: str, kind: str, answer: str, entry: str) -> None:
    run = offered(design, kind)
    before = run.state
    assert answer == run.do("cpu_startup", package=1, cpu=0)
    assert entry == run("entry_bytes", 1, 1)
    assert (answer == "ok") == (run.state != before)


def test_without_a_mapped_keyid_every_gate_admits() -> None:
    answers = {
        name: offered(name).do("cpu_startup", package=1, cpu=0, **unasked(name)) for name in DESIGNS
    }
    assert dict.fromkeys(DESIGNS, "ok") == answers


def test_as_posted_the_last_keyids_bit_does_not_count_and_its_key_becomes_zeros() -> None:
    run = offered("rfc-v2", "cpu", "user")
    assert "yes" == run("bit", 2)
    assert "ok" == run.do("cpu_startup", package=1, cpu=0)
    assert ["encrypt", "zeros"] == [run("entry_mode", 1, 2), run("entry_bytes", 1, 2)]
    assert "EPERM" == offered("rfc-v2-fixed", "cpu", "user").do("cpu_startup", package=1, cpu=0)


def test_an_owner_that_answers_supplies_its_own_key() -> None:
    run = offered("resupply", "user")
    given = {"package": 1, "cpu": 0, "answered": True}
    assert not run.can("cpu_startup", **given)
    assert not run.can("cpu_startup", **given, supplied={1: "B"})
    assert "ok" == run.do("cpu_startup", **given, supplied={1: "A"})
    assert "A" == run("entry_bytes", 1, 1)


def test_with_resupply_cpu_keys_are_drawn_anew_without_asking_anyone() -> None:
    run = offered("resupply", "cpu")
    assert not run.can("cpu_startup", package=1, cpu=0)
    assert "ok" == run.do("cpu_startup", package=1, cpu=0, **unasked("resupply"))
    assert "random" == run("entry_bytes", 1, 1)


def test_a_startup_that_fails_keeps_the_keyids_programmed_before_and_leaves_the_cpu_offline() -> (
    None
):
    run = offered("rfc-v2-fixed", "cpu", "cpu")
    choice = {"package": 1, "cpu": 0, "fails": True, "fails_at": 2}
    expected = {"entry_mode[1,1]": "encrypt", "entry_bytes[1,1]": "random"}
    assert expected == run.changes("cpu_startup", **choice)
    assert "ENOKEY" == run.do("cpu_startup", **choice)


def test_a_startup_can_fail_only_at_a_mapped_keyid() -> None:
    run = offered("rfc-v2-fixed", "cpu")
    choice = {"package": 1, "cpu": 0, "fails": True}
    found = [k for k in (1, 2) if run.can("cpu_startup", **choice, fails_at=k)]
    assert [1] == found


def test_per_package_a_package_that_comes_online_programs_nothing() -> None:
    run = Run("per-package", absent=1)
    run.do("instantiate", key=0, kind="user", bytes="A", wanted={0})
    run.do("package_add", package=1)
    expected = {"online[1,0]": "yes", "lead[1,0]": "yes", "memory[1]": "yes"}
    assert expected == run.changes("cpu_startup", package=1, cpu=0)


# cpu_teardown


def test_the_lowest_other_cpu_takes_the_lead() -> None:
    run = Run("rfc-v2", Scope(2, 3, 1))
    expected = {"online[1,0]": "no", "lead[1,0]": "no", "lead[1,1]": "yes"}
    assert expected == run.changes("cpu_teardown", package=1, cpu=0)


def test_a_cpu_that_does_not_lead_only_goes_offline() -> None:
    assert {"online[1,1]": "no"} == Run("rfc-v2").changes("cpu_teardown", package=1, cpu=1)


def test_the_machines_last_cpu_cannot_go() -> None:
    run = Run("rfc-v2", Scope(2, 1, 1))
    run.do("cpu_teardown", package=1, cpu=0)
    assert not run.can("cpu_teardown", package=0, cpu=0)


@pytest.mark.parametrize(("design", "answer"), [("rfc-v2", "ok"), ("no-hotplug", "EBUSY")])
def test_the_last_cpu_of_a_package_stays_while_keyids_are_mapped_if_so_designed(
    design: str, answer: str
) -> None:
    run = with_key(design, "cpu")
    assert "ok" == run.do("cpu_teardown", package=1, cpu=0)
    assert answer == run.do("cpu_teardown", package=1, cpu=1)
    assert {"ok": "no", "EBUSY": "yes"}[answer] == run("online", 1, 1)


# retry_clear


def test_retry_clear_puts_a_keyid_back_into_service() -> None:
    run = with_key("rfc-v2-fixed")
    run.do("destroy", key=0, fails={1})
    assert {} == run.changes("retry_clear", package=1, keyid=1, fails=True)
    assert "ENOKEY" == run.do("retry_clear", package=1, keyid=1, fails=True)
    expected = {"uncleared[1,1]": "no", "entry_mode[1,1]": "tme", "entry_bytes[1,1]": "zeros"}
    assert expected == run.changes("retry_clear", package=1, keyid=1)
    assert not run.can("retry_clear", package=1, keyid=1)


def test_retry_clear_waits_for_a_cpu() -> None:
    run = with_key("rfc-v2-fixed", scope=Scope(2, 1, 2))
    run.do("cpu_teardown", package=1, cpu=0)
    run.do("destroy", key=0)
    assert not run.can("retry_clear", package=1, keyid=1)
    run.do("cpu_startup", package=1, cpu=0)
    assert "ok" == run.do("retry_clear", package=1, keyid=1)
