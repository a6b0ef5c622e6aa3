"""How what is shown of a path is drawn on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mktme.explore.lamps import LIGHTS, Lamp
from mktme.explore.regions import Line, Piece, Region
from mktme.explore.session import Session
from mktme.traces.terminal import call_block

_STYLES = {"holds": "green", "violated": "bold red", "was-violated": "yellow"}


def last_call(session: Session) -> Iterator[RenderableType]:
    """The last call as a counterexample shows it, and the lamps that it turned red."""
    number = len(session.trace)
    if not number:
        yield Text(f"0. {session.start()}", style="bold")
        return
    yield from call_block(number, session.calls()[-1])
    for lamp in session.lamps():
        if lamp.light == "violated" and lamp.steps[-1] == number:
            is_new = number - 1 not in lamp.steps
            yield Text(
                f"   ✗ {lamp.property} {'is violated' if is_new else 'is still violated'}:"
                f" {lamp.words}",
                style="bold red" if is_new else "red",
            )
    if session.disagreement:
        said = f"THE IMPLEMENTATION DISAGREES: {session.disagreement}"
        yield Text(said, style="bold red reverse")


def lamps(shown: tuple[Lamp, ...]) -> Table:
    """All lamps, each with its sign and its words."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("", "property", "", ""):
        table.add_column(title)
    for lamp in shown:
        sign, meaning = LIGHTS[lamp.light]
        at = f" (step {', '.join(map(str, lamp.steps))})" if lamp.steps else ""
        style = _STYLES.get(lamp.light, "dim")
        table.add_row(sign, lamp.property, f"{meaning}{at}", escape(lamp.words), style=style)
    return table


def why(lamp: Lamp) -> Iterator[Text]:
    """What a property says, and what is false."""
    yield Text(lamp.sentence)
    yield Text(f"{LIGHTS[lamp.light][1]}{': ' if lamp.words else ''}{lamp.words}", style="bold")
    if lamp.broken:
        for fact in (*lamp.broken.facts, *lamp.broken.variables, *lamp.broken.causes):
            yield Text(f"   {fact}")
    if lamp.trace:
        yield Text(f"   as a counterexample it is called {lamp.trace}")
    if lamp.price:
        yield Text(f"   § {lamp.price}")


def regions(shown: tuple[Region, ...]) -> Iterator[Text]:
    """Memory in rows of 16 bytes; a key's bytes are boxes, behind which its fingerprint stands."""
    for region in shown:
        said = f"{region.address:#x} {region.name}, {region.kind}, {region.size} bytes"
        yield Text(f"{said}, {region.seen}", style="bold")
        for line in region.lines:
            yield _line(line)


def _line(line: Line) -> Text:
    said = Text(f"   {line.offset:4} ")
    if line.zeros:
        return said.append(f"{line.zeros} zero bytes", style="dim")
    for piece in line.pieces:
        said.append(_piece(piece), style="bold" if piece.is_new else "").append(" ")
    return said


def _piece(piece: Piece) -> str:
    if not piece.key:
        return piece.digits
    return " ".join(["▒▒"] * piece.size) + f" key {piece.key}"
