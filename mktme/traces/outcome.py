"""What `mktme replay` says to programs of a run that was made again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mktme.results.shape import Shape
from mktme.traces.again import Again

Answer = Literal["violated", "holds", "disagreement"]


class Outcome(Shape):
    """A run that was made again, and what came of it."""

    format: Literal["mktme-replay"] = "mktme-replay"
    version: Literal[1] = 1
    trace: str = Field(description="The run's identity on the design that it was made on.")
    design: str
    property: str
    answer: Answer
    length: int = Field(description="Calls, up to the violation.")
    left: int = Field(description="Calls that were recorded after it.")
    disagreement: str | None = Field(description="In what model and implementation differ.")
    observed: list[str] = Field(description="What the violation looks like on the implementation.")


def outcome(made: Again, left: int) -> Outcome:
    """The answer, of a run that was cut at its violation."""
    answer: Answer = "holds" if made.broken_at is None else "violated"
    return Outcome(
        trace=made.id,
        design=made.record.design.name,
        property=made.record.property_id,
        answer="disagreement" if made.disagreement else answer,
        length=len(made.trace),
        left=left,
        disagreement=made.disagreement or None,
        observed=list(made.replay.observed),
    )
