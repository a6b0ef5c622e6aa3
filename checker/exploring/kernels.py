"""What a system's machine code is made from: a module of loops over states, as text for Numba.

The straight-line code in the loops is that of `emit`, read with every number as an unsigned word of
64 bits. Around it stand a few lines that take a state's words apart and put successors together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import z3

from checker.exploring.emit import Emitter
from checker.exploring.instances import Instance
from checker.exploring.packed import Packing
from checker.systems.system import Term, Variable

LINES_MAX = 400
"""How long one function gets: a compiler's time grows faster than the text it reads."""

_INDENT = " " * 8


@dataclasses.dataclass(frozen=True)
class Part:
    """A function of the module that expands some of the instances, from `first` on."""

    name: str
    first: int
    instances: int
    writes: int


@dataclasses.dataclass(frozen=True)
class Kernels:
    """The module's text, and its functions: the parts, and `judge` and `represent` where needed.

    A part is called with states, the rows to begin and to end with, room for successors, the count
    of transitions of each instance, marks for each claim and row, and for each claim whether its
    premise has been reached. It stops when the room could be too small, and returns the row that
    it did not expand and the number of successors. `lines` says how much there is to compile.
    """

    text: str
    parts: tuple[Part, ...]
    judge: bool
    represent: bool
    lines: int


class _Writer:
    """Collects the functions of a module and the numbers that they use."""

    def __init__(self, packing: Packing, variables: Sequence[Variable]) -> None:
        self.packing = packing
        self.inputs = [variable.term for variable in variables]
        self._is_bool = [variable.is_bool for variable in variables]
        self.constants: set[int] = set()
        self.functions: list[str] = []

    def emitter(self, prefix: str) -> Emitter:
        return Emitter(self.inputs, prefix)

    def number(self, value: int) -> str:
        self.constants.add(value)
        return f"c{value}"

    def note(self, *emitters: Emitter) -> list[str]:
        """The lines that give the inputs of the emitted code their values."""
        reads: set[int] = set()
        for emitter in emitters:
            self.constants |= emitter.constants
            reads |= emitter.reads
        lines = [f"w{word} = words[i, {word}]" for word in range(self.packing.words)]
        for place in sorted(reads):
            field = self.packing.fields[place]
            raw = f"(w{field.word} >> {self.number(field.shift)}) & {self.number(field.mask)}"
            lines.append(
                f"x{place} = ({raw}) == {self.number(1)}"
                if self._is_bool[place]
                else f"x{place} = {raw}"
            )
        return lines

    def written(self, changes: Sequence[tuple[int, str]]) -> list[str]:
        """Assignments of the changed words of a successor to v0, v1, …: place and value each."""
        clear = [(1 << 64) - 1] * self.packing.words
        fixed = [0] * self.packing.words
        moving: list[list[str]] = [[] for _ in range(self.packing.words)]
        for place, value in changes:
            field = self.packing.fields[place]
            clear[field.word] &= ~(field.mask << field.shift)
            if value[0].islower():
                text = f"number({value})" if self._is_bool[place] else value
                moving[field.word].append(f"({text} << {self.number(field.shift)})")
            else:
                known = {"True": 1, "False": 0}.get(value)
                fixed[field.word] |= (int(value) if known is None else known) << field.shift
        return [
            f"v{word} = "
            + " | ".join(
                [f"(w{word} & {self.number(clear[word])})"]
                + ([self.number(fixed[word])] if fixed[word] else [])
                + moving[word]
            )
            for word in range(self.packing.words)
            if clear[word] != (1 << 64) - 1
        ]

    def changed_words(self, instance: Instance) -> list[int]:
        return sorted({self.packing.fields[place].word for place, _ in instance.updates})

    def module(self) -> str:
        head = ["import numpy as np", "", "number = np.uint64"]
        head += [f"c{value} = np.uint64({value})" for value in sorted(self.constants)]
        return "\n".join([*head, "", "", *self.functions])


def kernels(
    packing: Packing,
    variables: Sequence[Variable],
    found: Sequence[Instance],
    judged: Sequence[tuple[Term, Term]],
    representative: Sequence[Term] | None = None,
) -> Kernels:
    """The module for some instances; `judged` has each claim's state formula and state premise."""
    writer = _Writer(packing, variables)
    parts: list[Part] = []
    first = 0
    while first < len(found):
        part, text = _expanding(writer, found, first, f"expand_{len(parts)}")
        parts.append(part)
        writer.functions.append(text)
        first += part.instances
    wanted = any(not z3.is_true(state) or not z3.is_false(premise) for state, premise in judged)
    if wanted:
        writer.functions.append(_judging(writer, judged))
    if representative is not None:
        writer.functions.append(_representing(writer, representative))
    text = writer.module()
    return Kernels(text, tuple(parts), wanted, representative is not None, text.count("\n"))


