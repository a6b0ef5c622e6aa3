"""A posture's price is exactly what the checker finds violated when every detail is repaired."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from checker import decide
from conformance.lockstep import ground
from designs import DESIGNS, KNOBS, POSTURE, Design, DesignError, prices, repaired
from model import SYSTEMS, Scope
from properties import PROPERTIES, not_applicable

NAMED = {
    "rfc-v2": {"memory-agrees", "hotplug-admitted"},
    "rfc-v2-savekeys": {"memory-agrees"},
    "rfc-v2-fixed": {"memory-agrees", "hotplug-admitted"},
    "rfc-v2-savekeys-fixed": {"memory-agrees"},
    "no-hotplug": {"hotplug-admitted"},
    "cpu-keys-only": {"memory-agrees"},
    "per-package": {"tables-agree", "memory-agrees"},
    "wrapped-vault": set(),
    "resupply": {"hotplug-admitted"},
}


def postures() -> Iterator[Design]:
    """Every combination of postures that makes sense, with every detail repaired."""
    for values in itertools.product(*(KNOBS[name].values for name in POSTURE)):
        chosen = dict(zip(POSTURE, values, strict=True))
        try:
            yield repaired(Design(**chosen, name=",".join(values)))
        except DesignError:
            continue


def verdicts(design: Design) -> dict[str, str]:
    """Property id to the checker's word, for the properties that apply."""
    read = {system: ground(design, Scope(), system) for system in SYSTEMS}
    return {
        claim.id: decide(read[claim.system].system, read[claim.system].property(claim)).word
        for claim in PROPERTIES.values()
        if not_applicable(design, claim) is None
    }


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


@pytest.mark.parametrize(
    "name", [name for name in NAMED if DESIGNS[name] == repaired(DESIGNS[name])]
)
def test_a_repaired_named_design_violates_its_prices_and_nothing_else(name: str) -> None:
    found = verdicts(DESIGNS[name])
    expected = {p: "VIOLATED" if p in NAMED[name] else "PROVED" for p in found}
    assert expected == found


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        ("startup_gate=none", {"tables-agree", "memory-agrees"}),
        ("startup_gate=none,user_keys=refused", {"memory-agrees"}),
        ("startup_gate=none,savekeys=on", {"memory-agrees"}),
        ("startup_gate=refuse_any_key,user_keys=refused", {"memory-agrees", "hotplug-admitted"}),
        ("keyid_scope=per_package,teardown=keep_last_lead", set()),
        ("keyid_scope=per_package,unreachable_package=refuse_keys", set()),
    ],
)
def test_other_postures_have_the_listed_prices(design: str, expected: set[str]) -> None:
    changes = dict(pair.split("=") for pair in design.split(","))
    assert expected == set(prices(Design(**changes)))


@pytest.mark.deep
@pytest.mark.parametrize(
    "design", list(postures()), ids=lambda design: design.name.split(",bitmap_bits")[0]
)
def test_every_posture_violates_its_prices_and_nothing_else(design: Design) -> None:
    found = verdicts(design)
    expected = {p: "VIOLATED" if p in prices(design) else "PROVED" for p in found}
    assert expected == found
