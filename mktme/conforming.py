"""Decides how a walk over every transition is asked for, and how it is shown."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Literal

from pydantic import Field
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from conformance import Disagreement
from conformance.edges import Walk, walk
from designs import Design
from mktme import statuses
from mktme.executors import side_by_side
from mktme.results.shape import Shape
from model import Scope


@dataclasses.dataclass(frozen=True)
class Conformed:
    """A design's walk, or how model and implementation were found to differ."""

    design: Design
    walk: Walk | None
    disagreement: str = ""

    @property
    def agrees(self) -> bool:
        """Whether every transition was made, and none gave anything but what the model says."""
        return self.walk is not None and self.walk.is_whole


def walked(design: Design, scope: Scope, histories: int) -> Conformed:
    """Walk one design. Raises ScopeError where there are too many states."""
    try:
        return Conformed(design, walk(design, scope, histories=histories))
    except Disagreement as difference:
        return Conformed(design, None, str(difference))


def all_walked(
    designs: Sequence[Design],
    scope: Scope,
    histories: int,
    pool: Executor,
    done: Callable[[str], None],
) -> list[Conformed]:
    """Walk designs side by side; they come in the order asked for. `done` hears of each at once."""
    calls = [functools.partial(walked, design, scope, histories) for design in designs]
    return side_by_side(pool, calls, lambda one: done(one.design.name))


def status(found: Sequence[Conformed]) -> int:
    """The status of `mktme conform`."""
    return statuses.HOLDS if all(one.agrees for one in found) else statuses.DISAGREE


def told(found: Sequence[Conformed], scope: Scope) -> Iterator[RenderableType]:
    """A row for each design: how many edges (transitions) the explorer counted and the walk made.

    Of a single design also what each action answered.
    """
    yield _table(found)
    note = f"Edges explored by the checker, walked on the implementation. Scope: {scope}."
    yield Text(note, style="dim")
    for one in found:
        if one.disagreement:
            yield Text(f"{one.design.name}: {one.disagreement}")
    if len(found) == 1 and found[0].walk is not None:
        yield _answers(found[0].walk)


def _table(found: Sequence[Conformed]) -> Table:
    table = Table(header_style="bold")
    table.add_column("design")
    for heading in ("states", "explored", "walked", "again", "seconds"):
        table.add_column(heading, justify="right")
    for one in found:
        made = one.walk
        if made is None:
            table.add_row(one.design.name, *"-----")
            continue
        counts = made.states, made.explored, made.walked, made.again
        table.add_row(one.design.name, *(f"{n:,}" for n in counts), f"{made.seconds:.1f}")
    return table


def _answers(made: Walk) -> Table:
    table = Table("action", "edges", "answers", header_style="bold")
    table.columns[1].justify = "right"
    for action, answers in made.made.items():
        said = ", ".join(f"{answer} {times:,}" for answer, times in sorted(answers.items()))
        table.add_row(action, f"{sum(answers.values()):,}", said)
    return table


class Walked(Shape):
    """One design. Its numbers are null where model and implementation differ."""

    design: str
    agrees: bool
    states: int | None
    explored: int | None = Field(description="Transitions that the checker's explorer counts.")
    walked: int | None = Field(description="Transitions that were made on the implementation.")
    again: int | None = Field(description="Transitions that were made from a second history.")
    answers: dict[str, dict[str, int]] | None = Field(
        description="For each action how often it gave each answer."
    )
    disagreement: str | None = Field(description="In what they differ.")
    seconds: float | None


class Conformance(Shape):
    """What `mktme conform --json` prints."""

    format: Literal["mktme-conform"] = "mktme-conform"
    version: Literal[1] = 1
    scope: Scope
    histories: int = Field(description="From how many histories of each state.")
    designs: list[Walked]


def record(found: Sequence[Conformed], scope: Scope, histories: int) -> Conformance:
    """The walks, in the order asked for."""
    return Conformance(scope=scope, histories=histories, designs=[_record(one) for one in found])


def _record(one: Conformed) -> Walked:
    made = one.walk
    return Walked(
        design=one.design.name,
        agrees=one.agrees,
        states=made.states if made else None,
        explored=made.explored if made else None,
        walked=made.walked if made else None,
        again=made.again if made else None,
        answers={name: dict(answers) for name, answers in made.made.items()} if made else None,
        disagreement=one.disagreement or None,
        seconds=round(made.seconds, 3) if made else None,
    )
