"""What a Z3 term is as straight-line code: one text that Python, NumPy and Numba read alike.

Booleans become `bool` (or Boolean arrays) and bit-vectors become non-negative `int` (or unsigned
arrays, or machine words). The code has no branches, so that one statement serves one state or a
million: "not" is `x ^ True`, and a choice is arithmetic. Common subterms are computed once.

Three kinds of names have their meaning from the reader: `c5` is the number 5 as the reader writes
it, `number` turns a Boolean into a number, and `x0`, `x1`, … are the inputs. With Python's ints
`c5` is 5; NumPy and Numba need unsigned scalars, since an unsigned number and Python's signed 1
would make something else than an unsigned number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import z3

from checker.systems.deadlines import is_over
from checker.systems.finite import OutOfTime
from checker.systems.system import Term


class CompileError(ValueError):
    """A term that cannot become code; the message names its operator or its unknown input."""


class Emitter:
    """Turns terms into assignments. Names of temporaries are used again after their last use.

    `lines` are the assignments, `reads` the positions of the inputs that they look at, and
    `constants` the numbers n that they (and `constant`) call c<n>. Temporaries begin with `prefix`.
    """

    def __init__(self, inputs: Sequence[Term], prefix: str = "t") -> None:
        self._inputs = {term.decl().name(): i for i, term in enumerate(inputs)}
        self._prefix = prefix
        self.lines: list[str] = []
        self.reads: set[int] = set()
        self.constants: set[int] = set()
        self._free: list[str] = []
        self._names = 0

    def emit(self, terms: Sequence[Term], deadline: float | None = None) -> list[str]:
        """Add the code for the terms; the results are what to write for each of them.

        A result is a name, or a literal of Python (`True`, `5`). A second call may overwrite the
        results of the first. Raises OutOfTime after the deadline, a moment of `time.monotonic`.
        """
        order = list(postorder(terms, deadline))
        arguments = [[child.get_id() for child in children] for _, children in order]
        last_use = {number: i for i, numbers in enumerate(arguments) for number in numbers}
        last_use |= {term.get_id(): len(order) for term in terms}
        operands: dict[int, str] = {}
        for i, ((term, _), numbers) in enumerate(zip(order, arguments, strict=True)):
            written = [operands[number] for number in numbers]
            done = {operands[number] for number in numbers if last_use[number] == i}
            operands[term.get_id()] = self._operand(term, written, sorted(done))
        return [operands[term.get_id()] for term in terms]

    def constant(self, value: int) -> str:
        """The name of a number."""
        self.constants.add(value)
        return f"c{value}"

    def _operand(self, term: Term, written: list[str], done: list[str]) -> str:
        if not written:
            if _is_literal(term):
                return _literal(term)
            if term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                return self._input(term)
        if all(not self._is_name(text) for text in written):
            folded = z3.simplify(term)  # so that in NumPy's reading every operation has an array
            if _is_literal(folded):
                return _literal(folded)
        operands = [self.constant(int(text)) if text.isdigit() else text for text in written]
        expressions = _expressions(term, operands, self.constant)
        self._free += [name for name in done if self._is_name(name) and name[0] != "x"]
        if self._free:
            name = self._free.pop()
        else:
            name = f"{self._prefix}{self._names}"
            self._names += 1
        # A name that is free again may be an operand of the later pieces of a long chain, so only
        # a term that is one expression may overwrite an operand.
        if len(expressions) > 1 and name in written:
            self._free.append(name)
            name = f"{self._prefix}{self._names}"
            self._names += 1
        for expression in expressions:
            self.lines.append(f"{name} = {expression.replace('@', name)}")
        return name

    @staticmethod
    def _is_name(text: str) -> bool:
        return text[0].islower()

    def _input(self, term: Term) -> str:
        name = term.decl().name()
        if name not in self._inputs:
            raise CompileError(f"{term} is not one of the inputs")
        self.reads.add(self._inputs[name])
        return f"x{self._inputs[name]}"


def postorder(
    terms: Sequence[Term], deadline: float | None = None
) -> Iterator[tuple[Term, list[Term]]]:
    """Every distinct subterm with its arguments, arguments before what uses them.

    Raises OutOfTime after the deadline, which is looked at before each of the terms.
    """
    kept: dict[int, Term] = {}  # holds each visited term: z3 recycles the ids of dead ones
    for root in terms:
        if is_over(deadline):
            raise OutOfTime("out of time while terms were made code")
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


def widest(terms: Sequence[Term], deadline: float | None = None) -> int:
    """The greatest width, in bits, of a bit-vector that occurs in the terms (at least 1).

    Raises OutOfTime.
    """
    return widest_in(postorder(terms, deadline))


def widest_in(order: Iterable[tuple[Term, list[Term]]]) -> int:
    """The same of terms that have been put in order."""
    return max((term.size() for term, _ in order if z3.is_bv(term)), default=1)


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
    z3.Z3_OP_BNEG: "({zero} - {0}) & {mask}",
    z3.Z3_OP_BNOT: "{0} ^ {mask}",
    z3.Z3_OP_ZERO_EXT: "{0}",
    z3.Z3_OP_BLSHR: "({0} >> {1} * number({1} < {width})) * number({1} < {width})",
    z3.Z3_OP_BSHL: "(({0} << {1} * number({1} < {width})) * number({1} < {width})) & {mask}",
}
_SIGNED = {z3.Z3_OP_SLT, z3.Z3_OP_SLEQ, z3.Z3_OP_SGT, z3.Z3_OP_SGEQ}


_Naming = Callable[[int], str]


def _expressions(term: Term, args: list[str], constant: _Naming) -> list[str]:
    """The expressions to assign one after another; `@` is the value of the one before."""
    kind = term.decl().kind()
    if kind in _CHAINED:
        if not args:
            return [str(kind == z3.Z3_OP_AND)]
        sign = f" {_CHAINED[kind]} "
        pieces = [args[i : i + _CHAIN] for i in range(0, len(args), _CHAIN)]
        chain = [sign.join(["@", *piece] if i else piece) for i, piece in enumerate(pieces)]
        if kind in (z3.Z3_OP_BADD, z3.Z3_OP_BMUL):
            return [f"({expression}) & {constant(_mask(term))}" for expression in chain]
        return chain
    if kind == z3.Z3_OP_DISTINCT:
        pairs = [f"({a} != {b})" for i, a in enumerate(args) for b in args[:i]]
        return [" & ".join(pairs[:_CHAIN])] + [
            " & ".join(["@", *pairs[i : i + _CHAIN]]) for i in range(_CHAIN, len(pairs), _CHAIN)
        ]
    if kind in _COMPARED:
        flip = f" ^ {constant(1 << (term.arg(0).size() - 1))}" if kind in _SIGNED else ""
        return [f"({args[0]}{flip}) {_COMPARED[kind]} ({args[1]}{flip})"]
    return [_expression(term, kind, args, constant)]


def _expression(term: Term, kind: int, args: list[str], constant: _Naming) -> str:
    """One expression for an operator with a fixed number of arguments."""
    if kind == z3.Z3_OP_ITE:
        yes, joined = (args[0], "&") if z3.is_bool(term) else (f"number({args[0]})", "*")
        return f"{args[2]} ^ ({yes} {joined} ({args[1]} ^ {args[2]}))"
    if kind == z3.Z3_OP_EXTRACT:
        high, low = term.params()
        return f"({args[0]} >> {constant(low)}) & {constant((1 << (high - low + 1)) - 1)}"
    if kind == z3.Z3_OP_SIGN_EXT:
        sign = constant(1 << (term.arg(0).size() - 1))
        return f"(({args[0]} ^ {sign}) - {sign}) & {constant(_mask(term))}"
    if kind == z3.Z3_OP_CONCAT:
        return _concatenation(term, args, constant)
    if kind not in _FORMS or len(args) > 2:
        raise CompileError(f"no translation of the operator {term.decl().name()!r}")
    form = _FORMS[kind]
    size = term.size() if z3.is_bv(term) else 1
    known = {"zero": 0, "mask": (1 << size) - 1, "width": size}
    named = {word: constant(n) for word, n in known.items() if f"{{{word}}}" in form}
    return form.format(*args, **named)


def _concatenation(term: Term, args: list[str], constant: _Naming) -> str:
    shift = term.size()
    pieces = []
    for child, text in zip(term.children(), args, strict=True):
        shift -= child.size()
        pieces.append(f"({text} << {constant(shift)})")
    return " | ".join(pieces)


def _mask(term: Term) -> int:
    return (1 << int(term.size())) - 1
