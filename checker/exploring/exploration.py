"""What a search of every state saw: exact counts, and for each claim what was found.

The numbers are those of `explore`, which fills them in; this module knows no arrays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from checker.answers.trace import run
from checker.answers.verdict import Verdict, Word
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a search is: `expanded` of the `frontier` states at `depth` are done."""

    depth: int
    states: int
    transitions: int
    frontier: int
    expanded: int
    seconds: float


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
class Exploration:
    """What a search saw. `closed` says that every reachable state was expanded.

    `depth` is the number of transitions to which every run was examined: the diameter when closed,
    else the number of levels that were expanded whole. `levels[d]` counts the states first reached
    by d transitions, `fired` the transitions of each action. A search that ends at a violation
    ends with the level, so its counts are exact too; one that ends at a limit (`reason`) counts
    no state of the level that it left unfinished.
    """

    closed: bool
    depth: int
    states: int
    transitions: int
    levels: tuple[int, ...]
    fired: Mapping[str, int]
    findings: Mapping[str, Finding]
    reason: str

    def verdict(self, system: GroundSystem, claim: GroundProperty) -> Verdict:
        """The answer about one of the claims. Raises TraceError if its run is not a run."""
        finding = self.findings[claim.id]
        word: Word = "HOLDS_TO"
        trace, depth, reason = None, self.depth, self.reason
        if finding.counterexample is not None:
            word, reason, depth = "VIOLATED", "", len(finding.counterexample.calls)
            trace = run(system, finding.counterexample.start, finding.counterexample.calls)
        elif self.closed:
            word = "PROVED" if finding.premise_reached else "VACUOUS"
        return Verdict(
            word,
            engine="explore",
            depth=depth,
            states=self.states,
            transitions=self.transitions,
            premise_reached=finding.premise_reached,
            trace=trace,
            reason=reason,
        )
