"""What an SMV module means, read by NuSMV's manual alone: nothing here knows who wrote it.

Words are pairs of width and value, truths are Python's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(r"\s*(0ud\d+_\d+|\d+|[A-Za-z_][\w$#]*|::|:=|<<|>>|[-+*()\[\]&|!=<?:;,])")
LEVELS = [["?"], ["|", "xor"], ["&"], ["=", "<"], ["<<", ">>"], ["+", "-"], ["*"], ["::"]]
"""Weakest first, as in section 2.2.3 of the manual, as far as our files need them."""

Value = Any


@dataclasses.dataclass
class Smv:
    """A module: types (0 for boolean, else the width), definitions, and what is said of states."""

    states: dict[str, int]
    inputs: dict[str, int]
    define: dict[str, list[str]]
    init: dict[str, list[str]]
    next: dict[str, list[str]]
    initially: list[list[str]]
    claims: list[list[str]]

    def after(self, state: Mapping[str, Value], inputs: Mapping[str, Value]) -> dict[str, Value]:
        """The next state."""
        reader = Expressions(self, {**state, **inputs})
        return {name: reader.value(tokens) for name, tokens in self.next.items()}

    def is_initial(self, state: Mapping[str, Value]) -> bool:
        """Whether the module may begin in a state."""
        reader = Expressions(self, state)
        given = all(state[name] == reader.value(tokens) for name, tokens in self.init.items())
        return given and all(reader.value(tokens) for tokens in self.initially)

    def holds(self, state: Mapping[str, Value]) -> bool:
        """Whether the claims are true of a state."""
        return all(Expressions(self, state).value(tokens) for tokens in self.claims)


class Expressions:
    """Values of expressions where the variables have these; each definition is computed once."""

    def __init__(self, file: Smv, known: Mapping[str, Value]) -> None:
        self._file = file
        self._known = dict(known)

    def value(self, tokens: list[str]) -> Value:
        """What a list of tokens comes to."""
        outer = getattr(self, "_left", None)
        self._left = list(reversed(tokens))
        found = self._level(0)
        assert not self._left, f"left over: {self._left}"
        self._left = outer
        return found

    def _level(self, level: int) -> Value:
        if level == len(LEVELS):
            return self._unary()
        found = self._level(level + 1)
        while self._left and self._left[-1] in LEVELS[level]:
            sign = self._left.pop()
            if sign == "?":
                yes = self._level(0)
                self._take(":")
                no = self._level(0)
                found = yes if found else no
            else:
                found = combined(sign, found, self._level(level + 1))
        return found

    def _unary(self) -> Value:
        if self._left[-1] == "!":
            self._left.pop()
            inner = self._unary()
            if isinstance(inner, bool):
                return not inner
            return inner[0], (1 << inner[0]) - 1 - inner[1]
        found = self._primary()
        while self._left and self._left[-1] == "[":
            self._take("[")
            high = int(self._left.pop())
            self._take(":")
            low = int(self._left.pop())
            self._take("]")
            assert 0 <= low <= high < found[0]
            found = high - low + 1, (found[1] >> low) & ((1 << (high - low + 1)) - 1)
        return found

    def _primary(self) -> Value:
        token = self._left.pop()
        if token == "(":
            found = self._level(0)
            self._take(")")
            return found
        if token == "case":
            return self._case()
        if token == "extend":
            self._take("(")
            width, value = self._level(0)
            self._take(",")
            more = int(self._left.pop())
            self._take(")")
            return width + more, value
        if token in ("TRUE", "FALSE"):
            return token == "TRUE"
        if token.startswith("0ud"):
            width, value = map(int, token[3:].split("_"))
            assert value < 1 << width
            return width, value
        if token.isdigit():
            return int(token)
        if token not in self._known:
            self._known[token] = self.value(self._file.define[token])
        return self._known[token]

    def _case(self) -> Value:
        found = None
        while self._left[-1] != "esac":
            condition = self._level(0)
            self._take(":")
            value = self._level(0)
            self._take(";")
            if condition and found is None:
                found = value
        self._left.pop()
        assert found is not None, "no case applies"
        return found

    def _take(self, token: str) -> None:
        assert token == self._left.pop()


def combined(sign: str, one: Value, other: Value) -> Value:
    """Two values under an operator between them."""
    if sign in ("<<", ">>"):
        width, value = one
        assert 0 <= other <= width, "a shift beyond the width is an error"
        return width, (value << other) & ((1 << width) - 1) if sign == "<<" else value >> other
    if sign == "::":
        return one[0] + other[0], one[1] << other[0] | other[1]
    if isinstance(one, bool):
        assert isinstance(other, bool)
        return {"&": one and other, "|": one or other, "xor": one != other, "=": one == other}[sign]
    width, a = one
    assert width == other[0], "widths differ"
    b = other[1]
    if sign in ("=", "<"):
        return a == b if sign == "=" else a < b
    results = {"&": a & b, "|": a | b, "xor": a ^ b, "+": a + b, "-": a - b, "*": a * b}
    return width, results[sign] & ((1 << width) - 1)


def read(text: str) -> Smv:
    """The module of that text."""
    file = Smv({}, {}, {}, {}, {}, [], [])
    section = ""
    for line in text.splitlines():
        line = line.split("--")[0].strip()
        first = line.split(" ")[0]
        if first in ("MODULE", "VAR", "IVAR", "DEFINE", "ASSIGN", ""):
            section = first or section
        elif first in ("INIT", "INVARSPEC"):
            known = file.initially if first == "INIT" else file.claims
            known.append(tokens_of(line.removeprefix(first).removesuffix(";")))
        elif section in ("VAR", "IVAR"):
            name, kind = line.removesuffix(";").split(" : ")
            width = re.fullmatch(r"unsigned word\[(\d+)\]", kind)
            assert width or kind == "boolean"
            known = file.states if section == "VAR" else file.inputs
            known[name] = int(width[1]) if width else 0
        else:
            name, said = line.removesuffix(";").split(" := ", 1)
            said_of = re.fullmatch(r"(init|next)\((.+)\)", name)
            known = file.define if said_of is None else getattr(file, said_of[1])
            known[said_of[2] if said_of else name] = tokens_of(said)
    return file


def tokens_of(text: str) -> list[str]:
    """The tokens of an expression."""
    found, place = [], 0
    text = text.strip()
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match, f"no token: {text[place : place + 20]!r}"
        found.append(match[1])
        place = match.end()
    return found
