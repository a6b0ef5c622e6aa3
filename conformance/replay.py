"""Does a counterexample of the model happen on the implementation too?

The calls of a trace are made on a booted kernel, with the same faults. After each one the answer
and the abstract state are compared with the trace. At the end the property's own formula judges
what was observed: the implementation's states and answers, not the model's. Only if all of that
agrees has the counterexample replayed.

Who makes the calls depends on the system that the claim speaks about: `performer` chooses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from checker.answers.trace import Trace
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.system import Call, State
from conformance.abstraction import AbstractionError, abstract
from conformance.inventory import Inventory, inventory
from conformance.lockrun import LockRun
from conformance.lockstep import booted, differences
from conformance.observe import observe
from conformance.payloadreplay import replay_payload
from conformance.replayed import (
    HOLDS,
    Replay,
    ReplayStep,
    decoded,
    has_failed,
    holds_on,
)
from designs import Design
from impl.hardware.pconfig import Execution
from model import Scope

__all__ = ["Replay", "ReplayStep", "performer", "replay"]


class Performer(Protocol):
    """A booted kernel on which the calls of one of a design's systems are made.

    Where it cannot do or say what the model has, it raises AbstractionError.
    """

    def make(self, call: Call) -> ReplayStep:
        """Make one call."""

    def failed_otherwise(self, call: Call) -> bool:
        """Whether the call just made had a PCONFIG fail that should not have, or none that should.

        What a claim says of failures it says of those that the trace chooses.
        """

    def state(self) -> State:
        """The model state that the kernel is in."""

    def inventory(self) -> tuple[Inventory, ...]:
        """Which keys are held now; none where there are no key tables to look at."""

    def observe(self, claim: Property, trace: Trace) -> Iterable[str]:
        """What the violation that the trace ends in looks like there."""


def performer(
    design: Design, scope: Scope, grounding: Grounding, claim: Property, trace: Trace
) -> Performer:
    """A kernel that can run this trace of the system that the claim speaks about."""
    if claim.system == "locks":
        return LockRun(design, grounding, [step.call for step in trace.steps])
    return _OnKeyService(design, scope, grounding, trace)


def replay(
    design: Design, scope: Scope, grounding: Grounding, claim: Property, trace: Trace
) -> Replay:
    """Run a violating trace on the implementation of the same design and scope."""
    if claim.system == "payload":
        return replay_payload(design, scope, grounding, claim, trace)
    kernel = performer(design, scope, grounding, claim, trace)
    steps: list[ReplayStep] = []
    states: list[State] = []
    held: list[Inventory] = []

    def look(expected: State, what: str) -> None:
        states.append(_observed(kernel, grounding, expected, what))
        held.extend(kernel.inventory())

    try:
        look(trace.start, "booting")
        for number, expected in enumerate(trace.steps, 1):
            what = f"step {number}, {expected.call.action}"
            steps.append(done := _made(kernel, expected.call, what))
            if done.answer != expected.answer:
                raise _Different(
                    f"{what}: the model answers {expected.answer}, the implementation {done.answer}"
                )
            if kernel.failed_otherwise(expected.call):
                raise _Different(f"{what}: the PCONFIGs that failed are not those of the trace")
            look(expected.state, what)
    except (_Different, AbstractionError) as difference:
        return Replay(tuple(steps), (), str(difference), tuple(held))
    if holds_on(grounding, claim, trace, states, steps[-1].answer if steps else ""):
        return Replay(tuple(steps), (), HOLDS, tuple(held))
    return Replay(tuple(steps), tuple(kernel.observe(claim, trace)), inventories=tuple(held))


class _OnKeyService:
    """The key service's calls, each made as a whole."""

    def __init__(self, design: Design, scope: Scope, grounding: Grounding, trace: Trace) -> None:
        self._grounding = grounding
        self._subject = booted(design, scope, grounding, trace.start)
        self._executed: list[Execution] = []

    def make(self, call: Call) -> ReplayStep:
        """Make the call with its faults, which last as long as it does."""
        subject, executions = self._subject, self._subject.kernel.machine.executions
        before = len(executions)
        answer = subject.call(self._grounding, call)
        self._executed = executions[before:]
        return ReplayStep(answer, subject.refusal, decoded(self._executed))

    def failed_otherwise(self, call: Call) -> bool:
        """Whether other PCONFIGs failed than the call says."""
        return has_failed(self._executed) != _chooses_failure(self._grounding, call)

    def state(self) -> State:
        """The abstract state of the kernel's bytes."""
        return abstract(self._subject, self._grounding)

    def inventory(self) -> tuple[Inventory, ...]:
        """The keys in the tables and the vault, as fingerprints."""
        return (inventory(self._subject.kernel),)

    def observe(self, claim: Property, trace: Trace) -> Iterable[str]:
        """What the bytes show."""
        return observe(self._subject, claim, trace)


def _chooses_failure(grounding: Grounding, call: Call) -> bool:
    """Whether the environment lets some PCONFIG of the call fail."""
    labels = call.labelled(grounding.system)
    return any(
        label == "yes" for name, label in labels.items() if name.partition("[")[0] == "fails"
    )


class _Different(Exception):
    pass


def _made(kernel: Performer, call: Call, what: str) -> ReplayStep:
    try:
        return kernel.make(call)
    except AbstractionError as error:
        raise _Different(f"{what}: {error}") from error


def _observed(kernel: Performer, grounding: Grounding, expected: State, what: str) -> State:
    state = kernel.state()
    wrong = differences(grounding.system, expected, state)
    if wrong:
        raise _Different(f"{what}: {'; '.join(wrong)}")
    return state
