"""What a Z3 term computes, as straight-line code: one text for Python's ints and NumPy's arrays.

Booleans become `bool` (or Boolean arrays) and bit-vectors become non-negative `int` (or unsigned
arrays). The code has no branches, so that one statement serves one state or a million: "not" is
`x ^ True`, and a choice is arithmetic. Common subterms are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import z3

from checker.systems.system import Call, GroundAction, GroundSystem, State, Term


class CompileError(ValueError):
    """A term that cannot become code; the message names its operator or its unknown input."""


class Program:
    """Compiled terms: call it with one value for each input; it gives a tuple of results.

    `reads` has the positions of the inputs that the code looks at: the others may be None. In the
    NumPy reading a result that depends on no input is a plain Python value.
    """

    def __init__(self, text: str, reads: tuple[int, ...], run: Callable[..., tuple[Any, ...]]):
        self.text = text
        self.reads = reads
        self.run = run

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        return self.run(*inputs)


def compile_terms(terms: Sequence[Term], inputs: Sequence[Term], dtype: Any = None) -> Program:
    """Code for the terms, as a function of the inputs (Z3 constants that occur in them).

    Without `dtype` it works on ints and bools (0 and 1 will do for a Boolean). With an unsigned
    NumPy `dtype` it works on arrays of one length: Boolean ones, and ones of that dtype. Raises
    CompileError on an operator that has no translation, on a constant that is no input, and on a
    bit-vector that is wider than `dtype`.
    """
    order = list(_postorder(terms))
    if dtype is not None and _widest(order) > 8 * np.dtype(dtype).itemsize:
        raise CompileError(f"a term has {_widest(order)} bits, more than {np.dtype(dtype)} holds")
    emitter = _Emitter(inputs)
    results = emitter.emit(order, terms)
    arguments = ", ".join(f"x{i}" for i in range(len(inputs)))
    body = "\n    ".join([*emitter.lines, f"return ({''.join(f'{r}, ' for r in results)})"])
    text = f"def run({arguments}):\n    {body}\n"
    # `one` gives the results of comparisons a width when they are multiplied: Python's 1 for ints,
    # an unsigned NumPy scalar for arrays (a Boolean array times a Python int would be signed).
    namespace: dict[str, Any] = {"one": 1 if dtype is None else np.dtype(dtype).type(1)}
    # This is safe: the text is made by this module alone, of its own names x0, t0, …, its own
    # operators, and decimal literals. No name or string of a model ever becomes a part of it.
    exec(compile(text, "<compiled terms>", "exec"), namespace)
    return Program(text, tuple(sorted(emitter.reads)), namespace["run"])


def widest(terms: Sequence[Term]) -> int:
    """The greatest width, in bits, of a bit-vector that occurs in the terms (at least 1)."""
    return _widest(_postorder(terms))


def _widest(order: Iterable[tuple[Term, list[Term]]]) -> int:
    return max((term.size() for term, _ in order if z3.is_bv(term)), default=1)


def _postorder(terms: Sequence[Term]) -> Iterator[tuple[Term, list[Term]]]:
    """Every distinct subterm with its arguments, arguments before what uses them."""
    kept: dict[int, Term] = {}  # holds each visited term: z3 recycles the ids of dead ones
    for root in terms:
        stack: list[tuple[Term, list[Term] | None]] = [(root, None)]
        while stack:
            term, children = stack.pop()
            number = term.get_id()
            if number in kept:
                continue
            if children is not None:
                kept[number] = term
                yield term, children
            else:
                children = term.children()
                stack.append((term, children))
                stack.extend((child, None) for child in reversed(children))


class _Emitter:
    """Turns terms into assignments. Names of temporaries are used again after their last use."""

    def __init__(self, inputs: Sequence[Term]) -> None:
        self._inputs = {term.decl().name(): i for i, term in enumerate(inputs)}
        self.lines: list[str] = []
        self.reads: set[int] = set()
        self._free: list[str] = []
        self._names = 0

    def emit(self, order: list[tuple[Term, list[Term]]], terms: Sequence[Term]) -> list[str]:
        """Add the code for the subterms in order; the results are what to write for the terms."""
        arguments = [[child.get_id() for child in children] for _, children in order]
        last_use = {number: i for i, numbers in enumerate(arguments) for number in numbers}
        last_use |= {term.get_id(): len(order) for term in terms}
        operands: dict[int, str] = {}
        for i, ((term, _), numbers) in enumerate(zip(order, arguments, strict=True)):
            written = [operands[number] for number in numbers]
            done = {operands[number] for number in numbers if last_use[number] == i}
            operands[term.get_id()] = self._operand(term, written, sorted(done))
        return [operands[term.get_id()] for term in terms]

    def _operand(self, term: Term, written: list[str], done: list[str]) -> str:
        if not written:
            if _is_literal(term):
                return _literal(term)
            if term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                return self._input(term)
        if all(text[0] not in "xt" for text in written):
            folded = z3.simplify(term)  # so that in NumPy's reading every operation has an array
            if _is_literal(folded):
                return _literal(folded)
        expressions = _expressions(term, written)
        self._free += [name for name in done if name[0] == "t"]
        if self._free:
            name = self._free.pop()
        else:
            name = f"t{self._names}"
            self._names += 1
        # A name that is free again may be an operand of the later pieces of a long chain, so only
        # a term that is one expression may overwrite an operand.
        if len(expressions) > 1 and name in written:
            self._free.append(name)
            name = f"t{self._names}"
            self._names += 1
        for expression in expressions:
            self.lines.append(f"{name} = {expression.replace('@', name)}")
        return name

    def _input(self, term: Term) -> str:
        name = term.decl().name()
        if name not in self._inputs:
            raise CompileError(f"{term} is not one of the inputs")
        self.reads.add(self._inputs[name])
        return f"x{self._inputs[name]}"


def _is_literal(term: Term) -> bool:
    return bool(z3.is_bv_value(term) or z3.is_true(term) or z3.is_false(term))


def _literal(term: Term) -> str:
    return str(term.as_long()) if z3.is_bv_value(term) else str(z3.is_true(term))


_CHAIN = 32
"""How many operands one expression has at most: Python's compiler recurses over long chains."""

