"""Whether a ground system is well formed: what every engine takes for granted, checked once.

Bounded search and induction assume that every value stays in its range, and exploration that a
guard refuses parameters out of range. A system that breaks this would get different answers.

Most of it is plain to see in the terms; only what is not goes to the solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import z3

from checker.systems.asking import ask
from checker.systems.origin import among, twice
from checker.systems.system import (
    GroundAction,
    GroundSystem,
    ModelError,
    Term,
    Variable,
    variables_in,
)

SECONDS_MAX = 30.0
"""How long Z3 may think about one value out of range; what takes longer is refused."""


def require_well_formed(system: GroundSystem, written: Mapping[str, str] | None = None) -> None:
    """Raise ModelError, naming the system and the action, on what no engine can work with.

    `written` says where the text of an action is, for the message.
    """
    _require_distinct(system.name, "variable", [variable.name for variable in system.variables])
    _require_distinct(system.name, "action", [action.name for action in system.actions])
    whole = _Whole(system)
    initially = f"the initial condition of {system.name}"
    if not z3.is_bool(system.initially):
        raise ModelError(f"{initially} is not Boolean")
    whole.require_known([system.initially], (), initially)
    for action in system.actions:
        place = (written or {}).get(action.name, "")
        culprit = f"action {action.name} of system {system.name}{place}"
        whole.require_sorts(action, culprit)
        terms = [action.guard, action.answer, *action.updates.values()]
        whole.require_known(terms, action.parameters, culprit)
        whole.require_in_range(action, culprit)


def _require_distinct(culprit: str, what: str, names: Sequence[str]) -> None:
    repeated = twice(names)
    if repeated is not None:
        raise ModelError(f"{culprit} has two {what}s of one name: {repeated}")


class _Whole:
    """What is known of the variables, for the check of each action."""

    def __init__(self, system: GroundSystem) -> None:
        self._variables = {variable.name: variable for variable in system.variables}
        symbols = [_symbol(variable) for variable in system.variables]
        self._sizes = {s: v.size for s, v in zip(symbols, system.variables, strict=True)}
        self._zeros = [(variable.term, variable.literal(0)) for variable in system.variables]
        self._ranges = {
            variable.name: in_range
            for variable in system.variables
            if not z3.is_true(in_range := variable.in_range())
        }

    def require_sorts(self, action: GroundAction, culprit: str) -> None:
        """The guard is Boolean; what is changed is a variable, and keeps its sort."""
        if not z3.is_bool(action.guard):
            raise ModelError(f"{culprit}: its guard is not Boolean")
        for name, update in action.updates.items():
            if name not in self._variables:
                hint = among(name, self._variables)
                raise ModelError(f"{culprit}: it changes {name}, which is no variable{hint}")
            sort = self._variables[name].term.sort()
            if update.sort() != sort:
                raise ModelError(
                    f"{culprit}: it gives {name} a value of sort {update.sort()};"
                    f" it has sort {sort}"
                )

    def require_known(
        self, terms: Sequence[Term], parameters: Sequence[Variable], culprit: str
    ) -> None:
        """The terms read nothing else: with values for what is known, they have values too.

        One substitution by Z3 for all of them takes a fraction of the time of a walk in Python.
        """
        symbols = [_symbol(parameter) for parameter in parameters]
        _require_distinct(culprit, "variables or parameter", [*self._sizes, *symbols])
        together = z3.Function("together", *(term.sort() for term in terms), z3.BoolSort())(*terms)
        zeros = [(parameter.term, parameter.literal(0)) for parameter in parameters]
        for value in z3.simplify(z3.substitute(together, *self._zeros, *zeros)).children():
            if z3.is_true(value) or z3.is_false(value) or z3.is_bv_value(value):
                continue
            unknown = variables_in(terms) - self._sizes.keys() - set(symbols)
            if unknown:
                listed = ", ".join(sorted(unknown))
                raise ModelError(f"{culprit}: it reads {listed}: no variable or parameter")

    def require_in_range(self, action: GroundAction, culprit: str) -> None:
        """The guard keeps parameters in their ranges, and updates keep variables in theirs."""
        for parameter in action.parameters:
            if not _is_guarded(action.guard, parameter):
                wrong = f"{culprit}: it is possible with {parameter.name} out of range"
                _require_impossible(wrong, action.guard, z3.Not(parameter.in_range()))
        sizes = self._sizes | {
            _symbol(parameter): parameter.size for parameter in action.parameters
        }
        for name in (name for name in action.updates if name in self._ranges):
            variable, update = self._variables[name], action.updates[name]
            if all(_is_below(leaf, variable.size, sizes) for leaf in _leaves(update)):
                continue
            beyond = z3.Not(z3.substitute(variable.in_range(), (variable.term, update)))
            wrong = f"{culprit}: it puts {name} out of its range"
            _require_impossible(wrong, action.guard, *self._ranges.values(), beyond)


def _is_guarded(guard: Term, parameter: Variable) -> bool:
    """Whether the parameter's range is a conjunct of the guard, to be seen without a solver."""
    needed = parameter.in_range()
    if z3.is_true(needed):
        return True
    needed = z3.simplify(needed)
    conjuncts = guard.children() if z3.is_and(guard) else [guard]
    return any(conjunct.eq(needed) for conjunct in conjuncts)


def _leaves(term: Term) -> Iterator[Term]:
    """What a term may be equal to, by its outer conditionals."""
    seen: set[int] = set()
    stack = [term]
    while stack:
        term = stack.pop()
        if z3.is_app_of(term, z3.Z3_OP_ITE):
            # Their ids stay theirs: the whole term is held by whoever asks.
            branches = [term.arg(1), term.arg(2)]
            stack += [branch for branch in branches if branch.get_id() not in seen]
            seen |= {branch.get_id() for branch in branches}
        else:
            yield term


def _is_below(leaf: Term, size: int, sizes: Mapping[str, int]) -> bool:
    """Whether a literal, variable or parameter is less than `size`, if each is in its range."""
    if z3.is_bv_value(leaf):
        return bool(leaf.as_long() < size)
    return z3.is_const(leaf) and sizes.get(leaf.decl().name(), size + 1) <= size


def _symbol(variable: Variable) -> str:
    return str(variable.term.decl().name())


def _require_impossible(wrong: str, *formulas: z3.BoolRef) -> None:
    """Raise ModelError, with what is wrong, where Z3 finds values, and where it cannot say."""
    solver = z3.Solver()
    solver.add(*formulas)
    answer = ask(solver, seconds=SECONDS_MAX)
    if answer == z3.unknown:
        raise ModelError(f"{wrong}, as far as Z3 can say: {solver.reason_unknown()}")
    if answer == z3.sat:
        raise ModelError(wrong)
