"""What must be refuted so that formulas prove a claim: the conditions of an induction, in full.

A *condition* is a formula without a model: "an initial state that breaks it", "a state that keeps
it, from which destroy breaks it". Whoever refutes them all, with whatever solver, has proved the
claim. Values after an action are written by substitution, so nothing but the variables is free.
Source of those over several steps: Sheeran, Singh, Stålmarck, FMCAD 2000.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import z3

from checker.answers.proof import Condition, Invariant
from checker.systems.property import GroundProperty
from checker.systems.system import GroundAction, GroundSystem, Term, Variable, variables_in


def conditions(
    system: GroundSystem, claim: GroundProperty, invariant: Invariant
) -> tuple[Condition, ...]:
    """All conditions under which the invariant proves the claim of the system.

    With k = 1: one for the initial states, and for each action one that it keeps the invariant and
    one that it does as a step claim says. With a greater k: one for the runs of each length below
    k, and for each action one that after k - 1 good steps it keeps the invariant. A conjunct none
    of whose variables an action changes has the same value after it, and is left out there.
    """
    good = kept_formulas(system, claim, invariant)
    induction = _Induction(system, claim, good)
    found = [Condition("the initial states satisfy it", induction.broken_at_start())]
    for depth in range(1, invariant.k):
        name = f"runs of {depth} {'step' if depth == 1 else 'steps'} satisfy it"
        path = [*induction.start(), *induction.path(depth - 1)]
        ends = [induction.broken_by(action, depth - 1) for action in system.actions]
        found.append(Condition(name, z3.And([*path, z3.Or(ends)])))
    last = invariant.k - 1
    assumed = [*induction.path(last), *induction.good_path(last)]
    if invariant.distinct:
        assumed += induction.distinct(last)
    after = f" after {last} good {'step' if last == 1 else 'steps'}" if last else ""
    for action in system.actions:
        step = induction.taken(action, last)
        kept = induction.not_kept(action, last)
        if kept is not None:
            formula = z3.And([*assumed, *step, kept])
            found.append(Condition(f"{action.name} keeps it{after}", formula))
        if action.name in claim.steps:
            wrong = z3.Not(induction.at(claim.steps[action.name], last))
            formula = z3.And([*assumed, *step, wrong])
            found.append(Condition(f"{action.name} does as claimed{after}", formula))
    return tuple(found)


def kept_formulas(
    system: GroundSystem, claim: GroundProperty, invariant: Invariant
) -> tuple[Term, ...]:
    """What is inductive, as conjuncts: every variable in its range, the claim, the invariant."""
    ranges = [variable.in_range() for variable in system.variables]
    formulas = [*ranges, claim.state, *invariant.conjuncts]
    return tuple(formula for formula in formulas if not z3.is_true(formula))


class _Induction:
    """The formulas at moments: 0 … k - 1 have copies of the variables, but for k = 1 themselves."""

    def __init__(self, system: GroundSystem, claim: GroundProperty, good: Sequence[Term]) -> None:
        self._system = system
        self._claim = claim
        self._good = good
        self._reads = [variables_in([formula]) for formula in good]
        self._copies: list[list[tuple[Term, Term]]] = []

    def broken_at_start(self) -> Term:
        """An initial state that is not good."""
        return z3.And([*self.start(), z3.Not(_all(self._good))])

    def start(self) -> list[Term]:
        """That moment 0 is an initial state."""
        ranges = [v.in_range() for v in self._system.variables]
        formulas = [self._system.initially, *ranges]
        return [self.at(formula, 0) for formula in formulas if not z3.is_true(formula)]

    def path(self, length: int) -> list[Term]:
        """That the moments 0 … length are a run: at each, one selector is true, of the action."""
        formulas: list[Term] = []
        actions = self._system.actions
        for moment in range(length):
            chosen = [z3.Bool(f"{action.name}?@{moment}") for action in actions]
            formulas.append(z3.Or(chosen))
            formulas += [z3.Not(z3.And(pair)) for pair in itertools.combinations(chosen, 2)]
            for selector, action in zip(chosen, actions, strict=True):
                taken = z3.And(self.taken(action, moment))
                formulas.append(z3.Implies(selector, taken))
            for variable in self._system.variables:
                value = self.at(variable.term, moment)
                for selector, action in zip(chosen, actions, strict=True):
                    if variable.name in action.updates:
                        update = self.at(action.updates[variable.name], moment)
                        value = z3.If(selector, update, value)
                formulas.append(self.at(variable.term, moment + 1) == value)
        return formulas

    def good_path(self, length: int) -> list[Term]:
        """That the moments 0 … length are good, and the steps between them as claimed."""
        formulas = [self.at(f, moment) for moment in range(length + 1) for f in self._good]
        for moment in range(length):
            for action in self._system.actions:
                if action.name in self._claim.steps:
                    claimed = self.at(self._claim.steps[action.name], moment)
                    formulas.append(z3.Implies(z3.Bool(f"{action.name}?@{moment}"), claimed))
        return formulas

    def distinct(self, length: int) -> list[Term]:
        """That no two of the moments 0 … length have the same state."""
        return [
            z3.Or([self.at(v.term, i) != self.at(v.term, j) for v in self._system.variables])
            for j in range(length + 1)
            for i in range(j)
        ]

    def taken(self, action: GroundAction, moment: int) -> list[Term]:
        """That the action is possible at the moment, with parameters in their ranges."""
        formulas = [action.guard, *(p.in_range() for p in action.parameters)]
        return [self.at(formula, moment) for formula in formulas if not z3.is_true(formula)]

    def not_kept(self, action: GroundAction, moment: int) -> Term | None:
        """That what is good before the action is not good after it; None where it cannot change."""
        changes = [(v, action.updates[v.name]) for v in self._changed(action)]
        names = {str(variable.term.decl().name()) for variable, _ in changes}
        moved = [f for f, reads in zip(self._good, self._reads, strict=True) if reads & names]
        pairs = [(variable.term, update) for variable, update in changes]
        after = [z3.substitute(formula, *pairs) for formula in moved]
        after = [formula for formula in after if not z3.is_true(z3.simplify(formula))]
        return z3.Not(self.at(_all(after), moment)) if after else None

    def broken_by(self, action: GroundAction, moment: int) -> Term:
        """That the action is taken at the moment, and what is good is not so after it.

        Nothing is assumed of the moment, so every conjunct counts, also one that is not changed:
        it is known to hold there, by the condition on shorter runs.
        """
        wrong = [w for w in [self.not_kept(action, moment)] if w is not None]
        if action.name in self._claim.steps:
            wrong.append(z3.Not(self.at(self._claim.steps[action.name], moment)))
        return z3.And([*self.taken(action, moment), z3.Or(wrong)])

    def at(self, formula: Term, moment: int) -> Term:
        """A formula over variables and parameters, at a moment. Moment 0 has the names as given."""
        if moment == 0:
            return formula
        while len(self._copies) < moment:
            self._copies.append(self._copy(len(self._copies) + 1))
        return z3.substitute(formula, *self._copies[moment - 1])

    def _changed(self, action: GroundAction) -> Iterable[Variable]:
        return [v for v in self._system.variables if v.name in action.updates]

    def _copy(self, moment: int) -> list[tuple[Term, Term]]:
        parameters = [p for action in self._system.actions for p in action.parameters]
        terms = [variable.term for variable in (*self._system.variables, *parameters)]
        return [(t, z3.Const(f"{t.decl().name()}@{moment}", t.sort())) for t in terms]


def _all(formulas: Sequence[Term]) -> Term:
    return formulas[0] if len(formulas) == 1 else z3.And(list(formulas))
