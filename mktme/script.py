"""Decides what a script says: its lines in order, read and judged before any of them runs.

One command a line, in words as a shell splits them; ``#`` begins a comment. A line may begin with
``NAME =`` to keep what its command gives, and end in ``=> EXPECTED``. Everything that can be known
to be wrong without running the script is refused here, with the number of the line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

from designs import nearest
from mktme import redact
from mktme.expectations import Expected, expected
from mktme.forms import GIVING, SET_UP, WITHIN_A_RACE, Command, command
from mktme.kinds import NAME, SECRET_KINDS, BadLine, Variable, Word

# A word: a run of plain signs, escaped signs and quoted pieces.
WORD: Final = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""")
SPACE: Final = re.compile(r"\s*")
FIRST_PROCESS: Final = "root"


class ScriptError(Exception):
    """A script is refused, with its name and the number of the line."""

    def __init__(self, source: str, number: int | None, fact: str) -> None:
        where = source if number is None else f"{source}:{number}"
        super().__init__(f"{where}: {redact.without_keys(fact)}")


@dataclass(frozen=True)
class Line:
    """A line that does something.

    ``text`` is what it says, as it may be shown: without key bytes, comment and expectation.
    ``variable``: the name that its value gets. ``body``: the lines of a race, and ``end`` the
    number of its last line.
    """

    number: int
    text: str
    command: Command
    variable: str | None = None
    expected: Expected | None = None
    body: tuple[Line, ...] = ()
    end: int | None = None

    @property
    def expected_at(self) -> int:
        """The number of the line that says what is expected."""
        return self.end or self.number


@dataclass(frozen=True)
class Script:
    """A script from ``source``: what it sets up (None where it does not say), and its lines.

    ``design``: its text, and ``design_line`` the line's number.
    """

    source: str
    design: str | None
    design_line: int | None
    machine: Line | None
    lines: tuple[Line, ...]


def script(source: str, text: str) -> Script:
    """Read a script. Raises ScriptError."""
    lines = []
    for number, written in enumerate(text.split("\n"), 1):
        try:
            line = _line(number, written)
        except BadLine as fact:
            raise ScriptError(source, number, str(fact)) from None
        if line is not None:
            lines.append(line)
    return _Reader(source).script(lines)


def words_of(text: str) -> list[Word]:
    """The words of a line, without its comment. Raises BadLine for a quotation without end."""
    found = []
    at = SPACE.match(text).end()  # type: ignore[union-attr]  # it matches everywhere
    while at < len(text) and text[at] != "#":
        match = WORD.match(text, at)
        if match is None or (match.end() < len(text) and text[match.end()] in "\"'\\"):
            raise BadLine("a quotation has no end")
        raw = match[0]
        found.append(Word("".join(shlex.split(raw)), raw, raw[0] in "\"'"))
        at = SPACE.match(text, match.end()).end()  # type: ignore[union-attr]
    return found


def _line(number: int, written: str) -> Line | None:
    words = words_of(written)
    if not words:
        return None
    plain = [word.raw for word in words]
    wanted = None
    if "=>" in plain:
        at = plain.index("=>")
        wanted = expected(words[at + 1 :])
        words = words[:at]
    variable = None
    if len(words) > 1 and words[1].raw == "=":
        variable = words[0].text
        if not NAME.fullmatch(variable):
            raise BadLine(f"{variable!r} is no name of a variable")
        words = words[2:]
    if not words:
        raise BadLine("there is no command")
    given, taken = command(words)
    if variable is not None and given.name not in GIVING:
        raise BadLine(f"{given.name} gives nothing that a variable could hold")
    return Line(number, _shown(words, taken, given, variable), given, variable, wanted)


def _shown(words: list[Word], taken: dict[str, Word], given: Command, variable: str | None) -> str:
    """The line's text with fingerprints for key bytes."""
    secret = {p.name for p in given.form.parameters if p.kind in SECRET_KINDS}
    raw = {id(taken[name]): redact.payload(taken[name].text) for name in secret if name in taken}
    said = " ".join(raw.get(id(word), word.raw) for word in words)
    return redact.without_keys(f"{variable} = {said}" if variable else said)


@dataclass
class _Reader:
    """Lines that are right by themselves, judged together."""

    source: str
    processes: set[str] = field(default_factory=lambda: {FIRST_PROCESS})
    variables: set[str] = field(default_factory=set)

    def script(self, lines: list[Line]) -> Script:
        if not lines:
            raise ScriptError(self.source, None, "there is no command in it")
        set_up: dict[str, Line] = {}
        first = next((n for n, one in enumerate(lines) if one.command.name not in SET_UP), None)
        acting = [] if first is None else lines[first:]
        for line in lines[: len(lines) - len(acting)]:
            if line.command.name in set_up:
                self._refuse(line, f"the {line.command.name} was given before")
            if line.expected is not None:
                self._refuse(line, f"{line.command.name} has no answer to expect")
            set_up[line.command.name] = line
        if not acting:
            raise ScriptError(self.source, None, "it sets up, and no command follows")
        design = set_up.get("design")
        return Script(
            self.source,
            None if design is None else design.command["design"],
            None if design is None else design.number,
            set_up.get("machine"),
            tuple(self._judged(acting)),
        )

    def _judged(self, lines: list[Line]) -> Iterator[Line]:
        following = iter(lines)
        for line in following:
            if line.command.name == "race":
                yield self._race(line, following)
            elif line.command.name == "end":
                self._refuse(line, "there is no race that ends here")
            else:
                self._judge(line)
                yield line

    def _race(self, opening: Line, following: Iterator[Line]) -> Line:
        body: list[Line] = []
        processes, variables = set(self.processes), set(self.variables)
        if opening.expected is not None:
            self._refuse(opening, "what a race answers is expected where it ends")
        for line in following:
            if line.command.name == "end":
                break
            if line.command.name not in WITHIN_A_RACE:
                self._refuse(line, f"{line.command.name} cannot be in a race")
            if line.expected is not None or line.variable is not None:
                self._refuse(line, "a line of a race has no answer of its own")
            self._judge(line)
            body.append(line)
        else:
            self._refuse(opening, "the race has no end")
        if sum(one.command.name != "as" for one in body) < 2:
            self._refuse(opening, "a race needs two lines or more")
        # A race is a question: what it makes is gone after it.
        self.processes, self.variables = processes, variables
        self._judge_variable(line, line.expected.value if line.expected else None)
        return replace(opening, expected=line.expected, body=tuple(body), end=line.number)

    def _judge(self, line: Line) -> None:
        name, values = line.command.name, line.command.values
        if name in SET_UP:
            self._refuse(line, f"{name} comes after the first command")
        if name in ("process", "fork"):
            if values["name"] in self.processes:
                self._refuse(line, f"process {values['name']} exists already")
            self.processes.add(values["name"])
        if name == "as" and values["name"] not in self.processes:
            known = sorted(self.processes)
            self._refuse(
                line, f"unknown process {values['name']!r}{nearest(values['name'], known)}"
            )
        wanted = line.expected.value if line.expected is not None else None
        for used in (*values.values(), wanted):
            self._judge_variable(line, used)
        if line.variable is not None:
            self.variables.add(line.variable)

    def _judge_variable(self, line: Line, used: Any) -> None:
        if isinstance(used, Variable) and used.name not in self.variables:
            known = [f"${name}" for name in sorted(self.variables)]
            hint = nearest(f"${used.name}", known) if known else ""
            self._refuse(line, f"no line before gives ${used.name}{hint}")

    def _refuse(self, line: Line, fact: str) -> NoReturn:
        raise ScriptError(self.source, line.number, fact)
