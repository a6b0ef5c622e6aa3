"""What every action of the model does: when it is possible, what it answers, what it changes."""

from __future__ import annotations

import pytest
from runs import Run, grounded

from checker.systems.system import variables_in
from designs import DESIGNS
from model import NOT_MODELLED, Scope, key_service
from model.sorts import ANSWER

GIVEN = {
    "live[0]": "yes",
    "mapped[0,1]": "yes",
    "entry_mode[0,1]": "encrypt",
    "entry_mode[1,1]": "encrypt",
}


def with_key(design: str, kind: str = "user", **more: object) -> Run:
    """A run in which key 0 was given KeyID 1."""
    run = Run(design, **more)  # type: ignore[arg-type]
    assert "ok" == run.do("instantiate", key=0, kind=kind, bytes="A" if kind == "user" else "zeros")
    return run


# instantiate


def test_instantiate_programs_the_lowest_free_keyid_on_every_package() -> None:
    run = Run("rfc-v2-fixed")
    expected = GIVEN | {
        "entry_bytes[0,1]": "A",
        "entry_bytes[1,1]": "A",
        "bit[1]": "yes",
        "vault_control[1]": "user",
        "requested_bytes[0]": "A",
    }
    assert expected == run.changes("instantiate", key=0, kind="user", bytes="A")


def test_instantiate_of_a_cpu_key_sets_no_bit_and_draws_random_keys() -> None:
    run = Run("rfc-v2-fixed")
    expected = GIVEN | {
        "entry_bytes[0,1]": "random",
        "entry_bytes[1,1]": "random",
        "vault_control[1]": "cpu",
        "requested_kind[0]": "cpu",
    }
    assert expected == run.changes("instantiate", key=0, kind="cpu")


def test_a_clear_payload_maps_a_keyid_whose_entries_stay_tme() -> None:
    run = Run("rfc-v2-fixed")
    expected = {
        "live[0]": "yes",
        "mapped[0,1]": "yes",
        "vault_control[1]": "clear",
        "requested_kind[0]": "clear",
    }
    assert expected == run.changes("instantiate", key=0, kind="clear")


def test_a_no_encrypt_payload_makes_entries_no_encrypt() -> None:
    run = Run("rfc-v2-fixed")
    run.do("instantiate", key=0, kind="no_encrypt")
    assert ["no_encrypt", "zeros"] == [run("entry_mode", 1, 1), run("entry_bytes", 1, 1)]


def test_with_savekeys_the_vault_keeps_the_key() -> None:
    kept = {name: with_key(name)("vault_bytes", 1) for name in ("rfc-v2", "rfc-v2-savekeys")}
    assert {"rfc-v2": "zeros", "rfc-v2-savekeys": "A"} == kept


def test_a_freed_programming_structure_keeps_the_last_key_as_posted_and_none_when_repaired() -> (
    None
):
    run = with_key("rfc-v2")
    assert ["yes", "no"] == [run("struct_residue", b) for b in "AB"]
    run.do("update", key=0, kind="user", bytes="B")
    assert ["no", "yes"] == [run("struct_residue", b) for b in "AB"]
    run.do("update", key=0, kind="cpu")
    assert ["no", "no"] == [run("struct_residue", b) for b in "AB"]
    assert "no" == with_key("rfc-v2-fixed")("struct_residue", "A")


def test_a_payload_carries_key_bytes_exactly_when_it_is_of_type_user() -> None:
    run = Run("rfc-v2")
    kinds = ("user", "cpu", "clear", "no_encrypt")
    found = {
        (kind, held)
        for kind in kinds
        for held in ("zeros", "random", "A", "B")
        if run.can("instantiate", key=0, kind=kind, bytes=held)
    }
    expected = {("user", "A"), ("user", "B"), *((kind, "zeros") for kind in kinds[1:])}
    assert expected == found


def test_instantiate_takes_the_lowest_dead_key_object_only() -> None:
    run = Run("rfc-v2")
    assert [True, False] == [run.can("instantiate", key=k, kind="cpu") for k in (0, 1)]
    run.do("instantiate", key=0, kind="cpu")
    assert [False, True] == [run.can("instantiate", key=k, kind="cpu") for k in (0, 1)]


def test_without_a_free_keyid_instantiate_answers_enokey_and_changes_nothing() -> None:
    run = with_key("rfc-v2", "cpu")
    run.do("instantiate", key=1, kind="cpu")
    before = run.state
    assert "ENOKEY" == run.do("instantiate", key=0, kind="cpu")
    assert before == run.state


def test_as_posted_a_failed_instantiate_leaves_the_packages_that_were_programmed() -> None:
    run = Run("rfc-v2")
    assert "ENOKEY" == run.do("instantiate", key=0, kind="cpu", fails={1})
    assert ["encrypt", "tme"] == [run("entry_mode", p, 1) for p in (0, 1)]
    assert ["no", "no", "no"] == [run("live", 0), run("mapped", 0, 1), run("uncleared", 0, 1)]


