"""Which keys the JSON answer of `check` and `compare` has, and what each means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from conformance.costs import Costs
from mktme.results.shape import Shape
from model import Scope

Word = Literal["PROVED", "HOLDS_TO", "VIOLATED", "VACUOUS", "UNKNOWN", "NOT_APPLICABLE"]
"""What a cell can say; `VERDICTS` has what each means."""

VERDICTS: Mapping[Word, str] = {
    "PROVED": "the property holds, for the sizes that `extent` names, and a second checker agrees",
    "HOLDS_TO": "nothing violates it within `depth` steps; what lies beyond was not looked at",
    "VIOLATED": "a shortest counterexample of `length` steps, replayed on the implementation",
    "VACUOUS": "it holds, but what it speaks about never happens",
    "UNKNOWN": "no engine could tell within the limits",
    "NOT_APPLICABLE": "the design's own setting excludes what the property speaks about",
}

Extent = Literal["scope", "any size"]


class Result(Shape):
    """One cell: a design judged by a property."""

    design: str
    property: str
    verdict: Word
    depth: int | None = Field(description="Steps that were searched; null where no engine ran.")
    length: int | None = Field(description="Steps of the shortest counterexample, if violated.")
    trace: str | None = Field(description="The counterexample's identity, if violated.")
    least: bool | None = Field(
        description="False where time ran out before the least of the shortest counterexamples was"
        " known, so that another run may show another one."
    )
    states: int | None = Field(description="Distinct states; null where nothing was explored.")
    transitions: int | None
    levels: list[int] | None = Field(description="States first reached by 0, 1, … transitions.")
    fired: dict[str, int] | None = Field(description="Transitions of each action.")
    reduced: bool | None = Field(description="Whether the states stand for classes of states.")
    engine: str | None = Field(description="Who answered; null where no engine ran.")
    extent: Extent | None = Field(description="For which sizes a proof holds.")
    confirmed: str | None = Field(description="What the second checker confirmed of a proof.")
    certificate: str | None = Field(description="The file that the proof was written to.")
    replayed: bool | None = Field(description="Whether the implementation did the same.")
    price: str | None = Field(description="Why no repaired detail would remove the violation.")
    story: str | None = Field(description="The counterexample in words, call by call.")
    because: str | None = Field(description="What is violated in the end, or why nothing is known.")
    disagreement: str | None = Field(description="In what two checkers contradict each other.")
    seconds: float = Field(description="Wall-clock time, replay included.")


class Difference(Shape):
    """One cell that is not as the baseline says."""

    design: str
    property: str
    kind: Literal["changed", "unlisted", "undecided"] = Field(
        description="changed: another answer; unlisted: the baseline does not have the cell;"
        " undecided: there is no answer now, so that nobody knows. Only the last is no change."
    )
    expected: Word | None = Field(description="The baseline's verdict; null where it has none.")
    was: str | None = Field(description="What the baseline says, in words.")
    now: str = Field(description="What is so now, in words.")

    def __str__(self) -> str:
        about = f"{self.design} / {self.property}"
        if self.was is None:
            return f"{about} is not in the baseline; it is {self.now}"
        return f"{about} was {self.was}; it is {self.now}"


class Comparison(Shape):
    """What the comparison with a baseline found."""

    baseline: str = Field(description="The file.")
    as_expected: int = Field(description="How many cells are as the baseline says.")
    differences: list[Difference]
    not_judged: dict[str, list[str]] = Field(
        description="Cells of the baseline that were not asked for: design to properties."
    )

    @property
    def is_changed(self) -> bool:
        """Whether any cell has another answer, or one that the baseline does not have."""
        return any(one.kind != "undecided" for one in self.differences)

    def of(self, design: str, property_id: str) -> Difference | None:
        """What is different in a cell; None where it is as expected."""
        for one in self.differences:
            if (design, property_id) == (one.design, one.property):
                return one
        return None


class Results(Shape):
    """What `mktme check`, `compare` and `explain` print with --json."""

    format: Literal["mktme-results"] = "mktme-results"
    version: Literal[1] = 1
    scope: Annotated[Scope, Field(description="The sizes for which the cells were judged.")]
    versions: dict[str, str] = Field(description="Python, mktme, and the libraries that judge.")
    results: list[Result] = Field(description="One for each cell, in the order asked for.")
    costs: list[Costs] | None = Field(description="What designs cost; null but for compare.")
    expected: Comparison | None = Field(description="Null without --expect.")
