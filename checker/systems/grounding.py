"""How a system's text becomes a ground system: one variable for each family and tuple of indices.

Reads the text under the finite interpretation of `finite`, and claims about it in the same way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import z3

from checker.systems.finite import Finite
from checker.systems.property import GroundProperty, Premise, Property, Transition
from checker.systems.system import (
    Action,
    Family,
    GroundAction,
    GroundSystem,
    ModelError,
    Parameter,
    Step,
    System,
    Term,
    Variable,
    as_term,
    variables_in,
)


class _Selection:
    """A family in one state: indexed by terms, it gives the term of the value there."""

    def __init__(self, finite: Finite, family: Family, at: Callable[[tuple[int, ...]], Term]):
        self._finite = finite
        self._family = family
        self._at = at

    def __getitem__(self, indices: Any) -> Term:
        indices = indices if isinstance(indices, tuple) else (indices,)
        over = self._family.over
        if len(indices) != len(over):
            expected = ", ".join(sort.name for sort in over)
            raise ModelError(f"{self._family.name}[{expected}] was given {len(indices)} indices")
        return self._select((), indices)

    def _select(self, chosen: tuple[int, ...], rest: tuple[Term, ...]) -> Term:
        if not rest:
            return self._at(chosen)
        first, *others = rest
        if z3.is_bv_value(first):
            return self._select((*chosen, first.as_long()), tuple(others))
        sort = self._family.over[len(chosen)]
        last = self._finite.size(sort) - 1
        value = self._select((*chosen, last), tuple(others))
        for position in reversed(range(last)):
            here = self._select((*chosen, position), tuple(others))
            value = z3.If(first == self._finite.element(sort, position), here, value)
        return value


class _Values:
    """The families of one state (or the parameters of one call), by name."""

    def __init__(
        self,
        finite: Finite,
        families: tuple[Family, ...],
        at: Callable[[Family, tuple[int, ...]], Term],
    ):
        self._finite = finite
        self._families = {family.name: family for family in families}
        self._at = at

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._families:
            known = ", ".join(self.__dict__.get("_families", {}))
            raise AttributeError(f"no family or parameter {name!r}; known: {known}")
        family = self._families[name]
        if not family.over:
            return self._at(family, ())
        return _Selection(self._finite, family, lambda indices: self._at(family, indices))


def _ground_name(finite: Finite, family: Family, indices: tuple[int, ...]) -> str:
    if not indices:
        return family.name
    labels = (sort.label(i) for sort, i in zip(family.over, indices, strict=True))
    return f"{family.name}[{','.join(labels)}]"


def _ground_variables(
    finite: Finite, families: tuple[Family, ...], prefix: str = ""
) -> dict[tuple[str, tuple[int, ...]], Variable]:
    found: dict[tuple[str, tuple[int, ...]], Variable] = {}
    for family in families:
        for indices in finite.tuples(family.over):
            name = _ground_name(finite, family, indices)
            term = finite.fresh(prefix + name, family.of)
            found[family.name, indices] = Variable(name, term, finite.labels(family.of))
    return found


@dataclasses.dataclass(frozen=True)
class ObservedNames:
    """The constants that stand for an observed answer and an observed new state, in order."""

    answer: Term
    variables: tuple[Variable, ...]


class Grounding:
    """A system read under the finite interpretation: its ground system, and ways to ground claims.

    Raises ModelError, naming system and action, when an effect names no family, a guard is not
    Boolean, or a value has another sort than its family.
    """

    def __init__(self, system: System) -> None:
        if not isinstance(system.interpretation, Finite):
            raise ModelError(f"system {system.name} is not under a finite interpretation")
        self.text = system
        self.finite: Finite = system.interpretation
        self._variables = _ground_variables(self.finite, system.families)
        if len({variable.name for variable in self._variables.values()}) < len(self._variables):
            raise ModelError(f"system {system.name} has two families of one name")
        self.old = system.view(self._values(lambda f, i: self._variables[f.name, i].term))
        self._steps: dict[str, tuple[Any, Step, GroundAction]] = {
            action.name: self._ground_action(action) for action in system.actions
        }
        if len(self._steps) < len(system.actions):
            raise ModelError(f"system {system.name} has two actions of one name")
        self.system = GroundSystem(
            name=system.name,
            variables=tuple(self._variables.values()),
            initially=z3.simplify(system.initially(self.old)),
            actions=tuple(ground for _, _, ground in self._steps.values()),
            answers=system.answers.values,
        )

    def property(self, claim: Property) -> GroundProperty:
        """The claim over the ground variables. Its formulas are not simplified."""
        state, steps = self._ground_formula(Premise(claim.kind, claim.formula), z3.BoolVal(True))
        reached, reaching = self._ground_formula(claim.premise, z3.BoolVal(False))
        ground = GroundProperty(claim.id, claim.kind, state, steps, reached, reaching)
        if not variables_in(ground.terms()[:1] + list(steps.values())) and not steps:
            raise ModelError(f"property {claim.id} names no variable of {self.text.name}")
        return ground

    def observed_step(self, claim: Property, action: str) -> tuple[Term, ObservedNames]:
        """A step property's formula over an observed transition, whoever made it.

        Old variables and parameters are the ground ones; the answer and the new state are fresh
        constants, so that the formula judges what was seen and not what the model would do.
        """
        choice, _, _ = self._steps[action]
        answer = self.finite.fresh("observed!answer", self.text.answers)
        after = _ground_variables(self.finite, self.text.families, prefix="observed!")
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

    def _values(self, at: Callable[[Family, tuple[int, ...]], Term]) -> _Values:
        return _Values(self.finite, self.text.families, at)

    def _ground_action(self, action: Action) -> tuple[Any, Step, GroundAction]:
        families = tuple(_family_of_parameter(p) for p in action.parameters)
        parameters = _ground_variables(self.finite, families, prefix=f"{action.name}!")
        choice = _Values(self.finite, families, lambda f, i: parameters[f.name, i].term)
        step = action.step(self.old, choice)
        if not z3.is_bool(step.guard):
            raise ModelError(f"the guard of {action.name} in {self.text.name} is not Boolean")
        in_range = [parameter.in_range() for parameter in parameters.values()]
        ground = GroundAction(
            name=action.name,
            parameters=tuple(parameters.values()),
            guard=z3.simplify(z3.And(step.guard, *in_range)),
            answer=z3.simplify(step.answer),
            updates=dict(self._updates(action, step)),
        )
        return choice, step, ground

    def _updates(self, action: Action, step: Step) -> Iterator[tuple[str, Term]]:
        known = {family.name for family in self.text.families}
        for name in step.effect:
            if name not in known:
                raise ModelError(
                    f"action {action.name} of {self.text.name} changes {name!r}, which is no family"
                )
        for (family, indices), variable in self._variables.items():
            if family not in step.effect:
                continue
            value = z3.simplify(as_term(self._effect_at(step, family, indices)))
            if value.sort() != variable.term.sort():
                raise ModelError(
                    f"action {action.name} of {self.text.name} gives {variable.name} a value of"
                    f" sort {value.sort()}; it has sort {variable.term.sort()}"
                )
            if not value.eq(variable.term):
                yield variable.name, value

    def _effect_at(self, step: Step, family: str, indices: tuple[int, ...]) -> Term:
        effect = step.effect[family]
        if not indices:
            return effect
        over = next(f.over for f in self.text.families if f.name == family)
        return effect(*(self.finite.element(s, i) for s, i in zip(over, indices, strict=True)))

    def _ground_formula(self, premise: Premise, otherwise: Term) -> tuple[Term, dict[str, Term]]:
        if premise.kind == "state":
            return as_term(premise.formula(self.old)), {}
        steps: dict[str, Term] = {}
        for name, (choice, step, _) in self._steps.items():
            formula = as_term(premise.formula(self._transition(name, choice, step)))
            if not formula.eq(otherwise):
                steps[name] = formula
        return otherwise, steps

    def _transition(self, name: str, choice: Any, step: Step) -> Transition:
        def new(family: Family, indices: tuple[int, ...]) -> Term:
            if family.name not in step.effect:
                return self._variables[family.name, indices].term
            return as_term(self._effect_at(step, family.name, indices))

        return Transition(
            action=name,
            old=self.old,
            parameters=choice,
            answer=step.answer,
            answers=lambda answer: self.finite.constant(self.text.answers, answer),
            new=self.text.view(self._values(new)),
        )


def _family_of_parameter(parameter: Parameter) -> Family:
    return Family(parameter.name, parameter.over, parameter.of)
