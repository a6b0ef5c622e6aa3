"""Faulty models: each function turns a system into one in which a single action goes wrong.

A property that none of them breaks says nothing. `in_model` grounds a mutant of a design.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import z3

from checker import Action, Finite, Grounding, Step, System
from conformance.mutants import fault
from conformance.mutants.fault import Change, Faulty, no, yes
from designs import Design
from model import Scope, State, key_service
from model.sorts import KEYID

Mutant = Callable[[System], System]


def in_model(design: Design, scope: Scope, mutant: Mutant) -> Grounding:
    """The ground system of a design with the fault in it."""
    return Grounding(mutant(key_service(design, Finite(scope.sizes(design)))))


def changed(action: str, faulty: Faulty) -> Mutant:
    """One action takes another step than the text says."""
    return Change(action, faulty).of


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


def without_faults(system: System) -> System:
    """No PCONFIG ever fails."""

    def sound(action: Action) -> Action:
        (fails,) = (p for p in action.parameters if p.name == "fails")

        def step(old: State, choice: Any) -> Step:
            right = action.step(old, choice)
            if fails.over:
                none = old.every(*fails.over, lambda p: z3.Not(choice.fails[p]))
            else:
                none = z3.Not(choice.fails)
            return dataclasses.replace(right, guard=z3.And(right.guard, none))

        return dataclasses.replace(action, step=step)

    faulty = [a.name for a in system.actions if any(p.name == "fails" for p in a.parameters)]
    actions = tuple(sound(a) if a.name in faulty else a for a in system.actions)
    return dataclasses.replace(system, actions=actions)


def forgets(action: str, *families: str) -> Mutant:
    """One action leaves some families as they were."""
    return fault.forgets(action, *families).of


def misses_packages(action: str, *families: str) -> Mutant:
    """One action changes families over (package, KeyID) on package 0 only."""

    def is_first(old: State, _choice: Any, package: Any, _keyid: Any) -> Any:
        return old.is_first_package(package)

    return fault.only_where(action, is_first, *families).of


def _is_not_last(old: State, _choice: Any, _package: Any, keyid: Any) -> Any:
    return z3.Not(old._interpretation.is_last(KEYID, keyid))


startup_skips_the_last_keyid = fault.only_where(
    "cpu_startup", _is_not_last, "entry_mode", "entry_bytes"
).of
"""A CPU startup programs every mapped KeyID but the last one there is."""


def _term(value: Any) -> Any:
    return z3.BoolVal(value) if isinstance(value, bool) else value


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


def both(first: Mutant, second: Mutant) -> Mutant:
    """One fault after another: for claims that hold only where something else never happens."""
    return lambda system: second(first(system))


def as_if_it_saw(action: str, **answers: Callable[..., Any]) -> Mutant:
    """One action sees other answers than the state gives to these of its questions."""
    return fault.blind(action, lambda _old, _choice: answers).of


update_while_in_use = as_if_it_saw("update", has_more_references=no)
"""An update programs the KeyID anew although VMAs use it."""

destroy_under_vmas = as_if_it_saw("destroy", has_one_reference=yes)
"""A key's KeyID is released with its own reference, whoever else refers to it."""

instantiate_twice = as_if_it_saw("instantiate", is_free=yes)
"""A new key gets the lowest KeyID, in use or not."""


def _near_a_cpu(old: State, _choice: Any) -> dict[str, Callable[..., Any]]:
    return {"may_lie_on": lambda _vma, package: old.has_online(package)}


migration_to_online_only = fault.blind("migrate", _near_a_cpu).of
"""Pages move only to packages with an online CPU."""


def refused_update_clears_the_bit(system: System) -> System:
    """An update that is refused has cleared the user-type bit first."""

    def faulty(old: State, choice: Any, right: Step) -> Step:
        def bit(k: Any) -> Any:
            hit = z3.And(right.answer == old.answer("EBUSY"), old.finds(choice.key, None, k))
            return z3.And(z3.Not(hit), _term(right.effect["bit"](k)))

        return dataclasses.replace(right, effect={**right.effect, "bit": bit})

    return changed("update", faulty)(system)


def remembers_addresses(system: System) -> System:
    """The map holds the addresses of key objects where it should hold serial numbers."""

    def other(values: Any) -> State:
        design = dataclasses.replace(system.view(values).design, key_lookup="by_address")
        return State(design, system.interpretation, values)

    return dataclasses.replace(system, view=other)
