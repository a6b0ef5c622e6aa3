"""How conditions are written for any solver: one script of standard SMT-LIB 2.6.

Each condition is asserted between `push` and `pop` and must be unsatisfiable; an `echo` before it
says which one is meant. Common subterms are bound by `let`, or named once by `define-fun`, so that
the text grows with the number of distinct subterms. What is not standard is refused.

Source: Barrett, Fontaine, Tinelli, "The SMT-LIB Standard, Version 2.6", 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import z3

from checker.answers.proof import Condition
from checker.certifying.smtlib_words import NotStandard, quoted, sort_text, symbol
from checker.systems.system import Term

_OPERATORS = {
    z3.Z3_OP_TRUE: "true",
    z3.Z3_OP_FALSE: "false",
    z3.Z3_OP_NOT: "not",
    z3.Z3_OP_AND: "and",
    z3.Z3_OP_OR: "or",
    z3.Z3_OP_XOR: "xor",
    z3.Z3_OP_IMPLIES: "=>",
    z3.Z3_OP_IFF: "=",
    z3.Z3_OP_EQ: "=",
    z3.Z3_OP_DISTINCT: "distinct",
    z3.Z3_OP_ITE: "ite",
    z3.Z3_OP_ULT: "bvult",
    z3.Z3_OP_ULEQ: "bvule",
    z3.Z3_OP_UGT: "bvugt",
    z3.Z3_OP_UGEQ: "bvuge",
    z3.Z3_OP_SLT: "bvslt",
    z3.Z3_OP_SLEQ: "bvsle",
    z3.Z3_OP_SGT: "bvsgt",
    z3.Z3_OP_SGEQ: "bvsge",
    z3.Z3_OP_BADD: "bvadd",
    z3.Z3_OP_BSUB: "bvsub",
    z3.Z3_OP_BMUL: "bvmul",
    z3.Z3_OP_BNEG: "bvneg",
    z3.Z3_OP_BNOT: "bvnot",
    z3.Z3_OP_BAND: "bvand",
    z3.Z3_OP_BOR: "bvor",
    z3.Z3_OP_BXOR: "bvxor",
    z3.Z3_OP_BSHL: "bvshl",
    z3.Z3_OP_BLSHR: "bvlshr",
    z3.Z3_OP_CONCAT: "concat",
}
_INDEXED = {
    z3.Z3_OP_EXTRACT: "extract",
    z3.Z3_OP_ZERO_EXT: "zero_extend",
    z3.Z3_OP_SIGN_EXT: "sign_extend",
}
_NEUTRAL = {z3.Z3_OP_AND: "true", z3.Z3_OP_OR: "false"}
_BINARY = {z3.Z3_OP_BSUB, z3.Z3_OP_XOR, z3.Z3_OP_IMPLIES}
"""Operators that z3 has with any number of arguments, and whose chains solvers read differently."""


def script(conditions: Sequence[Condition], definitions: Mapping[str, Term] | None = None) -> str:
    """The script. `definitions` are closed formulas to name: what occurs of them is written so.

    Raises NotStandard on an operator or a sort that is not of SMT-LIB's core, bit-vectors,
    uninterpreted functions, and enumerations; and on two things of one name.
    """
    named = dict(definitions or {})
    roots = [*named.values(), *(condition.formula for condition in conditions)]
    symbols = _Symbols(roots, named)
    lines = ["(set-info :smt-lib-version 2.6)", f"(set-logic {symbols.logic})"]
    lines += symbols.declarations()
    printer = _Printer(symbols.used)
    for name, term in named.items():
        text = printer.text(term)
        lines.append(f"(define-fun {symbol(name)} () {sort_text(term.sort())} {text})")
        printer.name(term, symbol(name))
    for condition in conditions:
        lines += ["(push 1)", f"(echo {quoted(condition.name)})"]
        lines += [f"(assert {printer.text(condition.formula)})", "(check-sat)", "(pop 1)"]
    return "\n".join(lines) + "\n"


def subterms(
    roots: Iterable[Term], arguments: Callable[[Term], Iterable[Term]] | None = None
) -> Iterator[Term]:
    """Every distinct subterm, arguments first; the body of a quantifier with its variables free."""
    kept: dict[int, Term] = {}  # holds each visited term: z3 recycles the ids of dead ones
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        term, ready = stack.pop()
        if ready:
            yield term
        elif term.get_id() not in kept:
            kept[term.get_id()] = term
            stack.append((term, True))
            children = term.children() if arguments is None else arguments(term)
            stack.extend((child, False) for child in reversed(list(children)))


class _Symbols:
    """What the script declares: sorts, enumerations, functions, in the order of their first use."""

    def __init__(self, roots: Sequence[Term], named: Mapping[str, Term]) -> None:
        self._sorts: dict[str, z3.SortRef] = {}
        self._functions: dict[str, z3.FuncDeclRef] = {}
        self._owner: dict[str, object] = {}
        self._quantified = self._bits = False
        for term in subterms(roots):
            if z3.is_quantifier(term):
                self._quantified = True
                for i in range(term.num_vars()):
                    self._add_sort(term.var_sort(i))
            elif z3.is_app(term):
                self._add_sort(term.sort())
                if term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                    self._add_function(term.decl())
        for name in named:
            self._claim(name, f"definition {name}")
        self.used = set(self._owner)

    @property
    def logic(self) -> str:
        """The least of the standard logics that says it all."""
        enums = any(sort.kind() == z3.Z3_DATATYPE_SORT for sort in self._sorts.values())
        free = bool(self._sorts) or any(f.arity() for f in self._functions.values())
        parts = ("UF" if free else "") + ("DT" if enums else "") + ("BV" if self._bits else "")
        return ("" if self._quantified else "QF_") + (parts or "UF")

    def declarations(self) -> list[str]:
        """The lines that declare everything once."""
        lines = []
        for name, sort in self._sorts.items():
            if sort.kind() == z3.Z3_DATATYPE_SORT:
                values = " ".join(f"({symbol(value)})" for value in _values(sort))
                lines.append(f"(declare-datatypes (({symbol(name)} 0)) (({values})))")
            else:
                lines.append(f"(declare-sort {symbol(name)} 0)")
        for name, declared in self._functions.items():
            over = " ".join(sort_text(declared.domain(i)) for i in range(declared.arity()))
            of = sort_text(declared.range())
            lines.append(f"(declare-fun {symbol(name)} ({over}) {of})")
        return lines

    def _add_sort(self, sort: z3.SortRef) -> None:
        text = sort_text(sort)
        self._bits = self._bits or sort.kind() == z3.Z3_BV_SORT
        if sort.kind() not in (z3.Z3_UNINTERPRETED_SORT, z3.Z3_DATATYPE_SORT):
            return
        name = sort.name()
        if name in self._sorts and self._sorts[name] == sort:
            return
        self._claim(name, f"sort {text}")
        self._sorts[name] = sort
        if sort.kind() == z3.Z3_DATATYPE_SORT:
            for value in _values(sort):
                self._claim(value, f"value of {text}")

    def _add_function(self, declared: z3.FuncDeclRef) -> None:
        name = declared.name()
        if name in self._functions and self._functions[name] == declared:
            return
        for i in range(declared.arity()):
            self._add_sort(declared.domain(i))
        self._claim(name, f"function {declared}")
        self._functions[name] = declared

    def _claim(self, name: str, owner: str) -> None:
        symbol(name)
        if name in self._owner:
            raise NotStandard(f"{name!r} names two things: {self._owner[name]} and {owner}")
        self._owner[name] = owner


def _values(sort: z3.SortRef) -> list[str]:
    """The names of an enumeration's values. Raises NotStandard on any other datatype."""
    built = [sort.constructor(i) for i in range(sort.num_constructors())]
    if any(constructor.arity() for constructor in built):
        raise NotStandard(f"the sort {sort} is a datatype that is no enumeration")
    return [str(constructor.name()) for constructor in built]


