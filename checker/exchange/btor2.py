"""How a system and a claim are written in BTOR2: numbered lines, one for each node.

Of the format are used: `sort bitvec`, `state`, `input`, `init`, `next`, `bad`, `constraint`,
constants, and word operators without division and sign. A truth is one bit. What is true of initial
states beyond values is a constraint on the first moment alone, which a state of its own tells.
Source: Niemetz, Preiner, Wolf, Biere, "BTOR2, BtorMC and Boolector 3.0", CAV 2018.
"""

from __future__ import annotations

from collections.abc import Mapping

from checker.exchange.naming import Names, meaning
from checker.exchange.nodes import Node
from checker.exchange.relation import Relation, relation_of
from checker.exchange.subject import Subject
from checker.systems.system import Variable

HOW = "btormc -kmax 20 FILE, or pono -e ic3bits -k 1000 FILE; sat: the bad state is reached"


def btor2(subject: Subject) -> Mapping[str, str]:
    """The file's text, under its ending. Raises NotWritable."""
    relation = relation_of(subject.system, subject.claim)
    header = subject.header(";", f"To check it: {HOW}.")
    return {".btor2": "\n".join([*header, *_Lines(relation).lines]) + "\n"}


_WORDS = {
    "not": "not",
    "and": "and",
    "or": "or",
    "xor": "xor",
    "equal": "eq",
    "choice": "ite",
    "less": "ult",
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "left": "sll",
    "right": "srl",
    "concatenate": "concat",
}


class _Lines:
    def __init__(self, relation: Relation) -> None:
        self.lines: list[str] = []
        self._relation = relation
        self._names = Names(_symbol)
        self._last = 0
        self._sorts: dict[int, int] = {}
        self._constants: dict[tuple[int, int], int] = {}
        self._places: dict[str, int] = {}
        self._numbers: dict[int, int] = {}
        nodes, following = relation.nodes, relation.following
        self._declare()
        for number in nodes.below([*relation.initially, *following.values(), relation.holds]):
            arguments = [self._numbers[n] for n in nodes[number].arguments]
            self._numbers[number] = self._node(nodes[number], arguments)
        for variable in relation.states:
            value = self._numbers[following[variable.name]]
            self._add(f"next {self._sort_of(variable)} {self._places[variable.name]} {value}")
        self._constrain_first_moment()
        self._add(f"bad {self._not(self._numbers[relation.holds])}")

    def _declare(self) -> None:
        """The variables; the value of an `init` has to stand before its state."""
        relation = self._relation
        for variable in relation.states:
            if variable.name in relation.start:
                self._constant(_width(variable), relation.start[variable.name])
        for variable in relation.states:
            sort, name = self._sort_of(variable), self._named(variable)
            place = self._add(f"state {sort} {name}")
            self._places[variable.name] = place
            if variable.name in relation.start:
                value = self._constant(_width(variable), relation.start[variable.name])
                self._add(f"init {sort} {place} {value}")
        for variable in relation.inputs:
            name = self._named(variable)
            self._places[variable.name] = self._add(f"input {self._sort_of(variable)} {name}")

    def _constrain_first_moment(self) -> None:
        if not self._relation.initially:
            return
        no, yes, sort = self._constant(1, 0), self._constant(1, 1), self._sort(1)
        first = self._add(f"state {sort} {self._names['first moment']}")
        self._add(f"init {sort} {first} {yes}")
        self._add(f"next {sort} {first} {no}")
        for condition in self._relation.initially:
            either = self._add(f"or {sort} {self._not(first)} {self._numbers[condition]}")
            self._add(f"constraint {either}")

    def _named(self, variable: Variable) -> str:
        """A variable's symbol, below a comment on what its numbers mean."""
        name = self._names[variable.name]
        if told := meaning(variable, name):
            self.lines.append(f"; {told}")
        return name

    def _node(self, node: Node, args: list[int]) -> int:
        width = max(1, node.bits)
        if node.operator == "variable":
            return self._places[node.name]
        if node.operator == "constant":
            return self._constant(width, node.value)
        sort = self._sort(width)
        if node.operator == "extract":
            return self._add(f"slice {sort} {args[0]} {node.value + width - 1} {node.value}")
        if node.operator == "widen":
            return self._add(f"uext {sort} {args[0]} {node.value}")
        if node.operator == "concatenate":
            return self._concatenation(node, args)
        word = _WORDS[node.operator]
        if node.operator in ("and", "or"):
            first, *others = args
            for other in others:
                first = self._add(f"{word} {sort} {first} {other}")
            return first
        return self._add(f"{word} {sort} {' '.join(map(str, args))}")

    def _concatenation(self, node: Node, args: list[int]) -> int:
        widths = [self._relation.nodes[n].bits for n in node.arguments]
        first, width = args[0], widths[0]
        for other, more in zip(args[1:], widths[1:], strict=True):
            width += more
            first = self._add(f"concat {self._sort(width)} {first} {other}")
        return first

    def _not(self, place: int) -> int:
        return self._add(f"not {self._sort(1)} {place}")

    def _sort(self, width: int) -> int:
        if width not in self._sorts:
            self._sorts[width] = self._add(f"sort bitvec {width}")
        return self._sorts[width]

    def _sort_of(self, variable: Variable) -> int:
        return self._sort(_width(variable))

    def _constant(self, width: int, value: int) -> int:
        if (width, value) not in self._constants:
            sort = self._sort(width)
            self._constants[width, value] = self._add(f"constd {sort} {value}")
        return self._constants[width, value]

    def _add(self, what: str) -> int:
        self._last += 1
        self.lines.append(f"{self._last} {what}")
        return self._last


def _width(variable: Variable) -> int:
    return 1 if variable.is_bool else int(variable.term.size())


def _symbol(name: str) -> str:
    """A symbol of BTOR2: any text without blanks and semicolons."""
    return "".join("_" if c in "; " or not c.isprintable() else c for c in name) or "_"