def test_repaired_a_failed_instantiate_takes_the_keyid_out_of_service() -> None:
    run = Run("rfc-v2-fixed")
    run.do("instantiate", key=0, kind="cpu", fails={1})
    assert ["yes", "yes"] == [run("uncleared", p, 1) for p in (0, 1)]
    assert "ok" == run.do("instantiate", key=0, kind="cpu")
    assert ["no", "yes"] == [run("mapped", 0, k) for k in (1, 2)]


def test_an_absent_package_does_not_wait_for_clearing() -> None:
    run = Run("rfc-v2-fixed", absent=1)
    run.do("instantiate", key=0, kind="cpu", fails={0})
    assert ["yes", "no"] == [run("uncleared", p, 1) for p in (0, 1)]


def test_a_pconfig_can_fail_only_on_a_package_that_is_programmed() -> None:
    run = Run("rfc-v2", absent=1)
    found = [f for f in ((), (0,), (1,), (0, 1)) if run.can("instantiate", kind="cpu", fails=f)]
    assert [(), (0,)] == found


def test_a_refused_user_key_answers_einval_and_leaks_as_the_parser_does() -> None:
    run = Run("rfc-v2,user_keys=refused")
    assert {"leaked[A]": "yes"} == run.changes("instantiate", key=0, kind="user", bytes="A")
    assert "EINVAL" == run.do("instantiate", key=0, kind="user", bytes="A")
    assert {} == Run("cpu-keys-only").changes("instantiate", key=0, kind="user", bytes="A")


def test_with_refuse_keys_a_package_out_of_reach_refuses_every_key() -> None:
    run = Run("no-hotplug")
    for cpu in (0, 1):
        assert "ok" == run.do("cpu_teardown", package=1, cpu=cpu)
    assert "EINVAL" == run.do("instantiate", key=0, kind="cpu")


def test_an_added_package_without_memory_in_use_refuses_no_key() -> None:
    run = Run("no-hotplug", absent=1)
    run.do("package_add", package=1)
    assert "ok" == run.do("instantiate", key=0, kind="cpu")
    assert ["encrypt", "tme"] == [run("entry_mode", p, 1) for p in (0, 1)]


def test_per_package_a_key_gets_keyids_only_where_it_is_wanted() -> None:
    run = Run("per-package")
    expected = {
        "live[0]": "yes",
        "mapped[0,1,1]": "yes",
        "bit[1,1]": "yes",
        "entry_mode[1,1]": "encrypt",
        "entry_bytes[1,1]": "B",
        "requested_bytes[0]": "B",
    }
    assert expected == run.changes("instantiate", key=0, kind="user", bytes="B", wanted={1})


def test_per_package_a_key_is_wanted_somewhere_and_where_there_is_memory() -> None:
    run = Run("per-package", absent=1)
    found = [w for w in ((), (0,), (1,), (0, 1)) if run.can("instantiate", kind="cpu", wanted=w)]
    assert [(0,)] == found


def test_per_package_a_key_wanted_only_out_of_reach_answers_enokey() -> None:
    run = Run("per-package", Scope(2, 1, 2))
    run.do("cpu_teardown", package=1, cpu=0)
    before = run.state
    assert "ENOKEY" == run.do("instantiate", kind="cpu", wanted={1})
    assert before == run.state


# update


def test_update_programs_the_keys_own_keyid() -> None:
    run = with_key("rfc-v2-fixed")
    expected = {"entry_bytes[0,1]": "B", "entry_bytes[1,1]": "B", "requested_bytes[0]": "B"}
    assert expected == run.changes("update", key=0, kind="user", bytes="B")


def test_update_to_a_cpu_key_drops_the_bit_and_back_sets_it() -> None:
    for name in ("rfc-v2", "rfc-v2-fixed"):
        run = with_key(name)
        run.do("update", key=0, kind="cpu")
        assert ["no", "cpu"] == [run("bit", 1), run("vault_control", 1)]
        run.do("update", key=0, kind="user", bytes="A")
        assert ["yes", "user"] == [run("bit", 1), run("vault_control", 1)]


def test_as_posted_a_failed_update_leaves_the_bit_clear_and_the_vault_as_it_was() -> None:
    run = with_key("rfc-v2")
    expected = {
        "entry_bytes[0,1]": "B",
        "bit[1]": "no",
        "struct_residue[A]": "no",
        "struct_residue[B]": "yes",
    }
    assert expected == run.changes("update", key=0, kind="user", bytes="B", fails={1})


