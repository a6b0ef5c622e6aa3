"""Whether a formula lies in the fragment that solvers are certain to decide, and if not, why.

A formula is *stratified* when the sorts can be put in an order such that a function, or a "some"
inside of an "all", leads from lower sorts to higher ones only. Then its ground terms are finitely
many, and it has a model only if it has a finite one: the extension of the Bernays–Schönfinkel
fragment (EPR) to many sorts. Source: Padon, McMillan, Panda, Sagiv, Shoham, "Ivy: Safety
Verification by Interactive Generalization", PLDI 2016.

A refutation outside of the fragment is a refutation all the same. What is lost there is the
certainty that a solver comes to an end.
"""

from __future__ import annotations

from collections.abc import Iterable

import z3

from checker.systems.system import Term

Edge = tuple[str, str]
Scope = tuple[frozenset[str], ...]
"""For each enclosing quantified variable, outermost first: the sorts of the "all" that it is of,
or for a "some" of those that it depends on."""


def is_stratified(formula: Term) -> bool:
    """Whether it is in the fragment."""
    return cycle(formula) is None


def cycle(formula: Term) -> tuple[str, ...] | None:
    """Names of sorts that lead to one another in a circle, the first again last; None if none."""
    edges = alternations(formula)
    for start in sorted({source for source, _ in edges}):
        found = _path(edges, start, start)
        if found:
            return (start, *found)
    return None


def alternations(formula: Term) -> frozenset[Edge]:
    """From which sorts to which others functions, and a "some" inside of an "all", lead."""
    return frozenset(_Walk().edges_of(formula))


def _path(edges: Iterable[Edge], start: str, goal: str) -> tuple[str, ...]:
    """A way from one sort to another along one edge or more, without the first sort."""
    ways: dict[str, tuple[str, ...]] = {}
    pending: list[tuple[str, tuple[str, ...]]] = [(start, ())]
    while pending:
        here, way = pending.pop(0)
        for source, target in sorted(edges):
            if source == here and target not in ways:
                ways[target] = (*way, target)
                pending.append((target, ways[target]))
    return ways.get(goal, ())


class _Walk:
    """Looks at every part of a formula with the polarity, or both, in which it stands there."""

    def __init__(self) -> None:
        self._edges: set[Edge] = set()
        self._seen: set[tuple[int, bool, Scope]] = set()
        self._free: dict[int, tuple[Term, frozenset[int]]] = {}

    def edges_of(self, formula: Term) -> set[Edge]:
        """All edges, of a formula that is to be satisfied."""
        self._visit(formula, True, ())
        return self._edges

    def _visit(self, term: Term, positive: bool, scope: Scope) -> None:
        depends = tuple(
            scope[-1 - i] if i in self._free_in(term) else frozenset()
            for i in reversed(range(len(scope)))
        )
        if (term.get_id(), positive, depends) in self._seen:
            return
        self._seen.add((term.get_id(), positive, depends))
        if z3.is_quantifier(term):
            self._quantifier(term, positive, scope)
        elif z3.is_app(term):
            self._application(term, positive, scope)

    def _application(self, term: Term, positive: bool, scope: Scope) -> None:
        if term.decl().kind() == z3.Z3_OP_UNINTERPRETED and _is_open(term.sort()):
            for child in term.children():
                if _is_open(child.sort()):
                    self._edges.add((child.sort().name(), term.sort().name()))
        for child, polarities in zip(term.children(), _polarities(term, positive), strict=True):
            for polarity in polarities:
                self._visit(child, polarity, scope)

    def _quantifier(self, term: Term, positive: bool, scope: Scope) -> None:
        sorts = [term.var_sort(i).name() for i in range(term.num_vars())]
        if bool(term.is_forall()) == positive:
            inner = [frozenset([sort]) for sort in sorts]
        else:
            depends = frozenset(s for i in self._free_in(term) for s in scope[-1 - i])
            self._edges |= {(source, target) for source in depends for target in sorts}
            inner = [depends for _ in sorts]
        self._visit(term.body(), positive, (*scope, *inner))

    def _free_in(self, term: Term) -> frozenset[int]:
        """The free variables of a term, as z3 numbers them: from the innermost."""
        if term.get_id() in self._free:
            return self._free[term.get_id()][1]
        if z3.is_var(term):
            found = frozenset([z3.get_var_index(term)])
        elif z3.is_quantifier(term):
            bound = term.num_vars()
            found = frozenset(i - bound for i in self._free_in(term.body()) if i >= bound)
        else:
            found = frozenset().union(*(self._free_in(child) for child in term.children()))
        self._free[term.get_id()] = term, found  # the term is kept: z3 recycles the ids of others
        return found


def _is_open(sort: z3.SortRef) -> bool:
    """Whether the sort may have any number of elements: an enumeration adds no terms."""
    return bool(sort.kind() == z3.Z3_UNINTERPRETED_SORT)


def _polarities(term: Term, positive: bool) -> list[tuple[bool, ...]]:
    """In which polarities each argument stands, where the term stands in this one."""
    both, same, other = (True, False), (positive,), (not positive,)
    if z3.is_and(term) or z3.is_or(term):
        return [same for _ in term.children()]
    if z3.is_not(term):
        return [other]
    if z3.is_implies(term):
        return [other, same]
    if z3.is_app_of(term, z3.Z3_OP_ITE) and z3.is_bool(term):
        return [both, same, same]
    return [both for _ in term.children()]
