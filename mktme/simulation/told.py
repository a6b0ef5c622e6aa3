"""Decides how a line that ran is told: to a person, and to a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from mktme.results.shape import Shape
from mktme.simulation import redact
from mktme.simulation.expectations import Answer
from mktme.simulation.lines import Line
from mktme.simulation.printable import escaped, json_line


@dataclass(frozen=True)
class Ran:
    """A line of the script from ``source`` that ran; ``process`` made the call.

    ``tables``: the key tables, if they were asked for and have changed, and ``record`` the same for
    programs.
    """

    source: str
    line: Line
    process: str
    answer: Answer
    is_met: bool
    tables: tuple[str, ...] | None = None
    record: list[dict[str, Any]] | None = None


def lines_of(ran: Ran) -> Iterator[str]:
    """What a person reads."""
    yield _safe(f"{ran.line.number:>3}  {ran.line.text} → {ran.answer}")
    for detail in ran.answer.details:
        yield _safe(f"       {detail}")
    for row in ran.tables or ():
        yield f"     | {row}"


def _safe(text: str) -> str:
    return escaped(redact.without_keys(text))


class Place(Shape):
    """A package's entry in its key table; `key` is a fingerprint."""

    package: int
    mode: str
    algorithm: str | None = Field(description="Null where nothing is encrypted with a key.")
    key: str | None


class Slot(Shape):
    """A KeyID, and its entry on each package that is present."""

    keyid: int
    packages: list[Place]


class Told(Shape):
    """What a line of `mktme simulate --json` is: of a line of the script that ran, its answer."""

    format: Literal["mktme-simulate"] = "mktme-simulate"
    version: Literal[1] = 1
    file: str
    line: int
    command: str = Field(description="The line without its expectation.")
    process: str = Field(description="Who made the call.")
    answer: str = Field(description="ok, an errno's name, hangs, or GP.")
    said: str = Field(description="The answer's value or sentence as people read it.")
    value: int | None = Field(description="What a variable would hold.")
    counts: dict[str, int] = Field(description="How many of what was found.")
    complete: bool = Field(description="Whether there can be no more than was counted.")
    found: dict[str, Any] = Field(description="What was found, as the command has it.")
    details: list[str] = Field(description="The same as people read it.")
    expected: str | None = Field(description="The script's expectation; null where it has none.")
    met: bool = Field(description="Whether the answer is the expected one, or any will do.")
    tables: list[Slot] | None = Field(
        description="With --show tables: the key tables where the line changed them; else null."
    )


def json_lines(ran: Ran) -> Iterator[str]:
    """The same for a program: one JSON object."""
    answer, expected = ran.answer, ran.line.expected
    told = Told(
        file=ran.source,
        line=ran.line.number,
        command=ran.line.text,
        process=ran.process,
        answer=answer.word,
        said=answer.said,
        value=answer.value,
        counts=dict(answer.counts),
        complete=answer.is_complete,
        found=dict(answer.record),
        details=list(answer.details),
        expected=expected.shown if expected else None,
        met=ran.is_met,
        tables=None if ran.record is None else [Slot.model_validate(one) for one in ran.record],
    )
    yield json_line(_without_keys(told.model_dump(mode="json")))


def _without_keys(value: Any) -> Any:
    """The same value; texts in it, at whatever depth, show no key."""
    if isinstance(value, str):
        return redact.without_keys(value)
    if isinstance(value, dict):
        return {name: _without_keys(one) for name, one in value.items()}
    return [_without_keys(one) for one in value] if isinstance(value, list) else value