def _expanding(
    writer: _Writer, found: Sequence[Instance], first: int, name: str
) -> tuple[Part, str]:
    """A function for as many instances, from `first` on, as its length allows."""
    blocks: list[str] = []
    emitters: list[Emitter] = []
    last = first
    while last < len(found) and (last == first or len(blocks) < LINES_MAX):
        effect = writer.emitter("u")
        blocks += _instance(writer, effect, found[last], last, f"g{last - first}")
        emitters.append(effect)
        last += 1
    guards = writer.emitter("t")
    results = guards.emit([instance.guard for instance in found[first:last]])
    decoded = writer.note(guards, *emitters)
    named = [f"g{i} = {result}" for i, result in enumerate(results)]
    writes = sum(bool(instance.updates) for instance in found[first:last])
    body = [*decoded, *guards.lines, *named, *blocks, "i += 1"]
    lines = [
        f"def {name}(words, start, stop, out, fired, marks, premises):",
        "    i = start",
        "    n = 0",
        f"    room = out.shape[0] - {writes}",
        "    while i < stop and n <= room:",
        *(_INDENT + line for line in body),
        "    return i, n",
        "",
        "",
    ]
    return Part(name, first, last - first, writes), "\n".join(lines)


def _instance(
    writer: _Writer, effect: Emitter, instance: Instance, number: int, guard: str
) -> list[str]:
    """What is done where the instance's guard is true: count, judge, and write the successor."""
    formulas = [
        (term, f"marks[{claim}, i] = True" if negated else f"premises[{claim}] = True", negated)
        for terms, negated in ((instance.steps, True), (instance.premises, False))
        for claim, term in enumerate(terms)
        if term is not None
    ]
    results = effect.emit([*(term for _, term in instance.updates), *(f[0] for f in formulas)])
    values, truths = results[: len(instance.updates)], results[len(instance.updates) :]
    judged = []
    for (_, what, negated), truth in zip(formulas, truths, strict=True):
        judged += [f"if {truth} == {not negated}:", f"    {what}"]
    changes = [(place, value) for (place, _), value in zip(instance.updates, values, strict=True)]
    put: list[str] = []
    if changes:
        touched = writer.changed_words(instance)
        put = writer.written(changes)
        put += [
            f"out[n, {word}] = {'v' if word in touched else 'w'}{word}"
            for word in range(writer.packing.words)
        ]
        # A step that changes nothing is counted, but leads nowhere.
        differ = " or ".join(f"v{word} != w{word}" for word in touched)
        put += [f"if {differ}:", "    n += 1"]
    inner = [f"fired[{number}] += 1", *effect.lines, *judged, *put]
    return [f"if {guard}:", *("    " + line for line in inner)]


def _judging(writer: _Writer, judged: Sequence[tuple[Term, Term]]) -> str:
    emitter = writer.emitter("t")
    formulas = [
        (term, f"marks[{claim}, i] = True" if negated else f"premises[{claim}] = True", negated)
        for claim, pair in enumerate(judged)
        for term, negated in zip(pair, (True, False), strict=True)
        if not (z3.is_true(term) if negated else z3.is_false(term))
    ]
    results = emitter.emit([term for term, _, _ in formulas])
    body = [*writer.note(emitter), *emitter.lines]
    for (_, what, negated), result in zip(formulas, results, strict=True):
        body += [f"if {result} == {not negated}:", f"    {what}"]
    return "\n".join(
        [
            "def judge(words, marks, premises):",
            "    for i in range(words.shape[0]):",
            *(_INDENT + line for line in body),
            "",
            "",
        ]
    )


def _representing(writer: _Writer, representative: Sequence[Term]) -> str:
    emitter = writer.emitter("t")
    places = [
        place for place, term in enumerate(representative) if not term.eq(writer.inputs[place])
    ]
    results = emitter.emit([representative[place] for place in places])
    changes = list(zip(places, results, strict=True))
    assigned = writer.written(changes)
    touched = sorted({writer.packing.fields[place].word for place in places})
    body = [
        *writer.note(emitter),
        *emitter.lines,
        *assigned,
        *(f"words[i, {word}] = v{word}" for word in touched),
    ]
    return "\n".join(
        [
            "def represent(words, count):",
            "    for i in range(count):",
            *(_INDENT + line for line in body),
            "",
            "",
        ]
    )
