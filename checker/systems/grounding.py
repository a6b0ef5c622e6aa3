"""How a system's text becomes a ground system: one variable for each family and tuple of indices.

Reads the text under the finite interpretation of `finite`, and claims about it in the same way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import z3

from checker.systems.finite import Finite
from checker.systems.origin import among, applied, blamed, origin, twice
from checker.systems.property import GroundProperty, Premise, Property, Transition
from checker.systems.selection import Selections
from checker.systems.system import (
    Action,
    Enum,
    Family,
    GroundAction,
    GroundSystem,
    ModelError,
    Step,
    System,
    Term,
    Variable,
    as_term,
    truth,
    variables_in,
)
from checker.systems.wellformed import require_well_formed

OBSERVED = "observed!"
"""How the names of the constants begin that stand for what was observed after a step."""


def _ground_name(finite: Finite, family: Family, indices: tuple[int, ...]) -> str:
    if not indices:
        return family.name
    labels = (sort.label(i) for sort, i in zip(family.over, indices, strict=True))
    return f"{family.name}[{','.join(labels)}]"


def _ground_variables(
    finite: Finite, families: tuple[Family, ...], prefix: str = ""
) -> dict[tuple[str, tuple[int, ...]], Variable]:
    repeated = twice(family.name for family in families)
    if repeated is not None:
        raise ModelError(f"two families or parameters have the name {repeated!r}")
    found: dict[tuple[str, tuple[int, ...]], Variable] = {}
    for family in families:
        with blamed(f"family or parameter {family.name!r} is empty or ill-defined"):
            _require_values(finite, family)
        for indices in finite.tuples(family.over):
            name = _ground_name(finite, family, indices)
            term = finite.fresh(prefix + name, family.of)
            found[family.name, indices] = Variable(name, term, finite.labels(family.of))
    return found


def _require_values(finite: Finite, family: Family) -> None:
    """Every sort that a family is over or of has elements, each with a name of its own."""
    for sort in (*family.over, family.of):
        repeated = twice(sort.values if isinstance(sort, Enum) else finite.labels(sort))
        if finite.size(sort) == 0:
            raise ModelError(f"{sort.name} has no elements")
        if repeated is not None:
            raise ModelError(f"{sort.name} has two elements {repeated!r}")


@dataclasses.dataclass(frozen=True)
class ObservedNames:
    """The constants that stand for an observed answer and an observed new state, in order."""

    answer: Term
    variables: tuple[Variable, ...]


class Grounding:
    """A system read under the finite interpretation: its ground system, and ways to ground claims.

    Raises ModelError, naming the action and the file and line of its text (for a claim, those of
    its formula), on whatever no engine could work with: see `wellformed` for what that is beyond
    names and sorts that do not fit.
    """

    def __init__(self, system: System) -> None:
        whole = f"system {system.name}"
        if not isinstance(system.interpretation, Finite):
            raise ModelError(f"{whole} is not under a finite interpretation")
        self.text = system
        self.finite: Finite = system.interpretation
        repeated = twice(action.name for action in system.actions)
        with blamed(whole, system.initially):
            self._variables = _ground_variables(self.finite, system.families)
            if repeated is not None:
                raise ModelError(f"two actions of one name: {repeated!r}")
        self.old = system.view(self._values(lambda f, i: self._variables[f.name, i].term))
        with blamed(f"the initial states of {whole}", system.initially):
            initially = z3.simplify(truth(system.initially(self.old), "their formula"))
        self._steps: dict[str, tuple[Any, Step, GroundAction]] = {}
        for action in system.actions:
            with blamed(f"action {action.name} of {whole}", action.step):
                self._steps[action.name] = self._ground_action(action)
        self.system = GroundSystem(
            name=system.name,
            variables=tuple(self._variables.values()),
            initially=initially,
            actions=tuple(ground for _, _, ground in self._steps.values()),
            answers=system.answers.values,
        )
        require_well_formed(self.system, {a.name: origin(a.step) for a in system.actions})
        self._claims: dict[Property, GroundProperty] = {}

    def property(self, claim: Property) -> GroundProperty:
        """The claim over the ground variables, kept for who asks again; not simplified.

        Raises ModelError when it names no variable (a claim about steps: none, and no parameter),
        is not Boolean, or reads what the system does not have.
        """
        if claim not in self._claims:
            self._claims[claim] = self._ground_claim(claim)
        return self._claims[claim]

    def _ground_claim(self, claim: Property) -> GroundProperty:
        where = f"of system {self.text.name}"
        with blamed(f"property {claim.id} {where}", claim.formula):
            state, steps = self._ground_formula(Premise(claim.kind, claim.formula), True)
            self._require_named([state, *steps.values()])
        with blamed(f"the premise of property {claim.id} {where}", claim.premise.formula):
            reached, reaching = self._ground_formula(claim.premise, False)
        return GroundProperty(claim.id, claim.kind, state, steps, reached, reaching)

    def observed_step(self, claim: Property, action: str) -> tuple[Term, ObservedNames]:
        """A step property's formula over an observed transition, whoever made it.

        Old variables and parameters are the ground ones; the answer and the new state are fresh
        constants, so that the formula judges what was seen and not what the model would do.
        """
        choice, _, _ = self._steps[action]
        answer = self.finite.fresh(OBSERVED + "answer", self.text.answers)
        after = _ground_variables(self.finite, self.text.families, prefix=OBSERVED)
        transition = Transition(
            action=action,
            old=self.old,
            parameters=choice,
            answer=answer,
            answers=lambda name: self.finite.constant(self.text.answers, name),
            new=self.text.view(self._values(lambda f, i: after[f.name, i].term)),
        )
        return as_term(claim.formula(transition)), ObservedNames(answer, tuple(after.values()))

    def name_of(self, family: str, positions: tuple[int, ...]) -> str:
        """The name of the ground variable for a family at these positions. Raises KeyError."""
        return self._variables[family, positions].name

    def _values(self, at: Callable[[Family, tuple[int, ...]], Term]) -> Selections:
        return Selections(self.finite, self.text.families, at)

    def _ground_action(self, action: Action) -> tuple[Any, Step, GroundAction]:
        families = tuple(Family(p.name, p.over, p.of) for p in action.parameters)
        parameters = _ground_variables(self.finite, families, prefix=f"{action.name}!")
        choice = Selections(self.finite, families, lambda f, i: parameters[f.name, i].term)
        step = action.step(self.old, choice)
        guard = truth(step.guard, "its guard")
        answer = self.finite.fresh("answer", self.text.answers)
        if not z3.is_expr(step.answer) or step.answer.sort() != answer.sort():
            raise ModelError(f"its answer is no {self.text.answers.name}")
        in_range = [parameter.in_range() for parameter in parameters.values()]
        ground = GroundAction(
            name=action.name,
            parameters=tuple(parameters.values()),
            guard=z3.simplify(z3.And(guard, *in_range)),
            answer=z3.simplify(step.answer),
            updates=dict(self._updates(step)),
        )
        return choice, step, ground

    def _updates(self, step: Step) -> Iterator[tuple[str, Term]]:
        known = {family.name for family in self.text.families}
        for name in step.effect:
            if name not in known:
                raise ModelError(f"it changes {name!r}, which is no family{among(name, known)}")
        for (family, indices), variable in self._variables.items():
            if family not in step.effect:
                continue
            value = self._effect_at(step, family, indices)
            if not z3.is_expr(value) or value.sort() != variable.term.sort():
                sort = value.sort() if z3.is_expr(value) else type(value).__name__
                raise ModelError(
                    f"it gives {variable.name} a value of sort {sort};"
                    f" it has sort {variable.term.sort()}"
                )
            value = z3.simplify(value)
            if not value.eq(variable.term):
                yield variable.name, value

    def _effect_at(self, step: Step, family: str, indices: tuple[int, ...]) -> Term:
        effect = step.effect[family]
        if callable(effect) != bool(indices):
            needed = "a function of indices" if indices else "a plain term"
            raise ModelError(f"the effect on {family} must be {needed}")
        if not indices:
            return as_term(effect)
        over = next(f.over for f in self.text.families if f.name == family)
        elements = (self.finite.element(s, i) for s, i in zip(over, indices, strict=True))
        return as_term(applied(effect, tuple(elements), f"the effect on {family}"))

    def _ground_formula(self, premise: Premise, idle: bool) -> tuple[Term, dict[str, Term]]:
        """The formula on states, and for each action the one on its steps, where it says anything.

        `idle` is the value of a formula that says nothing.
        """
        if premise.kind == "state":
            return truth(premise.formula(self.old), "its formula"), {}
        otherwise, steps = z3.BoolVal(idle), {}
        for name, (choice, step, _) in self._steps.items():
            transition = self._transition(name, choice, step)
            formula = truth(premise.formula(transition), f"its formula for {name}")
            if not formula.eq(otherwise):
                steps[name] = formula
        return otherwise, steps

    def _require_named(self, formulas: list[Term]) -> None:
        """Formulas name a variable of the system or a parameter of its actions, and no others."""
        known = {variable.name for variable in self._variables.values()}
        for _, _, action in self._steps.values():
            known |= {parameter.term.decl().name() for parameter in action.parameters}
        named = variables_in(formulas)
        if not named:
            raise ModelError("it names no variable")
        if named - known:
            unknown = min(named - known)
            raise ModelError(f"it reads {unknown}, which is no variable{among(unknown, known)}")

    def _transition(self, name: str, choice: Any, step: Step) -> Transition:
        def new(family: Family, indices: tuple[int, ...]) -> Term:
            if family.name not in step.effect:
                return self._variables[family.name, indices].term
            return self._effect_at(step, family.name, indices)

        return Transition(
            action=name,
            old=self.old,
            parameters=choice,
            answer=step.answer,
            answers=lambda answer: self.finite.constant(self.text.answers, answer),
            new=self.text.view(self._values(new)),
        )
