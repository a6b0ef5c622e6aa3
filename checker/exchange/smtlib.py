"""How names, nodes and a relation are written in SMT-LIB 2.6, for the formats made of it.

Source: Barrett, Fontaine, Tinelli, "The SMT-LIB Standard, Version 2.6", 2021: the core theory and
that of fixed-size bit-vectors; a division or a signed operation is never written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from checker.exchange.layout import Layout
from checker.exchange.naming import Names, meaning, one_line
from checker.exchange.nodes import Node
from checker.exchange.relation import Relation
from checker.systems.system import Variable

LATER = "'"
"""What is added to a variable's name for its value after a step."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9~!@$%^&*_+=<>.?/-]*\Z")
_RESERVED = frozenset(
    {"!", "_", "as", "let", "exists", "forall", "match", "par", "true", "false", "not", "and", "or"}
    | {"xor", "distinct", "ite", "is", "concat", "Bool", "BitVec", "Array", "Int", "Real", "String"}
    | {"BINARY", "DECIMAL", "HEXADECIMAL", "NUMERAL", "STRING", "select", "store", "abs", "div"}
    | {"mod", "implies", "iff", "if", "map", "extract", "repeat", "init", "trans", "prop"}
)
"""Words of the standard, of solvers, and of these files: a variable of such a name gets another."""


def symbol(name: str) -> str:
    """A name as a symbol: between bars where need be. What no symbol may hold becomes `_`.

    No two symbols that are the same to a solver are written in two ways.
    """
    kept = "".join("_" if c in "|\\" or not c.isprintable() else c for c in name)
    # Solvers know more words that begin so than the standard has, and may go on to add some.
    if kept in _RESERVED or kept.startswith("bv") or not kept:
        kept = f"v_{kept}"
    return kept if _PLAIN.match(kept) else f"|{kept}|"


def sort_text(bits: int) -> str:
    """The sort of values of so many bits, or of truths."""
    return f"(_ BitVec {bits})" if bits else "Bool"


def sort_of(variable: Variable) -> str:
    """The sort of a variable."""
    return sort_text(_bits(variable))


def _bits(variable: Variable) -> int:
    return 0 if variable.is_bool else int(variable.term.size())


def literal(bits: int, value: int) -> str:
    """A value."""
    return f"#b{value:0{bits}b}" if bits else ("true" if value else "false")


def comment(variable: Variable, what: str) -> str:
    """The line above a declaration: what is declared, and what its numbers mean."""
    return f"; {what} {meaning(variable, variable.name) or one_line(variable.name)}"


def conjunction(texts: Sequence[str]) -> str:
    """That all of these are true."""
    if len(texts) < 2:
        return texts[0] if texts else "true"
    return f"(and {' '.join(texts)})"


_OF_TRUTHS = {"not": "not", "and": "and", "or": "or", "xor": "xor"}
_OF_BITS = {
    "not": "bvnot",
    "and": "bvand",
    "or": "bvor",
    "xor": "bvxor",
    "add": "bvadd",
    "subtract": "bvsub",
    "multiply": "bvmul",
    "left": "bvshl",
    "right": "bvlshr",
    "concatenate": "concat",
}
_OF_BOTH = {"equal": "=", "choice": "ite", "less": "bvult"}


def written(node: Node, args: Sequence[str], called: Callable[[str], str]) -> str:
    """A node from the texts of its arguments; `called` gives the symbols of variables."""
    if node.operator == "variable":
        return called(node.name)
    if node.operator == "constant":
        return literal(node.bits, node.value)
    if node.operator == "extract":
        return f"((_ extract {node.value + node.bits - 1} {node.value}) {args[0]})"
    if node.operator == "widen":
        return f"((_ zero_extend {node.value}) {args[0]})"
    if node.operator in _OF_BOTH:
        return f"({_OF_BOTH[node.operator]} {' '.join(args)})"
    if node.bits == 0:
        return f"({_OF_TRUTHS[node.operator]} {' '.join(args)})"
    head, (first, *others) = _OF_BITS[node.operator], args
    if not others:
        return f"({head} {first})"
    for other in others:  # these have two arguments in the standard
        first = f"({head} {first} {other})"
    return first


def starts(relation: Relation, layout: Layout, names: Names) -> str:
    """What is true of the initial states."""
    values = [
        f"(= {names[variable.name]} {literal(_bits(variable), relation.start[variable.name])})"
        for variable in relation.states
        if variable.name in relation.start
    ]
    return conjunction([*values, *(layout[condition] for condition in relation.initially)])


def moves(relation: Relation, layout: Layout, names: Names) -> str:
    """What is true of a step: the value of each variable after it."""
    return conjunction(
        [
            f"(= {names[name + LATER]} {layout[number]})"
            for name, number in relation.following.items()
        ]
    )
