"""Whether a claim fails within so many transitions: bounded model checking with one solver.

Source: Biere, Cimatti, Clarke, Zhu, "Symbolic Model Checking without BDDs", TACAS 1999. Depth k
means exactly k transitions, and the state at depth k is judged before a transition out of it is
asked for: a bad state may have no successor.
"""

from __future__ import annotations

import time

from checker.answers.trace import run
from checker.answers.verdict import Verdict
from checker.solving.unroll import Unknown, Unrolling
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem

ENGINE = "bounded"


class Search:
    """The runs of a system from its initial states, a depth at a time, judged by one claim.

    `depth_done` is the depth to which no run violates the claim (-1: none is judged yet); it may
    be known from elsewhere, and so may it be that the premise is reached.
    """

    def __init__(
        self,
        system: GroundSystem,
        claim: GroundProperty,
        deadline: float | None,
        depth_done: int = -1,
        premise_reached: bool = False,
    ) -> None:
        self.runs = Unrolling(system, deadline)
        self.runs.solver.add(self.runs.at(system.initially, 0))
        self.depth_done = depth_done
        self.premise_reached = premise_reached
        self._claim = claim

    def deepen(self) -> Verdict | None:
        """Judge the next depth: a verdict when the claim fails there, else None. Raises Unknown."""
        runs, claim = self.runs, self._claim
        depth = self.depth_done + 1
        while runs.length < depth:
            runs.step()
        bad = runs.violated(claim, depth)
        if runs.is_possible(bad):
            trace = run(runs.system, *runs.counterexample())
            return Verdict("VIOLATED", ENGINE, depth, trace=trace)
        if not self.premise_reached:
            self.premise_reached = runs.is_possible(runs.premise(claim, depth))
        self.depth_done = depth
        return None


def bounded(
    system: GroundSystem,
    claim: GroundProperty,
    depth_max: int,
    seconds_max: float | None = None,
    depth_done: int = -1,
) -> Verdict:
    """Judge the claim on every run of at most `depth_max` transitions.

    To `depth_done` it is known to hold, and its premise is not looked for there. VIOLATED has a
    shortest run. HOLDS_TO names the greatest depth that was judged whole, and why not further;
    `premise_reached` is of that depth too. UNKNOWN: not even depth 0 was judged.
    """
    search = Search(system, claim, deadline_after(seconds_max), depth_done)
    reason = f"searched to depth {depth_max} only"
    try:
        while search.depth_done < depth_max:
            violation = search.deepen()
            if violation is not None:
                return violation
    except Unknown as unknown:
        reason = f"{unknown} at depth {search.depth_done + 1}"
        if search.depth_done < 0:
            return Verdict("UNKNOWN", ENGINE, 0, premise_reached=False, reason=reason)
    return Verdict(
        "HOLDS_TO",
        ENGINE,
        search.depth_done,
        premise_reached=search.premise_reached,
        reason=reason,
    )


def reaches_premise(
    system: GroundSystem,
    claim: GroundProperty,
    depth_max: int,
    seconds_max: float | None = None,
) -> int | None:
    """The least number of transitions that reaches the claim's premise.

    None when it is not reached within `depth_max`. Raises Unknown when the solver gives up.
    """
    runs = Unrolling(system, deadline_after(seconds_max))
    runs.solver.add(runs.at(system.initially, 0))
    for depth in range(depth_max + 1):
        if depth:
            runs.step()
        if runs.is_possible(runs.premise(claim, depth)):
            return depth
    return None


def deadline_after(seconds: float | None) -> float | None:
    """The moment of `time.monotonic` that is so many seconds from now."""
    return None if seconds is None else time.monotonic() + seconds
