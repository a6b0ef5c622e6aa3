"""Why a formula is false in a state: the fewest facts that decide it, each with its values.

A conjunction is false because of its first false part, a disjunction because of all of its parts;
an implication because its premise is true and its conclusion is not. What is left are comparisons
and Boolean variables, which are said with the values that they have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import z3

from checker.answers.trace import Trace, choice_of, is_true_in
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.system import State, Term, Variable, variables_in


class Fact(NamedTuple):
    """A comparison or Boolean variable in words, and the names of the variables in it."""

    words: str
    names: frozenset[str]


Values = Mapping[str, tuple[Variable, int]]
"""By the name of its term, each variable with its value's position; it is said by its own name."""


def false_of_state(
    grounding: Grounding, claim: Property, state: State
) -> tuple[dict[str, int], tuple[Fact, ...]]:
    """The instance that is false, and the facts that make it so."""
    formula = grounding.property(claim).state
    seen = variables_in([formula])
    variables = zip(grounding.system.variables, state, strict=True)
    known = [(v.term, v.literal(x)) for v, x in variables if v.name in seen]

    def is_true(term: Term) -> bool:
        return bool(z3.is_true(z3.simplify(z3.substitute(term, *known))))

    at, conjunct = grounding.finite.failing_instance(formula, is_true)
    return at, facts(conjunct, is_true, _values(grounding, state))


def false_of_step(grounding: Grounding, claim: Property, trace: Trace) -> tuple[Fact, ...]:
    """The facts about the state before, the call's answer, and the state after it."""
    (before, after), step = trace.states[-2:], trace.steps[-1]
    formula, seen = grounding.observed_step(claim, step.call.action)
    formula = z3.substitute(formula, *choice_of(grounding.system, step.call))
    answers = grounding.system.answers
    afterwards = {v.name: replace(v, name=f"{v.name} after the call") for v in seen.variables}
    observed = [
        (Variable("answer", seen.answer, answers), answers.index(step.answer)),
        *((afterwards[v.name], x) for v, x in zip(seen.variables, after, strict=True)),
    ]
    values = {
        name: (replace(variable, name=f"{variable.name} before the call"), value)
        for name, (variable, value) in _values(grounding, before).items()
    }
    values |= {str(v.term.decl().name()): (v, x) for v, x in observed}
    known = [(v.term, v.literal(x)) for v, x in observed]

    def is_true(term: Term) -> bool:
        return is_true_in(grounding.system, before, term, *known)

    return facts(formula, is_true, values)


def _values(grounding: Grounding, state: State) -> dict[str, tuple[Variable, int]]:
    variables = grounding.system.variables
    return {v.name: (v, value) for v, value in zip(variables, state, strict=True)}


def facts(formula: Term, is_true: Callable[[Term], bool], values: Values) -> tuple[Fact, ...]:
    """What decides the value of a formula, in the order in which it is read.

    `is_true` gives the value of a part.
    """
    singles: dict[str, list[str]] = {}
    found: dict[object, Fact] = {}
    terms: list[Term] = []  # kept alive: Z3 gives a dead one's id away
    for term, value in _deciding(formula, is_true):
        names = variables_in([term])
        if not names:
            continue
        terms.append(term)
        single = _single(term, values)
        if single is None:
            found.setdefault(term.get_id(), Fact(_said(term, value, values), names))
        else:
            name, other = single
            singles.setdefault(name, []).append("" if value else other)
            found[name] = Fact(_alone(*values[name], singles[name]), names)
    return tuple(found.values())


def _deciding(term: Term, is_true: Callable[[Term], bool]) -> Iterator[tuple[Term, bool]]:
    """The parts without Boolean structure that decide a formula, with their truth."""
    value = is_true(term)
    if z3.is_not(term):
        yield from _deciding(term.arg(0), is_true)
    elif z3.is_and(term) or z3.is_or(term):
        children = term.children()
        # One false part decides a conjunction, one true part a disjunction; else all do.
        alone = next((child for child in children if is_true(child) == value), None)
        needed = [alone] if value == z3.is_or(term) else children
        for child in needed:
            yield from _deciding(child, is_true)
    elif z3.is_implies(term):
        premise, conclusion = term.children()
        if not (value and is_true(premise)):
            yield from _deciding(premise, is_true)
        if not (value and not is_true(premise)):
            yield from _deciding(conclusion, is_true)
    elif z3.is_bool(term) and z3.is_app_of(term, z3.Z3_OP_ITE):
        condition, then, otherwise = term.children()
        yield from _deciding(condition, is_true)
        yield from _deciding(then if is_true(condition) else otherwise, is_true)
    elif z3.is_distinct(term) and term.num_args() == 2:
        yield from _deciding(term.arg(0) == term.arg(1), is_true)
    elif z3.is_eq(term):
        yield from _deciding_equality(term, value, is_true)
    else:
        yield term, value


def _deciding_equality(
    term: Term, value: bool, is_true: Callable[[Term], bool]
) -> Iterator[tuple[Term, bool]]:
    """Of Booleans both sides; a side that depends on a condition is the one that it chooses."""
    if z3.is_bool(term.arg(0)):
        for child in term.children():
            yield from _deciding(child, is_true)
        return
    for side, other in (term.children(), term.children()[::-1]):
        if z3.is_app_of(side, z3.Z3_OP_ITE):
            condition, then, otherwise = side.children()
            yield from _deciding(condition, is_true)
            chosen = then if is_true(condition) else otherwise
            yield from _deciding(chosen == other, is_true)
            return
    yield term, value


def _single(term: Term, values: Values) -> tuple[str, str] | None:
    """A variable that is compared with one of its values, and the value; or a Boolean variable."""
    if _name(term) in values:
        return _name(term), ""
    if not z3.is_eq(term):
        return None
    one, other = sorted(term.children(), key=z3.is_bv_value)
    if _name(one) not in values or not z3.is_bv_value(other):
        return None
    variable, _ = values[_name(one)]
    position = other.as_long()
    return _name(one), variable.labels[position] if position < variable.size else ""


def _alone(variable: Variable, position: int, others: list[str]) -> str:
    """The value of a variable, and the one that it should have had, if it is one and another."""
    said = f"{variable.name} is {variable.labels[position]}"
    different = dict.fromkeys(others)
    (other, *more) = different
    return said if more or not other else f"{said}, not {other}"


def _said(term: Term, value: bool, values: Values) -> str:
    if z3.is_eq(term) and all(_name(child) in values for child in term.children()):
        (one, first), (other, second) = (values[_name(child)] for child in term.children())
        how = "as" if value else "but"
        return f"{one.name} is {one.labels[first]}, {how} {other.name} is {other.labels[second]}"
    return f"{' '.join(str(term).split())} is {'true' if value else 'false'}"


def _name(term: Term) -> str:
    is_variable = z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED
    return str(term.decl().name()) if is_variable else ""
