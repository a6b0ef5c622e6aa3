"""What the key service's operations do in the model: when they are possible, and what changes."""

from __future__ import annotations

from model_runs import with_key
from runs import Run

from model import Scope

GIVEN = {
    "live[0]": "yes",
    "mapped[0,1]": "yes",
    "given[0,1]": "yes",
    "key_counted[1]": "yes",
    "entry_mode[0,1]": "encrypt",
    "entry_mode[1,1]": "encrypt",
}


# instantiate


def test_instantiate_programs_the_lowest_free_keyid_on_every_package() -> None:
    run = Run("rfc-v2-fixed")
    expected = GIVEN | {
        "entry_bytes[0,1]": "A",
        "entry_bytes[1,1]": "A",
        "bit[1]": "yes",
        "vault_control[1]": "user",
        "requested_bytes[1]": "A",
        "known[1,A]": "yes",
    }
    assert expected == run.changes("instantiate", key=0, kind="user", bytes="A")


def test_instantiate_of_a_cpu_key_sets_no_bit_and_draws_random_keys() -> None:
    run = Run("rfc-v2-fixed")
    expected = GIVEN | {
        "entry_bytes[0,1]": "random",
        "entry_bytes[1,1]": "random",
        "vault_control[1]": "cpu",
        "requested_kind[1]": "cpu",
    }
    assert expected == run.changes("instantiate", key=0, kind="cpu")


def test_a_clear_payload_maps_a_keyid_whose_entries_stay_tme() -> None:
    run = Run("rfc-v2-fixed")
    expected = {
        "live[0]": "yes",
        "mapped[0,1]": "yes",
        "given[0,1]": "yes",
        "key_counted[1]": "yes",
        "vault_control[1]": "clear",
        "requested_kind[1]": "clear",
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
    run = Run("rfc-v2,user_keys=refused,parser=strict")
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
        "given[0,1,1]": "yes",
        "key_counted[1,1]": "yes",
        "bit[1,1]": "yes",
        "entry_mode[1,1]": "encrypt",
        "entry_bytes[1,1]": "B",
        "requested_bytes[0]": "B",
        "known[0,B]": "yes",
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
    expected = {
        "entry_bytes[0,1]": "B",
        "entry_bytes[1,1]": "B",
        "requested_bytes[1]": "B",
        "known[1,B]": "yes",
    }
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
        "known[1,B]": "yes",
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
        "given[0,1]": "no",
        "key_counted[1]": "no",
        "bit[1]": "no",
        "vault_control[1]": "empty",
        "entry_bytes[0,1]": "B",
        "uncleared[0,1]": "yes",
        "uncleared[1,1]": "yes",
        "requested_bytes[1]": "zeros",
        "known[1,A]": "no",
        "released[A]": "yes",
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
    expected = {
        "live[0]": "no",
        "mapped[0,1]": "no",
        "given[0,1]": "no",
        "key_counted[1]": "no",
        "bit[1]": "no",
        "requested_bytes[1]": "zeros",
        "known[1,A]": "no",
        "released[A]": "yes",
    }
    assert expected == run.changes("destroy", key=0)


def test_repaired_destroy_clears_every_package_and_the_vault() -> None:
    run = with_key("rfc-v2-savekeys-fixed", "cpu")
    start = Run("rfc-v2-savekeys-fixed").state
    assert "ok" == run.do("destroy", key=0)
    assert start == run.state


def test_an_owner_knows_every_user_key_that_it_handed_in_for_its_key() -> None:
    run = with_key("rfc-v2-fixed,on_program_failure=leave")
    run.do("update", key=0, kind="user", bytes="B", fails={0, 1})
    run.do("update", key=0, kind="cpu")
    assert ["yes", "yes"] == [run("known", 1, b) for b in "AB"]
    run.do("destroy", key=0)
    assert ["no", "no"] == [run("known", 1, b) for b in "AB"]


def test_an_update_that_is_not_parsed_teaches_nothing() -> None:
    run = with_key("rfc-v2,user_keys=refused", "cpu")
    run.do("update", key=0, kind="user", bytes="A")
    assert "no" == run("known", 1, "A")


def test_a_released_user_key_is_remembered_until_an_owner_hands_it_in_again() -> None:
    run = with_key("rfc-v2-fixed")
    run.do("destroy", key=0)
    assert ["yes", "no"] == [run("released", b) for b in "AB"]
    run.do("instantiate", key=0, kind="user", bytes="A")
    assert "no" == run("released", "A")


def test_a_user_key_that_another_keyid_still_stands_for_is_not_released() -> None:
    run = with_key("rfc-v2-fixed")
    run.do("instantiate", key=1, kind="user", bytes="A")
    run.do("destroy", key=0)
    assert "no" == run("released", "A")
    run.do("destroy", key=1)
    assert "yes" == run("released", "A")


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
    choices = {
        name: [p.name for p in Run(name).system.action("destroy").parameters]
        for name in ("rfc-v2", "rfc-v2-fixed")
    }
    assert {"rfc-v2": ["key"], "rfc-v2-fixed": ["key", "fails[0]", "fails[1]"]} == choices


# extend


def test_extend_gives_the_key_a_keyid_on_one_more_package() -> None:
    run = Run("per-package")
    run.do("instantiate", key=0, kind="user", bytes="A", wanted={1})
    expected = {
        "mapped[0,0,1]": "yes",
        "given[0,0,1]": "yes",
        "key_counted[0,1]": "yes",
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
    strict = "rfc-v2,parser=strict"
    assert {"leaked[B]": "yes"} == Run(strict).changes("preparse_error", bytes="B")
    assert {} == Run("rfc-v2-fixed").changes("preparse_error", bytes="B")
    assert "EINVAL" == Run("rfc-v2").do("preparse_error", bytes="B")


def test_only_a_users_key_can_leak() -> None:
    run = Run("rfc-v2")
    found = [b for b in ("zeros", "random", "A", "B") if run.can("preparse_error", bytes=b)]
    assert ["A", "B"] == found


def test_as_posted_every_payload_is_read_one_byte_beyond_its_end() -> None:
    counted = "rfc-v2,count_entries=n_plus_1"
    for design, strayed in ((counted, "yes"), (f"{counted},parser=strict", "no")):
        parsed, made = Run(design), Run(design)
        parsed.do("preparse_error", bytes="A")
        made.do("instantiate", key=0, kind="cpu")
        assert [strayed, strayed] == [run("overread") for run in (parsed, made)]
