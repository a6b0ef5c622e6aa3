"""Which properties a run violates, where, and why: a lamp for each.

Compiled code judges every step; Z3 is asked only why a lamp is red.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final, Literal

from checker import Trace
from conformance.replayed import ReplayStep
from mktme.explore.paths import Path
from mktme.explore.world import World, claims_of
from mktme.pricing import price_told
from mktme.results.shape import Shape
from mktme.traces import causes
from mktme.traces.document import Broken

Light = Literal["holds", "violated", "was-violated", "not-applicable"]

LIGHTS: Final[dict[Light, tuple[str, str]]] = {
    "holds": ("✓", "holds so far"),
    "violated": ("✗", "violated now"),
    "was-violated": ("!", "was violated before"),
    "not-applicable": ("–", "does not apply"),
}
"""For each light its sign and its meaning."""


class Lamp(Shape):
    """A property, and what the run that was made does to it.

    `kind`: whether it judges states, or steps and so the last call. `steps`: after which calls it
    was violated, 0 for the state after booting. `words`: why it is red, or why it cannot be.
    `broken`: what is false where it is violated now. `trace`: what the run is called as a
    counterexample, where its last call is the first to violate the property. `price`: the sentence
    for a violation that the design's posture brings with it.
    """

    property: str
    sentence: str
    source: str
    kind: Literal["state", "step"]
    light: Light
    steps: tuple[int, ...] = ()
    words: str = ""
    broken: Broken | None = None
    trace: str = ""
    price: str | None = None


def violated_at(world: World, trace: Trace, number: int) -> frozenset[str]:
    """The properties that the step of that number violates, 0 being the start: by compiled code."""
    state = trace.states[number]
    found = set()
    for claim, ground in world.claims.values():
        if claim.kind == "state":
            is_true = world.machine.holds(ground, state)
        else:
            is_true = not number or world.machine.allows(
                ground, trace.states[number - 1], trace.steps[number - 1].call
            )
        if not is_true:
            found.add(claim.id)
    return frozenset(found)


class Lamps:
    """The lamps of a run that grows and is taken back; explanations are kept, as Z3 takes time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._why: dict[tuple[str, int], Broken] = {}

    def forget(self, length: int) -> None:
        """The run was cut to so many steps."""
        self._why = {where: why for where, why in self._why.items() if where[1] <= length}

    def lit(
        self,
        path: Path,
        trace: Trace,
        violated: Sequence[frozenset[str]],
        done: Sequence[ReplayStep],
    ) -> tuple[Lamp, ...]:
        """A lamp for each property; `violated` has a set for the start and for each step."""
        lamps = []
        for claim in claims_of(self._world.system):
            plain = functools.partial(
                Lamp,
                property=claim.id,
                sentence=claim.sentence,
                source=claim.source,
                kind=claim.kind,
            )
            excluded = self._world.excluded.get(claim.id)
            if excluded is not None:
                lamps.append(plain(light="not-applicable", words=excluded))
                continue
            steps = tuple(n for n, red in enumerate(violated) if claim.id in red)
            if not steps:
                lamps.append(plain(light="holds", words=_why_not_yet(claim.kind, trace)))
                continue
            is_now = steps[-1] == len(trace)
            why = self._broken(claim.id, trace, steps[-1] if is_now else steps[0], done)
            lamps.append(
                plain(
                    light="violated" if is_now else "was-violated",
                    steps=steps,
                    words=why.words,
                    broken=why if is_now else None,
                    trace=path.as_record(claim.id).id if steps[0] == len(trace) else "",
                    price=price_told(self._world.design, claim.id),
                )
            )
        return tuple(lamps)

    def _broken(self, id_: str, trace: Trace, at: int, done: Sequence[ReplayStep]) -> Broken:
        if (id_, at) not in self._why:
            run = Trace(trace.start, trace.steps[:at])
            why = causes.broken(self._world.grounding, self._world.claims[id_][0], run, done[:at])
            self._why[id_, at] = why
        return self._why[id_, at]


def _why_not_yet(kind: str, trace: Trace) -> str:
    return "it is about calls, and none was made yet" if kind == "step" and not len(trace) else ""
