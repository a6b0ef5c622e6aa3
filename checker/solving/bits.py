"""Which Boolean functions a Z3 term's bits are: arithmetic on literals of a circuit.

A number is a tuple of literals, the lowest bit first; a Boolean term is a tuple of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import z3

from checker.exploring.compile import CompileError
from checker.solving.circuit import FALSE, TRUE, Circuit
from checker.systems.system import Term

Bits = tuple[int, ...]


def bits_of_number(value: int, width: int) -> Bits:
    """A number as constant bits."""
    return tuple(TRUE if value >> i & 1 else FALSE for i in range(width))


class Translation:
    """Terms as bits of one circuit, for given bits of the constants that occur in them.

    `inputs` has the bits of each constant by its name. Subterms are translated once. Raises
    CompileError on a constant that is no input, and on an operator that has no translation.
    """

    def __init__(self, circuit: Circuit, inputs: Mapping[str, Bits]) -> None:
        self._circuit = circuit
        self._inputs = inputs
        # Terms are kept with their bits: z3 recycles the ids of terms that nothing holds.
        self._known: dict[int, tuple[Term, Bits]] = {}

    def truth(self, term: Term) -> int:
        """The literal of a Boolean term."""
        (literal,) = self.bits(term)
        return literal

    def bits(self, term: Term) -> Bits:
        """The bits of a term."""
        stack = [(term, False)]
        while stack:
            current, is_ready = stack.pop()
            number = current.get_id()
            if number in self._known:
                continue
            children = current.children()
            if is_ready:
                known = [self._known[child.get_id()][1] for child in children]
                self._known[number] = (current, self._apply(current, known))
            else:
                stack.append((current, True))
                stack += [(child, False) for child in children]
        return self._known[term.get_id()][1]

    def _apply(self, term: Term, known: list[Bits]) -> Bits:
        kind = term.decl().kind()
        if kind == z3.Z3_OP_UNINTERPRETED and not known:
            name = str(term.decl().name())
            if name not in self._inputs:
                raise CompileError(f"{term} is not one of the inputs")
            return self._inputs[name]
        if z3.is_bv_value(term):
            return bits_of_number(int(term.as_long()), int(term.size()))
        if kind == z3.Z3_OP_EXTRACT:
            high, low = term.params()
            return tuple(known[0][low : high + 1])
        if kind in (z3.Z3_OP_ZERO_EXT, z3.Z3_OP_SIGN_EXT):
            filler = FALSE if kind == z3.Z3_OP_ZERO_EXT else known[0][-1]
            return (*known[0], *([filler] * (term.size() - len(known[0]))))
        if kind not in _OPERATORS:
            raise CompileError(f"no translation of the operator {term.decl().name()!r}")
        translate: Operator = _OPERATORS[kind]
        return translate(self._circuit, known)


Operator = Callable[[Circuit, list[Bits]], Bits]


def _truths(args: list[Bits]) -> Iterator[int]:
    return (literal for (literal,) in args)


def equal(circuit: Circuit, left: Bits, right: Bits) -> int:
    """Whether two numbers of one width are equal."""
    return circuit.all_of(circuit.same(a, b) for a, b in zip(left, right, strict=True))


def less(circuit: Circuit, left: Bits, right: Bits, or_equal: bool = False) -> int:
    """Whether a number is less than another, both without sign."""
    answer = TRUE if or_equal else FALSE
    for a, b in zip(left, right, strict=True):
        answer = circuit.choose(circuit.differ(a, b), b, answer)
    return answer


def _compared(swap: bool, or_equal: bool, signed: bool) -> Operator:
    def compare(circuit: Circuit, args: list[Bits]) -> Bits:
        if signed:  # with the sign flipped the order is the one of numbers without a sign
            args = [(*bits[:-1], -bits[-1]) for bits in args]
        left, right = reversed(args) if swap else args
        return (less(circuit, left, right, or_equal),)

    return compare


def _distinct(circuit: Circuit, args: list[Bits]) -> Bits:
    pairs = ((a, b) for i, a in enumerate(args) for b in args[:i])
    return (circuit.all_of(-equal(circuit, a, b) for a, b in pairs),)


def _choice(circuit: Circuit, args: list[Bits]) -> Bits:
    (condition,), yes, no = args
    return tuple(circuit.choose(condition, a, b) for a, b in zip(yes, no, strict=True))


def _sum(circuit: Circuit, left: Bits, right: Bits, carry: int = FALSE) -> Bits:
    total = []
    for a, b in zip(left, right, strict=True):
        one = circuit.differ(a, b)
        total.append(circuit.differ(one, carry))
        carry = circuit.choose(one, carry, a)
    return tuple(total)


def _negated(bits: Bits) -> Bits:
    return tuple(-bit for bit in bits)


def _minus(circuit: Circuit, args: list[Bits]) -> Bits:
    total, *others = args
    for other in others:
        total = _sum(circuit, total, _negated(other), TRUE)
    return total


def _negative(circuit: Circuit, args: list[Bits]) -> Bits:
    return _sum(circuit, bits_of_number(0, len(args[0])), _negated(args[0]), TRUE)


def _plus(circuit: Circuit, args: list[Bits]) -> Bits:
    total, *others = args
    for other in others:
        total = _sum(circuit, total, other)
    return total


def _product(circuit: Circuit, left: Bits, right: Bits) -> Bits:
    total = bits_of_number(0, len(left))
    for i, bit in enumerate(right):
        row = tuple(circuit.all_of((bit, a)) for a in left[: len(left) - i])
        total = _sum(circuit, total, (FALSE,) * i + row)
    return total


def _times(circuit: Circuit, args: list[Bits]) -> Bits:
    total, *others = args
    for other in others:
        total = _product(circuit, total, other)
    return total


def _shifted(left: bool) -> Operator:
    """A shift by a number of places; by the width or more it gives 0."""

    def shift(circuit: Circuit, args: list[Bits]) -> Bits:
        bits, distance = args
        width = len(bits)
        for i, far in enumerate(distance):
            count = min(width, 1 << min(i, width))
            zeros = (FALSE,) * count
            moved = (*zeros, *bits[: width - count]) if left else (*bits[count:], *zeros)
            bits = tuple(circuit.choose(far, a, b) for a, b in zip(moved, bits, strict=True))
        return bits

    return shift


def _bitwise(join: Callable[[Circuit, Sequence[int]], int]) -> Operator:
    def apply(circuit: Circuit, args: list[Bits]) -> Bits:
        return tuple(join(circuit, column) for column in zip(*args, strict=True))

    return apply


def _all(circuit: Circuit, literals: Sequence[int]) -> int:
    return circuit.all_of(literals)


def _any(circuit: Circuit, literals: Sequence[int]) -> int:
    return circuit.any_of(literals)


def _parity(circuit: Circuit, literals: Sequence[int]) -> int:
    answer = FALSE
    for literal in literals:
        answer = circuit.differ(answer, literal)
    return answer


_OPERATORS: Mapping[int, Operator] = {
    z3.Z3_OP_TRUE: lambda circuit, args: (TRUE,),
    z3.Z3_OP_FALSE: lambda circuit, args: (FALSE,),
    z3.Z3_OP_AND: lambda circuit, args: (circuit.all_of(_truths(args)),),
    z3.Z3_OP_OR: lambda circuit, args: (circuit.any_of(_truths(args)),),
    z3.Z3_OP_XOR: _bitwise(_parity),
    z3.Z3_OP_NOT: lambda circuit, args: _negated(args[0]),
    z3.Z3_OP_IMPLIES: lambda circuit, args: (circuit.any_of((-args[0][0], args[1][0])),),
    z3.Z3_OP_EQ: lambda circuit, args: (equal(circuit, *args),),
    z3.Z3_OP_IFF: lambda circuit, args: (equal(circuit, *args),),
    z3.Z3_OP_DISTINCT: _distinct,
    z3.Z3_OP_ITE: _choice,
    z3.Z3_OP_ULT: _compared(swap=False, or_equal=False, signed=False),
    z3.Z3_OP_ULEQ: _compared(swap=False, or_equal=True, signed=False),
    z3.Z3_OP_UGT: _compared(swap=True, or_equal=False, signed=False),
    z3.Z3_OP_UGEQ: _compared(swap=True, or_equal=True, signed=False),
    z3.Z3_OP_SLT: _compared(swap=False, or_equal=False, signed=True),
    z3.Z3_OP_SLEQ: _compared(swap=False, or_equal=True, signed=True),
    z3.Z3_OP_SGT: _compared(swap=True, or_equal=False, signed=True),
    z3.Z3_OP_SGEQ: _compared(swap=True, or_equal=True, signed=True),
    z3.Z3_OP_BADD: _plus,
    z3.Z3_OP_BSUB: _minus,
    z3.Z3_OP_BMUL: _times,
    z3.Z3_OP_BNEG: _negative,
    z3.Z3_OP_BNOT: lambda circuit, args: _negated(args[0]),
    z3.Z3_OP_BAND: _bitwise(_all),
    z3.Z3_OP_BOR: _bitwise(_any),
    z3.Z3_OP_BXOR: _bitwise(_parity),
    z3.Z3_OP_BSHL: _shifted(left=True),
    z3.Z3_OP_BLSHR: _shifted(left=False),
    z3.Z3_OP_CONCAT: lambda circuit, args: tuple(bit for bits in reversed(args) for bit in bits),
}
