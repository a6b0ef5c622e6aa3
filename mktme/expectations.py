"""Decides whether a line's answer is the one that its script expects.

=> ok                  it was not refused, and does not wait for ever
=> ENOKEY              it was refused with this errno
=> #GP                 the processor refused the instruction
=> hangs               it waits for ever
=> "text"              it gives exactly this text
=> 5, => 0x2a, => $k   it gives this number
=> garbage             what was read is neither zeros nor text
=> 3 findings          it gives this number of them; also `no findings`, `some findings`
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from designs import nearest
from impl.errors import KernelError
from mktme.kinds import BadLine, Variable, Word, address

HANGS: Final = "hangs"
OK: Final = "ok"
GARBAGE: Final = "garbage"
GENERAL_PROTECTION: Final = "GP"
WORDS: Final = (OK, HANGS, GARBAGE, GENERAL_PROTECTION)
SOME: Final = -1
COUNTED: Final = (
    "findings",
    "deadlocks",
    "locks",
    "outcomes",
    "keys",
    "pairs",
    "events",
)
KNOWN: Final = f'{", ".join(WORDS)}, an errno name, "text", a number, or such as `no findings`'


@dataclass(frozen=True)
class Answer:
    """What a line answered.

    ``word``: "ok", an errno's name, "hangs", or "GP". ``said``: the value or sentence as people
    read it. ``value``: what a variable would hold. ``text``: what was read, where it is text.
    ``counts``: how many of what were found. ``details``: lines below the answer.
    """

    word: str = OK
    said: str = ""
    value: int | None = None
    text: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    details: tuple[str, ...] = ()

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

    def is_met(self, answer: Answer, value: int | None) -> bool:
        """``value``: the number that is expected, for a variable what it holds."""
        if self.word == GARBAGE:
            return answer.word == OK and answer.said.startswith(GARBAGE)
        if self.word is not None:
            return self.word == answer.word
        if answer.word != OK:
            return False
        if self.text is not None:
            return self.text == (answer.said if answer.text is None else answer.text)
        if self.counted is not None:
            number, what = self.counted
            found = answer.counts.get(what)
            return found is not None and (found > 0 if number == SOME else found == number)
        return answer.value is not None and value == answer.value


def expected(words: Sequence[Word]) -> Expected:
    """Read what follows ``=>``. Raises BadLine."""
    shown = " ".join(word.raw for word in words)
    if len(words) == 2 and not words[0].is_quoted:
        return Expected(shown, counted=_counted(words[0].text, words[1].text))
    if len(words) != 1:
        raise BadLine(f"one answer is expected after =>: {KNOWN}")
    (word,) = words
    if word.is_quoted:
        return Expected(shown, text=word.text)
    if word.text in WORDS or word.text in errno_names():
        return Expected(shown, word=word.text)
    if re.fullmatch(r"E[A-Z0-9]+", word.text):
        raise BadLine(f"unknown errno {word.text}{_near(word.text)}")
    try:
        return Expected(shown, value=address(word.text))
    except ValueError:
        raise BadLine(f"{word.text!r} is no answer; known: {KNOWN}") from None


def _near(name: str) -> str:
    return nearest(name, sorted(errno_names())).partition(";")[0]


def _counted(number: str, what: str) -> tuple[int, str]:
    plural = what if what in COUNTED else f"{what}s"
    if plural not in COUNTED:
        raise BadLine(f"{what!r} cannot be counted{nearest(what, COUNTED)}")
    if number in ("no", "some"):
        return (SOME if number == "some" else 0), plural
    if not re.fullmatch(r"[0-9]+", number):
        raise BadLine(f"{number!r} is no number of {plural}: a number, no or some")
    return int(number), plural


def errno_names() -> frozenset[str]:
    """Every errno that a call may answer with: the kernel's own, and those of this system."""
    found = {KernelError.name, *errno.errorcode.values()}
    left = [KernelError]
    while left:
        below = left.pop().__subclasses__()
        found |= {error.name for error in below}
        left += below
    return frozenset(found)
