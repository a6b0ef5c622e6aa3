"""How a system and a claim are written as a plain program, for a checker that knows no Z3.

The program is data for JSON: variables with their sizes, and one list of nodes `[operator, bits,
argument, …]`, each once, after those that it refers to by number; bits are 0 for a truth.

Operators: `var` and `par` (number), `const` (value); on truths and bit-vectors `and or xor eq ite`;
on bit-vectors `ult add mul shl lshr`, and `extract` (argument, lowest bit), which also widens.
Everything else is said by these. A shift by the width or more gives 0; arithmetic is modulo a power
of two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import z3

from checker.systems.property import GroundProperty
from checker.systems.system import GroundAction, GroundSystem, Term, Variable

Node = list[Any]


class NotWritable(ValueError):
    """A term that has no place in a program; the message names its operator."""


def program_of(
    system: GroundSystem, claim: GroundProperty, representative: Sequence[Term] | None = None
) -> dict[str, Any]:
    """The program of a system and of what a claim says of its states and steps.

    `state` and `claimed` are the claim's formulas; `representative` is a value for each variable,
    or null. Updates are pairs of a variable's number and a node. Raises NotWritable.
    """
    writer = _Writer(system)
    place = {variable.name: i for i, variable in enumerate(system.variables)}

    def action_of(action: GroundAction) -> dict[str, Any]:
        claimed = claim.steps.get(action.name)
        updates = sorted((place[name], term) for name, term in action.updates.items())
        return {
            "name": action.name,
            "parameters": [_declared(parameter) for parameter in action.parameters],
            "guard": writer.conjuncts(action.guard),
            "updates": [[number, writer.node(term)] for number, term in updates],
            "claimed": None if claimed is None else writer.node(claimed),
        }

    program: dict[str, Any] = {
        "name": system.name,
        "claim": claim.id,
        "variables": [_declared(variable) for variable in system.variables],
        "initially": writer.conjuncts(system.initially),
        "state": writer.node(claim.state),
        "actions": [action_of(action) for action in system.actions],
        "representative": None,
    }
    if representative is not None:
        program["representative"] = [writer.node(term) for term in representative]
    return {**program, "nodes": writer.nodes}


def _declared(variable: Variable) -> list[Any]:
    """A variable as a program declares it: name, bits (0 for a truth), and number of values."""
    return [variable.name, 0 if variable.is_bool else variable.term.size(), variable.size]


def text_of(program: dict[str, Any]) -> str:
    """The program as JSON, always the same."""
    return json.dumps(program, separators=(",", ":"), sort_keys=True)


_NAMES = {
    z3.Z3_OP_AND: "and",
    z3.Z3_OP_OR: "or",
    z3.Z3_OP_XOR: "xor",
    z3.Z3_OP_EQ: "eq",
    z3.Z3_OP_IFF: "eq",
    z3.Z3_OP_ITE: "ite",
    z3.Z3_OP_BAND: "and",
    z3.Z3_OP_BOR: "or",
    z3.Z3_OP_BXOR: "xor",
    z3.Z3_OP_BADD: "add",
    z3.Z3_OP_BMUL: "mul",
    z3.Z3_OP_BSHL: "shl",
    z3.Z3_OP_BLSHR: "lshr",
}
_LESS = {
    z3.Z3_OP_ULT: "01",
    z3.Z3_OP_UGT: "10",
    z3.Z3_OP_ULEQ: "not 10",
    z3.Z3_OP_UGEQ: "not 01",
    z3.Z3_OP_SLT: "signed 01",
    z3.Z3_OP_SGT: "signed 10",
    z3.Z3_OP_SLEQ: "signed not 10",
    z3.Z3_OP_SGEQ: "signed not 01",
}
"""Comparisons by "is less": of the first and the second, or of the second and the first."""


class _Writer:
    """Turns terms into nodes; each term is read once."""

    def __init__(self, system: GroundSystem) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._read: dict[int, tuple[Term, int]] = {}  # with the term: z3 recycles ids of dead ones
        self._inputs: dict[str, Node] = {}
        for i, variable in enumerate(system.variables):
            self._inputs[variable.term.decl().name()] = ["var", _bits(variable.term), i]
        for action in system.actions:
            for i, parameter in enumerate(action.parameters):
                self._inputs[parameter.term.decl().name()] = ["par", _bits(parameter.term), i]

    def conjuncts(self, formula: Term) -> list[int]:
        """The nodes that must all be true, each once."""
        return sorted({self.node(part) for part in _conjuncts(formula)})

    def node(self, root: Term) -> int:
        """The number of a term's node."""
        stack = [(root, False)]
        while stack:
            term, ready = stack.pop()
            if term.get_id() in self._read:
                continue
            if ready:
                arguments = [self._read[child.get_id()][1] for child in term.children()]
                self._read[term.get_id()] = term, self._term(term, arguments)
            else:
                stack.append((term, True))
                stack.extend((child, False) for child in reversed(term.children()))
        return self._read[root.get_id()][1]

    def _term(self, term: Term, args: list[int]) -> int:
        kind, bits = term.decl().kind(), _bits(term)
        if kind == z3.Z3_OP_UNINTERPRETED and not args:
            return self._input(term)
        if z3.is_bv_value(term):
            return self._constant(bits, term.as_long())
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return self._constant(0, int(kind == z3.Z3_OP_TRUE))
        if kind in (z3.Z3_OP_AND, z3.Z3_OP_OR) and len(args) < 2:
            return args[0] if args else self._constant(0, int(kind == z3.Z3_OP_AND))
        if kind in (z3.Z3_OP_EXTRACT, z3.Z3_OP_ZERO_EXT):
            low = term.params()[1] if kind == z3.Z3_OP_EXTRACT else 0
            return self._add(["extract", bits, args[0], low])
        if kind in _NAMES:
            return self._add([_NAMES[kind], bits, *args])
        if kind in _LESS:
            return self._less(term.arg(0).size(), args, _LESS[kind])
        return self._lowered(term, kind, bits, args)

    def _lowered(self, term: Term, kind: int, bits: int, args: list[int]) -> int:
        """An operator that has no node of its own."""
        if kind in (z3.Z3_OP_NOT, z3.Z3_OP_BNOT):
            return self._flipped(bits, args[0])
        if kind == z3.Z3_OP_IMPLIES:
            return self._add(["or", 0, self._flipped(0, args[0]), args[1]])
        if kind == z3.Z3_OP_DISTINCT:
            pairs = [(a, b) for i, a in enumerate(args) for b in args[:i]]
            differ = [self._flipped(0, self._add(["eq", 0, a, b])) for a, b in pairs]
            return differ[0] if len(differ) == 1 else self._add(["and", 0, *differ])
        if kind == z3.Z3_OP_BNEG:
            return self._negated(bits, args[0])
        if kind == z3.Z3_OP_BSUB:
            return self._add(["add", bits, args[0], *(self._negated(bits, a) for a in args[1:])])
        if kind == z3.Z3_OP_SIGN_EXT:
            sign = self._constant(bits, 1 << (term.arg(0).size() - 1))
            wide = self._add(["xor", bits, self._add(["extract", bits, args[0], 0]), sign])
            return self._add(["add", bits, wide, self._negated(bits, sign)])
        if kind == z3.Z3_OP_CONCAT:
            parts, low = [], bits
            for child, number in zip(term.children(), args, strict=True):
                low -= child.size()
                wide = self._add(["extract", bits, number, 0])
                parts.append(self._add(["shl", bits, wide, self._constant(bits, low)]))
            return self._add(["or", bits, *parts])
        raise NotWritable(f"the operator {term.decl().name()!r} has no place in a program")

    def _add(self, node: Node) -> int:
        key = tuple(node)
        if key not in self._numbers:
            self._numbers[key] = len(self.nodes)
            self.nodes.append(node)
        return self._numbers[key]

    def _constant(self, bits: int, value: int) -> int:
        return self._add(["const", bits, value])

    def _flipped(self, bits: int, number: int) -> int:
        ones = self._constant(bits, (1 << max(1, bits)) - 1)
        return self._add(["xor", bits, number, ones])

    def _negated(self, bits: int, number: int) -> int:
        return self._add(["add", bits, self._flipped(bits, number), self._constant(bits, 1)])

    def _less(self, width: int, args: list[int], how: str) -> int:
        if "signed" in how:
            sign = self._constant(width, 1 << (width - 1))
            args = [self._add(["xor", width, number, sign]) for number in args]
        less = self._add(["ult", 0, *(args if how.endswith("01") else reversed(args))])
        return self._flipped(0, less) if "not" in how else less

    def _input(self, term: Term) -> int:
        name = term.decl().name()
        if name not in self._inputs:
            raise NotWritable(f"{name} is neither a variable nor a parameter")
        return self._add(list(self._inputs[name]))


def _bits(term: Term) -> int:
    if z3.is_bool(term):
        return 0
    if z3.is_bv(term):
        return int(term.size())
    raise NotWritable(f"{term} is neither a truth nor a bit-vector")


def _conjuncts(formula: Term) -> Iterator[Term]:
    """What a formula is a conjunction of, looking through negated disjunctions too."""
    stack: list[tuple[Term, bool]] = [(formula, True)]
    while stack:
        term, positive = stack.pop()
        if z3.is_not(term):
            stack.append((term.arg(0), not positive))
        elif (z3.is_and(term) and positive) or (z3.is_or(term) and not positive):
            stack.extend((child, positive) for child in reversed(term.children()))
        else:
            yield term if positive else z3.Not(term)
