"""Decides how a script runs: line by line, each with its answer, up to the first surprise."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from designs import Design, DesignError, design_from_text
from mktme import keycalls, keylisting, machinecalls, memorycalls, redact, tables
from mktme.expectations import Answer
from mktme.kinds import Variable
from mktme.races import race
from mktme.script import Line, Script, ScriptError, script
from mktme.session import Caller, CannotRun, Doer, Session

STANDARD_INPUT: Final = "-"
DEFAULT_DESIGN: Final = "rfc-v2"

CALLERS: Final[Mapping[str, Caller]] = {
    **keycalls.CALLERS,
    **keylisting.CALLERS,
    **memorycalls.CALLERS,
    **machinecalls.CALLERS,
}
DOERS: Final[Mapping[str, Doer]] = {**memorycalls.DOERS, **machinecalls.DOERS}


@dataclass(frozen=True)
class Ran:
    """A line that ran. ``process`` made the call; ``tables``: the key tables, if asked for."""

    line: Line
    process: str
    answer: Answer
    is_met: bool
    tables: tuple[str, ...] | None = None


class Unmet(Exception):
    """An answer is not the expected one; the message names the line, and both answers."""


def read(path: str) -> Script:
    """Read a script from a file, or from standard input. Raises ScriptError."""
    source = "standard input" if path == STANDARD_INPUT else path
    try:
        data = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
    except OSError as refusal:
        raise ScriptError(source, None, f"cannot read it: {refusal.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as refusal:
        number = data[: refusal.start].count(b"\n") + 1
        raise ScriptError(source, number, "it is not UTF-8") from None
    return script(source, text)


def chosen(given: Script, option: str | None) -> Design:
    """The design of a script and of the command line. Raises ScriptError, DesignError."""
    try:
        said = None if given.design is None else design_from_text(given.design)
    except DesignError as refusal:
        raise ScriptError(given.source, given.design_line, str(refusal)) from None
    if option is None:
        return said or design_from_text(DEFAULT_DESIGN)
    wanted = design_from_text(option)
    if said is not None and said != wanted:
        fact = f"it is about design {said.name}, and --design says {wanted.name}"
        raise ScriptError(given.source, given.design_line, fact)
    return wanted


class Simulation:
    """A script on a machine of its own."""

    def __init__(self, given: Script, design: Design, *, shows_tables: bool = False) -> None:
        """Raises ScriptError for a machine that cannot be built."""
        self._script = given
        self._design = design
        self._shows_tables = shows_tables
        self._done: list[Line] = []
        try:
            self.session = self._boot()
        except ValueError as refusal:
            number = given.machine.number if given.machine else None
            raise ScriptError(given.source, number, str(refusal)) from None

    def _boot(self) -> Session:
        machine = self._script.machine
        return Session(self._design, machine.command if machine else None)

    def run(self) -> Iterator[Ran]:
        """Run the lines; gives each as it is done. Raises ScriptError and Unmet, and then stops."""
        before: tuple[str, ...] = ()
        for line in self._script.lines:
            process = self.session.current
            try:
                answer = self._answer(line)
                is_met = self._is_met(line, answer)
            except CannotRun as fact:
                raise ScriptError(self._script.source, line.number, str(fact)) from None
            now = tables.key_tables(self.session.kernel) if self._shows_tables else ()
            changed = now if now != before else None
            before = now
            yield Ran(line, process, answer, is_met, changed)
            if not is_met:
                where = f"{self._script.source}:{line.expected_at}"
                wanted = line.expected.shown if line.expected else ""
                raise Unmet(redact.without_keys(f"{where}: expected {wanted}, got {answer}"))

    def _answer(self, line: Line) -> Answer:
        if line.command.name == "race":
            return race(line, self._again, CALLERS)
        answer = self.session.run(line, CALLERS, DOERS)
        self._done.append(line)
        return answer

    def _again(self) -> Session:
        """A new boot in which the script so far has run."""
        session = self._boot()
        for line in self._done:
            session.run(line, CALLERS, DOERS)
        return session

    def _is_met(self, line: Line, answer: Answer) -> bool:
        if line.expected is None:
            return True
        wanted = line.expected.value
        value = self.session.number(wanted) if isinstance(wanted, Variable) else wanted
        return line.expected.is_met(answer, value)


def lines_of(ran: Ran) -> Iterator[str]:
    """What a line that ran looks like to a person."""
    yield redact.without_keys(f"{ran.line.number:>3}  {ran.line.text} → {ran.answer}")
    for detail in ran.answer.details:
        yield redact.without_keys(f"       {detail}")
    for row in ran.tables or ():
        yield f"     | {row}"


def json_lines(ran: Ran) -> Iterator[str]:
    """The same for a program: one JSON object."""
    answer, expected = ran.answer, ran.line.expected
    found: dict[str, Any] = {
        "line": ran.line.number,
        "command": ran.line.text,
        "process": ran.process,
        "answer": answer.word,
        "said": redact.without_keys(answer.said),
        "value": answer.value,
        "counts": dict(answer.counts),
        "details": [redact.without_keys(detail) for detail in answer.details],
        "expected": redact.without_keys(expected.shown) if expected else None,
        "met": ran.is_met,
    }
    if ran.tables is not None:
        found["tables"] = list(ran.tables)
    yield json.dumps(found, ensure_ascii=False)
