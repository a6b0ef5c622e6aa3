"""How names, sorts and texts are written in SMT-LIB 2.6, and which cannot be."""

from __future__ import annotations

import re

import z3

SIMPLE = re.compile(r"[A-Za-z~!$%^&*_+=<>?/-][A-Za-z0-9~!@$%^&*_+=<>.?/-]*\Z")

RESERVED = frozenset(
    {"!", "_", "as", "let", "exists", "forall", "match", "par", "true", "false", "not", "and"}
    | {"or", "xor", "=>", "=", "distinct", "ite", "is", "concat", "Bool", "BitVec"}
    | {"BINARY", "DECIMAL", "HEXADECIMAL", "NUMERAL", "STRING"}
)
"""Symbols that have a meaning of their own, with those that start with `bv` and two letters."""


class NotStandard(ValueError):
    """A term that SMT-LIB cannot say, or that no other solver would read; the message names it."""


def symbol(name: str) -> str:
    """A name as SMT-LIB writes it. Raises NotStandard where it has no way to."""
    if name in RESERVED or re.match(r"bv[a-z]{2}", name):
        raise NotStandard(f"the name {name!r} has a meaning of its own in SMT-LIB")
    if SIMPLE.match(name):
        return name
    if "|" in name or "\\" in name or not name.isprintable():
        raise NotStandard(f"the name {name!r} cannot be written in SMT-LIB")
    return f"|{name}|"


def quoted(text: str) -> str:
    """A text as a string literal on one line."""
    return '"' + " ".join(text.split()).replace('"', '""') + '"'


def sort_text(sort: z3.SortRef) -> str:
    """A sort as SMT-LIB writes it. Raises NotStandard."""
    kind = sort.kind()
    if kind == z3.Z3_BOOL_SORT:
        return "Bool"
    if kind == z3.Z3_BV_SORT:
        return f"(_ BitVec {sort.size()})"
    if kind in (z3.Z3_UNINTERPRETED_SORT, z3.Z3_DATATYPE_SORT):
        return symbol(sort.name())
    raise NotStandard(f"the sort {sort} is none that certificates are written in")
