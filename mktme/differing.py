"""How differences look on a terminal: a table of lengths, and each scenario call by call."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mktme.differences import Difference, scope_said
from mktme.results.shape import Shape
from mktme.scenario import BothCalls
from model import Scope

_LEGEND = (
    "Calls of the shortest scenario that the design of the row allows and that of the column does"
    " not. –: there is none in this scope; ~ n: none of n calls or fewer."
)

_MARKS = {"none": "–", "none so far": "~ {depth}", "nothing in common": "∅", "unknown": "?"}


def told(found: Sequence[Difference], scope: Scope) -> Iterator[RenderableType]:
    """A table where there are more than two designs, then every direction of every pair."""
    if len(found) > 2:
        yield _table(found)
        yield Text(_LEGEND, style="dim")
    for one in found:
        yield Text()
        yield from _scenario(one)
    yield Text()
    yield Text(f"Scope: {scope_said(scope)}.", style="dim")


def _table(found: Sequence[Difference]) -> Table:
    designs = list(dict.fromkeys(one.allowing for one in found))
    known = {(one.allowing, one.refusing): one for one in found}
    numbers = {design: str(number) for number, design in enumerate(designs, 1)}
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("allows")
    for design in designs:
        table.add_column(numbers[design], justify="right")
    for design in designs:
        row = [known.get((design, other)) for other in designs]
        marks = ("·" if one is None else _mark(one) for one in row)
        table.add_row(f"{numbers[design]} {design}", *marks)
    return table


def _mark(one: Difference) -> str:
    if one.error:
        return "!"
    return str(one.length) if one.calls else _MARKS[one.word].format(depth=one.depth)


def _scenario(one: Difference) -> Iterator[Text]:
    heading = f"{one.allowing} allows, {one.refusing} does not: "
    yield Text(heading, style="bold").append(one.searched, style="bold")
    if not one.calls:
        return
    yield Text(f"   {one.start}")
    for number, call in enumerate(one.calls, 1):
        yield from _call(number, call, one)


def _call(number: int, call: BothCalls, one: Difference) -> Iterator[Text]:
    """One line where the two sides' words and answers are the same, else two."""
    allowed, refused = call.allowed_answer, call.refused_answer
    if (call.allowed, allowed) == (call.refused, refused):
        yield Text(f"{number}. {call.refused}" + (f" → {refused}" if refused != "ok" else ""))
        return
    answers = ("", "") if allowed == refused == "ok" else (f" → {allowed}", f" → {refused}")
    yield Text(f"{number}. {one.allowing}: {call.allowed}{answers[0]}")
    yield Text(f"   {one.refusing}: {call.refused}{answers[1]}")
    if call.refusal:
        yield Text(f"   kernel: {call.refusal}", style="dim")


class Side(Shape):
    """What one design makes of a call of the scenario."""

    call: str
    answer: str


class RefusingSide(Side):
    """The same of the design that does not allow it."""

    kernel: str | None = Field(description="Why the running kernel refuses; null if it does not.")


class ScenarioCall(Shape):
    """One call of a scenario, as each design has it."""

    allows: Side
    refuses: RefusingSide


class Direction(Shape):
    """What one design allows and another does not."""

    allows: str = Field(description="The design that allows the scenario.")
    refuses: str = Field(description="The design that does not.")
    found: str = Field(description="In a word what was found.")
    length: int | None = Field(description="Calls of the shortest scenario, if there is one.")
    depth: int = Field(description="Calls that were searched.")
    searched: str = Field(description="By whom and how far, in words.")
    start: str | None = Field(description="How the machine boots, if there is a scenario.")
    calls: list[ScenarioCall]
    replayed: bool | None = Field(description="Whether both implementations did the same.")
    disagreement: str | None
    seconds: float


class Differences(Shape):
    """What `mktme differ --json` prints."""

    format: Literal["mktme-differ"] = "mktme-differ"
    version: Literal[1] = 1
    scope: dict[str, int] = Field(
        description="Sizes; there are no threads, for calls are made one after the other."
    )
    differences: list[Direction] = Field(description="Both directions of each pair.")


def record(found: Sequence[Difference], scope: Scope) -> Differences:
    """The differences, in their order."""
    sizes = {name: size for name, size in dataclasses.asdict(scope).items() if name != "threads"}
    directions = [Direction.model_validate(one.as_json()) for one in found]
    return Differences(scope=sizes, differences=directions)
