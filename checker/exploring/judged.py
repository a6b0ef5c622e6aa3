"""What a search knows of each claim while it runs: whether it is decided, and by which states."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import z3

from checker.exploring.packed import Array
from checker.systems.property import GroundProperty
from checker.systems.system import Term


@dataclasses.dataclass
class Judged:
    """A claim under search. `found` collects the violating states of the level that is judged.

    For a step property they are the states that a violating call leaves. `depth` is their level,
    once the whole level has been judged. `state` and `premise` are its formulas about states, None
    where they say nothing.
    """

    number: int
    ground: GroundProperty
    state: Term | None
    premise: Term | None
    premise_reached: bool = False
    depth: int | None = None
    found: list[Array] = dataclasses.field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether no violation of it is known."""
        return self.depth is None

    def settle(self, depth: int) -> None:
        """A level has been judged."""
        if self.is_open and self.found:
            self.depth = depth

    def violating(self, dtype: Any) -> Array:
        """All violating states of the level, ascending."""
        return np.concatenate([np.empty(0, dtype), *self.found])


def judged(claims: Sequence[GroundProperty]) -> list[Judged]:
    """The claims at the beginning of a search."""
    found = []
    for number, ground in enumerate(claims):
        state, premise = z3.simplify(ground.state), z3.simplify(ground.premise_state)
        found.append(
            Judged(
                number,
                ground,
                None if z3.is_true(state) else state,
                None if z3.is_false(premise) else premise,
            )
        )
    return found
