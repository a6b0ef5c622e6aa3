"""What may be claimed of a system: a sentence, a formula, and the premise that gives it content.

A *state* property is judged in every reachable state; a *step* property on every transition. Each
carries a *premise*: something that must be reachable for the claim to say anything. A claim that
holds while its premise is never reached is vacuous, which is a failure, not a success.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

from checker.systems.system import Term

Kind = Literal["state", "step"]


@dataclasses.dataclass(frozen=True)
class Transition:
    """One step as a step property sees it: which action, from where, with what answer, to where.

    `action` is a plain string, so a property may compare it with Python's `==`; `answer` is a term
    (compare it with `answers(name)`), and so is everything in `old`, `parameters` and `new`.
    """

    action: str
    old: Any
    parameters: Any
    answer: Term
    answers: Callable[[str], Term]
    new: Any


@dataclasses.dataclass(frozen=True)
class Premise:
    """What must be reachable: a formula over a state, or over a transition."""

    kind: Kind
    formula: Callable[[Any], Term]


@dataclasses.dataclass(frozen=True)
class Property:
    """A claim: its stable id, its sentence, its formula, its premise and its source.

    `explain(reading, indices, call)` says in words what is wrong: in the state that `reading`
    reads, for the failing instance `indices` of the formula's quantifiers (variable name to
    position), after `call` (parameter name to label). For a step property the state is the one
    before the call, unless `explains_after`. `system` names the text that the claim speaks about,
    where there are several.
    """

    id: str
    kind: Kind
    sentence: str
    formula: Callable[[Any], Term]
    premise: Premise
    explain: Callable[..., str]
    source: str
    system: str = ""
    explains_after: bool = False


@dataclasses.dataclass(frozen=True)
class GroundProperty:
    """A property over a ground system.

    It is violated in a state where `state` is false, and by a transition of action `a` where
    `steps[a]` (a term over variables and that action's parameters) is false. A state property has
    no `steps`; a step property has `state` true. The premise has the same shape and is reached
    where one of its terms is true; `premise_state` is false for a premise about steps.
    """

    id: str
    kind: Kind
    state: Term
    steps: Mapping[str, Term]
    premise_state: Term
    premise_steps: Mapping[str, Term]

    def terms(self) -> list[Term]:
        """Every formula in it."""
        return [
            self.state,
            self.premise_state,
            *self.steps.values(),
            *self.premise_steps.values(),
        ]