def test_with_the_bit_touched_after_success_a_failed_update_leaves_it_set() -> None:
    run = with_key("rfc-v2,bitmap_update=after_success")
    assert "ENOKEY" == run.do("update", key=0, kind="cpu", fails={0, 1})
    assert "yes" == run("bit", 1)


def test_repaired_a_failed_update_ends_the_key_and_takes_its_keyid_out_of_service() -> None:
    run = with_key("rfc-v2-fixed")
    expected = {
        "live[0]": "no",
        "mapped[0,1]": "no",
        "bit[1]": "no",
        "vault_control[1]": "empty",
        "entry_bytes[0,1]": "B",
        "uncleared[0,1]": "yes",
        "uncleared[1,1]": "yes",
        "requested_bytes[0]": "zeros",
    }
    assert expected == run.changes("update", key=0, kind="user", bytes="B", fails={1})


def test_only_a_live_key_is_updated_or_destroyed() -> None:
    run = Run("rfc-v2")
    assert not run.can("update", key=0, kind="cpu")
    assert not run.can("destroy", key=0)
    run.do("instantiate", key=0, kind="cpu")
    assert run.can("update", key=0, kind="cpu")
    assert run.can("destroy", key=0)


def test_per_package_an_update_without_reach_answers_enokey_and_changes_nothing() -> None:
    run = Run("per-package", Scope(2, 1, 2))
    run.do("instantiate", kind="user", bytes="A", wanted={1})
    run.do("cpu_teardown", package=1, cpu=0)
    before = run.state
    assert "ENOKEY" == run.do("update", key=0, kind="cpu")
    assert before == run.state


def test_per_package_an_update_sets_the_bit_where_it_does_not_reach() -> None:
    run = Run("per-package", Scope(2, 1, 2))
    run.do("instantiate", kind="user", bytes="A", wanted={0, 1})
    run.do("cpu_teardown", package=1, cpu=0)
    assert "ok" == run.do("update", key=0, kind="cpu")
    assert ["no", "no"] == [run("bit", p, 1) for p in (0, 1)]
    assert ["random", "A"] == [run("entry_bytes", p, 1) for p in (0, 1)]


# destroy


def test_as_posted_destroy_leaves_key_tables_and_vault() -> None:
    run = with_key("rfc-v2-savekeys")
    expected = {"live[0]": "no", "mapped[0,1]": "no", "bit[1]": "no", "requested_bytes[0]": "zeros"}
    assert expected == run.changes("destroy", key=0)


def test_repaired_destroy_clears_every_package_and_the_vault() -> None:
    run = with_key("rfc-v2-savekeys-fixed")
    start = Run("rfc-v2-savekeys-fixed").state
    assert "ok" == run.do("destroy", key=0)
    assert start == run.state


def test_repaired_a_package_where_clearing_fails_keeps_the_keyid_out_of_service() -> None:
    run = with_key("rfc-v2-fixed")
    assert "ok" == run.do("destroy", key=0, fails={1})
    assert ["no", "yes"] == [run("uncleared", p, 1) for p in (0, 1)]
    assert ["tme", "encrypt"] == [run("entry_mode", p, 1) for p in (0, 1)]


def test_repaired_a_package_that_is_out_of_reach_keeps_the_keyid_out_of_service() -> None:
    run = with_key("rfc-v2-fixed", scope=Scope(2, 1, 2))
    run.do("cpu_teardown", package=1, cpu=0)
    assert not run.can("destroy", key=0, fails={1})
    run.do("destroy", key=0)
    assert ["no", "yes"] == [run("uncleared", p, 1) for p in (0, 1)]


def test_as_posted_destroy_runs_no_pconfig_that_could_fail() -> None:
    assert not with_key("rfc-v2").can("destroy", key=0, fails={0})


# extend


def test_extend_gives_the_key_a_keyid_on_one_more_package() -> None:
    run = Run("per-package")
    run.do("instantiate", key=0, kind="user", bytes="A", wanted={1})
    expected = {
        "mapped[0,0,1]": "yes",
        "bit[0,1]": "yes",
        "entry_mode[0,1]": "encrypt",
        "entry_bytes[0,1]": "A",
    }
    assert expected == run.changes("extend", key=0, package=0)
    assert not run.can("extend", key=0, package=0)


def test_a_failed_extend_takes_that_pair_out_of_service_and_no_other() -> None:
    run = Run("per-package")
    run.do("instantiate", key=0, kind="cpu", wanted={1})
    assert {"uncleared[0,1]": "yes"} == run.changes("extend", key=0, package=0, fails=True)


def test_extend_needs_a_live_key_and_memory() -> None:
    run = Run("per-package", absent=1)
    assert not run.can("extend", key=0, package=0)
    run.do("instantiate", key=0, kind="cpu", wanted={0})
    assert not run.can("extend", key=0, package=1)


