"""How a system's text becomes one with quantifiers: functions for families, constants for choices.

Reads the text under the parametric interpretation of `parametric`, and claims about it likewise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import z3

from checker.anysize.parametric import Parametric, z3_sort
from checker.systems.property import Property, Transition
from checker.systems.system import (
    Action,
    Family,
    ModelError,
    Parameter,
    Step,
    System,
    Term,
    as_term,
)


class _Family:
    """A family in one state: indexed by terms, it gives the term of the value there."""

    def __init__(self, family: Family, at: Callable[..., Term]) -> None:
        self._family = family
        self._at = at

    def __getitem__(self, indices: Any) -> Term:
        indices = indices if isinstance(indices, tuple) else (indices,)
        over = self._family.over
        if len(indices) != len(over):
            expected = ", ".join(sort.name for sort in over)
            raise ModelError(f"{self._family.name}[{expected}] was given {len(indices)} indices")
        for sort, index in zip(over, indices, strict=True):
            if not z3.is_expr(index) or index.sort() != z3_sort(sort):
                raise ModelError(f"{index} is no index of {self._family.name}: not a {sort.name}")
        return self._at(*indices)


class _Values:
    """The families of one state (or the parameters of one call), by name."""

    def __init__(self, at: Mapping[str, tuple[Family, Callable[..., Term]]]) -> None:
        self._at = dict(at)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._at:
            known = ", ".join(self.__dict__.get("_at", {}))
            raise AttributeError(f"no family or parameter {name!r}; known: {known}")
        family, at = self._at[name]
        return _Family(family, at) if family.over else at()


@dataclasses.dataclass(frozen=True)
class QuantifiedStep:
    """One action: its parameters as constants and functions, its step, and the view after it."""

    action: Action
    parameters: Any
    step: Step
    transition: Transition


class QuantifiedSystem:
    """A system read under the parametric interpretation.

    `initially`, guards and what `judged` gives are terms over functions named like the families,
    and over the parameters. Raises ModelError, naming system and action, when an effect names no
    family, a guard is not Boolean, a value has another sort than its family, or the text uses an
    index as anything but an index.
    """

    def __init__(self, system: System) -> None:
        if not isinstance(system.interpretation, Parametric):
            raise ModelError(f"system {system.name} is not under a parametric interpretation")
        self.text = system
        self.interpretation: Parametric = system.interpretation
        for family in system.families:
            self.interpretation.reserve(family.name)
        self._families = {family.name: family for family in system.families}
        self._at = {name: self._constant(family) for name, family in self._families.items()}
        self.old = system.view(self._state({}))
        self.initially: Term = as_term(system.initially(self.old))
        self.steps = {action.name: self._read(action) for action in system.actions}
        self._after: dict[tuple[Callable[[Any], Any], str], Term] = {}

    def judged(self, claim: Property) -> tuple[Term, dict[str, Term]]:
        """The claim of a state, and of the step of each action; True where it says nothing."""
        if claim.kind == "state":
            return as_term(claim.formula(self.old)), {}
        return z3.BoolVal(True), {
            name: as_term(claim.formula(step.transition)) for name, step in self.steps.items()
        }

    def after(self, formula: Callable[[Any], Any], action: str) -> Term:
        """What a formula about states says of the state that an action leads to."""
        key = formula, action
        if key not in self._after:
            self._after[key] = as_term(formula(self.steps[action].transition.new))
        return self._after[key]

    def _constant(self, family: Family, prefix: str = "") -> Callable[..., Term]:
        """The function (or constant) that stands for a family."""
        name, value = prefix + family.name, self.interpretation.sort(family.of)
        if not family.over:
            constant = z3.Const(name, value)
            return lambda: constant
        function = z3.Function(name, *map(self.interpretation.sort, family.over), value)
        return lambda *indices: function(*indices)

    def _state(self, effect: Mapping[str, Any]) -> _Values:
        """The state, with the families that an effect mentions as it leaves them."""

        def changed(name: str) -> Callable[..., Term]:
            value = effect[name]
            return (lambda *i: as_term(value(*i))) if callable(value) else lambda: as_term(value)

        return _Values(
            {
                name: (family, changed(name) if name in effect else self._at[name])
                for name, family in self._families.items()
            }
        )

    def _read(self, action: Action) -> QuantifiedStep:
        choice = _Values(
            {
                parameter.name: (
                    _family_of_parameter(parameter),
                    self._constant(_family_of_parameter(parameter), prefix=f"{action.name}!"),
                )
                for parameter in action.parameters
            }
        )
        step = action.step(self.old, choice)
        self._check(action, step)
        transition = Transition(
            action=action.name,
            old=self.old,
            parameters=choice,
            answer=step.answer,
            answers=lambda name: self.interpretation.constant(self.text.answers, name),
            new=self.text.view(self._state(step.effect)),
        )
        return QuantifiedStep(action, choice, step, transition)

    def _check(self, action: Action, step: Step) -> None:
        """Refuse a step that is not well formed."""
        where = f"action {action.name} of {self.text.name}"
        if not z3.is_bool(step.guard):
            raise ModelError(f"the guard of {action.name} in {self.text.name} is not Boolean")
        for name, effect in step.effect.items():
            if name not in self._families:
                raise ModelError(f"{where} changes {name!r}, which is no family")
            family = self._families[name]
            indices = [z3.FreshConst(self.interpretation.sort(sort)) for sort in family.over]
            value = as_term(effect(*indices) if family.over else effect)
            expected = self.interpretation.sort(family.of)
            if value.sort() != expected:
                raise ModelError(
                    f"{where} gives {name} a value of sort {value.sort()}; it has sort {expected}"
                )


def _family_of_parameter(parameter: Parameter) -> Family:
    return Family(parameter.name, parameter.over, parameter.of)
