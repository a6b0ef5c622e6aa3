"""What a system is: variables in indexed families, and guarded actions with functional effects.

A system is written once, against *families* such as `table[Package, KeyID]`, with quantifiers over
index sorts and effects given pointwise. It never says how many packages there are. An
*interpretation* does: `finite.Finite` reads the text for given sizes and yields a `GroundSystem`,
the flat transition system that every engine works on. Because the text uses indices only through
equality, order, and quantifiers, another interpretation may read the same text for any size.

An action is always (parameters, guard, effect): for given parameters it has at most one successor.
That makes it executable without a solver, lets conditions be computed by substitution, and gives
the frame for free: a family that an effect does not mention keeps its value.

Python's `and`, `or`, `not`, `in` and `if` must not be used on terms; write `z3.And` and so on.
"""

from __future__ import annotations

import dataclasses
import functools
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import z3

Term = Any
"""A Z3 expression. z3py has no useful static types, so this is documentation."""


class ModelError(ValueError):
    """A system, property or scope that is not well formed; the message names the culprit."""


@dataclasses.dataclass(frozen=True)
class Index:
    """An ordered index sort, such as Package. Its size is an interpretation's affair.

    `constants` name its first elements; the others are shown as numbers from `numbered_from`, or
    as capital letters when that is None.
    """

    name: str
    constants: tuple[str, ...] = ()
    numbered_from: int | None = 0

    def label(self, position: int) -> str:
        """What the element at a position (from 0) is called."""
        if position < len(self.constants):
            return self.constants[position]
        position -= len(self.constants)
        if self.numbered_from is None:
            return string.ascii_uppercase[position]
        return str(position + self.numbered_from)


@dataclasses.dataclass(frozen=True)
class Enum:
    """A sort with fixed, named values, such as a key table entry's mode."""

    name: str
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Truth:
    """The Boolean sort."""

    name: str = "Bool"


BOOL = Truth()
Sort = Index | Enum | Truth


@dataclasses.dataclass(frozen=True)
class Family:
    """One variable for each tuple of indices in `over` (one in all when empty), of sort `of`.

    A `ghost` records what an owner asked for or what an observer would know. The system itself
    never reads it; an action may only where its environment supplies that very thing again.
    """

    name: str
    over: tuple[Index, ...]
    of: Sort
    ghost: bool = False
    meaning: str = ""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A choice that an action leaves to its environment; a family of choices when `over` is given.

    `fails` over Package is one Boolean for each package.
    """

    name: str
    of: Sort
    over: tuple[Index, ...] = ()


class Interpretation(Protocol):
    """How a text about indexed families is read. Indices are terms; nothing else is assumed."""

    def constant(self, sort: Index | Enum, name: str) -> Term:
        """The named value of an enumeration, or the named constant of an index sort."""

    def every(self, *sorts_then_body: Any) -> Term:
        """For all indices of the given sorts, the body: `every(Package, KeyID, lambda p, k: …)`."""

    def some(self, *sorts_then_body: Any) -> Term:
        """For some indices of the given sorts, the body."""

    def less(self, left: Term, right: Term) -> Term:
        """Order of two indices of one sort."""

    def is_last(self, sort: Index, index: Term) -> Term:
        """Whether the index is the greatest of its sort."""


class Values(Protocol):
    """Access to the variables of a state: `state.table[p, k]`; a family over nothing is a term."""

    def __getattr__(self, family: str) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Step:
    """What an action does: when (`guard`), what it answers, and the new value of each family.

    An effect is pointwise: a function from indices to the new value there (a plain term for a
    family over nothing). It is written in terms of the old state and the parameters only.
    """

    guard: Term
    answer: Term
    effect: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Action:
    """A named step. `step(old, parameters)` builds its guard, answer and effect."""

    name: str
    parameters: tuple[Parameter, ...]
    step: Callable[[Any, Any], Step]


@dataclasses.dataclass(frozen=True)
class Symmetry:
    """A belief: the elements of an index sort, beyond its constants, are interchangeable.

    `reduction` proves it for a claim before anything relies on it.
    """

    sort: Index


@dataclasses.dataclass(frozen=True)
class Normaliser:
    """A belief: some variables are dead in some states, and may be given a fixed value there.

    `effect(state)` is pointwise, as in a `Step`: what each of these families becomes. `name` is one
    word or two, `reason` says why nothing reads the value. `reduction` proves it for a claim before
    anything relies on it: what is dead for one claim may be what another is about.
    """

    name: str
    reason: str
    effect: Callable[[Any], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class System:
    """Families, initial states, and actions, under one interpretation.

    `view` wraps the raw variables in the class that the text is written against (derived
    predicates such as `has_lead`). Every action answers with a value of the sort `answers`.
    `reductions` are declared beside the state, and used only where they are proved.
    """

    name: str
    interpretation: Any
    families: tuple[Family, ...]
    answers: Enum
    initially: Callable[[Any], Term]
    actions: tuple[Action, ...]
    view: Callable[[Values], Any]
    reductions: tuple[Symmetry | Normaliser, ...] = ()


@dataclasses.dataclass(frozen=True)
class Variable:
    """One ground variable (or parameter): a Z3 constant with a finite range of values.

    A Boolean has the values 0 and 1; any other is a bit-vector with the values 0 … size - 1, shown
    by `labels`. A bit-vector's width may allow greater values: they are outside its range.
    """

    name: str
    term: Term
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many values it has."""
        return len(self.labels)

    @property
    def is_bool(self) -> bool:
        """Whether the term is Boolean rather than a bit-vector."""
        return bool(z3.is_bool(self.term))

    def literal(self, value: int) -> Term:
        """The value as a Z3 literal of the variable's sort."""
        return z3.BoolVal(bool(value)) if self.is_bool else z3.BitVecVal(value, self.term.size())

    def in_range(self) -> Term:
        """That the value is one of its labels."""
        if self.is_bool or self.size == 1 << self.term.size():
            return z3.BoolVal(True)
        return z3.ULT(self.term, self.size)


