"""Decides whether a line's answer is the one that its script expects."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from designs import nearest
from impl.errors import KernelError
from mktme.simulation.kinds import address
from mktme.simulation.values import BadLine, Variable, Word

HANGS: Final = "hangs"
OK: Final = "ok"
GARBAGE: Final = "garbage"
ZEROS: Final = "zeros"
GENERAL_PROTECTION: Final = "GP"
WORDS: Final = (OK, HANGS, GARBAGE, ZEROS, GENERAL_PROTECTION)
ERRNO: Final = "an errno name"
TEXT: Final = '"text"'
NUMBER: Final = "a number"
SOME: Final = -1
COUNTED: Final = (
    "findings",
    "deadlocks",
    "locks",
    "outcomes",
    "keys",
    "pairs",
    "events",
    "pages",
)
KNOWN: Final = f"{', '.join(WORDS)}, {ERRNO}, {TEXT}, {NUMBER}, or such as `no findings`"
MEANINGS: Final = {
    "=> ok": "it was not refused, and does not wait for ever",
    "=> ENOKEY": "it was refused with this errno",
    "=> GP": "the processor refused the instruction (general protection fault)",
    "=> hangs": "it waits for ever",
    '=> "text"': "it gives exactly this text: a read exactly these bytes, where \\0 stands for a"
    " zero byte and \\n, \\t, \\r, \\x1b for control characters",
    "=> 5, => 0x2a, => $k": "it gives this number",
    "=> zeros": "what was read is zero bytes only",
    "=> garbage": "what was read differs from what the script stored there last",
    "=> 3 findings": "it counts so many, and looked for all there is to find; also `no findings`"
    f" and `some findings`; {', '.join(COUNTED)} can be counted",
}
"""Every form of an expectation."""

ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
ESCAPES: Final = {"0": "\0", "n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"'}
ONE_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What a line answered.

    ``word``: "ok", an errno's name, "hangs", or "GP". ``said``: the value or sentence as people
    read it. ``value``: what a variable would hold. ``text``: what was read, where it is text;
    ``looks``: "garbage" or "zeros" where it is that. ``counts``: how many of what were found, and
    ``is_complete``: whether there can be no more. ``details``: lines below the answer. ``record``:
    the same for programs.
    """

    word: str = OK
    said: str = ""
    value: int | None = None
    text: str | None = None
    looks: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    is_complete: bool = True
    details: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.word == OK:
            return self.said or OK
        return f"{self.word}: {self.said}"


@dataclass(frozen=True)
class Expected:
    """What a script expects; exactly one of its fields says it, ``shown`` as it was written."""

    shown: str
    word: str | None = None
    text: str | None = None
    value: int | Variable | None = None
    counted: tuple[int, str] | None = None

    @property
    def kind(self) -> str:
        """Which kind of answer it is."""
        if self.word is not None:
            return self.word if self.word in WORDS else ERRNO
        if self.counted is not None:
            return self.counted[1]
        return TEXT if self.text is not None else NUMBER

    def is_met(self, answer: Answer, value: int | None) -> bool:
        """``value``: the number that is expected, for a variable what it holds."""
        if self.word in (GARBAGE, ZEROS):
            return self.word == answer.looks
        if self.word is not None:
            return self.word == answer.word
        if answer.word != OK:
            return False
        if self.text is not None:
            return self.text == (answer.said if answer.text is None else answer.text)
        if self.counted is not None:
            return self._is_counted(answer, *self.counted)
        return answer.value is not None and value == answer.value

    @staticmethod
    def _is_counted(answer: Answer, number: int, what: str) -> bool:
        found = answer.counts.get(what)
        if found is None:
            return False
        # What was not looked for may be there all the same: only that there is some is certain.
        return found > 0 if number == SOME else found == number and answer.is_complete


def expected(words: Sequence[Word]) -> Expected:
    """Read what follows ``=>``. Raises BadLine."""
    shown = " ".join(word.raw for word in words)
    if len(words) == 2 and not words[0].is_quoted:
        return Expected(shown, counted=_counted(*words))
    if len(words) != 1:
        raise BadLine(f"one answer is expected after =>: {KNOWN}")
    (word,) = words
    if word.is_quoted:
        return Expected(shown, text=_unescaped(word))
    names = {*WORDS, *errno_names()}
    if word.text in names:
        return Expected(shown, word=word.text)
    meant = {name.lower(): name for name in sorted(names)}.get(word.text.lower())
    if meant is not None:
        raise BadLine(f"{word.quoted} is no answer (did you mean {meant}?)")
    if re.fullmatch(r"E[A-Z0-9]{1,20}", word.text):
        raise BadLine(f"unknown errno {word.text}{_near(word.text)}")
    try:
        return Expected(shown, value=address(word.text))
    except ValueError:
        raise BadLine(f"{word.quoted} is no answer; known: {KNOWN}") from None


def _unescaped(word: Word) -> str:
    """Within double quotes answers are written with escapes, and so are expected ones."""
    whole = ONE_QUOTED.fullmatch(word.raw)
    if whole is None:
        return word.text
    return ESCAPE.sub(_escape, whole[1])


def _escape(match: re.Match[str]) -> str:
    said = match[1]
    return chr(int(said[1:], 16)) if len(said) == 3 else ESCAPES.get(said, match[0])


def _near(name: str) -> str:
    return nearest(name, sorted(errno_names())).partition(";")[0]


def _counted(number: Word, what: Word) -> tuple[int, str]:
    plural = what.text if what.text in COUNTED else f"{what.text}s"
    if plural not in COUNTED:
        raise BadLine(f"{what.quoted} cannot be counted{nearest(what.text[:40], COUNTED)}")
    if number.text in ("no", "some"):
        return (SOME if number.text == "some" else 0), plural
    if not re.fullmatch(r"[0-9]{1,9}", number.text):
        raise BadLine(f"{number.quoted} is no number of {plural}: a number, no or some")
    return int(number.text), plural


def errno_names() -> frozenset[str]:
    """Every errno that a call may answer with: the kernel's own, and those of this system."""
    found = {KernelError.name, *errno.errorcode.values()}
    left = [KernelError]
    while left:
        below = left.pop().__subclasses__()
        found |= {error.name for error in below}
        left += below
    return frozenset(found)
