"""Which renamings of the elements of an index sort there are, and what they do to a state.

A renaming moves the entries of families over the sort, and the values of variables and parameters
that have its elements. *Ground* variables are told apart by family and positions, which only a
grounding knows, so a smaller system (a cone) is matched with it by the variables' names.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import z3

from checker.reducing.bisimulation import StateMap
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import Family, GroundSystem, Index, Sort, Term, Variable

BLOCK_MAX = 4
"""How many elements are put in order together: the proof of that has a case for each order."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A ground variable or parameter, and where it comes from: a family (or choice), positions."""

    variable: Variable
    family: str
    over: tuple[Index, ...]
    at: tuple[int, ...]
    of: Sort


@dataclasses.dataclass(frozen=True)
class Places:
    """The variables of a system, and the parameters of each action, by where they come from."""

    finite: Finite
    state: tuple[Place, ...]
    choices: Mapping[str, tuple[Place, ...]]


def places_of(grounding: Grounding, system: GroundSystem) -> Places:
    """Where each variable and parameter of a part of the grounding's system comes from."""
    text, finite = grounding.text, grounding.finite
    kept = {action.name: action.parameters for action in system.actions}
    choices = {}
    for action in text.actions:
        families = [Family(p.name, p.over, p.of) for p in action.parameters]
        ground = grounding.system.action(action.name).parameters
        choices[action.name] = tuple(_matched(finite, families, ground, kept[action.name]))
    state = _matched(finite, text.families, grounding.system.variables, system.variables)
    return Places(finite, tuple(state), choices)


def _matched(
    finite: Finite,
    families: Iterable[Family],
    ground: Sequence[Variable],
    kept: Iterable[Variable],
) -> Iterator[Place]:
    """Places of the variables that are kept; `ground` has all, in the order of the families."""
    origins = ((family, at) for family in families for at in finite.tuples(family.over))
    names = {variable.name: variable for variable in kept}
    for (family, at), variable in zip(origins, ground, strict=True):
        if variable.name in names:
            kept_variable = names[variable.name]
            yield Place(kept_variable, family.name, family.over, at, family.of)


class NoCounterpart(ValueError):
    """A renaming moves something that is kept to the place of something that is not."""


class Renaming:
    """A permutation of some elements of an index sort, given by what each position becomes."""

    def __init__(self, finite: Finite, sort: Index, becomes: Mapping[int, int]) -> None:
        self.sort = sort
        self._finite = finite
        self._becomes = {old: new for old, new in becomes.items() if old != new}
        self._came_from = {new: old for old, new in becomes.items()}

    def images(self, places: Sequence[Place]) -> list[tuple[Term, Term]]:
        """What each place holds afterwards, in terms of what the places held before.

        Raises NoCounterpart.
        """
        held = {(place.family, place.at): place.variable.term for place in places}
        found = []
        for place in places:
            source = tuple(
                self._came_from.get(i, i) if sort == self.sort else i
                for sort, i in zip(place.over, place.at, strict=True)
            )
            if (place.family, source) not in held:
                raise NoCounterpart(f"{place.variable.name} is looked at, and its counterpart not")
            found.append((place.variable.term, self._renamed(place, held[place.family, source])))
        return found

    def _renamed(self, place: Place, value: Term) -> Term:
        if place.of != self.sort:
            return value
        image = value
        for old, new in self._becomes.items():
            element = self._finite.element(self.sort, old)
            image = z3.If(value == element, self._finite.element(self.sort, new), image)
        return image


def exchange(places: Places, sort: Index, position: int) -> StateMap:
    """The map that exchanges an element with the next one. Raises NoCounterpart."""
    swap = Renaming(places.finite, sort, {position: position + 1, position + 1: position})
    return StateMap(
        name=f"exchanging {name_of_pair(sort, position)}",
        state=tuple(image for _, image in swap.images(places.state)),
        choices={action: swap.images(choice) for action, choice in places.choices.items()},
        is_renaming=True,
    )


def name_of_pair(sort: Index, position: int) -> str:
    """An element and the next one, in words."""
    return f"{sort.name} {sort.label(position)} and {sort.label(position + 1)}"


def concerns(places: Places, sort: Index) -> bool:
    """Whether anything in the state could be renamed."""
    return any(sort in place.over or place.of == sort for place in places.state)


@dataclasses.dataclass(frozen=True)
class Block:
    """Elements of a sort that may be renamed in every way, by their positions."""

    sort: Index
    positions: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.sort.name} {', '.join(map(self.sort.label, self.positions))}"

    def renamings(self, finite: Finite) -> Iterator[Renaming]:
        """All of them, the first of which changes nothing."""
        for order in itertools.permutations(self.positions):
            yield Renaming(finite, self.sort, dict(zip(order, self.positions, strict=True)))


def blocks_of(sort: Index, size: int, proved: Sequence[int]) -> list[Block]:
    """Runs of elements whose neighbours may be exchanged, each of BLOCK_MAX elements at most."""
    found: list[tuple[int, ...]] = []
    for position in range(len(sort.constants), size):
        joins = position - 1 in proved and bool(found) and len(found[-1]) < BLOCK_MAX
        found = [*found[:-1], (*found[-1], position)] if joins else [*found, (position,)]
    return [Block(sort, positions) for positions in found if len(positions) > 1]
