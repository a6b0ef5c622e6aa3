"""What of a run has to be written down so that anybody can make it again, and what it is called.

A record has the design, the property, the scope, how the machine boots, and the calls with their
arguments; states and answers follow. Its *identity* is a short hash of that, in which the scope
counts only as far as a call speaks of it: the same calls in a larger machine are the same run. As
all engines give the least of the shortest counterexamples, a violation has one identity, whoever
finds it and whenever.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Final

from checker import Grounding
from checker.answers.trace import Trace, TraceError, run
from checker.exploring.instances import initial_states
from checker.systems.reading import Reading
from checker.systems.system import Call, GroundSystem, State
from conformance.lockstep import absent_at_boot, ground
from designs import Design, nearest
from model import Scope
from properties import KNOWN_PROPERTIES

ID_DIGITS: Final = 12
"""Hexadecimal digits of an identity, 48 bits: of a million runs no two are likely to share one."""


class RecordError(ValueError):
    """A record of a run that the model does not have; the message says which step."""


@dataclasses.dataclass(frozen=True)
class RecordedCall:
    """An action's name, and its parameters' names with the labels of their values, in order."""

    action: str
    arguments: tuple[tuple[str, str], ...] = ()

    def said(self) -> str:
        """One line: the action, and the arguments that are not "no"."""
        return " ".join([self.action, *(f"{k}={v}" for k, v in self.arguments if v != "no")])


@dataclasses.dataclass(frozen=True)
class Record:
    """A run of one of a design's systems, named by a property that it is about.

    `absent` are the packages that are not in the machine at boot; with `bypass`, memory under KeyID
    0 is not encrypted. The systems that have no machine have neither.
    """

    design: Design
    property_id: str
    scope: Scope
    absent: tuple[int, ...]
    bypass: bool
    calls: tuple[RecordedCall, ...]

    @property
    def system(self) -> str:
        """Which of the design's systems the run is of, as properties name them."""
        return KNOWN_PROPERTIES[self.property_id].system

    def lines(self) -> Iterator[str]:
        """What the identity is made of: knobs that are not as posted, property, boot, calls."""
        posted = Design().settings()
        yield "mktme run 1"
        yield from (f"{k}={v}" for k, v in self.design.settings().items() if v != posted[k])
        yield f"violates {self.property_id}"
        boot = ["boot", *(f"absent={package}" for package in self.absent)]
        yield " ".join(boot + ["bypass"] * self.bypass)
        yield from (call.said() for call in self.calls)

    @property
    def id(self) -> str:
        """The run's identity: hexadecimal digits, the same wherever and whenever it is made."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()[:ID_DIGITS]


def recorded(
    design: Design, property_id: str, scope: Scope, grounding: Grounding, trace: Trace
) -> Record:
    """The record of a run of the system that the property is about."""
    absent, bypass = boot_of(grounding, trace.start)
    calls = tuple(
        RecordedCall(step.call.action, tuple(step.call.labelled(grounding.system).items()))
        for step in trace.steps
    )
    return Record(design, property_id, scope, absent, bypass, calls)


def boot_of(grounding: Grounding, start: State) -> tuple[tuple[int, ...], bool]:
    """Which packages are absent in an initial state, and whether it has TME in bypass."""
    reading = Reading(grounding, start)
    bypass = reading.has("bypass") and reading.is_true("bypass")
    return tuple(absent_at_boot(grounding, start)), bypass


def retraced(record: Record) -> Trace:
    """Make the run again, on the model. Raises RecordError where the model does not have it."""
    grounding = ground(record.design, record.scope, record.system)
    calls = [call_read(grounding.system, n, call) for n, call in enumerate(record.calls, 1)]
    try:
        return run(grounding.system, _start(record, grounding), calls)
    except TraceError as error:
        raise RecordError(f"{record.design.name} does not have this run: {error}") from error


def _start(record: Record, grounding: Grounding) -> State:
    for start in initial_states(grounding.system):
        if boot_of(grounding, start) == (record.absent, record.bypass):
            return start
    said = "".join(f" absent={package}" for package in record.absent) + " bypass" * record.bypass
    raise RecordError(f"no machine of {record.scope} boots with{said or ' all packages'}")


def call_read(system: GroundSystem, number: int, call: RecordedCall) -> Call:
    """A call as the system has it. An argument that is not given is "no", if it can be.

    Raises RecordError, which names the step by its `number`.
    """
    actions = {action.name: action for action in system.actions}
    where = f"step {number}"
    if call.action not in actions:
        raise RecordError(f"{where}: unknown call {call.action!r}{nearest(call.action, actions)}")
    parameters = actions[call.action].parameters
    given = dict(call.arguments)
    known = [parameter.name for parameter in parameters]
    for name in given:
        if name not in known:
            message = f"{where}, {call.action}: unknown argument {name!r}{nearest(name, known)}"
            raise RecordError(message)
    values = []
    for parameter in parameters:
        label = given.get(parameter.name, "no")
        if label not in parameter.labels:
            what = f"{where}, {call.action}: {parameter.name} is no {label!r}"
            raise RecordError(what + nearest(label, parameter.labels))
        values.append(parameter.labels.index(label))
    return Call(call.action, tuple(values))
