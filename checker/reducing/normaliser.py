"""What a declared normaliser does to a state of a ground system: which values it gives to what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.reducing.bisimulation import StateMap
from checker.reducing.symmetry import Place, Places
from checker.systems.grounding import Grounding
from checker.systems.origin import among, origin
from checker.systems.system import Family, ModelError, Normaliser, Term, as_term, variables_in


def normal_form(grounding: Grounding, places: Places, declared: Normaliser) -> StateMap:
    """The map, on the variables that are kept.

    Raises ModelError, naming the normaliser and where it is written, when it gives a value to what
    is no family, or of another sort than the family's.
    """
    effect = declared.effect(grounding.old)
    families = {family.name: family for family in grounding.text.families}
    for name in effect:
        if name not in families:
            raise ModelError(
                f"{_named(grounding, declared)} changes {name!r}, which is no family"
                f"{among(name, families)}"
            )
    terms = tuple(_at(grounding, declared, effect, families, place) for place in places.state)
    return StateMap(f"normaliser {declared.name!r}", terms, choices={}, is_renaming=False)


def unknown_to(places: Places, mapped: StateMap) -> frozenset[str]:
    """Names of the variables that the map reads and the system does not have."""
    known = {str(place.variable.term.decl().name()) for place in places.state}
    return variables_in(mapped.state) - known


def _at(
    grounding: Grounding,
    declared: Normaliser,
    effect: Mapping[str, Any],
    families: Mapping[str, Family],
    place: Place,
) -> Term:
    """The new value of one variable."""
    if place.family not in effect:
        return place.variable.term
    value = effect[place.family]
    if place.at:
        sorts = zip(families[place.family].over, place.at, strict=True)
        value = value(*(grounding.finite.element(sort, position) for sort, position in sorts))
    value = z3.simplify(as_term(value))
    if value.sort() != place.variable.term.sort():
        raise ModelError(
            f"{_named(grounding, declared)} gives {place.variable.name} a value of sort"
            f" {value.sort()}; it has sort {place.variable.term.sort()}"
        )
    return value


def _named(grounding: Grounding, declared: Normaliser) -> str:
    return f"normaliser {declared.name} of {grounding.text.name}{origin(declared.effect)}"
