"""The parametric interpretation: what sorts, indices and quantifiers are for any size.

One text has two readings. The *finite* interpretation (`finite`) is told sizes: an index is a
literal, a quantifier a conjunction, a family a variable for each tuple of indices, and what comes
out can be searched. This one is told nothing: an index sort is an uninterpreted sort, a quantifier
is a quantifier, a family is a function, and what comes out can be *proved*, once, for any number of
packages, KeyIDs and keys. Both readings are of the same Python text, because a text uses its
indices only through equality, order and quantifiers; so what is proved here is true of everything
that is searched there, and a search there can say why a proof here does not succeed.

Every finite reading is a model of this one: the axioms say no more of an order than is true of
every finite one. What is refuted here from axioms, lemmas and guards therefore has no instance in
any scope. The converse does not hold, and is not needed: sorts here may also be infinite.

Which conditions are to be refuted is `conditions`' affair; whether a solver is certain to decide
them, that of `stratified`.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import z3

from checker.systems.system import (
    Enum,
    Index,
    ModelError,
    Sort,
    Term,
    as_term,
    variables_in,
)


@functools.cache
def index_sort(sort: Index) -> Any:
    """The uninterpreted Z3 sort of an index sort."""
    return z3.DeclareSort(sort.name)


@functools.cache
def _enumeration(sort: Enum) -> tuple[Any, Mapping[str, Term]]:
    """The Z3 enumeration of an Enum, and its values. Z3 has one enumeration of a name, for good."""
    number = _ENUMERATIONS.setdefault(sort.name, itertools.count(1))
    tried = next(number)
    name = sort.name if tried == 1 else f"{sort.name}.{tried}"
    made, values = z3.EnumSort(name, [f"{name}.{value}" for value in sort.values])
    return made, dict(zip(sort.values, values, strict=True))


_ENUMERATIONS: dict[str, Iterator[int]] = {}
"""How many enumerations of a name there are: systems may use one name for different ones."""


def z3_sort(sort: Sort) -> Any:
    """The Z3 sort that stands for a sort of the text."""
    if isinstance(sort, Index):
        return index_sort(sort)
    return _enumeration(sort)[0] if isinstance(sort, Enum) else z3.BoolSort()


class Parametric:
    """Sorts of any size. Use one for one system: it notes which orders the text speaks of."""

    def __init__(self) -> None:
        self._ordered: dict[Index, None] = {}
        self._sorts: dict[Any, Index] = {}
        self._constants: dict[Index, None] = {}
        self._least: dict[str, Term] = {}
        self._bound: dict[str, Term] = {}
        self._reserved: set[str] = set()

    def sort(self, sort: Sort) -> Any:
        """The Z3 sort that stands for a sort of the text."""
        if isinstance(sort, Index):
            self._sorts[index_sort(sort)] = sort
        return z3_sort(sort)

    def constant(self, sort: Index | Enum, name: str) -> Term:
        """The named value of an enumeration, or the named constant of an index sort."""
        names = sort.constants if isinstance(sort, Index) else sort.values
        if name not in names:
            raise ModelError(f"{sort.name} has no value {name!r}; known: {', '.join(names)}")
        if isinstance(sort, Enum):
            return _enumeration(sort)[1][name]
        self._constants[sort] = None
        return z3.Const(f"{sort.name}.{name}", self.sort(sort))

    def every(self, *sorts_then_body: Any) -> Term:
        """For all indices of the given sorts, the body."""
        return self._quantify(z3.ForAll, sorts_then_body)

    def some(self, *sorts_then_body: Any) -> Term:
        """For some indices of the given sorts, the body."""
        return self._quantify(z3.Exists, sorts_then_body)

    def less(self, left: Term, right: Term) -> Term:
        """Order of two indices of one sort."""
        sort = self._sorts.get(left.sort())
        if sort is None or left.sort() != right.sort():
            raise ModelError(f"{left} and {right} are not two indices of one sort")
        self._ordered[sort] = None
        return _order(sort)(left, right)

    def is_last(self, sort: Index, index: Term) -> Term:
        """Whether the index is the greatest of its sort."""
        self._ordered[sort] = None
        return index == self._last(sort)

    def reserve(self, name: str) -> None:
        """Keep quantified variables from taking a name."""
        self._reserved.add(name)

    def axioms(self) -> list[Term]:
        """What is true of the sorts that the text has spoken of so far, whatever their sizes."""
        distinct = [
            self.constant(sort, one) != self.constant(sort, other)
            for sort in self._constants
            for one, other in itertools.combinations(sort.constants, 2)
        ]
        orders = (axiom for sort in self._ordered for axiom in self._order_of(sort))
        return [*distinct, *orders, *self._least.values()]

    def _order_of(self, sort: Index) -> Iterator[Term]:
        """A strict total order with a last element, which begins with the constants."""
        less, last = _order(sort), self._last(sort)
        yield self.every(sort, lambda i: z3.Not(less(i, i)))
        yield self.every(
            sort,
            sort,
            sort,
            lambda i, j, m: z3.Implies(z3.And(less(i, j), less(j, m)), less(i, m)),
        )
        yield self.every(sort, sort, lambda i, j: z3.Or(less(i, j), i == j, less(j, i)))
        yield self.every(sort, lambda i: z3.Or(i == last, less(i, last)))
        constants = [self.constant(sort, name) for name in sort.constants]
        for number, constant in enumerate(constants):
            known = constants[: number + 1]

            def follows(i: Term, constant: Term = constant, known: list[Term] = known) -> Term:
                return z3.Or(less(constant, i), *(i == other for other in known))

            yield self.every(sort, lambda i, follows=follows: follows(i))

    def _last(self, sort: Index) -> Term:
        return z3.Const(f"{sort.name}.last", self.sort(sort))

    def _quantify(self, quantifier: Callable[..., Term], sorts_then_body: tuple[Any, ...]) -> Term:
        *sorts, body = sorts_then_body
        names = list(inspect.signature(body).parameters)[: len(sorts)]
        variables = [self._bind(name, sort) for name, sort in zip(names, sorts, strict=True)]
        try:
            inside = as_term(body(*variables))
            if quantifier is z3.Exists and len(variables) == 1:
                self._note_least(variables[0], inside)
            return quantifier(variables, inside)
        finally:
            for variable in variables:
                del self._bound[str(variable)]

    def _bind(self, name: str, sort: Sort) -> Term:
        """A variable of that name, or one like it where an enclosing quantifier has taken it."""
        chosen, number = name, 1
        while chosen in self._bound or chosen in self._reserved:
            chosen, number = f"{name}{number}", number + 1
        self._bound[chosen] = z3.Const(chosen, self.sort(sort))
        return self._bound[chosen]

    def _note_least(self, index: Term, inside: Term) -> None:
        """Where a text asks whether a smaller index is such-and-such, the least such one exists.

        Orders of finite sets have least elements, which no formula says once and for all; so each
        "some j less than k is …" in the text brings "if any j is …, then a least one is", with
        names of its own, so that what two places ask is noted once.
        """
        parts = conjuncts(inside)
        smaller = [part for part in parts if _is_less(part) and part.arg(0).eq(index)]
        if not smaller or str(index) in variables_in([smaller[0].arg(1)]):
            return
        others = [part for part in parts if part is not smaller[0]]
        rest = z3.And(others) if others else z3.BoolVal(True)
        free = [v for name, v in self._bound.items() if name in variables_in([rest])]
        free = [v for v in free if not v.eq(index)]
        least, one = (z3.Const(name, index.sort()) for name in ("the.least", "one.more"))
        holds = z3.substitute(rest, (index, one))
        is_least = z3.And(
            z3.substitute(rest, (index, least)),
            z3.ForAll([one], z3.Implies(holds, z3.Not(smaller[0].decl()(one, least)))),
        )
        axiom = z3.Implies(z3.Exists([one], holds), z3.Exists([least], is_least))
        axiom = z3.ForAll(free, axiom) if free else axiom
        self._least.setdefault(axiom.sexpr(), axiom)


def conjuncts(term: Term) -> list[Term]:
    """The parts of a conjunction, however it is nested."""
    if not z3.is_and(term):
        return [term]
    return [part for child in term.children() for part in conjuncts(child)]


def _is_less(term: Term) -> bool:
    return bool(z3.is_app(term)) and str(term.decl().name()).endswith(".less")


def _order(sort: Index) -> Any:
    made = index_sort(sort)
    return z3.Function(f"{sort.name}.less", made, made, z3.BoolSort())
