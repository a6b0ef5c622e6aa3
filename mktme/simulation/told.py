"""Decides how a line that ran is told: to a person, and to a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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


def json_lines(ran: Ran) -> Iterator[str]:
    """The same for a program: one JSON object."""
    answer, expected = ran.answer, ran.line.expected
    found: dict[str, Any] = {
        "file": ran.source,
        "line": ran.line.number,
        "command": ran.line.text,
        "process": ran.process,
        "answer": answer.word,
        "said": answer.said,
        "value": answer.value,
        "counts": dict(answer.counts),
        "complete": answer.is_complete,
        "found": dict(answer.record),
        "details": list(answer.details),
        "expected": expected.shown if expected else None,
        "met": ran.is_met,
    }
    if ran.tables is not None:
        found["tables"] = ran.record
    yield json_line(_without_keys(found))


def _without_keys(value: Any) -> Any:
    """The same value; texts in it, at whatever depth, show no key."""
    if isinstance(value, str):
        return redact.without_keys(value)
    if isinstance(value, dict):
        return {name: _without_keys(one) for name, one in value.items()}
    return [_without_keys(one) for one in value] if isinstance(value, list) else value
