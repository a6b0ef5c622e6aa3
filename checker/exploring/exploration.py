"""What a search of every state saw: exact counts, and for each claim what was found.

The numbers are those of `explore`, which fills them in.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

from checker.answers.proof import ClosedSet, Condition
from checker.answers.trace import run
from checker.answers.verdict import Verdict, Word
from checker.exploring.estimate import Estimate
from checker.exploring.packed import Array, Packing
from checker.exploring.seen import Seen
from checker.exploring.spill import Memory, MemoryReached
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
    """The states of a search that kept them, packed, level by level; see `packed`.

    `memory` is the search's budget, and keeps files alive that the levels are mapped from.
    """

    levels: Sequence[Array]
    packing: Packing
    representative: tuple[Term, ...] | None
    conditions: tuple[Condition, ...]
    memory: Memory

    @functools.cached_property
    def states(self) -> Array:
        """All states ascending, of shape (states, words): 64-bit words, whatever their byte order.

        They are merged within the budget, and on disk where they do not fit. Raises MemoryReached
        if the disk is full.
        """
        together = Seen(self.packing.dtype, self.memory)
        try:
            for level in self.levels:
                together.add(level)
            return self.packing.viewed(together.all())
        finally:
            self.memory.forget(together)


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

        UNKNOWN where a limit was reached before the initial states were judged. PROVED has the
        closed set as its proof if the search kept its states.
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
                try:
                    proof = self.closed_set(system)
                except MemoryReached as limit:
                    word, reason = "UNKNOWN", f"the states are not brought together: {limit}"
        elif not self.levels:
            word = "UNKNOWN"
        return Verdict(
            word,
            engine="explore",
            depth=depth,
            states=self.states,
            transitions=self.transitions,
            levels=self.levels,
            fired=dict(self.fired),
            premise_reached=finding.premise_reached,
            trace=trace,
            reason=reason,
            proof=proof,
        )

    def closed_set(self, system: GroundSystem) -> ClosedSet:
        """Every state that was reached. Raises ValueError unless closed, and the states kept.

        Raises MemoryReached if they do not fit in memory, nor on the disk.
        """
        if not self.closed or self.kept is None:
            raise ValueError("only a closed search that kept its states has them all")
        kept = self.kept
        fields = tuple((field.word, field.shift, field.bits) for field in kept.packing.fields)
        return ClosedSet(system, kept.states, fields, kept.representative, kept.conditions)
