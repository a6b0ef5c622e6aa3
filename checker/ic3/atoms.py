"""What a cube or a clause says: which values variables may have, rather than which bits.

An *atom* is a place (of a variable, in a system's order) and a value: that the variable has it. A
clause over atoms reads like a sentence: "online[0] and key_of[1] = A implies table[0,1] = A".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import z3

from checker.solving.blast import Blasted
from checker.systems.grounding import Grounding
from checker.systems.system import GroundSystem, Index, State, Symmetry, Term

Atom = tuple[int, int]
"""A place and a value. A variable with more than ATOMS_MAX values has, in place of atoms, its bits:
the value -1 - i stands for "bit i is set"."""

Clause = frozenset[tuple[int, int, bool]]
"""A disjunction of atoms (True) and negated atoms (False). Of a variable it has either one negated
atom or positive ones, and of one with two values only the atom with value 1."""

Permutation = Mapping[Atom, Atom]
"""Where each atom goes; those that are not mentioned stay. It says for a whole system that it looks
the same from there; whoever relies on one has to check it."""

Cube = tuple[int, ...]
"""A conjunction of literals of a template: for a variable with two values, or for a bit, the bit or
its negation; for any other that it has not some value, so that what remains is a set of values."""


class Atoms:
    """The atoms of a template (made with `holds_next`) and the literals that stand for them.

    `after[literal]` is a cube's literal in the state after the step.
    """

    def __init__(self, blasted: Blasted) -> None:
        self._blasted = blasted
        self._atom: dict[int, Atom] = {}
        self.after: dict[int, int] = {}
        columns = zip(blasted.atoms_now, blasted.atoms_next, strict=True)
        for place, (now, following) in enumerate(columns):
            variable = blasted.system.variables[place]
            if not now:
                self._add_bits(place)
            elif variable.size == 2:
                self._add(now[1], following[1], (place, 1))
            elif variable.size > 2:
                for value, (literal, after) in enumerate(zip(now, following, strict=True)):
                    self._add(literal, after, (place, value))
        self._literal = {atom: literal for literal, atom in self._atom.items()}

    def _add_bits(self, place: int) -> None:
        pairs = zip(self._blasted.now[place], self._blasted.next[place], strict=True)
        for i, (literal, after) in enumerate(pairs):
            self._add(literal, after, (place, -1 - i))

    def _add(self, literal: int, after: int, atom: Atom) -> None:
        self._atom[literal] = atom
        self.after[literal], self.after[-literal] = after, -after

    def cube(self, state: State) -> Cube:
        """All that can be said of one state."""
        return tuple(self._of_state(state))

    def _of_state(self, state: State) -> Iterator[int]:
        for literal, (place, value) in self._atom.items():
            if value < 0:
                yield literal if state[place] >> (-1 - value) & 1 else -literal
            elif self._has_two_values(place):
                yield literal if state[place] == value else -literal
            elif state[place] != value:
                yield -literal

    def clause(self, cube: Iterable[int]) -> Clause:
        """The negation of a cube."""
        found: set[tuple[int, int, bool]] = set()
        excluded: dict[int, set[int]] = {}
        for literal in cube:
            place, value = self._atom[abs(literal)]
            if value < 0 or self._has_two_values(place):
                found.add((place, value, literal < 0))
            elif literal < 0:
                excluded.setdefault(place, set()).add(value)
            else:  # of a renaming that takes a truth value to one value of several
                others = set(range(self._blasted.system.variables[place].size)) - {value}
                excluded.setdefault(place, set()).update(others)
        for place, values in excluded.items():
            rest = set(range(self._blasted.system.variables[place].size)) - values
            if len(rest) == 1:
                found.add((place, rest.pop(), False))
            else:
                found |= {(place, value, True) for value in values}
        return frozenset(found)

    def literals(self, clause: Clause) -> list[int]:
        """The template's literals of a clause."""
        return [
            self._literal[place, value] if positive else -self._literal[place, value]
            for place, value, positive in sorted(clause)
        ]

    def renaming(self, permutation: Permutation) -> dict[int, int]:
        """What a permutation does to the literals of a cube; those that stay are left out.

        An atom whose image is none of the template's stays.
        """
        found: dict[int, int] = {}
        for literal, atom in self._atom.items():
            image = self._literal_of(permutation.get(atom, atom))
            if image is not None and image != literal:
                found[literal], found[-literal] = image, -image
        return found

    def _literal_of(self, atom: Atom) -> int | None:
        place, value = atom
        if value == 0 and (place, 1) in self._literal and self._has_two_values(place):
            return -self._literal[place, 1]
        return self._literal.get(atom)

    def _has_two_values(self, place: int) -> bool:
        return self._blasted.system.variables[place].size == 2


def clause_term(system: GroundSystem, clause: Clause) -> Term:
    """A clause as a term over the system's variables."""
    terms = []
    for place, value, positive in sorted(clause):
        variable = system.variables[place]
        if value < 0:
            bit = z3.Extract(-1 - value, -1 - value, variable.term)
            atom = bit == z3.BitVecVal(1, 1)
        elif variable.is_bool:
            atom = variable.term if value else z3.Not(variable.term)
        else:
            atom = variable.term == variable.literal(value)
        terms.append(atom if positive else z3.Not(atom))
    return z3.Or(terms)


def symmetries_of(grounding: Grounding, system: GroundSystem) -> tuple[Permutation, ...]:
    """For every declared symmetry, the swaps of neighbouring elements: together, all permutations.

    `system` is that of the grounding or a cone of it. A swap moves index positions of families and
    values of variables of its sort. That these are symmetries of the system is what the model
    declares; nothing is proved here.
    """
    place = {variable.name: i for i, variable in enumerate(system.variables)}
    return tuple(
        _swap(grounding, place, reduction.sort, {first: first + 1, first + 1: first})
        for reduction in grounding.text.reductions
        if isinstance(reduction, Symmetry)
        for first in range(len(reduction.sort.constants), grounding.finite.size(reduction.sort) - 1)
    )


def _swap(
    grounding: Grounding, place: Mapping[str, int], sort: Index, moved: Mapping[int, int]
) -> Permutation:
    permutation: dict[Atom, Atom] = {}
    for family in grounding.text.families:
        size = grounding.finite.size(family.of)
        for indices in grounding.finite.tuples(family.over):
            image = tuple(
                moved.get(i, i) if over == sort else i
                for over, i in zip(family.over, indices, strict=True)
            )
            here = place.get(grounding.name_of(family.name, indices))
            there = place.get(grounding.name_of(family.name, image))
            if here is not None and there is not None:
                values = moved if family.of == sort else {}
                permutation |= _moved_atoms(here, there, range(size), values)
    return permutation


def _moved_atoms(
    here: int, there: int, values: Sequence[int], moved: Mapping[int, int]
) -> Iterator[tuple[Atom, Atom]]:
    for value in values:
        image = moved.get(value, value)
        if (here, value) != (there, image):
            yield (here, value), (there, image)
    if here != there:
        for bit in range(len(values).bit_length()):
            yield (here, -1 - bit), (there, -1 - bit)
