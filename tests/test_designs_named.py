"""Every named design has the settings that the design space's description gives it."""

from __future__ import annotations

import pytest

from designs import DESIGNS, DETAILS, KNOBS, Design, repaired

REPAIRED = {
    "bitmap_bits": "n_plus_1",
    "count_entries": "n_plus_1",
    "bitmap_update": "after_success",
    "error_unlock": "present",
    "lock_order": "hotplug_first",
    "last_put": "deferred",
    "on_program_failure": "quarantine",
    "on_release": "clear_first",
    "vault_on_release": "scrub",
    "program_struct": "scrubbed_free",
    "parse_error": "frees_payload",
    "parser": "strict",
    "key_lookup": "by_serial",
}

KEPT_IN_REACH = {"teardown": "keep_last_lead", "unreachable_package": "refuse_keys"}

CHANGES: dict[str, dict[str, str]] = {
    "rfc-v2": {},
    "rfc-v2-savekeys": {"savekeys": "on"},
    "rfc-v2-fixed": REPAIRED,
    "rfc-v2-savekeys-fixed": REPAIRED | {"savekeys": "on"},
    "no-hotplug": REPAIRED | KEPT_IN_REACH | {"startup_gate": "refuse_any_key"},
    "cpu-keys-only": REPAIRED | {"user_keys": "refused"},
    "per-package": REPAIRED | {"keyid_scope": "per_package"},
    "wrapped-vault": REPAIRED | KEPT_IN_REACH | {"savekeys": "on", "vault_form": "wrapped"},
    "resupply": REPAIRED | KEPT_IN_REACH | {"startup_gate": "resupply"},
}


def test_nine_designs_have_a_name() -> None:
    assert list(CHANGES) == list(DESIGNS)


@pytest.mark.parametrize("name", CHANGES)
def test_a_named_design_is_the_posted_one_but_for_what_is_listed(name: str) -> None:
    posted = {knob: KNOBS[knob].posted for knob in KNOBS}
    assert posted | CHANGES[name] == DESIGNS[name].settings()
    assert name == DESIGNS[name].name


def test_no_two_named_designs_are_the_same() -> None:
    assert 9 == len(set(DESIGNS.values()))


def test_the_repaired_posted_design_is_the_fixed_one() -> None:
    assert DESIGNS["rfc-v2-fixed"] == repaired(DESIGNS["rfc-v2"])
    assert DESIGNS["rfc-v2-savekeys-fixed"] == repaired(DESIGNS["rfc-v2-savekeys"])


@pytest.mark.parametrize("name", CHANGES)
def test_repairing_keeps_every_posture_and_repairs_every_detail(name: str) -> None:
    assert DESIGNS[name].settings() | REPAIRED == repaired(DESIGNS[name]).settings()


@pytest.mark.parametrize("name", list(CHANGES)[2:])
def test_repairing_a_repaired_design_changes_nothing(name: str) -> None:
    assert DESIGNS[name] == repaired(DESIGNS[name])
    assert name == repaired(DESIGNS[name]).name


def test_repairing_one_detail_less_is_seen() -> None:
    for detail in DETAILS:
        assert repaired(Design()) != repaired(Design()).but(**{detail: KNOBS[detail].posted})
