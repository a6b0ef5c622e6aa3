"""The implementation beside the model: the same calls, and whether it does the same.

A disagreement ends it: what the kernel would do after that means nothing any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from checker import Call, Trace
from conformance.abstraction import AbstractionError
from conformance.inventory import Inventory, inventory
from conformance.lockrun import LockRun
from conformance.lockstep import Disagreement, Lockstep, differences
from conformance.payloadreplay import closed, compared
from conformance.replayed import ReplayStep, decoded
from mktme.explore.regions import Contents, Memory, Secrets, looked_at
from mktme.explore.world import World


@dataclasses.dataclass(frozen=True)
class Done:
    """What the implementation did in a call, or in booting, and what it holds then.

    `disagreement` says in what it differs from the model; "" where it does not. Systems without key
    tables hold nothing that is looked at.
    """

    step: ReplayStep
    disagreement: str = ""
    held: Inventory | None = None
    memory: Memory | None = None


class Beside(Protocol):
    """An implementation that is driven along with a run of the model."""

    def boot(self) -> Done:
        """Start it in the state in which the run starts."""

    def make(self, trace: Trace) -> Done:
        """Make the last call of a run; all before it were made."""


BOOTED: Final = ReplayStep("", "", ())


class KeyService:
    """The kernel with its machine, call by call."""

    def __init__(self, world: World, trace: Trace) -> None:
        self._world = world
        self._start = trace.start
        self._secrets = Secrets()
        self._contents: Contents | None = None

    def boot(self) -> Done:
        """Boot the kernel as the run does."""
        world = self._world
        text = (world.grounding, world.machine)
        self.kernel = Lockstep(world.design, world.scope, self._start, text)
        return self._done(BOOTED)

    def make(self, trace: Trace) -> Done:
        """Make the last call of the run on it."""
        subject = self.kernel.subject
        executions = subject.kernel.machine.executions
        before, disagreement = len(executions), ""
        try:
            answer = self.kernel.step(trace.steps[-1].call)
        except Disagreement as difference:
            answer, disagreement = "", str(difference)
        step = ReplayStep(answer, subject.refusal, decoded(executions[before:]))
        return self._done(step, disagreement)

    def _done(self, step: ReplayStep, disagreement: str = "") -> Done:
        subject = self.kernel.subject
        self._secrets.learn(subject)
        memory = looked_at(subject, self._secrets, self._contents)
        self._contents = memory.contents
        return Done(step, disagreement, inventory(subject.kernel), memory)


class Threads:
    """Threads against the kernel's locks. What operations need is laid out before they begin, so
    that every call makes the whole run anew."""

    def __init__(self, world: World, trace: Trace) -> None:
        self._world = world
        self._start = trace.start

    def boot(self) -> Done:
        """No thread runs an operation yet."""
        return self._made([], Trace(self._start, ()))

    def make(self, trace: Trace) -> Done:
        """Make all calls of the run."""
        return self._made([step.call for step in trace.steps], trace)

    def _made(self, calls: Sequence[Call], trace: Trace) -> Done:
        grounding, done = self._world.grounding, BOOTED
        try:
            kernel = LockRun(self._world.design, grounding, calls)
            for call in calls:
                done = kernel.make(call)
            wrong = differences(grounding.system, trace.states[-1], kernel.state())
        except AbstractionError as error:
            return Done(done, str(error))
        if calls and done.answer != trace.steps[-1].answer:
            expected = trace.steps[-1].answer
            wrong = [f"the model answers {expected}, the implementation {done.answer}"]
        return Done(done, "; ".join(wrong))


class Payloads:
    """The parser. A call of it is seen only when it ends, so every text is made to end here."""

    def __init__(self, world: World, trace: Trace) -> None:
        self._world = world
        self._start = trace.start

    def boot(self) -> Done:
        """Nothing was handed over yet."""
        return Done(BOOTED)

    def make(self, trace: Trace) -> Done:
        """Hand over all payloads of the run, the last one ending where the run does."""
        calls, answer = [step.call for step in trace.steps], trace.steps[-1].answer
        ended = closed(self._world.grounding, self._start, calls)
        is_open = len(ended) > len(calls)
        try:
            seen = compared(self._world.design, self._world.grounding, ended)
        except Disagreement as difference:
            return Done(ReplayStep(answer, "", ()), str(difference))
        if is_open:
            said = f"if the text ended here: {seen.refusal or 'accepted'}"
            return Done(ReplayStep(answer, said, ()))
        return Done(ReplayStep(seen.answer, seen.refusal, decoded(seen.executions)))


_SYSTEMS: Final[Mapping[str, Callable[[World, Trace], Beside]]] = {
    "": KeyService,
    "locks": Threads,
    "payload": Payloads,
}


def beside(world: World, trace: Trace) -> Beside:
    """The implementation of a system, to be booted as the run starts."""
    return _SYSTEMS[world.system](world, trace)
