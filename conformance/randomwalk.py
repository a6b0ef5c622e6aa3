"""Long random walks of model and implementation side by side, cheap enough to make many calls.

A walk draws an action, and then choices for it until the model enables the call: every action is as
likely as any other, however many choices it has. The same seed makes the same walk.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from checker.exploring.machine import Machine
from checker.systems.grounding import Grounding
from checker.systems.system import Call
from conformance.lockstep import Lockstep, compiled
from designs import Design
from model import Scope

BETWEEN_BOOTS = 40
TRIES = 60


def random_walk(
    design: Design,
    scope: Scope,
    calls_max: int,
    seed: int = 0,
    text: tuple[Grounding, Machine] | None = None,
) -> Iterator[str]:
    """Make so many calls, from each initial state in turn; gives each action with its answer.

    `text` is a model to compare with other than the design's own. Raises Disagreement.
    """
    chance = random.Random(seed)
    starts = list((text or compiled(design, scope))[1].initial_states())
    for number in range(calls_max):
        if number % BETWEEN_BOOTS == 0:
            start = starts[number // BETWEEN_BOOTS % len(starts)]
            lockstep = Lockstep(design, scope, start, text)
        call = _drawn(lockstep, chance)
        yield f"{call.action} {lockstep.step(call)}"


def _drawn(lockstep: Lockstep, chance: random.Random) -> Call:
    """A call that the model enables now. There always is one: a payload can be malformed."""
    while True:
        action = chance.choice(lockstep.machine.system.actions)
        for _ in range(TRIES):
            call = Call(action.name, tuple(chance.randrange(p.size) for p in action.parameters))
            if lockstep.machine.step(lockstep.state, call) is not None:
                return call
