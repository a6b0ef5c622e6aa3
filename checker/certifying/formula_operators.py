"""Which operators a formula's text may have, for which arguments, and what they make of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import z3

from checker.systems.system import Term

BITS_MAX = 1 << 12

Operator = tuple[Callable[[Sequence[Term]], bool], Callable[..., Term]]
"""Whether an operator may have these arguments, and what it makes of them."""


def indexed(head: Sequence[object], args: Sequence[Term]) -> Callable[..., Term] | None:
    """An operator with numbers, such as `_ extract 3 1`, for these arguments; or None."""
    mark, name, *rest = [*head, "", ""][: max(2, len(head))]
    numbers = [int(n) for n in rest if isinstance(n, str) and n.isascii() and n.isdigit()]
    if mark == "_" and len(numbers) == len(rest) and _bits(args) and len(args) == 1:
        width = args[0].size()
        if name == "extract" and len(numbers) == 2 and numbers[1] <= numbers[0] < width:
            return functools.partial(z3.Extract, *numbers)
        if name in _EXTENDED and len(numbers) == 1 and width + numbers[0] <= BITS_MAX:
            return functools.partial(_EXTENDED[name], numbers[0])
    return None


_EXTENDED: dict[str, Callable[..., Term]] = {"zero_extend": z3.ZeroExt, "sign_extend": z3.SignExt}


def _same(args: Sequence[Term]) -> bool:
    return all(argument.sort() == args[0].sort() for argument in args)


def _truths(args: Sequence[Term]) -> bool:
    return all(z3.is_bool(argument) for argument in args)


def _bits(args: Sequence[Term]) -> bool:
    return all(z3.is_bv(argument) for argument in args)


def _is_choice(args: Sequence[Term]) -> bool:
    return len(args) == 3 and z3.is_bool(args[0]) and _same(args[1:])


def _words(args: Sequence[Term]) -> bool:
    return len(args) > 1 and _bits(args) and _same(args)


def _two(make: Callable[..., Term]) -> Operator:
    return lambda args: len(args) == 2 and _words(args), make


def _chained(two: Callable[[Term, Term], Term]) -> Operator:
    return _words, lambda *args: functools.reduce(two, args)


def _fits(args: Sequence[Term]) -> bool:
    return len(args) > 1 and _bits(args) and sum(a.size() for a in args) <= BITS_MAX


OPERATORS: dict[str, Operator] = {
    "not": (lambda args: len(args) == 1 and _truths(args), z3.Not),
    "and": (_truths, z3.And),
    "or": (_truths, z3.Or),
    "xor": (lambda args: len(args) == 2 and _truths(args), z3.Xor),
    "=>": (lambda args: len(args) == 2 and _truths(args), z3.Implies),
    "=": (lambda args: len(args) == 2 and _same(args), lambda a, b: a == b),
    "distinct": (lambda args: len(args) > 1 and _same(args), z3.Distinct),
    "ite": (_is_choice, z3.If),
    "bvult": _two(z3.ULT),
    "bvule": _two(z3.ULE),
    "bvugt": _two(z3.UGT),
    "bvuge": _two(z3.UGE),
    "bvslt": _two(lambda a, b: a < b),
    "bvsle": _two(lambda a, b: a <= b),
    "bvsgt": _two(lambda a, b: a > b),
    "bvsge": _two(lambda a, b: a >= b),
    "bvadd": _chained(lambda a, b: a + b),
    "bvsub": _two(lambda a, b: a - b),
    "bvmul": _chained(lambda a, b: a * b),
    "bvneg": (lambda args: len(args) == 1 and _bits(args), lambda a: -a),
    "bvnot": (lambda args: len(args) == 1 and _bits(args), lambda a: ~a),
    "bvand": _chained(lambda a, b: a & b),
    "bvor": _chained(lambda a, b: a | b),
    "bvxor": _chained(lambda a, b: a ^ b),
    "bvshl": _two(lambda a, b: a << b),
    "bvlshr": _two(z3.LShR),
    "concat": (_fits, z3.Concat),
}
