"""The blocks of the manual's pages that say something to a machine: files, commands, outputs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

_BLOCK = re.compile(
    r"^(?:<!-- (?P<how>file|append): (?P<file>\S+) -->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

ANY_LINES = "…"

_COUNTS = re.compile(r"[ ]*(\([\d,]+( classes)?\)[ ]*)+")
"""A line with how many states cells took. Which engine is first depends on the machine's speed."""


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file that it belongs to, if it does."""

    language: str
    text: str
    file: str = ""
    is_more: bool = False


def blocks(page: str) -> Iterator[Block]:
    """The blocks that name a language, in order."""
    for found in _BLOCK.finditer(page):
        is_more = found["how"] == "append"
        yield Block(found["language"], found["text"], found["file"] or "", is_more)


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """Each command of a console block, and the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def first_difference(shown: list[str], printed: list[str]) -> str:
    """What is printed otherwise than it is shown; "" if nothing is.

    Blanks at the ends of lines do not count, nor do blank lines at the ends of the output and lines
    of numbers of states. A line of `…` stands for any lines.
    """
    shown, printed = _trimmed(shown), _trimmed(printed)
    at, is_anywhere = 0, False
    for line in shown:
        if line == ANY_LINES:
            is_anywhere = True
            continue
        try:
            found = printed.index(line, at) if is_anywhere else at
        except ValueError:
            return f"nowhere behind line {at}: {line!r}"
        if found >= len(printed) or printed[found] != line:
            got = printed[found] if found < len(printed) else "the end"
            return f"line {found + 1}: {got!r} instead of {line!r}"
        at, is_anywhere = found + 1, False
    if at < len(printed) and not is_anywhere:
        return f"line {at + 1}: {printed[at]!r} instead of the end"
    return ""


def _trimmed(lines: list[str]) -> list[str]:
    kept = [line.rstrip() for line in lines if not _COUNTS.fullmatch(line)]
    text = "\n".join(kept).strip("\n")
    return text.split("\n") if text else []
