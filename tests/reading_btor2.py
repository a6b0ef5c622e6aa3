"""What a BTOR2 file means, read by the paper's text alone: nothing here knows who wrote it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

BINARY = {
    "and": lambda a, b, _: a & b,
    "or": lambda a, b, _: a | b,
    "xor": lambda a, b, _: a ^ b,
    "eq": lambda a, b, _: int(a == b),
    "ult": lambda a, b, _: int(a < b),
    "add": lambda a, b, _: a + b,
    "sub": lambda a, b, _: a - b,
    "mul": lambda a, b, _: a * b,
    "sll": lambda a, b, _: a << b,
    "srl": lambda a, b, _: a >> b,
    "concat": lambda a, b, width: a << width | b,
}


@dataclasses.dataclass
class Btor2:
    """A file: lines by number, and what is said of states, by their symbols."""

    widths: dict[int, int]
    lines: dict[int, tuple[str, int, list[str]]]
    states: dict[str, int]
    inputs: dict[str, int]
    init: dict[int, int]
    next: dict[int, int]
    constraints: list[int]
    bad: list[int]

    def values(self, state: Mapping[str, int], inputs: Mapping[str, int]) -> dict[int, int]:
        """The value of each line at one moment."""
        found = {number: state[name] for name, number in self.states.items()}
        found |= {number: inputs[name] for name, number in self.inputs.items()}
        for number, (word, width, arguments) in self.lines.items():
            found[number] = self._value(word, width, arguments, found) & ((1 << width) - 1)
        return found

    def _value(self, word: str, width: int, arguments: list[str], found: dict[int, int]) -> int:
        if word == "constd":
            return int(arguments[0])
        first = found[int(arguments[0])]
        if word == "slice":
            return first >> int(arguments[2])
        if word == "uext":
            return first
        if word == "not":
            return ~first
        second = found[int(arguments[1])]
        if word == "ite":
            return second if first else found[int(arguments[2])]
        return BINARY[word](first, second, self._width(int(arguments[1])))

    def _width(self, number: int) -> int:
        declared = {*self.states.values(), *self.inputs.values()}
        return self.widths[number] if number in declared else self.lines[number][1]

    def after(self, state: Mapping[str, int], inputs: Mapping[str, int]) -> dict[str, int]:
        """The next state."""
        values = self.values(state, inputs)
        return {name: values[self.next[number]] for name, number in self.states.items()}


def read(text: str) -> Btor2:
    """The file of that text."""
    file = Btor2({}, {}, {}, {}, {}, {}, [], [])
    sorts: dict[int, int] = {}
    last = 0
    for line in text.splitlines():
        if line.startswith(";"):
            continue
        first, word, *rest = line.split()
        number = int(first)
        assert number > last, "numbers grow"
        last = number
        if word == "sort":
            assert rest[0] == "bitvec"
            sorts[number] = int(rest[1])
        elif word in ("state", "input"):
            sort, name = rest
            known = file.states if word == "state" else file.inputs
            assert name not in {**file.states, **file.inputs}
            known[name] = number
            file.widths[number] = sorts[int(sort)]
        elif word in ("init", "next"):
            sort, state, value = map(int, rest)
            assert file.widths[state] == sorts[sort]
            assert word == "next" or value < state, "an init is given before its state"
            getattr(file, word)[state] = value
        elif word in ("bad", "constraint"):
            (file.bad if word == "bad" else file.constraints).append(int(rest[0]))
        else:
            file.lines[number] = word, sorts[int(rest[0])], rest[1:]
    return file
