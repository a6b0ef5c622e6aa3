"""What a search of every state saw: exact counts, and for each claim what was found.

The numbers are those of `explore`, which fills them in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from checker.answers.proof import ClosedSet, Condition
from checker.answers.trace import run
from checker.answers.verdict import Verdict, Word
from checker.exploring.estimate import Estimate
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State, Term


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a search is: `expanded` of the `frontier` states at `depth` are done.

    `memory` is what the search holds, in bytes; `ceiling` how many states there could be at most,
    the product of the variables' sizes; `estimate` what is left, None where nothing can be said.
    """

    depth: int
    states: int
    transitions: int
    frontier: int
    expanded: int
    seconds: float
    memory: int
    ceiling: int
    estimate: Estimate | None


@dataclasses.dataclass(frozen=True)
class Counterexample:
    """A shortest violating run: where it starts, and its calls."""

    start: State
    calls: tuple[Call, ...]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the search saw of one claim."""

    counterexample: Counterexample | None
    premise_reached: bool


@dataclasses.dataclass(frozen=True)
class Kept:
    """The states of a search that kept them: its levels, and where a state's variables lie.

    `levels` are arrays of shape (states, words), of `uint64`. `owner` keeps files alive that the
    arrays are mapped from.
    """

    levels: Sequence[Any]
    fields: tuple[tuple[int, int, int], ...]
    representative: tuple[Term, ...] | None
    conditions: tuple[Condition, ...]
    owner: Any


@dataclasses.dataclass(frozen=True)
class Exploration:
    """What a search saw. `closed` says that every reachable state was expanded.

    `depth` is the number of transitions to which every run was examined: the diameter when closed,
    else the number of levels that were expanded whole. `levels[d]` counts the states first reached
    by d transitions, `fired` the transitions of each action. A search that ends at a violation
    ends with the level, so its counts are exact too; one that ends at a limit (`reason`) counts
    no state of the level that it left unfinished. With a reduction the states are representatives,
    and the transitions theirs.

    How it was computed makes no difference: `memory` is the most bytes that were held at once,
    `compiling` the seconds that machine code took to be made or loaded, None without any.
    """

    closed: bool
    depth: int
    states: int
    transitions: int
    levels: tuple[int, ...]
    fired: Mapping[str, int]
    findings: Mapping[str, Finding]
    reason: str
    memory: int = dataclasses.field(default=0, compare=False)
    compiling: float | None = dataclasses.field(default=None, compare=False)
    kept: Kept | None = dataclasses.field(default=None, compare=False, repr=False)

    def verdict(self, system: GroundSystem, claim: GroundProperty) -> Verdict:
        """The answer about one of the claims. Raises TraceError if its run is not a run.

        PROVED has the closed set as its proof if the search kept its states.
        """
        finding = self.findings[claim.id]
        word: Word = "HOLDS_TO"
        trace, depth, reason, proof = None, self.depth, self.reason, None
        if finding.counterexample is not None:
            word, reason, depth = "VIOLATED", "", len(finding.counterexample.calls)
            trace = run(system, finding.counterexample.start, finding.counterexample.calls)
        elif self.closed:
            word = "PROVED" if finding.premise_reached else "VACUOUS"
            if word == "PROVED" and self.kept is not None:
                proof = self.closed_set(system)
        return Verdict(
            word,
            engine="explore",
            depth=depth,
            states=self.states,
            transitions=self.transitions,
            premise_reached=finding.premise_reached,
            trace=trace,
            reason=reason,
            proof=proof,
        )

    def closed_set(self, system: GroundSystem) -> ClosedSet:
        """Every state that was reached. Raises ValueError unless closed, and the states kept."""
        if not self.closed or self.kept is None:
            raise ValueError("only a closed search that kept its states has them all")
        kept = self.kept
        words = 1 + max((word for word, _, _ in kept.fields), default=0)
        states = np.concatenate([np.empty((0, words), np.uint64), *kept.levels])
        if words == 1:
            states[:, 0].sort()
        else:
            states = states[np.lexsort(states.T[::-1])]
        return ClosedSet(system, states, kept.fields, kept.representative, kept.conditions)
