"""How a clause about a few packages becomes a statement about all of them.

A clause that was learned in a scope says, for instance, that package 0 is offline, or KeyID 1 is
not mapped to key A, or entry [0, 1] is A. Nothing is special about 0, 1 and A, so it is lifted:
every element of an index sort that is no named constant becomes a variable, quantified over all.

Two things are guessed, each in every way that may be meant, and none of the guesses is trusted.
Elements that differ in the clause may have to differ (or may be equal); and atoms that run through
all elements of a sort may mean "some element". Source of the idea: Goel, Sakallah, "On Symmetry
and Quantification: A New Approach to Verify Distributed Protocols", NFM 2021.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from checker.anysize.statements import SOME, Element, Lifted, LiftedAtom, Vocabulary
from checker.ic3.atoms import Clause
from checker.systems.grounding import Grounding
from checker.systems.system import Enum, GroundSystem, Index

PAIRS_MAX = 3
"""Of how many pairs of elements every choice that they differ or need not is tried."""


class Lifter:
    """Lifts the clauses that were learned for a ground system (of a grounding, or a cone of it)."""

    def __init__(self, grounding: Grounding, system: GroundSystem) -> None:
        self._finite = grounding.finite
        self._vocabulary = Vocabulary(grounding.text.families)
        places = {
            grounding.name_of(family.name, indices): (family, indices)
            for family in grounding.text.families
            for indices in grounding.finite.tuples(family.over)
        }
        self._places = [places[variable.name] for variable in system.variables]

    def candidates(self, clauses: Iterable[Clause]) -> list[Lifted]:
        """What the clauses may mean, each statement once."""
        found: dict[object, Lifted] = {}
        for clause in clauses:
            if any(value < 0 for _, value, _ in clause):
                continue  # a bit of a number: no statement about an element
            atoms = [self._atom(*literal) for literal in clause]
            for meant in self._readings(atoms):
                for apart in self._choices(meant):
                    lifted = Lifted(meant, apart)
                    found.setdefault(self._orbit(lifted), lifted)
        return list(found.values())

    def _atom(self, place: int, value: int, positive: bool) -> LiftedAtom:
        family, indices = self._places[place]
        at = tuple(Element(s.name, i) for s, i in zip(family.over, indices, strict=True))
        if isinstance(family.of, Index):
            return LiftedAtom(family.name, at, Element(family.of.name, value), positive)
        if isinstance(family.of, Enum):
            return LiftedAtom(family.name, at, family.of.values[value], positive)
        return LiftedAtom(family.name, at, "", positive == bool(value))

    def _readings(self, atoms: Sequence[LiftedAtom]) -> Iterator[tuple[LiftedAtom, ...]]:
        """The atoms as they are, and with each group that runs through a sort as one "some"."""
        groups: dict[LiftedAtom, list[LiftedAtom]] = {}
        for atom in atoms:
            for i, element in enumerate(atom.at):
                some = (*atom.at[:i], Element(element.sort, SOME), *atom.at[i + 1 :])
                groups.setdefault(dataclasses.replace(atom, at=some), []).append(atom)
        whole = [
            (some, group)
            for some, group in groups.items()
            if len(group) == self._finite.size(self._vocabulary.sorts[_some_of(some).sort]) > 1
        ]
        yield tuple(sorted(atoms))
        for number in range(1, len(whole) + 1):
            for chosen in itertools.combinations(whole, number):
                gone = {atom for _, group in chosen for atom in group}
                kept = [atom for atom in atoms if atom not in gone]
                yield tuple(sorted([*kept, *(some for some, _ in chosen)]))

    def _choices(self, atoms: Sequence[LiftedAtom]) -> Iterator[frozenset[tuple[Element, Element]]]:
        """Which elements have to differ: all that do; and fewer, down to none."""
        elements = sorted({e for atom in atoms for e in atom.elements() if e.position != SOME})
        pairs = [
            (one, other)
            for one, other in itertools.combinations(elements, 2)
            if one.sort == other.sort
            and not (self._vocabulary.is_constant(one) and self._vocabulary.is_constant(other))
        ]
        variables = [element for element in elements if not self._vocabulary.is_constant(element)]
        for variable in variables:
            for position, _ in enumerate(self._vocabulary.sorts[variable.sort].constants):
                constant = Element(variable.sort, position)
                if (constant, variable) not in pairs:
                    pairs.append((constant, variable))
        numbers = range(len(pairs), -1, -1) if len(pairs) <= PAIRS_MAX else (len(pairs), 0)
        for number in numbers:
            yield from map(frozenset, itertools.combinations(pairs, number))

    def _orbit(self, lifted: Lifted) -> object:
        """The same for statements that differ only in what their variables are called."""
        variables = self._vocabulary.variables(lifted)
        by_sort = [list(group) for _, group in itertools.groupby(variables, lambda e: e.sort)]
        orders = (itertools.permutations(range(len(group))) for group in by_sort)
        return min(
            self._renamed(
                lifted,
                {
                    element: Element(element.sort, 1000 + i)
                    for group, order in zip(by_sort, chosen, strict=True)
                    for element, i in zip(group, order, strict=True)
                },
            )
            for chosen in itertools.product(*orders)
        )

    @staticmethod
    def _renamed(lifted: Lifted, names: Mapping[Element, Element]) -> tuple[str, ...]:
        def moved(element: Any) -> Any:
            return names.get(element, element) if isinstance(element, Element) else element

        atoms = (
            dataclasses.replace(a, at=tuple(map(moved, a.at)), value=moved(a.value))
            for a in lifted.atoms
        )
        pairs = (sorted(map(moved, pair)) for pair in lifted.apart)
        return (*sorted(map(repr, atoms)), "apart", *sorted(map(repr, pairs)))


def _some_of(atom: LiftedAtom) -> Element:
    return next(element for element in atom.at if element.position == SOME)
