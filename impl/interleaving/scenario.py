"""Decides what can happen next while several operations are in flight, and what a step does.

A thread's step answers the request at which its operation is suspended and runs it to the next one.
Taking a lock is the first thing in a step, giving one back the last. A thread that needs a lock it
cannot have now makes no step, with one exception: a writer begins to wait, which is a step of its
own, because from then on no new reader gets in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from impl.errors import KernelError
from impl.hardware.accesses import Accesses
from impl.hardware.pconfig import Status, possible
from impl.interleaving.schedule import GOES_ON, WAITS, Choice, Footprint, Step, Way
from impl.locks import Lock, Mode, Thread
from impl.threads import Acquire, Execute, Operation, Pause, Release, Request

World = TypeVar("World")

WAITS_FOR_EVER: Final = "waits for ever"
FAULT_BUDGET: Final = "fault budget"


def as_text(result: object) -> str:
    """The digest of a result where a scenario has no other: "ok", and what was given back."""
    return "ok" if result is None else f"ok {result}"


def no_choice(world: object, status: Status) -> None:
    """For a world whose operations execute no PCONFIG."""


@dataclass(frozen=True)
class Scenario(Generic[World]):
    """Operations that start together in a world that is always the same.

    ``boot`` builds the world; ``operations``: thread name -> its operation, begun in that world.
    ``accesses``: where the world notes what a step touches; names must be the same in every run.
    ``observe``: a digest of a final state. ``answer``: the digest of an operation's result.
    ``choose`` tells the world the status of the PCONFIG that comes next. At most ``faults_max``
    programmings of a package fail; the retries of such a one may fail as well. Lock names are
    unique within a world.
    """

    boot: Callable[[], World]
    operations: Mapping[str, Callable[[World], Operation[Any]]]
    accesses: Callable[[World], Accesses]
    observe: Callable[[World], Hashable]
    answer: Callable[[World, object], str] = lambda world, result: as_text(result)
    choose: Callable[[World, Status], None] = no_choice
    faults_max: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a run ended: thread name -> answer in order, and what was observed of the world.

    An answer is the digest of a result, an errno's name, or "waits for ever".
    """

    answers: tuple[tuple[str, str], ...]
    observed: Hashable

    @property
    def is_stuck(self) -> bool:
        """Whether an operation waits for ever."""
        return any(answer == WAITS_FOR_EVER for _, answer in self.answers)

    def __str__(self) -> str:
        return ", ".join(f"{thread}: {answer}" for thread, answer in self.answers)


_BEGINNING: Final = Pause("begin")