def test_extend_to_a_full_package_answers_enokey() -> None:
    run = Run("per-package", Scope(2, 1, 1))
    run.do("instantiate", key=0, kind="cpu", wanted={0})
    run.do("cpu_teardown", package=1, cpu=0)
    assert not run.can("extend", key=0, package=1, fails=True)
    assert "ENOKEY" == run.do("extend", key=0, package=1)


# preparse_error


def test_a_payload_refused_while_parsed_leaks_its_key_as_posted() -> None:
    assert {"leaked[B]": "yes"} == Run("rfc-v2").changes("preparse_error", bytes="B")
    assert {} == Run("rfc-v2-fixed").changes("preparse_error", bytes="B")
    assert "EINVAL" == Run("rfc-v2").do("preparse_error", bytes="B")


def test_only_a_users_key_can_leak() -> None:
    run = Run("rfc-v2")
    found = [b for b in ("zeros", "random", "A", "B") if run.can("preparse_error", bytes=b)]
    assert ["A", "B"] == found


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


def offered(design: str, *kinds: str) -> Run:
    """Package 1 was added after keys of these kinds were made; user keys are A."""
    run = Run(design, absent=1)
    for key, kind in enumerate(kinds):
        run.do("instantiate", key=key, kind=kind, bytes="A" if kind == "user" else "zeros")
    run.do("package_add", package=1)
    return run


def unasked(design: str) -> dict[str, object]:
    """Where the gate asks no owner, none fails to answer."""
    return {"answered": True} if design == "resupply" else {}


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


def test_the_posted_designs_have_no_retry_and_only_per_package_extends() -> None:
    service = ["instantiate", "update", "destroy", "preparse_error"]
    hardware = ["package_add", "cpu_startup", "cpu_teardown"]
    actions = {
        name: [a.name for a in key_service(design, grounded(design, Scope()).finite).actions]
        for name, design in DESIGNS.items()
    }
    assert [*service, *hardware] == actions["rfc-v2"]
    assert [*service, *hardware] == actions["rfc-v2-savekeys"]
    assert [*service, "extend", *hardware, "retry_clear"] == actions["per-package"]
    assert [*service, *hardware, "retry_clear"] == actions["rfc-v2-fixed"]


# Ghosts, and what is left out


GHOST_READERS: dict[str, set[str]] = {
    # What an owner supplies again is the environment's choice, limited to what it had asked for.
    "resupply": {"cpu_startup guard"},
    "per-package": {"extend bit", "extend entry_bytes", "extend entry_mode"},
}


@pytest.mark.parametrize("name", DESIGNS)
def test_no_guard_and_no_effect_reads_what_owners_asked_for_but_where_they_supply_it_again(
    name: str,
) -> None:
    grounding = grounded(DESIGNS[name], Scope())
    families = {family.name for family in grounding.text.families if family.ghost}
    assert {"requested_kind", "requested_bytes"} == families
    found = set()
    for action in grounding.system.actions:
        terms = {f"{action.name} guard": [action.guard], f"{action.name} answer": [action.answer]}
        for variable, update in action.updates.items():
            family = variable.split("[")[0]
            if family not in families:
                terms.setdefault(f"{action.name} {family}", []).append(update)
        for what, read in terms.items():
            if {variable.split("[")[0] for variable in variables_in(read)} & families:
                found.add(what)
    assert GHOST_READERS.get(name, set()) == found


@pytest.mark.parametrize("knob", NOT_MODELLED)
def test_a_knob_that_is_not_modelled_changes_no_term(knob: str) -> None:
    base = DESIGNS["rfc-v2-savekeys"] if knob == "vault_form" else DESIGNS["rfc-v2"]
    other = {"vault_form": "wrapped", "count_entries": "n_plus_1"}
    other |= {"parser": "strict", "key_lookup": "by_serial"}
    one = grounded(base, Scope()).system
    two = grounded(base.but(**{knob: other[knob]}), Scope()).system
    assert one.initially.eq(two.initially)
    for left, right in zip(one.actions, two.actions, strict=True):
        assert left.name == right.name
        assert left.guard.eq(right.guard)
        assert left.answer.eq(right.answer)
        assert left.updates.keys() == right.updates.keys()
        assert all(left.updates[name].eq(right.updates[name]) for name in left.updates)


def test_every_answer_of_the_model_is_given_somewhere() -> None:
    given = {
        Run("rfc-v2").do("instantiate", kind="cpu"),
        Run("rfc-v2").do("preparse_error", bytes="A"),
        Run("rfc-v2").do("instantiate", kind="cpu", fails={0}),
        offered("rfc-v2", "user").do("cpu_startup", package=1, cpu=0),
    }
    run = with_key("no-hotplug", scope=Scope(2, 1, 1))
    given.add(run.do("cpu_teardown", package=1, cpu=0))
    assert set(ANSWER.values) == given
