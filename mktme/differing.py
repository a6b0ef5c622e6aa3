"""How differences look on a terminal: a table of lengths, and each scenario call by call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mktme.differences import Difference
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
    yield Text(f"Scope: {_sizes(scope)}.", style="dim")


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
    """One line where the two sides' words are the same, else two."""
    answers = f" → {call.refused_answer}" if call.refusal or call.refused_answer != "ok" else ""
    if call.allowed == call.refused:
        yield Text(f"{number}. {call.refused}{answers}")
    else:
        yield Text(f"{number}. {one.allowing}: {call.allowed}")
        yield Text(f"   {one.refusing}: {call.refused}{answers}")
    if call.refusal:
        yield Text(f"   kernel: {call.refusal}", style="dim")


def _sizes(scope: Scope) -> str:
    return str(scope).rpartition(", ")[0]  # without threads: each call is made by itself
