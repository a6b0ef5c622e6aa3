"""One call, made on the model and on the implementation, and the two results compared."""

from __future__ import annotations

import functools

from checker.exploring.machine import Machine
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.system import Call, GroundSystem, State
from conformance.abstraction import AbstractionError, abstract
from conformance.subject import Subject
from designs import Design
from model import Scope, text_of


class Disagreement(AssertionError):
    """Model and implementation differ; the message says after which call and in what."""


@functools.lru_cache(maxsize=8)
def _kept(design: Design, scope: Scope, system: str) -> list[Grounding]:
    """Where the grounding of a system in a scope is kept once it is made: it never changes."""
    return []


def ground(
    design: Design, scope: Scope, system: str = "", deadline: float | None = None
) -> Grounding:
    """One of a design's modelled systems in a scope, kept for the next who asks.

    Raises OutOfTime after the deadline, a moment of `time.monotonic`.
    """
    kept = _kept(design, scope, system)
    if not kept:
        finite = Finite(scope.sizes(design))
        finite.deadline = deadline
        grounding = Grounding(text_of(design, system)(finite))
        finite.deadline = None
        kept.append(grounding)
    return kept[0]


@functools.lru_cache(maxsize=32)
def compiled(design: Design, scope: Scope) -> tuple[Grounding, Machine]:
    """Grounding and compiled code, which many runs share; neither changes once it is built."""
    grounding = ground(design, scope)
    return grounding, Machine(grounding.system)


def absent_at_boot(grounding: Grounding, start: State) -> list[int]:
    """The packages that an initial state leaves out."""
    values = dict(zip((v.name for v in grounding.system.variables), start, strict=True))
    packages = [name for name in values if name.startswith("present[")]
    return [number for number, name in enumerate(packages) if not values[name]]


def booted(design: Design, scope: Scope, grounding: Grounding, start: State) -> Subject:
    """A kernel that has booted into an initial state of the model."""
    values = dict(zip((v.name for v in grounding.system.variables), start, strict=True))
    absent = absent_at_boot(grounding, start)
    return Subject(design, scope, absent, bypass=bool(values["bypass"]))


def differences(system: GroundSystem, model: State, implementation: State) -> list[str]:
    """The variables in which two states differ, with both values."""
    return [
        f"{v.name}: model {v.labels[a]}, implementation {v.labels[b]}"
        for v, a, b in zip(system.variables, model, implementation, strict=True)
        if a != b
    ]


class Lockstep:
    """Model and implementation, started in the same state and driven by the same calls.

    The constructor and `step` raise Disagreement as soon as the two differ. `text` is a model other
    than the design's own.
    """

    def __init__(
        self,
        design: Design,
        scope: Scope,
        start: State | None = None,
        text: tuple[Grounding, Machine] | None = None,
    ) -> None:
        self.grounding, self.machine = text or compiled(design, scope)
        self.state: State = self.machine.initial_states()[0] if start is None else start
        self.subject = booted(design, scope, self.grounding, self.state)
        self._compare("booting")

    def step(self, call: Call) -> str:
        """Make a call that the model enables on both; gives the answer on which they agree."""
        outcome = self.machine.step(self.state, call)
        if outcome is None:
            raise ValueError(f"{call.action} is not possible in the model's present state")
        answer, self.state = outcome
        answered = self.subject.call(self.grounding, call)
        if answer != answered:
            raise Disagreement(
                f"{call.action} {call.labelled(self.grounding.system)}: the model answers"
                f" {answer}, the implementation {answered} ({self.subject.refusal or 'done'})"
            )
        self._compare(f"{call.action} {call.labelled(self.grounding.system)}")
        return answer

    def _compare(self, what: str) -> None:
        try:
            observed = abstract(self.subject, self.grounding)
        except AbstractionError as error:
            raise Disagreement(f"after {what}: {error}") from error
        wrong = differences(self.grounding.system, self.state, observed)
        if wrong:
            raise Disagreement(f"after {what}: {'; '.join(wrong)}")
