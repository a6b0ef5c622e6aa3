"""The finite interpretation: what sorts, indices and quantifiers are for given sizes.

Every index becomes a bit-vector literal, every quantifier a conjunction or disjunction. `grounding`
reads a whole system under it.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import z3

from checker.systems.deadlines import is_over
from checker.systems.origin import among, caller
from checker.systems.system import Enum, Index, ModelError, Sort, Term, truth, variables_in


class OutOfTime(Exception):
    """What was asked for takes longer than it may; the message says what."""


class Finite:
    """Sizes for index sorts. Raises ModelError on a sort without a size or with an empty one.

    After `deadline`, a moment of `time.monotonic` that may be set and taken away, quantifiers raise
    OutOfTime: a text takes a while to read for many elements.
    """

    def __init__(self, sizes: Mapping[Index, int]) -> None:
        for sort, size in sizes.items():
            if size < max(1, len(sort.constants)):
                why = f": {', '.join(sort.constants)} are of them" if sort.constants else ""
                raise ModelError(
                    f"index sort {sort.name} cannot have {size} elements{why}{caller()}"
                )
        self.sizes = dict(sizes)
        self.deadline: float | None = None
        self._elements: dict[tuple[str, int], tuple[Index | Enum, Term]] = {}
        # The same the other way round; Z3 has one term for all equal ones, and its id as long as
        # somebody holds it.
        self._positions: dict[int, tuple[int, Term]] = {}
        # Which instance of a quantifier a conjunct came from, for `failing_instance`. The term is
        # kept with its instances: z3 reuses the ids of terms that nothing holds.
        self._instances: dict[int, tuple[Term, list[tuple[dict[str, int], Term]]]] = {}

    def size(self, sort: Sort) -> int:
        """How many elements or values a sort has."""
        if isinstance(sort, Index):
            if sort not in self.sizes:
                raise ModelError(f"index sort {sort.name} has no size in this scope")
            return self.sizes[sort]
        return len(sort.values) if isinstance(sort, Enum) else 2

    def labels(self, sort: Sort) -> tuple[str, ...]:
        """What the elements or values of a sort are called."""
        if isinstance(sort, Index):
            return tuple(sort.label(i) for i in range(self.size(sort)))
        return sort.values if isinstance(sort, Enum) else ("no", "yes")

    def fresh(self, name: str, sort: Sort) -> Term:
        """A Z3 constant of the sort: Boolean, or a bit-vector just wide enough (at least 1)."""
        if not isinstance(sort, Index | Enum):
            return z3.Bool(name)
        return z3.BitVec(name, self._width(sort))

    def element(self, sort: Index | Enum, position: int) -> Term:
        """The element at a position (from 0), as a literal. Raises ModelError beyond the last."""
        known = self._elements.get((sort.name, position))
        if known is not None and known[0] is sort:
            return known[1]
        if not 0 <= position < self.size(sort):
            raise ModelError(f"{sort.name} has {self.size(sort)} elements, and none at {position}")
        literal = z3.BitVecVal(position, self._width(sort))
        self._elements[sort.name, position] = sort, literal
        self._positions[literal.get_id()] = position, literal
        return literal

    def position(self, element: Term) -> int | None:
        """Where an element stands that is a literal (from 0); None for any other term."""
        if not z3.is_expr(element):
            return None
        known = self._positions.get(element.get_id())
        if known is not None:
            return known[0]
        return int(element.as_long()) if z3.is_bv_value(element) else None

    def constant(self, sort: Index | Enum, name: str) -> Term:
        """The named value of an enumeration, or the named constant of an index sort."""
        names = sort.constants if isinstance(sort, Index) else sort.values
        if name not in names:
            raise ModelError(f"{sort.name} has no value {name!r}{among(name, names)}")
        return self.element(sort, names.index(name))

    def less(self, left: Term, right: Term) -> Term:
        """Order of two indices of one sort."""
        first, second = self.position(left), self.position(right)
        if first is None or second is None or left.sort() != right.sort():
            return z3.ULT(left, right)  # which refuses what is of different sorts
        return z3.BoolVal(first < second)

    def is_last(self, sort: Index, index: Term) -> Term:
        """Whether the index is the greatest of its sort."""
        return index == self.element(sort, self.size(sort) - 1)

    def every(self, *sorts_then_body: Any) -> Term:
        """For all indices of the given sorts, the body."""
        instances = list(self._expand(sorts_then_body))
        result = _joined(z3.Z3_mk_and, [body for _, body in instances])
        self._instances[result.get_id()] = (result, instances)
        return result

    def some(self, *sorts_then_body: Any) -> Term:
        """For some indices of the given sorts, the body."""
        return _joined(z3.Z3_mk_or, [body for _, body in self._expand(sorts_then_body)])

    def tuples(self, sorts: tuple[Index, ...]) -> Iterator[tuple[int, ...]]:
        """All tuples of positions, in lexicographic order."""
        return itertools.product(*(range(self.size(sort)) for sort in sorts))

    def failing_instance(
        self, formula: Term, is_true: Callable[[Term], bool]
    ) -> tuple[dict[str, int], Term]:
        """Quantified variable name to position, for the first instance that makes it false, and the
        part of that instance which is false.

        Looks through nested quantifiers, conjunctions, and the conclusions of implications, unless
        it is the premise that decides: a conclusion such as 0 == 1 names no variable.
        `formula` must have been built by this interpretation, and be false under `is_true`.
        """
        found: dict[str, int] = {}
        while True:
            if formula.get_id() in self._instances:
                _, instances = self._instances[formula.get_id()]
                indices, formula = next((i, b) for i, b in instances if not is_true(b))
                found |= indices
            elif z3.is_and(formula):
                formula = next(child for child in formula.children() if not is_true(child))
            elif z3.is_implies(formula) and variables_in([formula.arg(1)]):
                formula = formula.arg(1)
            else:
                return found, formula

    def _width(self, sort: Index | Enum) -> int:
        return max(1, (self.size(sort) - 1).bit_length())

    def _expand(self, sorts_then_body: tuple[Any, ...]) -> Iterator[tuple[dict[str, int], Term]]:
        *sorts, body = sorts_then_body
        if is_over(self.deadline):
            raise OutOfTime("out of time while the system was read for this scope")
        names = _names(body)[: len(sorts)]
        for positions in self.tuples(tuple(sorts)):
            indices = [self.element(s, i) for s, i in zip(sorts, positions, strict=True)]
            formula = truth(body(*indices), "what a quantifier is over")
            yield dict(zip(names, positions, strict=True)), formula


def _names(body: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's arguments: of most without `inspect`, which is slow."""
    if isinstance(body, FunctionType):
        return body.__code__.co_varnames[: body.__code__.co_argcount]
    return tuple(inspect.signature(body).parameters)


def _joined(make: Callable[..., Any], formulas: Sequence[Term]) -> Term:
    """A conjunction or disjunction: what `z3.And` and `z3.Or` make after a look at every sort."""
    context = z3.main_ctx()
    operands = (z3.Ast * len(formulas))(*(formula.as_ast() for formula in formulas))
    return z3.BoolRef(make(context.ref(), len(formulas), operands), context)
