"""What is the same for every path of one machine: its system, compiled, and the claims about it."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Mapping
from typing import Final

from checker import Finite, Grounding, GroundProperty, Machine, Property, State, Trace, TraceStep
from checker.systems.finite import OutOfTime
from checker.systems.system import Family, Parameter
from conformance.lockstep import ground
from designs import Design
from mktme.explore.paths import Path, PathError
from mktme.traces.recorded import RecordedCall, RecordError, boot_of, call_read
from model import Scope, text_of
from properties import KNOWN_PROPERTIES, not_applicable

VARIABLES_MAX: Final = 250
"""Variables that a system may have: with so many, it takes some seconds to be read and compiled."""

CHOICES_MAX: Final = 50_000
"""Choices of arguments that all actions may have together: each is tried to see if it is possible.
"""

SECONDS_MAX: Final = 20.0
"""How long a system may be read for a scope: whoever explores by hand is waiting. On most machines
the other two bounds refuse first, and at once."""


@dataclasses.dataclass(frozen=True)
class World:
    """One of a design's systems in a scope, ready to step through.

    `excluded` has the claims that mean nothing for the design, each with the reason. `starts` are
    the states in which it may boot, by what is absent and whether TME is in bypass.
    """

    design: Design
    system: str
    scope: Scope
    grounding: Grounding
    machine: Machine
    excluded: Mapping[str, str]
    starts: Mapping[tuple[tuple[int, ...], bool], State]

    @functools.cached_property
    def claims(self) -> Mapping[str, tuple[Property, GroundProperty]]:
        """The claims that mean something for the design, by property."""
        return {
            claim.id: (claim, self.grounding.property(claim))
            for claim in claims_of(self.system)
            if claim.id not in self.excluded
        }

    def start(self, path: Path) -> State:
        """The state in which a path begins. Raises PathError where no machine boots so."""
        boot = (path.absent, path.bypass)
        if boot not in self.starts:
            said = " ".join([*(f"absent={p}" for p in path.absent), *["bypass"] * path.bypass])
            raise PathError(f"no machine of {self.scope} boots with {said}")
        return self.starts[boot]

    def step(self, state: State, number: int, call: RecordedCall) -> TraceStep:
        """Make the call of that number. Raises RecordError where it is not possible."""
        read = call_read(self.grounding.system, number, call)
        outcome = self.machine.step(state, read)
        if outcome is None:
            raise RecordError(f"step {number}, {call.said()}, is not possible there")
        return TraceStep(read, *outcome)

    def run(self, path: Path) -> Trace:
        """The run of a path, on the model alone. Raises PathError and RecordError."""
        trace = Trace(self.start(path), ())
        for number, call in enumerate(path.calls, 1):
            step = self.step(trace.states[-1], number, call)
            trace = Trace(trace.start, (*trace.steps, step))
        return trace


def claims_of(system: str) -> tuple[Property, ...]:
    """Every property that speaks about one of a design's systems, a user's own too."""
    return tuple(claim for claim in KNOWN_PROPERTIES.values() if claim.system == system)


@functools.lru_cache(maxsize=8)
def world_of(design: Design, system: str, scope: Scope) -> World:
    """Read and compile a system, kept for the next path. Raises PathError for too large a scope."""
    _require_small(design, system, scope)
    try:
        grounding = ground(design, scope, system, time.monotonic() + SECONDS_MAX)
    except OutOfTime as late:
        raise PathError(f"{scope}: too large to explore by hand ({late})") from late
    machine = Machine(grounding.system)
    reasons = {claim.id: not_applicable(design, claim) for claim in claims_of(system)}
    return World(
        design,
        system,
        scope,
        grounding,
        machine,
        excluded={id_: reason for id_, reason in reasons.items() if reason is not None},
        starts={boot_of(grounding, start): start for start in machine.initial_states()},
    )


def _require_small(design: Design, system: str, scope: Scope) -> None:
    """Raises PathError for a scope with more variables or choices than somebody can wait for.

    Both are counted in the text, which is what takes no time; nothing is read for the scope yet.
    """
    finite = Finite(scope.sizes(design))
    text = text_of(design, system)(finite)

    def places(family: Family | Parameter) -> int:
        return math.prod(map(finite.size, family.over))

    variables = sum(map(places, text.families))
    choices = sum(
        math.prod(finite.size(parameter.of) ** places(parameter) for parameter in action.parameters)
        for action in text.actions
    )
    for number, most, what in (
        (variables, VARIABLES_MAX, "variables"),
        (choices, CHOICES_MAX, "choices of arguments"),
    ):
        if number > most:
            said = f"{number:,} {what}, and at most {most:,} can be"
            raise PathError(f"{scope}: too large to explore by hand ({said})")