_CHAINED = {
    z3.Z3_OP_AND: "&",
    z3.Z3_OP_OR: "|",
    z3.Z3_OP_XOR: "^",
    z3.Z3_OP_BAND: "&",
    z3.Z3_OP_BOR: "|",
    z3.Z3_OP_BXOR: "^",
    z3.Z3_OP_BADD: "+",
    z3.Z3_OP_BMUL: "*",
}
_COMPARED = {
    z3.Z3_OP_ULT: "<",
    z3.Z3_OP_ULEQ: "<=",
    z3.Z3_OP_UGT: ">",
    z3.Z3_OP_UGEQ: ">=",
    z3.Z3_OP_SLT: "<",
    z3.Z3_OP_SLEQ: "<=",
    z3.Z3_OP_SGT: ">",
    z3.Z3_OP_SGEQ: ">=",
}
# {0} and {1} are the arguments. A shift by the width or more gives 0, which Python's shifts of ints
# and NumPy's of arrays would not agree on, so the distance is 0 there and the result multiplied.
_FORMS = {
    z3.Z3_OP_NOT: "{0} ^ True",
    z3.Z3_OP_EQ: "{0} == {1}",
    z3.Z3_OP_IFF: "{0} == {1}",
    z3.Z3_OP_IMPLIES: "({0} ^ True) | {1}",
    z3.Z3_OP_BSUB: "({0} - {1}) & {mask}",
    z3.Z3_OP_BNEG: "-{0} & {mask}",
    z3.Z3_OP_BNOT: "{0} ^ {mask}",
    z3.Z3_OP_ZERO_EXT: "{0}",
    z3.Z3_OP_BLSHR: "({0} >> {1} * ({1} < {width})) * ({1} < {width})",
    z3.Z3_OP_BSHL: "(({0} << {1} * ({1} < {width})) * ({1} < {width})) & {mask}",
}
_SIGNED = {z3.Z3_OP_SLT, z3.Z3_OP_SLEQ, z3.Z3_OP_SGT, z3.Z3_OP_SGEQ}


