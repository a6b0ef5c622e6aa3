"""Whether a claim fails within so many transitions: incremental bounded model checking.

Source: Biere, Cimatti, Clarke, Zhu, "Symbolic Model Checking without BDDs", TACAS 1999. Depth k
means exactly k transitions, and the state at depth k is judged before a transition out of it is
asked for: a bad state may have no successor. One solver holds the run while it grows, and learns.
"""

from __future__ import annotations

import z3

from checker.answers.trace import run
from checker.answers.verdict import Verdict
from checker.solving.sat_runs import runs_of
from checker.solving.shortest import least_run
from checker.solving.unroll import Backend, Goal, Unknown
from checker.systems.deadlines import deadline_after
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
        backend: Backend = "sat",
    ) -> None:
        self.runs = runs_of(system, claim, backend, deadline)
        self.runs.require(self.runs.begins_initially())
        self.depth_done = depth_done
        self.premise_reached = premise_reached

    def deepen(self) -> Verdict | None:
        """Judge the next depth: a verdict when the claim fails there, else None. Raises Unknown."""
        runs = self.runs
        depth = self.depth_done + 1
        while runs.length < depth:
            runs.step()
        bad = runs.violated(depth)
        if self._is_possible(bad, depth):
            start, calls, is_least = least_run(runs, bad)
            trace = run(runs.system, start, calls)
            return Verdict("VIOLATED", ENGINE, depth, trace=trace, is_least=is_least)
        runs.require(runs.negated(bad))  # which the solver has just seen, and need not see again
        if not self.premise_reached:
            self.premise_reached = runs.is_possible(runs.premise(depth))
        self.depth_done = depth
        return None

    def _is_possible(self, bad: Goal, depth: int) -> bool:
        """Whether the claim fails at the depth: first piece by piece, then as a whole.

        What a piece teaches the solver, and that it is impossible, helps with the next. All are
        asked even when one is possible: the search for the least run is then about few pieces.
        """
        runs, found = self.runs, False
        for piece in runs.pieces(depth):
            if found and runs.is_true(piece):
                continue
            if runs.is_possible(piece):
                found = True
            else:
                runs.require(runs.negated(piece))
        return found or runs.is_possible(bad)


def bounded(
    system: GroundSystem,
    claim: GroundProperty,
    depth_max: int,
    seconds_max: float | None = None,
    depth_done: int = -1,
    backend: Backend = "sat",
) -> Verdict:
    """Judge the claim on every run of at most `depth_max` transitions.

    To `depth_done` it is known to hold, and its premise is not looked for there. VIOLATED has the
    least of the shortest runs (see `shortest`), whichever backend finds it, or says that there was
    no time to look for it. HOLDS_TO names the
    greatest depth that was judged whole, and why not further; `premise_reached` is of that depth
    too. UNKNOWN: not even depth 0 was judged.
    """
    search = Search(system, claim, deadline_after(seconds_max), depth_done, backend=backend)
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
    backend: Backend = "sat",
) -> int | None:
    """The least number of transitions that reaches the claim's premise.

    None when it is not reached within `depth_max`. Raises Unknown when the solver gives up.
    """
    runs = runs_of(system, claim, backend, deadline_after(seconds_max))
    runs.require(runs.begins_initially())
    for depth in range(depth_max + 1):
        if depth:
            runs.step()
        if runs.is_possible(runs.premise(depth)):
            return depth
    return None


def never_taken(system: GroundSystem, depth_max: int) -> list[str]:
    """The actions that no run of so many transitions takes, by name."""
    runs = runs_of(system, _NOTHING, "sat")
    runs.require(runs.begins_initially())
    pending = dict(enumerate(action.name for action in system.actions))
    while pending and runs.length < depth_max:
        runs.step()
        for action in list(pending):
            if runs.is_possible(runs.taken(action, runs.length - 1)):
                del pending[action]
    return list(pending.values())


_NOTHING = GroundProperty("nothing", "state", z3.BoolVal(True), {}, z3.BoolVal(False), {})
"""A claim that says nothing."""
