"""How a state of the locks' system is shown: a line for each thread."""

from __future__ import annotations

from rich import box
from rich.table import Table

from checker.systems.reading import Reading
from mktme.render import compared
from model import lockwords


def lock_table(reading: Reading, before: Reading) -> Table:
    """Who holds and who waits for each lock, and what each thread runs."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for title in ("thread", "operation", "holds", "waits for"):
        table.add_column(title)
    for thread in range(reading.size("at", 0)):
        now, then = (_row(one, thread) for one in (reading, before))
        table.add_row(str(thread), *map(compared, now, then))
    return table


def _row(reading: Reading, thread: int) -> tuple[str, str, str]:
    place = lockwords.place_of(reading, thread)
    runs = lockwords.OPERATIONS[place.operation] if place else "none"
    holds = ", ".join(lockwords.held(reading, thread)) or "nothing"
    queued = " (queued)" if reading.is_true("queued", thread) else ""
    return runs, holds, lockwords.awaited(reading, thread) + queued or "nothing"