def _expressions(term: Term, args: list[str]) -> list[str]:
    """The expressions to assign one after another; `@` is the value of the one before."""
    kind = term.decl().kind()
    if kind in _CHAINED:
        if not args:
            return [str(kind == z3.Z3_OP_AND)]
        sign = f" {_CHAINED[kind]} "
        pieces = [args[i : i + _CHAIN] for i in range(0, len(args), _CHAIN)]
        chain = [sign.join(["@", *piece] if i else piece) for i, piece in enumerate(pieces)]
        if kind in (z3.Z3_OP_BADD, z3.Z3_OP_BMUL):
            return [f"({expression}) & {_mask(term)}" for expression in chain]
        return chain
    if kind == z3.Z3_OP_DISTINCT:
        pairs = [f"({a} != {b})" for i, a in enumerate(args) for b in args[:i]]
        return [" & ".join(pairs[:_CHAIN])] + [
            " & ".join(["@", *pairs[i : i + _CHAIN]]) for i in range(_CHAIN, len(pairs), _CHAIN)
        ]
    if kind in _COMPARED:
        flip = f" ^ {1 << (term.arg(0).size() - 1)}" if kind in _SIGNED else ""
        return [f"({args[0]}{flip}) {_COMPARED[kind]} ({args[1]}{flip})"]
    return [_expression(term, kind, args)]


def _expression(term: Term, kind: int, args: list[str]) -> str:
    """One expression for an operator with a fixed number of arguments."""
    if kind == z3.Z3_OP_ITE:
        yes = args[0] if z3.is_bool(term) else f"{args[0]} * one"
        joined = "&" if z3.is_bool(term) else "*"
        return f"{args[2]} ^ ({yes} {joined} ({args[1]} ^ {args[2]}))"
    if kind == z3.Z3_OP_EXTRACT:
        high, low = term.params()
        return f"({args[0]} >> {low}) & {(1 << (high - low + 1)) - 1}"
    if kind == z3.Z3_OP_SIGN_EXT:
        sign = 1 << (term.arg(0).size() - 1)
        return f"(({args[0]} ^ {sign}) - {sign}) & {_mask(term)}"
    if kind == z3.Z3_OP_CONCAT:
        return _concatenation(term, args)
    if kind not in _FORMS or len(args) > 2:
        raise CompileError(f"no translation of the operator {term.decl().name()!r}")
    width = term.size() if z3.is_bv(term) else 1
    return _FORMS[kind].format(*args, mask=(1 << width) - 1, width=width)


def _concatenation(term: Term, args: list[str]) -> str:
    shift = term.size()
    pieces = []
    for child, text in zip(term.children(), args, strict=True):
        shift -= child.size()
        pieces.append(f"({text} << {shift})")
    return " | ".join(pieces)


def _mask(term: Term) -> int:
    return (1 << int(term.size())) - 1


class _CompiledAction:
    """One action for one state: the guard apart, so that a refused call costs no effect."""

    def __init__(self, system: GroundSystem, action: GroundAction) -> None:
        inputs = [v.term for v in (*system.variables, *action.parameters)]
        self.guard = compile_terms([action.guard], inputs).run
        self.effect = compile_terms([action.answer, *action.updates.values()], inputs).run
        place = {variable.name: i for i, variable in enumerate(system.variables)}
        self.places = tuple(place[name] for name in action.updates)


Successor = Callable[[State, Call], tuple[str, State] | None]


def successor_function(system: GroundSystem) -> Successor:
    """A function from a state and a call to the answer and the next state; None when refused.

    Actions are compiled on first use. Raises KeyError on an unknown action; a parameter out of
    range is refused, as every guard refuses it.
    """
    compiled: dict[str, _CompiledAction] = {}

    def successor(state: State, call: Call) -> tuple[str, State] | None:
        action = compiled.get(call.action)
        if action is None:
            action = compiled[call.action] = _CompiledAction(system, system.action(call.action))
        inputs = (*state, *call.values)
        if not action.guard(*inputs)[0]:
            return None
        answer, *values = action.effect(*inputs)
        after = list(state)
        for place, value in zip(action.places, values, strict=True):
            after[place] = int(value)
        return system.answers[int(answer)], tuple(after)

    return successor