@dataclasses.dataclass(frozen=True)
class GroundAction:
    """An action over ground variables. `updates` holds only the variables that it may change.

    `guard`, `answer` and the updates are terms over the system's variables and `parameters`.
    A guard is false wherever a parameter is out of range.
    """

    name: str
    parameters: tuple[Variable, ...]
    guard: Term
    answer: Term
    updates: Mapping[str, Term]


@dataclasses.dataclass(frozen=True)
class GroundSystem:
    """A flat transition system: what every engine works on.

    Raises ModelError where a variable is not named as its term is.
    """

    name: str
    variables: tuple[Variable, ...]
    initially: Term
    actions: tuple[GroundAction, ...]
    answers: tuple[str, ...]

    def __post_init__(self) -> None:
        for variable in self.variables:
            symbol = variable.term.decl().name()
            if symbol != variable.name:
                raise ModelError(
                    f"variable {variable.name} of system {self.name} has the term {symbol}:"
                    " what reads one and what changes the other would not meet"
                )

    def starting_in(self, state: State) -> GroundSystem:
        """The same system with this state as its only initial one."""
        known = [v.term == v.literal(x) for v, x in zip(self.variables, state, strict=True)]
        return dataclasses.replace(self, initially=z3.And(known))

    def variable(self, name: str) -> Variable:
        """The variable of that name. Raises KeyError."""
        return self._by_name[name]

    @functools.cached_property
    def _by_name(self) -> Mapping[str, Variable]:
        return {variable.name: variable for variable in self.variables}

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The names of all variables."""
        return frozenset(self._by_name)

    @functools.cached_property
    def needs(self) -> Mapping[str, frozenset[str]]:
        """For each variable the ones that its updates read, in any action."""
        updates: dict[str, list[Term]] = {name: [] for name in self.names}
        for action in self.actions:
            for name, update in action.updates.items():
                updates[name].append(update)
        return {name: self.names & self.reads(terms) for name, terms in updates.items()}

    @functools.cached_property
    def guarded(self) -> frozenset[str]:
        """The variables that some guard reads."""
        return self.names & self.reads(action.guard for action in self.actions)

    def reads(self, terms: Iterable[Term]) -> frozenset[str]:
        """`variables_in` for terms of this system, which share much of what they are made of."""
        return self._occurrences.within(terms)

    @functools.cached_property
    def _occurrences(self) -> Occurrences:
        return Occurrences()

    def action(self, name: str) -> GroundAction:
        """The action of that name. Raises KeyError."""
        return {action.name: action for action in self.actions}[name]


State = tuple[int, ...]
"""One state of a ground system: a value for each variable, in the order of `variables`."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One action with its parameters' values, in the order of the action's parameters."""

    action: str
    values: tuple[int, ...]

    def labelled(self, system: GroundSystem) -> dict[str, str]:
        """Parameter name to the label of its value."""
        parameters = system.action(self.action).parameters
        return {p.name: p.labels[v] for p, v in zip(parameters, self.values, strict=True)}


def as_term(value: Any) -> Term:
    """A term as it is; Python's True and False as Z3's."""
    return z3.BoolVal(value) if isinstance(value, bool) else value


def truth(value: Any, what: str) -> Term:
    """A value as a Boolean term. Raises ModelError when it is none."""
    term = as_term(value)
    if not z3.is_bool(term):
        sort = term.sort() if z3.is_expr(term) else type(term).__name__
        raise ModelError(f"{what} is not Boolean; it has sort {sort}")
    return term


def variables_in(terms: Iterable[Term]) -> frozenset[str]:
    """Names of the uninterpreted constants that occur in the terms."""
    return Occurrences().within(terms)


class Occurrences:
    """Which uninterpreted constants occur in terms; what several terms share is read once."""

    def __init__(self) -> None:
        # The terms are kept alive with what was found in them: Z3 gives a dead one's id away.
        self._found: dict[int, tuple[Term, frozenset[str]]] = {}

    def within(self, terms: Iterable[Term]) -> frozenset[str]:
        """Names of those that occur in any of the terms."""
        return frozenset().union(*map(self._of, terms))

    def _of(self, term: Term) -> frozenset[str]:
        stack: list[tuple[Term, list[Term]]] = [(term, [])]
        while stack:
            current, children = stack.pop()
            number = current.get_id()
            if number in self._found:
                continue
            if children:
                found = [self._found[child.get_id()][1] for child in children]
                names = frozenset().union(*found)
                # Mostly some child has all the names: one set is kept for the two.
                same = (each for each in found if len(each) == len(names))
                self._found[number] = current, next(same, names)
            elif children := current.children():
                stack.append((current, children))
                stack += [(child, []) for child in children]
            else:
                self._found[number] = current, _own_name(current)
        return self._found[term.get_id()][1]


def _own_name(leaf: Term) -> frozenset[str]:
    if z3.is_const(leaf) and leaf.decl().kind() == z3.Z3_OP_UNINTERPRETED:
        return frozenset({leaf.decl().name()})
    return frozenset()
