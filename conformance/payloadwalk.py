"""Every transition of the payload's system, made on the running parser.

A call is seen only when it ends, so a transition is the end of a shortest run to it, closed where
it leaves a text being read.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from checker.answers.trace import Trace, TraceStep
from checker.exploring.machine import Machine
from checker.systems.grounding import Grounding
from checker.systems.system import Call, State
from conformance.lockstep import ground
from conformance.payloadreplay import compared, to_the_end
from designs import Design
from model import Scope


@functools.lru_cache(maxsize=32)
def _parser(design: Design) -> tuple[Grounding, Machine]:
    """No size bears on a text, so there is one for each design."""
    grounding = ground(design, Scope(), "payload")
    return grounding, Machine(grounding.system)


def payload_walk(design: Design) -> Iterator[Trace]:
    """Compare the parsers at every transition, shortest texts first; gives the runs that agree.

    Raises Disagreement.
    """
    grounding, machine = _parser(design)
    for start, calls in _edges(machine):
        trace = _ended(grounding, machine, start, calls)
        compared(design, grounding, trace)
        yield trace


def _edges(machine: Machine) -> Iterator[tuple[State, tuple[Call, ...]]]:
    """Every transition, as the calls of a shortest run from the start to its end."""
    (start,) = machine.initial_states()
    paths: dict[State, tuple[Call, ...]] = {start: ()}
    level = [start]
    while level:
        following: list[State] = []
        for state in level:
            for call in machine.enabled(state):
                _, after = _outcome(machine, state, call)
                yield start, (*paths[state], call)
                if after not in paths:
                    paths[after] = (*paths[state], call)
                    following.append(after)
        level = following


def _ended(grounding: Grounding, machine: Machine, start: State, calls: tuple[Call, ...]) -> Trace:
    """The run, ended where it leaves a text being read, by compiled code."""
    steps: list[TraceStep] = []
    state = start

    def step(call: Call) -> None:
        nonlocal state
        answer, state = _outcome(machine, state, call)
        steps.append(TraceStep(call, answer, state))

    for call in calls:
        step(call)
    for call in to_the_end(grounding, state):
        step(call)
    return Trace(start, tuple(steps))


def _outcome(machine: Machine, state: State, call: Call) -> tuple[str, State]:
    outcome = machine.step(state, call)
    if outcome is None:
        raise ValueError(f"{call.action} is not possible")
    return outcome
