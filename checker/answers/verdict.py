"""What a check may answer. A bounded answer, and no answer, are words of their own.

`PROVED` holds at any depth; `HOLDS_TO` was checked to a depth and no further; `VIOLATED` has a
shortest counterexample; `VACUOUS` holds, but its premise is never reached; `UNKNOWN` says why
nothing can be said, and is never a pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from checker.answers.proof import Certificate, Proof
from checker.answers.trace import Trace

Extent = Literal["scope", "any size"]
"""For which systems a verdict speaks: for the sizes of one scope, or for all sizes."""

Word = Literal["PROVED", "HOLDS_TO", "VIOLATED", "VACUOUS", "UNKNOWN"]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """An engine's answer about one property of one system.

    `depth` is the number of transitions to which every run was examined: the diameter for a
    closed exploration, the bound for a bounded check, the k of a k-induction. `states` and
    `transitions` are exact counts of what the explorer saw, None for other engines, and so are
    `levels` (how many states are first reached by so many transitions) and `fired` (how many
    transitions are of each action). With `reduced`, all these are of representatives of classes of
    states (see `reducing`). `trace` is there when, and only when, the word is VIOLATED, and
    `is_least` is false where another of the shortest counterexamples may come before it (see
    `exploring.least`); `reason` is there when the word is UNKNOWN or HOLDS_TO.
    `proof` is what an engine offers in support of PROVED; `certificate` is that proof written down
    and accepted by a second checker, which turns a proof into an answer.
    """

    word: Word
    engine: str
    depth: int
    states: int | None = None
    transitions: int | None = None
    premise_reached: bool = True
    trace: Trace | None = None
    reason: str = ""
    extent: Extent = "scope"
    reduced: bool = False
    levels: tuple[int, ...] | None = None
    fired: Mapping[str, int] | None = None
    proof: Proof | None = None
    certificate: Certificate | None = None
    is_least: bool = True

    def __post_init__(self) -> None:
        if (self.trace is not None) != (self.word == "VIOLATED"):
            raise ValueError("a trace belongs to VIOLATED, and to nothing else")
        if self.word in ("UNKNOWN", "HOLDS_TO") and not self.reason:
            raise ValueError(f"{self.word} needs its reason")
