"""How a counterexample looks on a terminal: the document's calls and panels, one below the other.

Of a frame the first panel is always there, the others where the call changed something in them or
where something in them breaks the property.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mktme.render import steps
from mktme.traces.document import MARKS, Broken, Call, Document, Entry, Frame, Panel
from mktme.words import answer_in_words

SEEN_IN = {
    "": "Seen in the implementation's memory and key tables:",
    "payload": "Seen in the implementation's memory and answers:",
    "locks": "Seen of the implementation's locks:",
}
"""What the lines that follow were seen in, for each of a design's systems."""


def explanation(document: Document) -> Iterator[RenderableType]:
    """The counterexample as lines and tables to print one after the other."""
    length = steps(len(document.calls))
    yield Text(f"{document.design} violates {document.property}, in {length}", style="bold")
    yield Text(f"The property: {document.sentence}")
    if document.keys:
        named = ", ".join(f"{key.label} has the fingerprint {key.key}" for key in document.keys)
        yield Text(f"The user keys: {named}.", style="dim")
    yield legend(document.frames)
    for number, frame in enumerate(document.frames):
        yield Text("")
        if number:
            yield from call_block(number, document.calls[number - 1])
        else:
            yield Text(f"0. {document.start}", style="bold")
        if number and not document.calls[number - 1].changes and not _is_changed(frame):
            yield Text("   nothing changes")
        yield from panels(frame)
    yield Text("")
    yield from _broken(document.broken)
    if document.price:
        yield Text(f"§ {document.price}")
    yield Text("")
    yield from _replayed(document)
    least = "" if document.is_least else " It need not be the least: time ran out."
    yield Text(f"mktme replay {document.id} makes this run again.{least}", style="dim")


def legend(frames: Iterable[Frame]) -> Text:
    """What the marks mean, as far as they occur."""
    found = {mark for frame in frames for entry in _entries(frame.panels) for mark in entry.marks}
    said = [f"{sign} {mark}: {meaning}" for mark, (sign, meaning) in MARKS.items() if mark in found]
    return Text("\n".join(said), style="dim")


def panels(frame: Frame) -> Iterator[Table]:
    """The panels of a frame that say something."""
    first, *others = frame.panels
    yield grid(first)
    for panel in others:
        marks = {mark for entry in _entries([panel]) for mark in entry.marks}
        if marks & {"changed", "broken"}:
            yield grid(panel)


def grid(panel: Panel) -> Table:
    """A panel as a table."""
    table = Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        pad_edge=False,
        title=panel.title,
        title_justify="left",
        title_style="dim",
    )
    table.add_column(panel.corner, overflow="fold")
    for title, note in panel.columns:
        table.add_column(f"{title}\n{note}" if note else title, overflow="fold")
    for row in panel.rows:
        table.add_row(row.head, *map(entry_text, row.entries))
    return table


def entry_text(entry: Entry) -> Text:
    """An entry with its fingerprint, and a sign and a word for each mark."""
    said = Text(f"{entry.text} {entry.key}" if entry.key else entry.text)
    for mark in entry.marks:
        sign = MARKS[mark][0]
        said.append(f" {sign}" if mark == "changed" else f" {sign} {mark}", style=_STYLES[mark])
    if "changed" in entry.marks:
        said.stylize("bold")
    return said


_STYLES = {
    "changed": "bold",
    "broken": "bold red",
    "stale": "yellow",
    "saved": "cyan",
    "erased": "green",
    "residual": "magenta",
}


def _entries(panels: Iterable[Panel]) -> Iterator[Entry]:
    return (entry for panel in panels for row in panel.rows for entry in row.entries)


def _is_changed(frame: Frame) -> bool:
    return any("changed" in entry.marks for entry in _entries(frame.panels))


def call_block(number: int, call: Call) -> Iterator[Text]:
    """A call with its number: its answer, who makes it, and what came of it."""
    yield Text(f"{number}. {call.words}{answer_in_words(call.answer)}", style="bold")
    if call.who not in call.words and call.who != "the parser":
        yield Text(f"   by {call.who}", style="dim")
    if call.refusal:
        yield Text(f"   kernel: {call.refusal}")
    for execution in call.executions:
        yield Text(f"   {execution.words}", style="dim")
    for change in call.changes:
        yield Text(f"   {change}")


def _broken(broken: Broken) -> Iterator[Text]:
    yield Text(f"Broken: {broken.words}.", style="bold")
    if broken.facts:
        yield Text(f"   false, as {'; '.join(broken.facts)}")
    for meaning in broken.variables:
        yield Text(f"   {meaning}", style="dim")
    for cause in broken.causes:
        yield Text(f"   {cause}")


def _replayed(document: Document) -> Iterator[Text]:
    replay = document.replay
    if not replay.agrees:
        yield Text(f"THE REPLAY DISAGREES: {replay.disagreement}", style="bold red reverse")
        return
    yield Text(SEEN_IN[document.system])
    for line in replay.observed:
        yield Text(f"   {line}")
    said = f"The implementation did the same, and violates {document.property} too."
    yield Text(said, style="bold")
