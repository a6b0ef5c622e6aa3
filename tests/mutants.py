"""Faulty models: each function turns a system into one in which a single action goes wrong.

A property that none of them breaks says nothing. `in_model` grounds a mutant of a design.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import z3

from checker import Action, Finite, Grounding, Step, System
from designs import Design
from model import Scope, State, key_service
from model.sorts import KEYID

Mutant = Callable[[System], System]
Faulty = Callable[[State, Any, Step], Step]


def in_model(design: Design, scope: Scope, mutant: Mutant) -> Grounding:
    """The ground system of a design with the fault in it."""
    return Grounding(mutant(key_service(design, Finite(scope.sizes(design)))))


def changed(action: str, faulty: Faulty) -> Mutant:
    """One action takes another step than the text says."""

    def mutant(system: System) -> System:
        actions = tuple(_wrapped(a, faulty) if a.name == action else a for a in system.actions)
        if actions == system.actions:
            raise ValueError(f"{system.name} has no action {action}")
        return dataclasses.replace(system, actions=actions)

    return mutant


def _wrapped(action: Action, faulty: Faulty) -> Action:
    def step(old: State, choice: Any) -> Step:
        return faulty(old, choice, action.step(old, choice))

    return dataclasses.replace(action, step=step)


def as_if(action: str, **knobs: str) -> Mutant:
    """One action behaves as under other knobs than the rest of the system."""

    def mutant(system: System) -> System:
        steps = {a.name: a.step for a in system.actions}

        def faulty(old: State, choice: Any, _right: Step) -> Step:
            other = dataclasses.replace(old.design, **knobs)
            view = type(old)  # of the key service or of the payload's parser
            return steps[action](view(other, system.interpretation, old._values), choice)

        return changed(action, faulty)(system)

    return mutant


def without(*names: str) -> Mutant:
    """Some actions never happen."""

    def mutant(system: System) -> System:
        kept = tuple(a for a in system.actions if a.name not in names)
        return dataclasses.replace(system, actions=kept)

    return mutant


def forgets(action: str, *families: str) -> Mutant:
    """One action leaves some families as they were."""

    def faulty(_old: State, _choice: Any, right: Step) -> Step:
        kept = {name: value for name, value in right.effect.items() if name not in families}
        return dataclasses.replace(right, effect=kept)

    return changed(action, faulty)


def misses_packages(action: str, *families: str) -> Mutant:
    """One action changes families over (package, KeyID) on package 0 only."""

    def faulty(old: State, _choice: Any, right: Step) -> Step:
        effect = dict(right.effect)
        for name in families:
            effect[name] = _only(old, name, right.effect[name], old.is_first_package)
        return dataclasses.replace(right, effect=effect)

    return changed(action, faulty)


def _only(old: State, family: str, right: Any, where: Callable[[Any], Any]) -> Any:
    before = getattr(old, family)
    return lambda p, k: z3.If(where(p), _term(right(p, k)), before[p, k])


def _term(value: Any) -> Any:
    return z3.BoolVal(value) if isinstance(value, bool) else value


def startup_skips_the_last_keyid(system: System) -> System:
    """A CPU startup programs every mapped KeyID but the last one there is."""

    def faulty(old: State, _choice: Any, right: Step) -> Step:
        effect = dict(right.effect)
        for name in ("entry_mode", "entry_bytes"):
            effect[name] = _but_last(old, name, right.effect[name])
        return dataclasses.replace(right, effect=effect)

    def _but_last(old: State, family: str, right: Any) -> Any:
        before = getattr(old, family)
        is_last = system.interpretation.is_last
        return lambda p, k: z3.If(is_last(KEYID, k), before[p, k], _term(right(p, k)))

    return changed("cpu_startup", faulty)(system)


def gate_inverted(system: System) -> System:
    """A package is refused exactly when it would be admitted."""
    posted = {a.name: a.step for a in system.actions}["cpu_startup"]

    def faulty(old: State, choice: Any, right: Step) -> Step:
        ungated = State(
            dataclasses.replace(old.design, startup_gate="none"),
            system.interpretation,
            old._values,
        )
        admitted = posted(ungated, choice)
        refused = Step(right.guard, old.answer("EPERM"), {})
        was_refused = right.answer == old.answer("EPERM")
        is_first = z3.Not(old.has_lead(choice.package))
        wrong = _either(old, was_refused, admitted, refused)
        return _either(old, is_first, wrong, right)

    return changed("cpu_startup", faulty)(system)


def _either(old: State, condition: Any, yes: Step, no: Step) -> Step:
    """One step or the other, as a condition says."""

    def merged(family: str) -> Any:
        def value(*at: Any) -> Any:
            before = getattr(old, family)[at]
            chosen = [
                _term(step.effect[family](*at)) if family in step.effect else before
                for step in (yes, no)
            ]
            return z3.If(condition, *chosen)

        return value

    return Step(
        z3.If(condition, yes.guard, no.guard),
        z3.If(condition, yes.answer, no.answer),
        {family: merged(family) for family in {**yes.effect, **no.effect}},
    )


def retry_believed(system: System) -> System:
    """A KeyID is back in service although clearing it has failed again."""

    def faulty(_old: State, choice: Any, right: Step) -> Step:
        def waits(p: Any, k: Any) -> Any:
            here = z3.And(p == choice.package, k == choice.keyid)
            return z3.And(_term(right.effect["uncleared"](p, k)), z3.Not(here))

        return dataclasses.replace(right, effect={**right.effect, "uncleared": waits})

    return changed("retry_clear", faulty)(system)


def every_key_counts_as_a_users(system: System) -> System:
    """A new key of any type gets the bit of a user key."""

    def faulty(old: State, _choice: Any, right: Step) -> Step:
        def bit(*at: Any) -> Any:
            *package, keyid = at
            gets = old.is_next_free(package[0] if package else None, keyid)
            given = z3.And(right.answer == old.answer("ok"), gets)
            return z3.Or(given, old.bit[at])

        return dataclasses.replace(right, effect={**right.effect, "bit": bit})

    return changed("instantiate", faulty)(system)
