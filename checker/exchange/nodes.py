"""What is left of Z3's terms when they are written for others: nodes with few operators.

Each distinct node stands once, after those that it refers to by number, so that whoever names them
writes a text that grows with their number. What Z3 says in other operators is said by these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import z3

from checker.systems.system import Term

Operator = Literal[
    "variable", "constant", "not", "and", "or", "xor", "equal", "choice", "less",
    "add", "subtract", "multiply", "left", "right", "concatenate", "extract", "widen",
]  # fmt: skip
"""On truths and bit-vectors: `variable`, `constant`, `not`, `and`, `or`, `xor`, `equal`, and
`choice` (a truth, then, else). On bit-vectors alone: unsigned `less`, arithmetic modulo 2 ** bits,
shifts `left` and `right` (by the width or more: 0), `concatenate` (highest first), `extract`, and
`widen` by zeros. But for `and`, `or` and `concatenate` the number of arguments is fixed."""


class NotWritable(ValueError):
    """What a format has no words for; the message says in one line what and why."""


@dataclasses.dataclass(frozen=True)
class Node:
    """One operator with its arguments' numbers. `bits` is the width, or 0 for a truth.

    `value` is that of a constant, the lowest bit of an extract, and by how many bits one widens;
    `name` is that of a variable.
    """

    operator: Operator
    bits: int
    arguments: tuple[int, ...] = ()
    value: int = 0
    name: str = ""

    @property
    def is_leaf(self) -> bool:
        """Whether it has no arguments."""
        return not self.arguments


_PLAIN: dict[int, Operator] = {
    z3.Z3_OP_BNOT: "not",
    z3.Z3_OP_ITE: "choice",
    z3.Z3_OP_ULT: "less",
    z3.Z3_OP_BSHL: "left",
    z3.Z3_OP_BLSHR: "right",
    z3.Z3_OP_CONCAT: "concatenate",
}
_CHAINED: dict[int, Operator] = {
    z3.Z3_OP_XOR: "xor",
    z3.Z3_OP_BXOR: "xor",
    z3.Z3_OP_BADD: "add",
    z3.Z3_OP_BSUB: "subtract",
    z3.Z3_OP_BMUL: "multiply",
}
"""What Z3 has with any number of arguments, and is written from left to right, two at a time."""

_JOINED: dict[int, Operator] = {
    z3.Z3_OP_AND: "and",
    z3.Z3_OP_OR: "or",
    z3.Z3_OP_BAND: "and",
    z3.Z3_OP_BOR: "or",
}
_COMPARED = {
    z3.Z3_OP_UGT: (False, True, False),
    z3.Z3_OP_ULEQ: (False, True, True),
    z3.Z3_OP_UGEQ: (False, False, True),
    z3.Z3_OP_SLT: (True, False, False),
    z3.Z3_OP_SGT: (True, True, False),
    z3.Z3_OP_SLEQ: (True, True, True),
    z3.Z3_OP_SGEQ: (True, False, True),
}
"""Comparisons by "is less": whether signed, with arguments exchanged, and with a "not" before."""


class Nodes:
    """The nodes that were made so far, in an order in which arguments come first."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._numbers: dict[Node, int] = {}
        self._read: dict[int, tuple[Term, int]] = {}  # with the term: z3 recycles ids of dead ones

    def __getitem__(self, number: int) -> Node:
        return self._nodes[number]

    def __len__(self) -> int:
        return len(self._nodes)

    def of(self, root: Term) -> int:
        """The number of a term's node. Raises NotWritable on an operator or sort that is not ours.

        Each term is read once.
        """
        stack: list[tuple[Term, list[Term] | None]] = [(root, None)]
        while stack:
            term, children = stack.pop()
            if term.get_id() in self._read:
                continue
            if children is None:
                children = term.children()
                stack.append((term, children))
                stack.extend((child, None) for child in reversed(children))
            else:
                numbers = tuple(self._read[child.get_id()][1] for child in children)
                self._read[term.get_id()] = term, self._term(term, numbers)
        return self._read[root.get_id()][1]

    def add(
        self, operator: Operator, bits: int, *arguments: int, value: int = 0, name: str = ""
    ) -> int:
        """The number of this node, which is made if there is none like it."""
        node = Node(operator, bits, arguments, value, name)
        if node not in self._numbers:
            self._numbers[node] = len(self._nodes)
            self._nodes.append(node)
        return self._numbers[node]

    def negated(self, number: int) -> int:
        """The opposite of a truth."""
        node = self[number]
        if node.operator == "constant":
            return self._constant(0, 1 - node.value)
        return node.arguments[0] if node.operator == "not" else self.add("not", 0, number)

    def conjuncts(self, number: int) -> Iterator[int]:
        """What a truth is a conjunction of, looking through negated disjunctions; each once."""
        seen: set[int] = set()
        stack = [(number, True)]
        while stack:
            current, positive = stack.pop()
            node = self[current]
            if node.operator == "not":
                stack.append((node.arguments[0], not positive))
            elif node.operator == ("and" if positive else "or"):
                stack.extend((argument, positive) for argument in reversed(node.arguments))
            elif node != Node("constant", 0, value=int(positive)):
                conjunct = current if positive else self.negated(current)
                if conjunct not in seen:
                    seen.add(conjunct)
                    yield conjunct

    def below(self, roots: Iterable[int]) -> list[int]:
        """The numbers of the roots and of all that they are made of, in order."""
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            number = stack.pop()
            if number not in seen:
                seen.add(number)
                stack.extend(self[number].arguments)
        return sorted(seen)

    def reads(self, number: int) -> frozenset[str]:
        """The names of the variables in a node."""
        return frozenset(self[n].name for n in self.below([number]) if self[n].name)

    def _term(self, term: Term, args: tuple[int, ...]) -> int:
        kind, bits = term.decl().kind(), _bits(term)
        if kind == z3.Z3_OP_UNINTERPRETED and not args:
            return self.add("variable", bits, name=term.decl().name())
        if z3.is_bv_value(term):
            return self._constant(bits, term.as_long())
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return self._constant(0, int(kind == z3.Z3_OP_TRUE))
        if kind in _JOINED:
            return self._joined(_JOINED[kind], bits, args)
        if kind in _CHAINED and args:
            return self._chained(_CHAINED[kind], bits, args)
        if kind == z3.Z3_OP_NOT:
            return self.negated(args[0])
        if kind in (z3.Z3_OP_EQ, z3.Z3_OP_IFF):
            return self._equal(*args)
        if kind in _PLAIN:
            return self.add(_PLAIN[kind], bits, *args)
        if kind in _COMPARED:
            return self._compared(term.arg(0).size(), args, *_COMPARED[kind])
        return self._lowered(term, kind, bits, args)

    def _lowered(self, term: Term, kind: int, bits: int, args: tuple[int, ...]) -> int:
        """An operator that has no node of its own."""
        if kind == z3.Z3_OP_IMPLIES:
            return self._joined("or", 0, (self.negated(args[0]), args[1]))
        if kind == z3.Z3_OP_DISTINCT:
            pairs = [(a, b) for i, a in enumerate(args) for b in args[:i]]
            differ = (self.negated(self._equal(a, b)) for a, b in pairs)
            return self._joined("and", 0, tuple(differ))
        if kind == z3.Z3_OP_BNEG:
            return self.add("subtract", bits, self._constant(bits, 0), args[0])
        if kind == z3.Z3_OP_EXTRACT:
            return self.add("extract", bits, args[0], value=term.params()[1])
        if kind == z3.Z3_OP_ZERO_EXT:
            return self._widened(bits, args[0])
        if kind == z3.Z3_OP_SIGN_EXT:  # turned by half the range, widened, and turned back
            narrow = term.arg(0).size()
            sign = 1 << (narrow - 1)
            turned = self.add("add", narrow, args[0], self._constant(narrow, sign))
            wide = self._widened(bits, turned)
            return self.add("subtract", bits, wide, self._constant(bits, sign))
        raise NotWritable(f"the operator {term.decl().name()!r} is not written for other checkers")

    def _widened(self, bits: int, number: int) -> int:
        more = bits - self[number].bits
        return self.add("widen", bits, number, value=more) if more else number

    def _constant(self, bits: int, value: int) -> int:
        return self.add("constant", bits, value=int(value))

    def _joined(self, operator: Operator, bits: int, args: tuple[int, ...]) -> int:
        args = tuple(dict.fromkeys(args))
        if bits == 0:  # claims are given with the truths that their indices have made
            decisive, neutral = (
                Node("constant", 0, value=int(operator == v)) for v in ("or", "and")
            )
            if any(self[number] == decisive for number in args):
                return self._constant(0, decisive.value)
            args = tuple(number for number in args if self[number] != neutral)
        if len(args) == 1:
            return args[0]
        return self.add(operator, bits, *args) if args else self._constant(0, operator == "and")

    def _equal(self, one: int, other: int) -> int:
        if one == other or self[one].operator == self[other].operator == "constant":
            return self._constant(0, one == other)
        return self.add("equal", 0, one, other)

    def _chained(self, operator: Operator, bits: int, args: tuple[int, ...]) -> int:
        first, *others = args
        for other in others:
            first = self.add(operator, bits, first, other)
        return first

    def _compared(
        self, width: int, args: tuple[int, ...], signed: bool, exchanged: bool, negated: bool
    ) -> int:
        if signed:  # turned by half the range, the order of signed numbers is that of unsigned ones
            half = self._constant(width, 1 << (width - 1))
            args = tuple(self.add("add", width, number, half) for number in args)
        less = self.add("less", 0, *(reversed(args) if exchanged else args))
        return self.negated(less) if negated else less


def _bits(term: Any) -> int:
    if z3.is_bool(term):
        return 0
    if z3.is_bv(term):
        return int(term.size())
    raise NotWritable(f"the sort {term.sort()} is neither truths nor bit-vectors")
