"""Statements about all elements of index sorts: one of these atoms holds, whatever the elements.

They are data, so that a program can make them; a `Vocabulary` says them, as a sentence or as a
formula under any interpretation.
"""

from __future__ import annotations

import dataclasses
import inspect
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import z3

from checker.anysize.houdini import Lemma
from checker.systems.system import Enum, Family, Index, Term, as_term

SOME = -1
"""The position of an element that stands for "some element" where it is."""


@dataclasses.dataclass(frozen=True, order=True)
class Element:
    """An element of an index sort, as the clause has it: a position; or `some` of them (-1)."""

    sort: str
    position: int


@dataclasses.dataclass(frozen=True, order=True)
class LiftedAtom:
    """That a family has a value at these elements, or (not `positive`) has not.

    `value` is "" for a Boolean (which is true then), the name of an enumeration's value, or an
    element.
    """

    family: str
    at: tuple[Element, ...]
    value: str | Element
    positive: bool

    def elements(self) -> Iterator[Element]:
        """The elements that it speaks of."""
        yield from self.at
        if isinstance(self.value, Element):
            yield self.value


@dataclasses.dataclass(frozen=True)
class Lifted:
    """For all values of the variables that are `apart` as said: one of the atoms at least.

    A variable is apart from another one, or from a constant.
    """

    atoms: tuple[LiftedAtom, ...]
    apart: frozenset[tuple[Element, Element]]


class Vocabulary:
    """What the families of a system are called, and what statements about them say."""

    def __init__(self, families: Sequence[Family]) -> None:
        self.families = {family.name: family for family in families}
        self.sorts = {
            sort.name: sort
            for family in families
            for sort in (*family.over, family.of)
            if isinstance(sort, Index)
        }

    def is_constant(self, element: Element) -> bool:
        """Whether the element has a name of its own."""
        return 0 <= element.position < len(self.sorts[element.sort].constants)

    def variables(self, lifted: Lifted) -> list[Element]:
        """The elements that are quantified over, in order."""
        return sorted(
            {
                element
                for atom in lifted.atoms
                for element in atom.elements()
                if element.position != SOME and not self.is_constant(element)
            }
        )

    def sentence(self, lifted: Lifted) -> str:
        """The statement in words."""
        return _Wording(self.sorts, lifted).sentence()

    def lemma(self, lifted: Lifted, interpretation: Any) -> Lemma:
        """The statement under an interpretation."""
        sentence = self.sentence(lifted)
        return Lemma(sentence, sentence, lambda state: self._formula(lifted, interpretation, state))

    def _formula(self, lifted: Lifted, interpretation: Any, state: Any) -> Term:
        variables = self.variables(lifted)

        def body(*indices: Term) -> Term:
            terms = dict(zip(variables, indices, strict=True))

            def term(element: Element) -> Term:
                if element in terms:
                    return terms[element]
                sort = self.sorts[element.sort]
                return interpretation.constant(sort, sort.constants[element.position])

            equal = [term(one) == term(other) for one, other in sorted(lifted.apart)]
            atoms = [self._meaning(atom, term, interpretation, state) for atom in lifted.atoms]
            return z3.Or([*equal, *atoms])

        if not variables:
            return body()
        names = _Wording(self.sorts, lifted).names
        named = _Named(body, [names[variable] for variable in variables])
        return as_term(interpretation.every(*(self.sorts[v.sort] for v in variables), named))

    def _meaning(self, atom: LiftedAtom, term: Any, interpretation: Any, state: Any) -> Term:
        family: Family = self.families[atom.family]

        def holds(*some: Term) -> Term:
            chosen = iter(some)
            at = tuple(next(chosen) if e.position == SOME else term(e) for e in atom.at)
            value = getattr(state, atom.family)
            value = value[at] if at else value
            if isinstance(atom.value, Element):
                value = value == term(atom.value)
            elif isinstance(family.of, Enum):
                value = value == interpretation.constant(family.of, atom.value)
            return value if atom.positive else z3.Not(value)

        sorts = [self.sorts[e.sort] for e in atom.at if e.position == SOME]
        if not sorts:
            return holds()
        named = _Named(holds, [f"some_{sort.name.lower()}" for sort in sorts])
        return interpretation.some(*sorts, named)


class _Wording:
    """A lifted statement in words: "for all p, k: if online[p] and … then table[p, k] = b"."""

    def __init__(self, sorts: Mapping[str, Index], lifted: Lifted) -> None:
        self._sorts = sorts
        self._lifted = lifted
        self.names: dict[Element, str] = {}
        elements = {element for atom in lifted.atoms for element in atom.elements()}
        for element in sorted(elements):
            constants = sorts[element.sort].constants
            if element.position >= len(constants):
                self.names[element] = self._unused(element.sort[0].lower())
        self._some = {
            (atom, i): self._unused(element.sort[0].lower())
            for atom in lifted.atoms
            for i, element in enumerate(atom.at)
            if element.position == SOME
        }

    def sentence(self) -> str:
        """The statement, hypotheses first."""
        apart = sorted(tuple(sorted(map(self._name, pair))) for pair in self._lifted.apart)
        given = [self._said(atom, True) for atom in self._lifted.atoms if not atom.positive]
        follows = [self._said(atom, True) for atom in self._lifted.atoms if atom.positive]
        if not follows:
            last = max(atom for atom in self._lifted.atoms if not atom.positive)
            given.remove(self._said(last, True))
            follows = [self._said(last, False)]
        given += [f"{one} is not {other}" for one, other in apart]
        quantified = f"for all {', '.join(self.names.values())}: " if self.names else ""
        condition = f"if {' and '.join(given)} then " if given else ""
        return f"{quantified}{condition}{' or '.join(follows)}"

    def _said(self, atom: LiftedAtom, affirmed: bool) -> str:
        """The atom in words, or (not `affirmed`) its negation."""
        names = [
            self._some[atom, i] if e.position == SOME else self._name(e)
            for i, e in enumerate(atom.at)
        ]
        place = f"{atom.family}[{', '.join(names)}]" if names else atom.family
        if atom.value == "":
            said = place if affirmed else f"not {place}"
        else:
            value = self._name(atom.value) if isinstance(atom.value, Element) else atom.value
            said = f"{place} = {value}" if affirmed else f"{place} is not {value}"
        # Of a negated atom, "some is not" is what is meant: "all are" where that is a hypothesis.
        many = "some" if atom.positive or not affirmed else "every"
        bound = [
            f" for {many} {e.sort} {names[i]}" for i, e in enumerate(atom.at) if e.position == SOME
        ]
        return said + "".join(bound)

    def _name(self, element: Element) -> str:
        return self.names.get(element) or self._sorts[element.sort].constants[element.position]

    def _unused(self, wanted: str) -> str:
        letters = string.ascii_lowercase
        start = letters.index(wanted) if wanted in letters else 0
        taken = set(self.names.values())
        order = (*letters[start:], *letters[:start])
        return next((x for x in order if x not in taken), f"{wanted}{len(taken)}")


class _Named:
    """A function of any number of terms, whose parameters have these names to who looks at them."""

    def __init__(self, function: Callable[..., Term], names: Sequence[str]) -> None:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
        self._function = function

    def __call__(self, *indices: Term) -> Term:
        return self._function(*indices)
