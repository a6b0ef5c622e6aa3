"""How a place of the machine becomes an entry of a panel: compared with what it was before.

A *place* is what one state has somewhere: a key table entry, a vault slot, a page. Of the states of
a run, each with what the implementation held in it, an entry says what the last has at the place,
what the one before had, and whether a key was there once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from checker.systems.reading import Reading
from conformance.inventory import Inventory
from conformance.owners import user_key
from mktme.traces.document import Entry, Mark, Panel, Row
from model.sorts import BYTES


@dataclasses.dataclass(frozen=True)
class Moment:
    """A state of a run, and what the implementation held in it, where that is known."""

    reading: Reading
    held: Inventory | None = None


class Place(NamedTuple):
    """What a moment has somewhere. `holds_key`: key material; `mark`: what kind of that, if any."""

    text: str
    key: str = ""
    holds_key: bool = False
    mark: Mark | None = None
    shows: tuple[str, ...] = ()


Look = Callable[[Moment], Place]


def entry(run: Sequence[Moment], look: Look) -> Entry:
    """What the last moment of a run has at a place."""
    now = look(run[-1])
    then = look(run[-2]) if len(run) > 1 else now
    marks: list[Mark] = ["changed"] if (now.text, now.key) != (then.text, then.key) else []
    was = then.text if "changed" in marks else None
    if now.mark is not None:
        marks.append(now.mark)
    if not now.holds_key and any(look(moment).holds_key for moment in run[:-1]):
        marks.append("erased")
    return Entry(text=now.text, key=now.key, marks=tuple(marks), was=was, shows=now.shows)


def plain(text: str, *shows: str) -> Place:
    """A place where no key can lie."""
    return Place(text, shows=shows)


def named(reading: Reading, family: str, *at: int) -> str:
    """The name of a model's variable, which a place says that it shows."""
    return reading.grounding.name_of(family, at)


def known_key(label: str) -> str:
    """The fingerprint of a user key; "" for what is none."""
    return "" if label in BYTES.constants else user_key(label).fingerprint


def panel(
    run: Sequence[Moment],
    name: tuple[str, str, str],
    columns: Sequence[tuple[str, str]],
    rows: Iterable[tuple[str, Sequence[Look]]],
) -> Panel:
    """A grid of places. `name`: the panel's id, its title, and what the lines are."""
    drawn = (Row(head=head, entries=tuple(entry(run, x) for x in looks)) for head, looks in rows)
    id_, title, corner = name
    return Panel(id=id_, title=title, corner=corner, columns=tuple(columns), rows=tuple(drawn))
