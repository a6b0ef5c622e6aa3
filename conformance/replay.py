"""Does a counterexample of the model happen on the implementation too?

The calls of a trace are made on a booted kernel, with the same faults. After each one the answer
and the abstract state are compared with the trace. At the end the property's own formula judges
what was observed: the implementation's states and answers, not the model's. Only if all of that
agrees has the counterexample replayed.
"""

from __future__ import annotations

import dataclasses

from checker.answers.trace import Trace, choice_of, is_true_in
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.system import Call, State
from conformance.abstraction import AbstractionError, abstract
from conformance.lockstep import booted, differences
from conformance.observe import observe
from conformance.subject import Subject
from designs import Design
from impl import Command, Status
from impl.hardware.pconfig import Execution
from model import Scope


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

    `observed` says, from the kernel's bytes, what the violation looks like.
    """

    steps: tuple[ReplayStep, ...]
    observed: tuple[str, ...]
    disagreement: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the implementation did the same and violates the property too."""
        return not self.disagreement


def replay(
    design: Design, scope: Scope, grounding: Grounding, claim: Property, trace: Trace
) -> Replay:
    """Run a violating trace on the implementation of the same design and scope."""
    subject = booted(design, scope, grounding, trace.start)
    steps: list[ReplayStep] = []
    states: list[State] = []
    try:
        states.append(_observed(subject, grounding, trace.start, "booting"))
        for number, expected in enumerate(trace.steps, 1):
            before = len(subject.kernel.machine.executions)
            answer = subject.call(grounding, expected.call)
            executions = subject.kernel.machine.executions[before:]
            steps.append(ReplayStep(answer, subject.refusal, tuple(map(_in_words, executions))))
            what = f"step {number}, {expected.call.action}"
            if answer != expected.answer:
                raise _Different(
                    f"{what}: the model answers {expected.answer}, the implementation {answer}"
                )
            failed = any(done.status is not Status.PROG_SUCCESS for done in executions)
            if failed != _chooses_failure(grounding, expected.call):
                raise _Different(f"{what}: the PCONFIGs that failed are not those of the trace")
            states.append(_observed(subject, grounding, expected.state, what))
    except (_Different, AbstractionError) as difference:
        return Replay(tuple(steps), (), str(difference))
    if holds_of(grounding, claim, trace, states, steps):
        return Replay(
            tuple(steps), (), "the implementation did the same, yet the property holds of it"
        )
    return Replay(tuple(steps), tuple(observe(subject, claim, trace)))


def _chooses_failure(grounding: Grounding, call: Call) -> bool:
    """Whether the environment lets some PCONFIG of the call fail."""
    labels = call.labelled(grounding.system)
    return any(
        label == "yes" for name, label in labels.items() if name.partition("[")[0] == "fails"
    )


class _Different(Exception):
    pass


def _observed(subject: Subject, grounding: Grounding, expected: State, what: str) -> State:
    state = abstract(subject, grounding)
    wrong = differences(grounding.system, expected, state)
    if wrong:
        raise _Different(f"{what}: {'; '.join(wrong)}")
    return state


def holds_of(
    grounding: Grounding,
    claim: Property,
    trace: Trace,
    states: list[State],
    steps: list[ReplayStep],
) -> bool:
    """Whether the property's formula is true of what was observed last.

    Of the trace only the last call is looked at; states and answers are those observed.
    """
    system = grounding.system
    if claim.kind == "state":
        return is_true_in(system, states[-1], grounding.property(claim).state)
    call = trace.steps[-1].call
    formula, names = grounding.observed_step(claim, call.action)
    seen_answer = grounding.finite.constant(grounding.text.answers, steps[-1].answer)
    seen_state = [(v.term, v.literal(x)) for v, x in zip(names.variables, states[-1], strict=True)]
    return is_true_in(
        system,
        states[-2],
        formula,
        *choice_of(system, call),
        (names.answer, seen_answer),
        *seen_state,
    )


def _in_words(execution: Execution) -> str:
    return (
        f"CPU {execution.cpu} of package {execution.package}:"
        f" {Command(execution.command).name} KeyID {execution.keyid} -> {execution.status.name}"
    )
