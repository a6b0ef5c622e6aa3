"""Decides how a script runs: line by line, each with its answer, up to the first surprise."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from designs import Design, DesignError, design_from_text
from mktme.simulation import (
    attackers,
    keycalls,
    keylisting,
    machinecalls,
    memorycalls,
    redact,
    registers,
    tables,
)
from mktme.simulation.beforehand import check
from mktme.simulation.expectations import Answer
from mktme.simulation.lines import Line
from mktme.simulation.races import race
from mktme.simulation.script import Script, ScriptError, script
from mktme.simulation.session import Caller, CannotRun, Doer, Session, shape_of
from mktme.simulation.told import Ran
from mktme.simulation.values import Variable

STANDARD_INPUT: Final = "-"
DEFAULT_DESIGN: Final = "rfc-v2"

CALLERS: Final[Mapping[str, Caller]] = {
    **keycalls.CALLERS,
    **keylisting.CALLERS,
    **memorycalls.CALLERS,
    **machinecalls.CALLERS,
}
DOERS: Final[Mapping[str, Doer]] = {
    **memorycalls.DOERS,
    **machinecalls.DOERS,
    **registers.DOERS,
    **attackers.DOERS,
}


class Unmet(Exception):
    """An answer is not the expected one; the message names the line, and both answers."""


def read(path: str) -> Script:
    """Read a script from a file, or from standard input. Raises ScriptError."""
    source = "standard input" if path == STANDARD_INPUT else path
    try:
        data = _standard_input() if path == STANDARD_INPUT else Path(path).read_bytes()
    except OSError as refusal:
        raise ScriptError(source, None, f"cannot read it: {refusal.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as refusal:
        number = data[: refusal.start].count(b"\n") + 1
        raise ScriptError(source, number, "it is not UTF-8") from None
    return script(source, text)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.buffer.read()


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
    """A script on a machine of its own.

    ``is_open``: a race that nothing judges was not searched to its end.
    """

    def __init__(self, given: Script, design: Design, *, shows_tables: bool = False) -> None:
        """Raises ScriptError for a machine that cannot be built, and for lines it cannot run."""
        self.is_open = False
        self._script = given
        self._shape = shape_of(given.machine)
        self._design = design
        self._shows_tables = shows_tables
        self._done: list[Line] = []
        try:
            self.session = self._boot()
        except ValueError as refusal:
            number = given.machine.number if given.machine else None
            raise ScriptError(given.source, number, str(refusal)) from None
        check(given, design, self._shape)

    def _boot(self) -> Session:
        return Session(self._design, self._shape, self._script.secrets)

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
            kernel = self.session.kernel
            now = tables.key_tables(kernel) if self._shows_tables else ()
            changed = now if now != before else None
            record = tables.key_tables_record(kernel) if changed else None
            before = now
            if line.expected is None and line.command.name == "race":
                self.is_open = self.is_open or not answer.is_complete
            yield Ran(self._script.source, line, process, answer, is_met, changed, record)
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
