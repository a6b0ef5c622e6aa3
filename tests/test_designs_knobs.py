"""Defaults are as posted, and a design that makes no sense is refused with its reason."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designs import DESIGNS, DETAILS, KNOBS, POSTURE, Design, DesignError, design_from_text, nearest

POSTED = {
    "keyid_scope": "global",
    "user_keys": "allowed",
    "savekeys": "off",
    "vault_form": "plaintext",
    "startup_gate": "user_bitmap",
    "teardown": "always",
    "unreachable_package": "ignored",
    "bitmap_bits": "n",
    "count_entries": "n",
    "bitmap_update": "clear_before_program",
    "error_unlock": "missing",
    "lock_order": "map_first",
    "last_put": "locks_again",
    "on_program_failure": "leave",
    "on_release": "keep",
    "vault_on_release": "keep",
    "program_struct": "dirty_free",
    "parse_error": "leaks_payload",
    "parser": "lenient",
    "key_lookup": "by_address",
}

OTHERS = {
    "keyid_scope": ("per_package",),
    "user_keys": ("refused",),
    "savekeys": ("on",),
    "vault_form": ("wrapped",),
    "startup_gate": ("refuse_any_key", "resupply", "none"),
    "teardown": ("keep_last_lead",),
    "unreachable_package": ("refuse_keys",),
    "bitmap_bits": ("n_plus_1",),
    "count_entries": ("n_plus_1",),
    "bitmap_update": ("after_success",),
    "error_unlock": ("present",),
    "lock_order": ("hotplug_first",),
    "last_put": ("deferred",),
    "on_program_failure": ("quarantine",),
    "on_release": ("clear_first",),
    "vault_on_release": ("scrub",),
    "program_struct": ("scrubbed_free",),
    "parse_error": ("frees_payload",),
    "parser": ("strict",),
    "key_lookup": ("by_serial",),
}

CONTRADICTIONS = {
    "vault_form=wrapped": "vault_form=wrapped needs savekeys=on (there is nothing to wrap)",
    "startup_gate=resupply,savekeys=on": (
        "startup_gate=resupply needs savekeys=off (the vault has what would be asked for)"
    ),
    "keyid_scope=per_package,savekeys=on": (
        "savekeys=on needs keyid_scope=global"
        " (with per_package, a package that comes online programs nothing from the vault)"
    ),
    "keyid_scope=per_package,startup_gate=none": (
        "startup_gate=none needs keyid_scope=global"
        " (with per_package, a package that comes online programs nothing: there is no gate)"
    ),
    "keyid_scope=per_package,startup_gate=refuse_any_key": (
        "startup_gate=refuse_any_key needs keyid_scope=global"
        " (with per_package, a package that comes online programs nothing: there is no gate)"
    ),
    "keyid_scope=per_package,startup_gate=resupply": (
        "startup_gate=resupply needs keyid_scope=global"
        " (with per_package, a package that comes online programs nothing: there is no gate)"
    ),
}


def settings_of(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split(","))


def refusal(text: str) -> str:
    """What is said when a design's text is refused."""
    with pytest.raises(DesignError) as refused:
        design_from_text(text)
    return str(refused.value)


def test_a_design_without_settings_is_the_posted_one() -> None:
    assert POSTED == Design().settings()


def test_the_posted_value_of_every_knob_is_its_first() -> None:
    assert POSTED == {name: knob.posted for name, knob in KNOBS.items()}


def test_the_other_values_of_every_knob_follow_in_the_specified_order() -> None:
    assert OTHERS == {name: knob.values[1:] for name, knob in KNOBS.items()}


def test_seven_knobs_are_posture_and_thirteen_are_details() -> None:
    assert tuple(POSTED)[:7] == POSTURE
    assert tuple(POSTED)[7:] == DETAILS


def test_a_detail_is_repaired_to_its_last_value_and_a_posture_stays_posted() -> None:
    repaired = {name: knob.repaired for name, knob in KNOBS.items()}
    expected = {n: POSTED[n] for n in POSTURE} | {n: OTHERS[n][-1] for n in DETAILS}
    assert expected == repaired


def test_every_value_says_what_it_means_and_every_knob_where_it_comes_from() -> None:
    silent = [knob.name for knob in KNOBS.values() if not knob.source]
    silent += [
        f"{k.name}={v}" for k in KNOBS.values() for v, said in k.meanings.items() if not said
    ]
    assert [] == silent


def test_a_name_is_only_a_label() -> None:
    assert Design(name="this") == Design(name="that")
    assert hash(Design(name="this")) == hash(Design(name="that"))


def test_designs_with_different_knobs_are_different() -> None:
    changed = [
        Design(**{knob: value})
        for knob, values in OTHERS.items()
        for value in values
        if knob != "vault_form"
    ]
    assert len(changed) + 1 == len({Design(), *changed})


def test_but_changes_the_named_knobs_and_no_others() -> None:
    changed = DESIGNS["rfc-v2"].but(savekeys="on", parser="strict")
    assert POSTED | {"savekeys": "on", "parser": "strict"} == changed.settings()
    assert "rfc-v2,savekeys=on,parser=strict" == changed.name


def test_but_with_the_values_that_a_design_has_gives_the_same_design_and_name() -> None:
    same = DESIGNS["rfc-v2"].but(savekeys="off")
    assert DESIGNS["rfc-v2"] == same
    assert "rfc-v2" == same.name


