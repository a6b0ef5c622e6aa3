"""Decides what a line of a script does to the simulated machine, and what it answers.

A session is one boot: the kernel, the processes by name, the variables. Everything that processes,
CPUs and kernel threads do is an operation of `impl`, so that a race can run the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from designs import Design
from impl import Deadlock, GeneralProtection, Kernel, KernelError
from impl.hardware.faults import Failure, Script, Seeded
from impl.hardware.pconfig import never
from impl.keyrings.process import Process
from impl.locks import Lock, Thread
from impl.mm.frames import FRAMES_MAX
from impl.threads import Acquire, Operation
from mktme.simulation.expectations import GENERAL_PROTECTION, HANGS, Answer
from mktme.simulation.language import OF_THE_KERNEL
from mktme.simulation.lines import Line
from mktme.simulation.needles import Needles
from mktme.simulation.redact import Secrets
from mktme.simulation.script import FIRST_PROCESS
from mktme.simulation.stored import Stored
from mktme.simulation.values import Variable

DEFAULT_MACHINE: Final[Mapping[str, Any]] = {"packages": 2, "cpus": 2, "keyids": 3}


def shape_of(machine: Line | None) -> dict[str, Any]:
    """What a machine has: as its line says, and else as usual."""
    given = {} if machine is None else machine.command.values
    said = {name: value for name, value in given.items() if value is not None}
    return {**DEFAULT_MACHINE, **said}


class CannotRun(Exception):
    """A line makes no sense after the lines before it; the message is the fact."""


@dataclass(frozen=True)
class Call:
    """An operation that a line starts, and what its result means.

    ``begin`` makes the operation; ``answer`` is asked only where it ran for good, and may remember
    things for later lines.
    """

    begin: Callable[[], Operation[Any]]
    answer: Callable[[Any], Answer] = lambda result: Answer()


Caller = Callable[["Session", Line, Process], Call]
"""A process's command as an operation."""

Doer = Callable[["Session", Line], Answer]
"""A command that happens at once."""


class Session:
    """One boot. ``processes`` by name; ``gone``: why a process makes no more calls.

    ``is_reset``: only the machine is left. ``locks``: every lock that was ever asked for.
    ``payloads``: serial number -> what the owner of a key supplies when asked again. ``secrets``:
    what is not shown of memory.
    """

    def __init__(self, design: Design, shape: Mapping[str, Any], secrets: Secrets) -> None:
        """``shape``: see `shape_of`. Raises ValueError for a machine that cannot be built."""
        if not 1 <= shape.get("frames", 1) <= FRAMES_MAX:
            raise ValueError(f"cannot build the machine: frames must be 1..{FRAMES_MAX}")
        self.kernel = Kernel(design, **shape)
        self.secrets = secrets
        self.cpus: int = shape["cpus"]
        self.processes: dict[str, Process] = {FIRST_PROCESS: self.kernel.init}
        self.current = FIRST_PROCESS
        self.gone: dict[str, str] = {}
        self.variables: dict[str, int | str] = {}
        self.locks: dict[str, Lock] = {}
        self.payloads: dict[int, bytes] = {}
        self.needles = Needles()
        self.stored = Stored()
        self._faults = Script()
        self.is_reset = False
        self._asked_for: Lock | None = None

    # Running

    def run(self, line: Line, callers: Mapping[str, Caller], doers: Mapping[str, Doer]) -> Answer:
        """Do what a line says. Raises CannotRun; every refusal of the machine is an answer."""
        answer = self._answer(line, callers, doers)
        if line.variable is not None:
            why_not = f"line {line.number} answered {answer.word}"
            self.variables[line.variable] = why_not if answer.value is None else answer.value
        return answer

    def _answer(
        self, line: Line, callers: Mapping[str, Caller], doers: Mapping[str, Doer]
    ) -> Answer:
        name = self.current
        try:
            if line.command.name in doers:
                return doers[line.command.name](self, line)
            call = callers[line.command.name](self, line, self.process(name, line))
            return call.answer(self.kernel.run(self._noticed(call.begin()), thread_name(line)))
        except KernelError as refusal:
            return Answer(refusal.name, str(refusal))
        except GeneralProtection as fault:
            return Answer(GENERAL_PROTECTION, str(fault))
        except Deadlock:
            if line.command.name not in OF_THE_KERNEL:
                self.gone[name] = f"is stuck since line {line.number}"
            return Answer(HANGS, self._why_it_waits(line))

    def process(self, name: str, line: Line) -> Process:
        """The process that makes a line's call. Raises CannotRun if it is stuck, or gone."""
        if name in self.gone and line.command.name not in OF_THE_KERNEL:
            raise CannotRun(f"process {name} {self.gone[name]}")
        return self.processes[name]

    def _noticed(self, operation: Operation[Any]) -> Operation[Any]:
        """The same operation; the locks that it asks for are noticed."""
        while True:
            try:
                request = next(operation)
            except StopIteration as stop:
                return stop.value
            if isinstance(request, Acquire):
                self._asked_for = request.lock
                self.locks[request.lock.name] = request.lock
            yield request

    def _why_it_waits(self, line: Line) -> str:
        lock = self._asked_for
        if lock is None:
            raise ValueError("cannot say why it waits: it asked for no lock")
        holders = [_held_by(holder, line) for holder in lock.holders]
        return f"waits for the {lock.name}, held by {' and '.join(holders)}"

    # Values

    def number(self, value: int | Variable) -> int:
        """A number, or what a variable holds and so many more. Raises CannotRun."""
        if isinstance(value, int):
            return value
        held = self.variables[value.name]
        if isinstance(held, str):
            raise CannotRun(f"${value.name} holds nothing: {held}")
        if held + value.offset < 0:
            raise CannotRun(f"${value.name}{value.offset} is below 0")
        return held + value.offset

    def resupply(self, serial: int) -> bytes | None:
        """What the owner of a key supplies again, while owners answer."""
        return self.payloads.get(serial)

    # Failures of PCONFIG

    def plan(self, failure: Failure) -> None:
        """One more planned failure, after those that are pending."""
        self.kernel.machine.faults = self._faults
        self._faults.plan(failure)

    def fail_at_random(self, seed: int, probability: float) -> None:
        """Instead of what was planned."""
        self._faults = Script()
        self.kernel.machine.faults = Seeded(seed, probability)

    @property
    def failures_wait(self) -> bool:
        """Whether a PCONFIG that comes next may fail."""
        faults = self.kernel.machine.faults
        return bool(self._faults.pending) if faults is self._faults else faults is not never

    def fail_no_more(self) -> None:
        """Nothing fails."""
        self._faults = Script()
        self.kernel.machine.faults = never


def thread_name(line: Line) -> str:
    """What a line is called where it holds a lock."""
    return f"{line.command.name} of line {line.number}"


def _held_by(holder: Thread, line: Line) -> str:
    return "itself" if holder.name == thread_name(line) else holder.name
