"""A run that somebody makes call by call: what is possible, what it violates, what it looks like.

The model decides what is possible; the implementation makes every call too. A session can be sent
to any path of its machine: what the paths have in common stays as it is.
"""

from __future__ import annotations

from typing import NamedTuple

from checker import Trace
from checker.systems.reading import Reading
from conformance.replayed import ReplayStep
from designs import Design
from mktme import words
from mktme.explore.beside import Beside, Done, beside
from mktme.explore.lamps import Lamp, Lamps, violated_at
from mktme.explore.offers import Offer, offers
from mktme.explore.paths import Path, PathError
from mktme.explore.regions import Region
from mktme.explore.world import World, world_of
from mktme.traces.document import Call, Frame
from mktme.traces.drawing import Moment
from mktme.traces.recorded import RecordedCall, call_read
from mktme.traces.telling import call_of, frame_of
from model import Scope


class Machine(NamedTuple):
    """What paths have to have in common to be of one session."""

    name: str
    design: Design
    system: str
    scope: Scope
    absent: tuple[int, ...]
    bypass: bool


def machine_of(path: Path) -> Machine:
    """The machine that a path is of."""
    return Machine(path.design.name, path.design, path.system, path.scope, path.absent, path.bypass)


class Session:
    """A run of one machine, with the implementation beside it."""

    def __init__(self, path: Path) -> None:
        """Boot the machine of a path; none of its calls is made. Raises PathError."""
        self.world: World = world_of(path.design, path.system, path.scope)
        self.path = path.upto(0)
        self.trace = Trace(self.world.start(path), ())
        self._lamps = Lamps(self.world)
        self._violated = [violated_at(self.world, self.trace, 0)]
        self.beside: Beside = beside(self.world, self.trace)
        self._done = [self.beside.boot()]
        self._is_behind = False

    # Going somewhere

    def go(self, path: Path) -> None:
        """Make the run of a path of this machine. Raises RecordError where it does not exist.

        Then the session has gone as far as it does.
        """
        if machine_of(path) != machine_of(self.path):
            raise PathError("the path is of another machine")
        common = 0
        system = self.world.grounding.system
        for call, made in zip(path.calls, self.trace.steps, strict=False):
            if call_read(system, common + 1, call) != made.call:
                break
            common += 1
        self.undo(len(self.trace) - common)
        for call in path.calls[common:]:
            self.make(call)

    def make(self, call: RecordedCall) -> None:
        """Make a call on model and implementation. Raises RecordError where it is not possible."""
        number = len(self.trace) + 1
        step = self.world.step(self.trace.states[-1], number, call)
        labels = step.call.labelled(self.world.grounding.system)
        self._catch_up()
        trace = Trace(self.trace.start, (*self.trace.steps, step))
        violated, done = violated_at(self.world, trace, number), self._next(trace)
        # Only now is the call made: whatever went wrong before has changed nothing here.
        self.path = self.path.then(RecordedCall(call.action, tuple(labels.items())))
        self.trace = trace
        self._violated.append(violated)
        self._done.append(done)

    def undo(self, number: int = 1) -> None:
        """Take so many calls back; all of them where there are fewer."""
        left = max(0, len(self.trace) - number)
        if left < len(self.trace):
            self.path = self.path.upto(left)
            self.trace = Trace(self.trace.start, self.trace.steps[:left])
            del self._violated[left + 1 :], self._done[left + 1 :]
            self._lamps.forget(left)
            self._is_behind = True

    def _next(self, trace: Trace) -> Done:
        """What the implementation does in a run's last call; nothing once it has disagreed."""
        if self.disagreement:
            return Done(ReplayStep("", "", ()))
        return self.beside.make(trace)

    def _catch_up(self) -> None:
        """After calls were taken back, a kernel is brought to where the run is."""
        if self._is_behind:
            self.beside = beside(self.world, self.trace)
            self.beside.boot()
            for number in range(1, len(self._done)):
                self.beside.make(Trace(self.trace.start, self.trace.steps[:number]))
            self._is_behind = False

    # Looking

    def offers(self) -> tuple[Offer, ...]:
        """Every call that is possible now."""
        return offers(self.world, self.trace.states[-1])

    def lamps(self) -> tuple[Lamp, ...]:
        """What the run does to every property of its system."""
        done = [done.step for done in self._done[1:]]
        return self._lamps.lit(self.path, self.trace, self._violated, done)

    @property
    def violated(self) -> tuple[frozenset[str], ...]:
        """The properties that the start and each step violate."""
        return tuple(self._violated)

    def frame(self) -> Frame:
        """The panels of the state that the run has led to."""
        moments = [
            Moment(Reading(self.world.grounding, state), done.held)
            for state, done in zip(self.trace.states, self._done, strict=True)
        ]
        return frame_of(moments, self.world.system)

    def calls(self) -> tuple[Call, ...]:
        """Every call that was made, and what came of it."""
        readings = [Reading(self.world.grounding, state) for state in self.trace.states]
        return tuple(
            call_of(before, after, step, done.step if done.step.answer else None, self.world.system)
            for before, after, step, done in zip(
                readings, readings[1:], self.trace.steps, self._done[1:], strict=False
            )
        )

    def start(self) -> str:
        """How the machine boots, in words."""
        return words.start_in_words(self.world.grounding, self.trace, self.world.system)

    @property
    def disagreement(self) -> str:
        """After which call the implementation differs from the model, and how; "" if nowhere."""
        for number, done in enumerate(self._done):
            if done.disagreement:
                return f"step {number}: {done.disagreement}" if number else done.disagreement
        return ""

    def regions(self) -> tuple[Region, ...]:
        """What lies in the implementation's memory; nothing for a system that has none."""
        memory = self._done[-1].memory
        return memory.regions if memory else ()
