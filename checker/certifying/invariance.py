"""What must be refuted so that given formulas prove a claim for any size, made from the text alone.

The formulas come from a certificate, as text, and no lemma's Python is asked: what they say after
an action is found by putting the families' new values into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import z3

from checker.answers.proof import Condition
from checker.anysize.parametric import Parametric, z3_sort
from checker.anysize.quantified import QuantifiedStep, QuantifiedSystem
from checker.systems.property import Property
from checker.systems.system import Enum, Index, System, Term, as_term

CORE_MILLISECONDS = 5_000
"""How long Z3 may look for the part of a condition that has no model already."""


class NoInvariant(ValueError):
    """A text that is no formula over the families of a system; the message says which."""


def any_size_conditions(
    text: Callable[[Any], System], claim: Property, invariant: Sequence[str]
) -> tuple[Condition, ...]:
    """The conditions under which the formulas are inductive, and imply the claim.

    Each is cut down to what Z3 needs to refute it, where it does: it is for another to refute.
    Raises NoInvariant.
    """
    system = QuantifiedSystem(text(Parametric()))
    formulas = _parsed(system, invariant)
    return tuple(
        Condition(name, _core([*system.interpretation.axioms(), *parts]))
        for name, parts in _conditions(system, claim, formulas)
    )


def _conditions(
    system: QuantifiedSystem, claim: Property, formulas: Sequence[Term]
) -> Iterator[tuple[str, list[Term]]]:
    """Names, and formulas that must have no model together. The text must be read before axioms."""
    always, judged = system.judged(claim)
    after = {name: _After(system, step) for name, step in system.steps.items()}
    for number, formula in enumerate(formulas):
        yield f"formula {number} holds at the start", [system.initially, z3.Not(formula)]
        for name, step in system.steps.items():
            new = after[name].value(formula)
            if not new.eq(formula):
                yield f"{name} keeps formula {number}", [*formulas, step.step.guard, z3.Not(new)]
    if claim.kind == "state":
        yield "the formulas say what is claimed", [*formulas, z3.Not(always)]
    for name, formula in judged.items():
        if not z3.is_true(formula):
            parts = [*formulas, system.steps[name].step.guard, z3.Not(formula)]
            yield f"{name} does as claimed", parts


class _After:
    """What formulas say after an action, in terms of what was before it."""

    def __init__(self, system: QuantifiedSystem, step: QuantifiedStep) -> None:
        self._effect = step.step.effect
        self._names = {family.name for family in system.text.families}
        self._bound = 0
        self._known: dict[int, tuple[Term, Term]] = {}

    def value(self, formula: Term) -> Term:
        """The formula with each family's new value in its place."""
        number = formula.get_id()
        if number not in self._known:  # kept with the formula: z3 recycles the ids of dead terms
            self._known[number] = formula, self._value(formula)
        return self._known[number][1]

    def _value(self, formula: Term) -> Term:
        if z3.is_quantifier(formula):
            variables = [self._variable(formula, i) for i in range(formula.num_vars())]
            # z3 numbers the variables from the innermost.
            body = z3.substitute_vars(formula.body(), *reversed(variables))
            new = self.value(body)
            if new.eq(body):
                return formula
            return (z3.ForAll if formula.is_forall() else z3.Exists)(variables, new)
        children = [self.value(child) for child in formula.children()]
        name = formula.decl().name()
        is_family = formula.decl().kind() == z3.Z3_OP_UNINTERPRETED and name in self._names
        if is_family and name in self._effect:
            effect = self._effect[name]
            return as_term(effect(*children) if callable(effect) else effect)
        if all(new.eq(old) for new, old in zip(children, formula.children(), strict=True)):
            return formula
        return formula.decl()(*children)

    def _variable(self, formula: Term, number: int) -> Term:
        """A constant for a bound variable, which no other formula has."""
        self._bound += 1
        return z3.Const(f"{formula.var_name(number)}'{self._bound}", formula.var_sort(number))


def _parsed(system: QuantifiedSystem, invariant: Sequence[str]) -> list[Term]:
    """The formulas that the texts stand for. Raises NoInvariant."""
    sorts, names = _vocabulary(system)
    found = []
    for text in invariant:
        try:
            terms = z3.parse_smt2_string(f"(assert {text})", sorts=sorts, decls=names)
        except z3.Z3Exception as error:
            said = error.value.decode() if isinstance(error.value, bytes) else str(error)
            raise NoInvariant(f"{' '.join(text.split())[:80]}: {' '.join(said.split())}") from error
        if len(terms) != 1:
            raise NoInvariant(f"{' '.join(text.split())[:80]}: it is not one formula")
        found.append(terms[0])
    return found


def _vocabulary(system: QuantifiedSystem) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sorts, and the functions and constants, that a formula may speak of, by name."""
    used = {f.of for f in system.text.families} | {i for f in system.text.families for i in f.over}
    sorts = {sort.name: z3_sort(sort) for sort in used if isinstance(sort, Index | Enum)}
    names: dict[str, Any] = {}
    for family in system.text.families:
        over = [z3_sort(index) for index in family.over]
        names[family.name] = z3.Function(family.name, *over, z3_sort(family.of))
    for sort in used:
        if isinstance(sort, Index):  # the values of an enumeration come with its sort
            for name in sort.constants:
                names[f"{sort.name}.{name}"] = system.interpretation.constant(sort, name).decl()
    for axiom in system.interpretation.axioms():
        for term in _applications(axiom):
            names.setdefault(term.decl().name(), term.decl())
    return sorts, names


def _applications(root: Term) -> Iterator[Term]:
    """Every application of an uninterpreted function or constant in a term."""
    kept: dict[int, Term] = {}
    stack = [root]
    while stack:
        term = stack.pop()
        if term.get_id() in kept:
            continue
        kept[term.get_id()] = term
        if z3.is_app(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            yield term
        stack.extend(term.children())


def _core(parts: Sequence[Term]) -> Term:
    """The conjunction of those parts that have no model together; of all where Z3 finds none."""
    solver = z3.Solver()
    solver.set("timeout", CORE_MILLISECONDS)
    names = [z3.Bool(f"part!{number}") for number, _ in enumerate(parts)]
    for name, part in zip(names, parts, strict=True):
        solver.assert_and_track(part, name)
    if solver.check() != z3.unsat:
        return z3.And(list(parts))
    used = {name.decl().name() for name in solver.unsat_core()}
    return z3.And([p for name, p in zip(names, parts, strict=True) if name.decl().name() in used])
