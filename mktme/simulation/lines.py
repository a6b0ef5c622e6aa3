"""Decides what one line of a script says, by itself: a variable, a command, an expectation."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from mktme.simulation import redact
from mktme.simulation.commands import command
from mktme.simulation.expectations import Expected, expected
from mktme.simulation.forms import Command
from mktme.simulation.kinds import NAME, SECRET_KINDS
from mktme.simulation.language import GIVING
from mktme.simulation.values import BadLine, Word

LINE_MAX: Final = 1 << 16
"""Signs in a line. Nobody types more, and judging a line takes more than linear time."""

# A word: a run of plain signs, escaped signs and quoted pieces.
WORD: Final = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""")
QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")
SPACE: Final = re.compile(r"\s*")
TOLD_KINDS: Final = frozenset({"TEXT", "DESC", "RING"})
"""Words that are shown as they are, but for pieces of keys."""


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
class Written:
    """A line before its text may be shown. ``taken``: the words of its parameters."""

    line: Line
    words: list[Word]
    taken: Mapping[str, Word]

    def tell(self, secrets: redact.Secrets) -> None:
        """Add the keys that it gives to the secrets of its script."""
        for kind, word in self._kinds():
            if kind in SECRET_KINDS:
                secrets.payload(word.text)
            elif kind in TOLD_KINDS:
                secrets.text(word.text)

    def shown(self, secrets: redact.Secrets) -> Line:
        """The line with its text, and with fingerprints for key bytes."""
        raw = {
            id(word): redact.payload(word.text) if kind in SECRET_KINDS else secrets.hide(word.raw)
            for kind, word in self._kinds()
            if kind in SECRET_KINDS | TOLD_KINDS
        }
        said = " ".join(raw.get(id(word), word.raw) for word in self.words)
        line = self.line
        wanted = line.expected
        if wanted is not None and wanted.text is not None:
            wanted = replace(wanted, shown=secrets.hide(wanted.shown))
        text = f"{line.variable} = {said}" if line.variable else said
        return replace(line, text=redact.without_keys(text), expected=wanted)

    def _kinds(self) -> list[tuple[str, Word]]:
        parameters = self.line.command.form.parameters
        return [(p.kind, self.taken[p.name]) for p in parameters if p.name in self.taken]


def words_of(text: str) -> list[Word]:
    """The words of a line, without its comment. Raises BadLine."""
    if len(text) > LINE_MAX:
        raise BadLine(f"a line has {LINE_MAX} signs at most")
    if "\0" in text:
        raise BadLine("it has a zero byte")
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


def read_line(number: int, written: str) -> Written | None:
    """Read a line; None if it says nothing. Raises BadLine."""
    words = words_of(written)
    if not words:
        return None
    wanted = None
    _refuse_arrows(words)
    plain = [word.raw for word in words]
    if "=>" in plain:
        at = plain.index("=>")
        wanted = expected(words[at + 1 :])
        words = words[:at]
    variable = None
    if len(words) > 1 and words[1].raw == "=":
        variable = words[0].text
        if not NAME.fullmatch(variable):
            raise BadLine(f"{words[0].quoted} is no name of a variable")
        words = words[2:]
    if not words:
        raise BadLine("there is no command")
    given, taken = command(words)
    if variable is not None and given.name not in GIVING:
        raise BadLine(f"{given.name} gives nothing that a variable could hold")
    return Written(Line(number, "", given, variable, wanted), words, taken)


def _refuse_arrows(words: list[Word]) -> None:
    """An expectation that is not seen as one would be met by everything."""
    for word in words:
        if word.raw != "=>" and "=>" in QUOTED.sub("", word.raw):
            raise BadLine("=> stands alone, with spaces around it; in a text it stands in quotes")