class _Printer:
    """Turns terms into text. `used` are all names that are declared: no bound symbol has one.

    A quantifier that occurs again is written again as it was: its variables are nobody else's, so
    wherever it stands nothing is captured.
    """

    def __init__(self, used: set[str]) -> None:
        self._names: dict[int, tuple[Term, str]] = {}
        self._quantifiers: dict[int, tuple[Term, str]] = {}
        self._bound = self._variables = 0
        self._let, self._variable = (_prefix(mark, used) for mark in "$?")

    def name(self, term: Term, text: str) -> None:
        """From now on, write this term as that text."""
        self._names[term.get_id()] = term, text

    def text(self, root: Term) -> str:
        """A term, with what occurs in it twice or more bound by `let`, level by level."""
        order = list(subterms([root], self._arguments))
        counts: dict[int, int] = {}
        for term in order:
            for child in self._arguments(term):
                counts[child.get_id()] = counts.get(child.get_id(), 0) + 1
        texts: dict[int, str] = {}
        heights: dict[int, int] = {}
        levels: list[list[str]] = []
        for term in order:
            arguments = [child.get_id() for child in self._arguments(term)]
            written = self._written(term, [texts[number] for number in arguments])
            height = max((heights[number] for number in arguments), default=0)
            if counts.get(term.get_id(), 0) > 1 and written.startswith("("):
                if height == len(levels):
                    levels.append([])
                self._bound += 1
                bound = f"{self._let}{self._bound}"
                levels[height].append(f"({bound} {written})")
                written, height = bound, height + 1
            texts[term.get_id()], heights[term.get_id()] = written, height
        opened = "".join(f"(let ({' '.join(level)}) " for level in levels)
        return opened + texts[root.get_id()] + ")" * len(levels)

    def _arguments(self, term: Term) -> list[Term]:
        if term.get_id() in self._names or z3.is_quantifier(term):
            return []
        return list(term.children())

    def _written(self, term: Term, args: list[str]) -> str:
        if term.get_id() in self._names:
            return self._names[term.get_id()][1]
        if z3.is_quantifier(term):
            return self._quantifier(term)
        kind, declared = term.decl().kind(), term.decl()
        if z3.is_bv_value(term):
            return f"#b{term.as_long():0{term.size()}b}"
        if kind == z3.Z3_OP_BIT2BOOL:  # z3's own word for one bit, in what its engines learn
            place = declared.params()[0]
            return f"(= ((_ extract {place} {place}) {args[0]}) #b1)"
        if kind in (z3.Z3_OP_UNINTERPRETED, z3.Z3_OP_DT_CONSTRUCTOR):
            head = symbol(declared.name())
        elif kind in (z3.Z3_OP_DT_IS, z3.Z3_OP_DT_RECOGNISER):
            head = f"(_ is {symbol(declared.params()[0].name())})"
        elif kind in _INDEXED:
            head = f"(_ {_INDEXED[kind]} {' '.join(map(str, declared.params()))})"
        elif kind in _OPERATORS and not (kind in _BINARY and len(args) != 2):
            head = _OPERATORS[kind]
        else:
            raise NotStandard(f"the operator {declared.name()!r} is not written in certificates")
        if kind in _NEUTRAL and len(args) < 2:  # SMT-LIB's have two arguments or more
            return args[0] if args else _NEUTRAL[kind]
        return f"({head} {' '.join(args)})" if args else head

    def _quantifier(self, term: Term) -> str:
        number = term.get_id()
        if number not in self._quantifiers:
            self._quantifiers[number] = term, self._quantified(term)
        return self._quantifiers[number][1]

    def _quantified(self, term: Term) -> str:
        if term.is_lambda():
            raise NotStandard("a lambda is not written in certificates")
        places = range(term.num_vars())
        # None keeps its name: a let, or another variable, would capture it or be captured.
        self._variables += len(places)
        first = self._variables - len(places) + 1
        names = [f"{self._variable}{first + i}" for i in places]
        variables = [z3.Const(name, term.var_sort(i)) for i, name in enumerate(names)]
        # z3 numbers the variables from the innermost.
        body = self.text(z3.substitute_vars(term.body(), *reversed(variables)))
        listed = " ".join(f"({symbol(v.decl().name())} {sort_text(v.sort())})" for v in variables)
        return f"({'forall' if term.is_forall() else 'exists'} ({listed}) {body})"


def _prefix(mark: str, used: set[str]) -> str:
    """A beginning that none of the names has: so often the mark."""
    prefix = mark
    while any(name.startswith(prefix) for name in used):
        prefix += mark
    return prefix
