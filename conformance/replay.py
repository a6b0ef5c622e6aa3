"""Does a counterexample of the model happen on the implementation too?

The calls of a trace are made on a booted kernel, with the same faults. After each one the answer
and the abstract state are compared with the trace. At the end the property's own formula judges
what was observed: the implementation's states and answers, not the model's. Only if all of that
agrees has the counterexample replayed.
"""

from __future__ import annotations

from checker.answers.trace import Trace
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.system import Call, State
from conformance.abstraction import AbstractionError, abstract
from conformance.lockstep import booted, differences
from conformance.observe import observe
from conformance.payloadreplay import replay_payload
from conformance.replayed import HOLDS, Replay, ReplayStep, executed, holds_on
from conformance.subject import Subject
from designs import Design
from impl import Status
from model import Scope


def replay(
    design: Design, scope: Scope, grounding: Grounding, claim: Property, trace: Trace
) -> Replay:
    """Run a violating trace on the implementation of the same design and scope."""
    if claim.system == "payload":
        return replay_payload(design, scope, grounding, claim, trace)
    subject = booted(design, scope, grounding, trace.start)
    steps: list[ReplayStep] = []
    states: list[State] = []
    try:
        states.append(_observed(subject, grounding, trace.start, "booting"))
        for number, expected in enumerate(trace.steps, 1):
            before = len(subject.kernel.machine.executions)
            answer = subject.call(grounding, expected.call)
            executions = subject.kernel.machine.executions[before:]
            steps.append(ReplayStep(answer, subject.refusal, tuple(map(executed, executions))))
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
    if holds_on(grounding, claim, trace, states, steps[-1].answer if steps else ""):
        return Replay(tuple(steps), (), HOLDS)
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
