"""Long random walks of model and implementation side by side, cheap enough to make many steps.

A walk draws an action, and then choices for it until the model enables the call: every action is as
likely as any other, however many choices it has. The same seed makes the same walk.
"""

from __future__ import annotations

import random

from runs import starts_of

from checker import Call
from conformance import Disagreement, Lockstep
from designs import Design
from model import Scope

BETWEEN_BOOTS = 40
TRIES = 60


class Differs(Exception):
    """Model and implementation came apart; `steps` says after how many calls."""

    def __init__(self, steps: int, told: str) -> None:
        super().__init__(told)
        self.steps = steps


def walk(design: Design, scope: Scope, steps: int, seed: int = 0) -> set[str]:
    """Make so many calls, from each initial state in turn; gives each action with its answer.

    Raises Differs.
    """
    chance, starts = random.Random(seed), starts_of(design, scope)
    made: set[str] = set()
    for number in range(steps):
        if number % BETWEEN_BOOTS == 0:
            lockstep = Lockstep(design, scope, starts[number // BETWEEN_BOOTS % len(starts)])
        call = _drawn(lockstep, chance)
        try:
            made.add(f"{call.action} {lockstep.step(call)}")
        except Disagreement as differs:
            raise Differs(number + 1, str(differs)) from differs
    return made


def _drawn(lockstep: Lockstep, chance: random.Random) -> Call:
    """A call that the model enables now. There always is one: a payload can be malformed."""
    while True:
        action = chance.choice(lockstep.machine.system.actions)
        for _ in range(TRIES):
            call = Call(action.name, tuple(chance.randrange(p.size) for p in action.parameters))
            if lockstep.machine.step(lockstep.state, call) is not None:
                return call
