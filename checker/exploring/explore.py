"""Which states a system reaches: all of them, breadth first, each once; and which claims hold.

A *level* is the set of states whose shortest run has that many transitions. A *transition* is an
enabled triple of state, action and parameter values; choices with one effect count separately.
Levels are judged and expanded a chunk at a time, as NumPy arrays or by machine code (`sweep`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from checker.exploring.exploration import Exploration, Progress
from checker.exploring.pauses import Watch
from checker.exploring.search import Reduced, Search, not_begun
from checker.systems.finite import OutOfTime
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem


def explore(
    system: GroundSystem,
    claims: Sequence[GroundProperty],
    *,
    reduction: Reduced | None = None,
    states_max: int | None = None,
    seconds_max: float | None = None,
    memory_max: int | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 60.0,
    jit: bool | None = None,
    keep_states: bool = False,
    progress: Callable[[Progress], None] | None = None,
    progress_seconds: float = 0.2,
) -> Exploration:
    """Search every reachable state, or until each of the claims (one at least) is violated.

    Counterexamples are shortest, and among those the least (see `least`), with a `reduction` too:
    then only representatives are visited and counted. `seconds_max` and `memory_max`, in bytes, are
    looked at between chunks, and so is what `progress` wants: at most every `progress_seconds`. At
    the budget, states go to disk before the search ends.

    `checkpoint` is a directory: what another search left there is taken up, and this one leaves
    what it knows at the ends of levels, every `checkpoint_seconds`, at its end, and on SIGINT.
    `jit` forces machine code or forbids it; otherwise it is used where it repays its compilation.
    `keep_states` makes the states a part of the answer.

    Raises TooLarge when there are too many initial states or action instances, CompileError when a
    term has no translation to code, CheckpointError, and JitUnavailable when `jit` is True.
    """
    limits = states_max, seconds_max, memory_max
    watch = None if progress is None else Watch(progress, progress_seconds)
    try:
        search = Search(system, claims, reduction, limits, jit, keep_states, watch)
    except OutOfTime:  # before a checkpoint is opened, which stays as it is
        return not_begun(system, claims, seconds_max)
    return search.run(checkpoint, checkpoint_seconds)