def test_but_leaves_the_old_design_as_it_was() -> None:
    old = DESIGNS["rfc-v2"]
    old.but(savekeys="on")
    assert POSTED == old.settings()


def test_but_refuses_an_unknown_knob_with_the_likely_one_and_the_full_list() -> None:
    expected = f"unknown knob 'savekey' (did you mean savekeys?); known: {', '.join(POSTED)}"
    with pytest.raises(DesignError, match=f"^{re.escape(expected)}$"):
        Design().but(savekey="on")


def test_a_value_that_a_knob_does_not_have_is_refused_with_the_values_it_has() -> None:
    expected = "unknown value 'onn' of knob savekeys (did you mean on?); known: off, on"
    with pytest.raises(DesignError, match=f"^{re.escape(expected)}$"):
        Design(savekeys="onn")


def test_a_value_like_no_known_one_is_refused_without_a_suggestion() -> None:
    assert "unknown value 'perhaps' of knob savekeys; known: off, on" == refusal(
        "rfc-v2,savekeys=perhaps"
    )


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_a_contradiction_is_refused_with_its_reason(text: str) -> None:
    expected = f"design rfc-v2,{text} makes no sense: {CONTRADICTIONS[text]}"
    assert expected == refusal(f"rfc-v2,{text}")


def test_the_posted_values_beside_a_contradiction_make_it_go_away() -> None:
    for text in CONTRADICTIONS:
        for knob in settings_of(text):
            alone = {k: v for k, v in settings_of(text).items() if k != knob}
            if "vault_form" not in alone:
                assert POSTED | alone == Design(**alone).settings()


def test_of_all_postures_88_make_sense() -> None:
    made = 0
    for values in itertools.product(*(KNOBS[name].values for name in POSTURE)):
        try:
            Design(**dict(zip(POSTURE, values, strict=True)))
        except DesignError:
            continue
        made += 1
    assert 88 == made


def test_an_unknown_design_is_refused_with_the_likely_one_and_the_full_list() -> None:
    expected = (
        "unknown design 'rfc-v2-fix' (did you mean rfc-v2-fixed?); known: rfc-v2,"
        " rfc-v2-savekeys, rfc-v2-fixed, rfc-v2-savekeys-fixed, no-hotplug, cpu-keys-only,"
        " per-package, wrapped-vault, resupply"
    )
    assert expected == refusal("rfc-v2-fix")


def test_an_empty_text_names_no_design() -> None:
    assert f"unknown design ''; known: {', '.join(DESIGNS)}" == refusal("")


def test_a_blank_after_the_comma_is_part_of_the_knobs_name() -> None:
    expected = f"unknown knob ' savekeys' (did you mean savekeys?); known: {', '.join(POSTED)}"
    assert expected == refusal("rfc-v2, savekeys=on")


def test_a_change_without_an_equals_sign_is_refused() -> None:
    assert "expected knob=value after the design's name, got 'savekeys'" == refusal(
        "rfc-v2,savekeys"
    )


def test_a_trailing_comma_is_refused() -> None:
    assert "expected knob=value after the design's name, got ''" == refusal("rfc-v2,")


def test_an_unknown_knob_in_a_text_is_refused_with_the_full_list() -> None:
    assert f"unknown knob 'colour'; known: {', '.join(POSTED)}" == refusal("rfc-v2,colour=blue")


def test_a_knob_that_is_set_twice_is_refused() -> None:
    assert "knob savekeys is set twice" == refusal("rfc-v2,savekeys=on,savekeys=on")


def test_the_name_of_a_design_is_no_knob() -> None:
    assert f"unknown knob 'name'; known: {', '.join(POSTED)}" == refusal("rfc-v2,name=mine")


def test_changes_that_make_sense_together_may_come_in_any_order() -> None:
    one = design_from_text("rfc-v2,vault_form=wrapped,savekeys=on")
    other = design_from_text("rfc-v2,savekeys=on,vault_form=wrapped")
    assert one == other
    assert POSTED | {"savekeys": "on", "vault_form": "wrapped"} == one.settings()


def test_nearest_suggests_only_what_is_close() -> None:
    assert " (did you mean always?); known: always, never" == nearest(
        "allways", ["always", "never"]
    )
    assert "; known: always, never" == nearest("xyz", ["always", "never"])


changes = st.dictionaries(st.sampled_from(sorted(KNOBS)), st.integers(0, 3), max_size=8).map(
    lambda drawn: {k: KNOBS[k].values[v % len(KNOBS[k].values)] for k, v in drawn.items()}
)


@given(st.sampled_from(sorted(DESIGNS)), changes)
@settings(derandomize=True, deadline=None)
def test_a_design_is_found_again_by_its_name(name: str, changed: dict[str, str]) -> None:
    text = ",".join([name, *(f"{knob}={value}" for knob, value in changed.items())])
    try:
        design = design_from_text(text)
    except DesignError as error:
        told = str(error)
    else:
        told = ""
    if told:
        assert [told] == [told for reason in CONTRADICTIONS.values() if told.endswith(reason)]
        return
    assert DESIGNS[name].settings() | changed == design.settings()
    again = design_from_text(design.name)
    assert design.settings() == again.settings()
    assert design.name == again.name
