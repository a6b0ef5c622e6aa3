"""What must be refuted so that given formulas prove a claim for any size, made from the text alone.

The formulas come from a certificate, as text, and no lemma's Python is asked: what they say after
an action is found by putting the families' new values into them. They may speak of nothing but
states: a formula about an action's parameters would change its meaning from one step to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import z3

from checker.answers.proof import Condition
from checker.anysize.parametric import Parametric, z3_sort
from checker.anysize.quantified import QuantifiedStep, QuantifiedSystem
from checker.certifying.formula_text import NoFormula, Reader
from checker.certifying.smtlib import subterms
from checker.systems.asking import ask
from checker.systems.property import Property
from checker.systems.system import Enum, Index, System, Term, as_term

CORE_MILLISECONDS = 5_000
"""How long Z3 may look for the part of a condition that has no model already."""

FORMULAS_MAX = 1_000
HEIGHT_MAX = 200
SIZE_MAX = 20_000
"""How many formulas there may be, how deep, and how large if nothing in one were shared."""


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
        self._known: dict[int, tuple[Term, Term]] = {}

    def value(self, formula: Term) -> Term:
        """The formula with each family's new value in its place."""
        number = formula.get_id()
        if number not in self._known:  # kept with the formula: z3 recycles the ids of dead terms
            self._known[number] = formula, self._value(formula)
        return self._known[number][1]

    def _value(self, formula: Term) -> Term:
        if z3.is_quantifier(formula):
            sorts = [formula.var_sort(i) for i in range(formula.num_vars())]
            variables = [z3.FreshConst(sort, "bound") for sort in sorts]
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


def _parsed(system: QuantifiedSystem, invariant: Sequence[str]) -> list[Term]:
    """The formulas that the texts stand for. Raises NoInvariant."""
    if len(invariant) > FORMULAS_MAX:
        raise NoInvariant(f"it has more than {FORMULAS_MAX} formulas")
    reader = Reader(*_vocabulary(system), HEIGHT_MAX, SIZE_MAX)
    found = []
    for number, text in enumerate(invariant):
        try:
            found.append(reader.formula(text))
        except NoFormula as error:
            raise NoInvariant(f"formula {number}: {error}") from error
    return found


def _vocabulary(
    system: QuantifiedSystem,
) -> tuple[dict[str, z3.FuncDeclRef], dict[str, z3.SortRef]]:
    """The functions that a formula may speak of, and the sorts of its variables, by name.

    Those are the families, the values of their sorts, and the orders that the text speaks of; not
    the actions' parameters, and not what an axiom or a quantifier binds.
    """
    used = {f.of for f in system.text.families} | {i for f in system.text.families for i in f.over}
    functions: dict[str, z3.FuncDeclRef] = {}
    for family in system.text.families:
        over = [z3_sort(index) for index in family.over]
        functions[family.name] = z3.Function(family.name, *over, z3_sort(family.of))
    orders = {f"{sort.name}.{word}" for sort in used for word in ("less", "last")}
    for axiom in system.interpretation.axioms():
        for term in subterms([axiom]):
            if z3.is_app(term) and term.decl().name() in orders:
                functions[term.decl().name()] = term.decl()
    sorts = {"Bool": z3.BoolSort()}
    for sort in used:
        if isinstance(sort, Index | Enum):
            made = z3_sort(sort)
            sorts[str(made.name())] = made
            values = sort.constants if isinstance(sort, Index) else sort.values
            for name in values:
                declared = system.interpretation.constant(sort, name).decl()
                functions[str(declared.name())] = declared
    return functions, sorts


def _core(parts: Sequence[Term]) -> Term:
    """The conjunction of those parts that have no model together; of all where Z3 finds none."""
    solver = z3.Solver()
    names = [z3.Bool(f"part!{number}") for number, _ in enumerate(parts)]
    for name, part in zip(names, parts, strict=True):
        solver.assert_and_track(part, name)
    if ask(solver, seconds=CORE_MILLISECONDS / 1000) != z3.unsat:
        return z3.And(list(parts))
    used = {name.decl().name() for name in solver.unsat_core()}
    return z3.And([p for name, p in zip(names, parts, strict=True) if name.decl().name() in used])
