"""Decides what a script says: its lines in order, read and judged before any of them runs.

One command a line, in words as a shell splits them; ``#`` begins a comment. A line may begin with
``NAME =`` to keep what its command gives, and end in ``=> EXPECTED``. What can be known to be wrong
from the text alone is refused here, with the number of the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

from designs import nearest
from mktme.simulation import redact
from mktme.simulation.expectations import COUNTED
from mktme.simulation.language import (
    AFTER_A_RESET,
    OF_A_PROCESS,
    SET_UP,
    SHOWN_AFTER_A_RESET,
    WITHIN_A_RACE,
    answers_of,
)
from mktme.simulation.lines import Line, read_line
from mktme.simulation.values import BadLine, Variable

FIRST_PROCESS: Final = "root"


class ScriptError(Exception):
    """A script is refused, with its name and the number of the line."""

    def __init__(self, source: str, number: int | None, fact: str) -> None:
        where = source if number is None else f"{source}:{number}"
        super().__init__(f"{where}: {redact.without_keys(fact)}")


@dataclass(frozen=True)
class Script:
    """A script from ``source``: what it sets up (None where it does not say), and its lines.

    ``design``: its text, and ``design_line`` the line's number. ``secrets``: the keys in it.
    """

    source: str
    design: str | None
    design_line: int | None
    machine: Line | None
    lines: tuple[Line, ...]
    secrets: redact.Secrets


def script(source: str, text: str) -> Script:
    """Read a script. Raises ScriptError."""
    found, secrets = [], redact.Secrets()
    for number, written in enumerate(text.split("\n"), 1):
        try:
            one = read_line(number, written)
        except BadLine as fact:
            raise ScriptError(source, number, str(fact)) from None
        if one is not None:
            one.tell(secrets)
            found.append(one)
    return _Reader(source, secrets).script([one.shown(secrets) for one in found])


@dataclass
class _Reader:
    """Lines that are right by themselves, judged together.

    ``exited``: process -> the line in which it exits. ``reset``: the line of the first reset.
    """

    source: str
    secrets: redact.Secrets
    processes: set[str] = field(default_factory=lambda: {FIRST_PROCESS})
    variables: set[str] = field(default_factory=set)
    current: str = FIRST_PROCESS
    exited: dict[str, int] = field(default_factory=dict)
    reset: int | None = None

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
            self.secrets,
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
                if line.command.name == "exit":
                    self.exited[self.current] = line.number
                if line.command.name == "reset":
                    self.reset = line.number
                yield line

    def _race(self, opening: Line, following: Iterator[Line]) -> Line:
        body: list[Line] = []
        processes, variables, current = set(self.processes), set(self.variables), self.current
        self._judge_kernel(opening)
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
        self.processes, self.variables, self.current = processes, variables, current
        self._judge_answer(line, "a race")
        return replace(opening, expected=line.expected, body=tuple(body), end=line.number)

    def _judge(self, line: Line) -> None:
        name, values = line.command.name, line.command.values
        if name in SET_UP:
            self._refuse(line, f"{name} comes after the first command")
        self._judge_kernel(line)
        if name in ("process", "fork"):
            if values["name"] in self.processes:
                self._refuse(line, f"process {values['name']} exists already")
            self.processes.add(values["name"])
        if name in OF_A_PROCESS and self.current in self.exited:
            fact = f"has exited in line {self.exited[self.current]}"
            self._refuse(line, f"process {self.current} {fact}")
        if name == "as":
            self._judge_process(line, values["name"])
            self.current = values["name"]
        for used in values.values():
            self._judge_variable(line, used)
        self._judge_answer(line, name)
        if line.variable is not None:
            self.variables.add(line.variable)

    def _judge_kernel(self, line: Line) -> None:
        """After a reset there is no kernel."""
        name = line.command.name
        if self.reset is None:
            return
        if name not in AFTER_A_RESET:
            self._refuse(
                line, f"there is no kernel for {name} since the reset in line {self.reset}"
            )
        if name == "show" and line.command["what"] not in SHOWN_AFTER_A_RESET:
            fact = f"there is no kernel to look at since the reset in line {self.reset}"
            self._refuse(line, f"{fact}; left to show: {', '.join(sorted(SHOWN_AFTER_A_RESET))}")

    def _judge_process(self, line: Line, name: str) -> None:
        if name not in self.processes:
            self._refuse(line, f"unknown process {name!r}{nearest(name, sorted(self.processes))}")

    def _judge_answer(self, line: Line, name: str) -> None:
        """An expectation must be one that the command can meet."""
        wanted = line.expected
        if wanted is None:
            return
        self._judge_variable(line, wanted.value)
        known = answers_of(line.command)
        if wanted.kind not in known:
            said = [f"a count of {kind}" if kind in COUNTED else kind for kind in known]
            self._refuse(line, f"{name} never answers {wanted.shown}; it answers {', '.join(said)}")

    def _judge_variable(self, line: Line, used: Any) -> None:
        if isinstance(used, Variable) and used.name not in self.variables:
            known = [f"${name}" for name in sorted(self.variables)]
            hint = nearest(f"${used.name}", known) if known else ""
            self._refuse(line, f"no line before gives ${used.name}{hint}")

    def _refuse(self, line: Line, fact: str) -> NoReturn:
        raise ScriptError(self.source, line.number, fact)
