"""What a replay gives, and whether a property holds of what was observed in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from checker.answers.trace import Trace, choice_of, is_true_in
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.system import State
from impl import Command, Status
from impl.hardware.pconfig import Execution

HOLDS = "the implementation did the same, yet the property holds of it"
"""The disagreement where everything agrees but the judgement."""


@dataclasses.dataclass(frozen=True)
class ReplayStep:
    """What the kernel did in one call: its answer, its own words for a refusal, the PCONFIGs run.

    Each of `executions` names CPU, package, command, KeyID and status.
    """

    answer: str
    refusal: str
    executions: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Replay:
    """A replayed counterexample; `disagreement` is empty exactly when it replayed.

    `observed` says, from the kernel's bytes and locks, what the violation looks like.
    """

    steps: tuple[ReplayStep, ...]
    observed: tuple[str, ...]
    disagreement: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the implementation did the same and violates the property too."""
        return not self.disagreement


def holds_on(
    grounding: Grounding,
    claim: Property,
    trace: Trace,
    states: Sequence[State],
    answer: str,
) -> bool:
    """Whether the property's formula is true of what was observed last: states, and an answer."""
    system = grounding.system
    if claim.kind == "state":
        return is_true_in(system, states[-1], grounding.property(claim).state)
    call = trace.steps[-1].call
    formula, names = grounding.observed_step(claim, call.action)
    seen_answer = grounding.finite.constant(grounding.text.answers, answer)
    seen_state = [(v.term, v.literal(x)) for v, x in zip(names.variables, states[-1], strict=True)]
    return is_true_in(
        system,
        states[-2],
        formula,
        *choice_of(system, call),
        (names.answer, seen_answer),
        *seen_state,
    )


def executions_in_words(executions: Iterable[Execution]) -> tuple[str, ...]:
    """One line for each PCONFIG that was executed: where, what, and its status."""
    return tuple(
        f"CPU {done.cpu} of package {done.package}: {Command(done.command).name}"
        f" KeyID {done.keyid} -> {done.status.name}"
        for done in executions
    )


def has_failed(executions: Iterable[Execution]) -> bool:
    """Whether one of these PCONFIGs failed."""
    return any(done.status is not Status.PROG_SUCCESS for done in executions)
