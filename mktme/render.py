"""How a matrix of answers looks on a terminal, and the notes below it.

Nothing is said by colour alone: every mark has a word or a sign of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mktme.judge import Cell
from mktme.pricing import price_told
from model import Scope
from properties import KNOWN_PROPERTIES

_SIGNS = {
    "PROVED": ("✓ this scope", "green"),
    "HOLDS_TO": ("~ to depth {depth}", "yellow"),
    "VIOLATED": ("✗ {steps}", "red"),
    "VACUOUS": ("∅ vacuous", "magenta"),
    "UNKNOWN": ("? unknown", "magenta"),
    "NOT_APPLICABLE": ("– n/a", "dim"),
}


def sign(cell: Cell) -> Text:
    """What stands in a cell of the matrix. `§` marks a price, `!` a disagreement."""
    text, style = _SIGNS[cell.word]
    depth = cell.verdict.depth if cell.verdict else 0
    text = text.format(depth=depth, steps=steps(len(cell.trace or ())))
    if cell.word == "PROVED" and cell.verdict and cell.verdict.extent == "any size":
        text = "✓ any size"
    if cell.price:
        text += " §"
    if cell.disagrees:
        return Text(text + " ! DISAGREES", style="bold red reverse")
    return Text(text, style=style)


def steps(number: int) -> str:
    """A number of steps, in words."""
    return "1 step" if number == 1 else f"{number} steps"


def matrices(cells: Sequence[Cell], width: int) -> Iterable[RenderableType]:
    """The matrix, in blocks of as many designs as fit side by side into a width in characters."""
    designs = list(dict.fromkeys(cell.design.name for cell in cells))
    fitting = max(1, (width - max(map(len, KNOWN_PROPERTIES)) - 2) // (COLUMN_WIDTH + 2))
    for start in range(0, len(designs), fitting):
        yield _matrix(cells, designs[start : start + fitting])


def _matrix(cells: Sequence[Cell], designs: Sequence[str]) -> RenderableType:
    """Rows are properties, columns designs; below each verdict the states it took."""
    known = {(cell.property_id, cell.design.name): cell for cell in cells}
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1))
    table.add_column("property", no_wrap=True)
    for design in designs:
        table.add_column(_broken(design), overflow="fold")
    for property_id in KNOWN_PROPERTIES:
        row = [known.get((property_id, design)) for design in designs]
        if any(row):
            table.add_row(property_id, *(_cell(cell) for cell in row))
    return table


COLUMN_WIDTH = 12
"""Characters of the widest plain verdict, and of the names that need not be broken."""


def _broken(name: str) -> str:
    """A design's name over several lines where it is long."""
    name = name.replace(",", ",\n")
    head, hyphen, tail = name.rpartition("-")
    return f"{head}-\n{tail}" if len(name) > COLUMN_WIDTH and hyphen and "\n" not in name else name


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("")
    said = sign(cell)
    if counted(cell):
        said.append(f"\n{counted(cell)}", style="dim")
    return said


def counted(cell: Cell) -> str:
    """How many states a cell took, in brackets; "" where no exploration answered.

    One that came to its limit before another engine answered counted states too, but no answer
    rests on them.
    """
    verdict = cell.verdict
    if verdict is None or verdict.states is None or verdict.engine != "explore":
        return ""
    return f"({verdict.states:,}{' classes' if verdict.reduced else ''})"


def notes(cells: Sequence[Cell]) -> Iterable[RenderableType]:
    """A paragraph for each design, with one line for each cell that is not plainly proved.

    They come in the order of the matrix.
    """
    named = dict.fromkeys(cell.design.name for cell in cells)
    order = list(KNOWN_PROPERTIES)
    cells = sorted(cells, key=lambda cell: order.index(cell.property_id))
    for design in named:
        told = [cell for cell in cells if cell.design.name == design and note(cell)]
        if not told:
            continue
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        for cell in told:
            table.add_row(f"  {cell.property_id}", Text(note(cell)))
        yield Text(f"{design}", style="bold")
        yield table


def note(cell: Cell) -> str:
    """What there is to say of a cell beyond its verdict; "" where it is plainly proved.

    The trace that it names is the counterexample's identity, which can be quoted.
    """
    if cell.error:
        return f"THE CHECKERS DISAGREE: {cell.error}"
    if cell.replay is not None and not cell.replay.agrees:
        return f"THE REPLAY DISAGREES: {cell.replay.disagreement}"
    if cell.word == "NOT_APPLICABLE":
        return f"not applicable ({cell.because})"
    if cell.word == "VIOLATED":
        price = price_told(cell.design, cell.property_id)
        ending = f" § {price}" if price else ""
        return f"{cell.story} ⇒ {cell.because}. Replayed; trace {cell.trace_id}.{ending}"
    if cell.word == "PROVED":
        return ""
    remedy = ". --seconds-max allows more time" if OUT_OF_TIME in cell.because else ""
    return f"{cell.word.lower().replace('_', ' ')}: {cell.because}{remedy}"


def said(cell: Cell) -> str:
    """The verdict's sign, and what there is to say of it, in one line."""
    shown, told = sign(cell).plain, note(cell)
    if not told:
        return shown
    # The note of a cell that is neither proved nor violated begins with its word.
    is_named = cell.word in ("PROVED", "VIOLATED") or cell.disagrees
    return f"{shown}: {told}" if is_named else f"{shown.partition(' ')[0]} {told}"


def scope_note(scope: Scope, cells: Sequence[Cell]) -> Text:
    """In which scope the cells were judged, and what that took."""
    seconds = sum(cell.seconds for cell in cells)
    number = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    return Text(f"Scope: {scope}. {number}, {seconds:.1f} s of checking.", style="dim")


OUT_OF_TIME = "out of time"
"""What an engine says that was stopped by the time limit."""

LEGEND = {
    "✓ this scope": "proved, in every reachable state of this scope",
    "✓ any size": "proved for any number of packages, CPUs, KeyIDs, keys and VMAs",
    "✗": "violated: the length of the shortest counterexample",
    "~": "holds to that depth, and was not checked beyond",
    "?": "unknown: nobody could say; the note below has why",
    "∅": "vacuous: what the property speaks about never happens",
    "–": "not applicable: the design's own setting excludes it",
    "§": "a price of the posture: no repaired detail removes the violation",
}
"""The marks of the matrix, and what each means."""


def legend(cells: Sequence[Cell]) -> Text:
    """What the marks in the matrix mean, as far as they occur."""
    shown = "".join(sign(cell).plain for cell in cells)
    said = [f"{mark} {meaning}" for mark, meaning in LEGEND.items() if mark in shown]
    numbers = [counted(cell) for cell in cells]
    if any(numbers):
        said.append("(n) distinct states that the cell took")
    if any("classes" in number for number in numbers):
        said[-1] += "; classes: one state stands for all that are alike, which Z3 proved"
    return Text("\n".join(said), style="dim")


def certificates_note(folder: str, number: int) -> Text:
    """Where the certificates are, and how to check one again."""
    said = "1 certificate" if number == 1 else f"{number} certificates"
    text = f"{said} written to {folder}; mktme verify-certificate FILE checks one again."
    return Text(text, style="dim")