class Run(Generic[World]):
    """One run of a scenario, from its boot.

    ``pending``: per thread its request, None once it has ended. ``shared``: the names of the locks
    that readers ask for, which the run adds to; only on them does a waiting writer make a step,
    for on the others nobody could notice. None: on every lock. ``faults_left``: how many
    programmings may still fail.
    """

    def __init__(self, scenario: Scenario[World], shared: set[str] | None) -> None:
        self.world = scenario.boot()
        self.accesses = scenario.accesses(self.world)
        self.threads = [Thread(name) for name in scenario.operations]
        self.pending: list[Request | None] = [_BEGINNING] * len(self.threads)
        self.locks: dict[str, Lock] = {}
        self._scenario = scenario
        self._shared = shared
        self._begin = list(scenario.operations.values())
        self._operations: list[Operation[Any] | None] = [None] * len(self.threads)
        self._results: list[object] = [None] * len(self.threads)
        self._errors: list[KernelError | None] = [None] * len(self.threads)
        self.faults_left = scenario.faults_max

    def choices(self, first: int = 0) -> list[Choice]:
        """Every possible step; those of the thread ``first`` come first."""
        numbers = range(len(self.pending))
        found = [Choice(first, way) for way in self.ways(first)]
        for number in numbers:
            if number != first:
                found += [Choice(number, way) for way in self.ways(number)]
        return found

    def ways(self, number: int) -> Sequence[Way]:
        """The alternatives of a thread's next step; none while it is blocked, or has ended."""
        request = self.pending[number]
        if request is None:
            return ()
        if type(request) is Execute:
            # Success comes first; failures only while the budget lasts.
            statuses = possible(request.command)
            # A retry of a programming that failed was paid for by its first failure.
            return statuses if self.faults_left or request.attempt else statuses[:1]
        if type(request) is not Acquire:
            return (GOES_ON,)
        lock, thread = request.lock, self.threads[number]
        if lock.is_free_for(thread, request.mode):
            return (GOES_ON,)
        queues = request.mode is Mode.EXCLUSIVE and thread not in lock.waiting_writers
        if queues and (self._shared is None or lock.name in self._shared):
            return (WAITS,)
        return ()

    def take(self, choice: Choice) -> None:
        """Make a possible step. The locks and the fault budget it touches are noted with the rest.

        Whatever the operation raises beside KernelError is a bug and comes out.
        """
        number, way = choice
        request, accesses = self.pending[number], self.accesses
        if type(request) is Acquire:
            lock, thread = request.lock, self.threads[number]
            note = accesses.read if request.mode is Mode.SHARED else accesses.write
            note(("lock", lock.name))
            if way == WAITS:
                lock.wait(thread)
                return
            lock.acquire(thread, request.mode)
        elif isinstance(way, Status):
            is_first = type(request) is Execute and not request.attempt
            if way is not Status.PROG_SUCCESS and is_first:
                accesses.write(FAULT_BUDGET)
                self.faults_left -= 1
            self._scenario.choose(self.world, way)
        self.pending[number] = self._advance(number)

    def _advance(self, number: int) -> Request | None:
        """Let the operation run to its next request; a lock that it gives back is free at once."""
        try:
            operation = self._operations[number]
            if operation is None:
                # The call itself may look at shared state before there is an operation.
                operation = self._operations[number] = self._begin[number](self.world)
            request = next(operation)
        except StopIteration as stop:
            self._results[number] = stop.value
            return None
        except KernelError as refused:
            self._errors[number] = refused
            return None
        if type(request) is Release:
            mode = request.lock.holders.get(self.threads[number])
            note = self.accesses.read if mode is Mode.SHARED else self.accesses.write
            note(("lock", request.lock.name))
            request.lock.release(self.threads[number])
        elif type(request) is Acquire:
            self._meet(request)
        return request

    def _meet(self, request: Acquire) -> None:
        name = request.lock.name
        if self.locks.setdefault(name, request.lock) is not request.lock:
            raise ValueError(f"cannot tell two locks apart: both are the {name}")
        if request.mode is Mode.SHARED and self._shared is not None:
            self._shared.add(name)

    def measure(self, choice: Choice) -> Footprint:
        """Make a step and say what it touched."""
        self.accesses.start()
        self.take(choice)
        return Footprint(self.accesses.reads, self.accesses.writes)

    def outcome(self) -> Outcome:
        """How the run ended: the answers so far, and what is observed."""
        # What the observer looks at belongs to no step.
        self.accesses.start()
        answers = [self._answer(number) for number in range(len(self.threads))]
        names = [thread.name for thread in self.threads]
        return Outcome(tuple(zip(names, answers, strict=True)), self._scenario.observe(self.world))

    def _answer(self, number: int) -> str:
        error = self._errors[number]
        if error is not None:
            return error.name
        if self.pending[number] is not None:
            return WAITS_FOR_EVER
        return self._scenario.answer(self.world, self._results[number])

    def narrate(self, choice: Choice) -> Step:
        """Make a step and say it in words."""
        number, way = choice
        begins = _words(self.pending[number], way)
        self.take(choice)
        after, error = self.pending[number], self._errors[number]
        ends = ""
        if isinstance(after, Release):
            ends = f", releases the {after.lock.name}"
        elif error is not None:
            ends = f", fails with {error.name}"
        elif after is None:
            ends = ", returns"
        return Step(self.threads[number].name, way, begins + ends)


def _words(request: Request | None, way: Way) -> str:
    """What a step begins with."""
    match request:
        case Acquire(lock, mode):
            verb = "begins to wait for" if way == WAITS else "acquires"
            kind = " for reading" if mode is Mode.SHARED else ""
            return f"{verb} the {lock.name}{kind}"
        case Execute(package, _, keyid, command):
            does = f"PCONFIG {command.name} KeyID {keyid} on package {package}"
            if isinstance(way, Status) and way is not Status.PROG_SUCCESS:
                does += f" -> {way.name}"
            return does
        case Release():
            return "goes on"
        case Pause(before):
            return "begins" if request is _BEGINNING else f"goes on to {before}"
    raise ValueError("cannot make a step: the operation has ended")
