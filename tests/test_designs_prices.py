"""A posture's price is exactly what the checker finds violated when every detail is repaired."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import pytest

from checker import Limits, answer
from designs import DESIGNS, KNOBS, POSTURE, Design, DesignError, prices, repaired
from mktme.judge import question_of
from model import Scope
from properties import PROPERTIES, not_applicable

SMALL = Scope(2, 1, 1, 1, 2, 2)
TWO_KEYS = {"no-neighbour": Scope(2, 1, 2, 1, 1, 2)}
"""Where an owner can be another's neighbour by holding another KeyID."""
LIMITS = Limits(states_max=3_000_000)

OUT_OF_REACH = {
    *("memory-agrees", "table-as-requested", "right-key", "cold-boot-data", "never-in-clear"),
}
"""What a package costs that is not programmed while its memory is in use."""

NAMED = {
    "rfc-v2": OUT_OF_REACH | {"live-data-intact", "hotplug-admitted"},
    "rfc-v2-savekeys": OUT_OF_REACH | {"live-data-intact", "cold-boot-keys"},
    "rfc-v2-fixed": OUT_OF_REACH | {"live-data-intact", "hotplug-admitted"},
    "rfc-v2-savekeys-fixed": OUT_OF_REACH | {"live-data-intact", "cold-boot-keys"},
    "no-hotplug": {"hotplug-admitted", "teardown-admitted", "user-keys-admitted"},
    "cpu-keys-only": (
        OUT_OF_REACH | {"live-data-intact", "user-keys-admitted", "payload-as-documented"}
    ),
    "per-package": (
        OUT_OF_REACH
        | {"tables-agree", "user-keys-admitted"}
        | {"migration-admitted", "keyid-names-key"}
    ),
    "wrapped-vault": {"teardown-admitted", "user-keys-admitted"},
    "resupply": {"hotplug-admitted", "teardown-admitted", "user-keys-admitted"},
}
NAMED = {name: {*row, "failure-is-noop"} for name, row in NAMED.items()}


def postures() -> Iterator[Design]:
    """Every combination of postures that makes sense, with every detail repaired."""
    for values in itertools.product(*(KNOBS[name].values for name in POSTURE)):
        chosen = dict(zip(POSTURE, values, strict=True))
        try:
            yield repaired(Design(**chosen, name=",".join(values)))
        except DesignError:
            continue


def violated(design: Design) -> set[str]:
    """The properties that apply and are violated. All others are decided, or are vacuous here."""
    found = set()
    for claim in PROPERTIES.values():
        if not_applicable(design, claim) is None:
            scope = TWO_KEYS.get(claim.id, SMALL)
            word = answer(functools.partial(question_of, design, claim.id, scope), LIMITS).word
            assert word in ("PROVED", "VACUOUS", "VIOLATED"), claim.id
            found |= {claim.id} if word == "VIOLATED" else set()
    return found


@pytest.mark.parametrize("name", NAMED)
def test_the_prices_of_a_named_design_are_those_of_its_postures(name: str) -> None:
    assert NAMED[name] == set(prices(DESIGNS[name]))


@pytest.mark.parametrize("name", NAMED)
def test_a_price_names_a_property_and_says_what_is_given_up(name: str) -> None:
    assert {p: bool(p in PROPERTIES) for p in prices(DESIGNS[name])} == dict.fromkeys(
        NAMED[name], True
    )
    assert [] == [said for said in prices(DESIGNS[name]).values() if len(said.split()) < 6]


def test_details_have_no_price() -> None:
    for name, design in DESIGNS.items():
        assert prices(design) == prices(repaired(design)), name


@pytest.mark.deep
@pytest.mark.parametrize(
    "name", [name for name in NAMED if DESIGNS[name] == repaired(DESIGNS[name])]
)
def test_a_repaired_named_design_violates_its_prices_and_nothing_else(name: str) -> None:
    assert NAMED[name] == violated(DESIGNS[name])


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        (
            "startup_gate=none",
            OUT_OF_REACH | {"live-data-intact", "tables-agree", "no-neighbour"},
        ),
        (
            "startup_gate=none,user_keys=refused",
            OUT_OF_REACH | {"live-data-intact", "user-keys-admitted", "payload-as-documented"},
        ),
        ("startup_gate=none,savekeys=on", OUT_OF_REACH | {"live-data-intact", "cold-boot-keys"}),
        (
            "startup_gate=refuse_any_key,user_keys=refused",
            OUT_OF_REACH | {"hotplug-admitted", "user-keys-admitted", "payload-as-documented"},
        ),
        (
            "keyid_scope=per_package,user_keys=refused",
            NAMED["per-package"] | {"payload-as-documented"},
        ),
        (
            "keyid_scope=per_package,teardown=keep_last_lead",
            {"keyid-names-key", "migration-admitted", "teardown-admitted", "user-keys-admitted"},
        ),
        (
            "keyid_scope=per_package,unreachable_package=refuse_keys",
            {"keyid-names-key", "migration-admitted", "user-keys-admitted"},
        ),
    ],
)
def test_other_postures_have_the_listed_prices(design: str, expected: set[str]) -> None:
    changes = dict(pair.split("=") for pair in design.split(","))
    assert {*expected, "failure-is-noop"} == set(prices(Design(**changes)))


@pytest.mark.deep
@pytest.mark.parametrize(
    "design", list(postures()), ids=lambda design: design.name.split(",bitmap_bits")[0]
)
def test_every_posture_violates_its_prices_and_nothing_else(design: Design) -> None:
    assert set(prices(design)) == violated(design)
