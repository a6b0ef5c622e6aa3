"""How a system and a claim are written for NuSMV and nuXmv: one module with an INVARSPEC.

Of the language are used: `VAR` and `IVAR` of type boolean and unsigned word, `DEFINE`, `ASSIGN`
with `init` and `next`, `INIT`, and word operators without division and sign. The distance of a
shift is spelled out case by case, since a shift beyond the width is an error there.
Source: Cavada et al., "NuSMV 2.6 User Manual", sections 2.2 to 2.4.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from checker.exchange.layout import Layout
from checker.exchange.naming import Names, identifier, meaning
from checker.exchange.nodes import Node, Operator
from checker.exchange.relation import Relation, relation_of
from checker.exchange.subject import Subject
from checker.systems.system import Variable

HOW = "NuSMV -dynamic -coi FILE, or nuXmv in the same way"

_RESERVED = frozenset(
    {"array", "abs", "bool", "boolean", "case", "clock", "count", "esac", "extend", "floor", "in"}
    | {"init", "integer", "itype", "main", "max", "min", "mod", "next", "noncontinuous", "of", "pi"}
    | {"process", "real", "resize", "self", "signed", "sizeof", "time", "toint", "typeof", "union"}
    | {"unsigned", "uwconst", "swconst", "word", "word1", "xnor", "xor"}
)


def smv(subject: Subject) -> Mapping[str, str]:
    """The file's text, under its ending. Raises NotWritable."""
    relation = relation_of(subject.system, subject.claim)
    names = Names(_name)
    lines = [*subject.header("--", f"To check it: {HOW}."), "", "MODULE main"]
    lines += ["VAR", *(_declared(variable, names) for variable in relation.states)]
    lines += ["IVAR", *(_declared(variable, names) for variable in relation.inputs)]
    nodes = relation.nodes
    roots = [*relation.initially, *relation.following.values(), relation.holds]
    write = functools.partial(_written, called=names.__getitem__)
    layout = Layout(nodes, roots, write, lambda: names.fresh("d"), _REPEATING)
    if layout.definitions:
        lines += ["DEFINE", *(f"  {d.name} := {d.text};" for d in layout.definitions)]
    lines += ["ASSIGN", *_assigned(relation, layout, names)]
    lines += [f"INIT {layout[condition]};" for condition in relation.initially]
    lines.append(f"INVARSPEC {layout[relation.holds]};")
    return {".smv": "\n".join(lines) + "\n"}


def _assigned(relation: Relation, layout: Layout, names: Names) -> list[str]:
    lines = []
    for variable in relation.states:
        name = names[variable.name]
        if variable.name in relation.start:
            bits = 0 if variable.is_bool else variable.term.size()
            lines.append(f"  init({name}) := {_literal(bits, relation.start[variable.name])};")
        lines.append(f"  next({name}) := {layout[relation.following[variable.name]]};")
    return lines


def _declared(variable: Variable, names: Names) -> str:
    kind = "boolean" if variable.is_bool else f"unsigned word[{variable.term.size()}]"
    name = names[variable.name]
    told = meaning(variable, name)
    return f"  {name} : {kind};{'  -- ' if told else ''}{told}"


def _name(name: str) -> str:
    """An identifier that is no word of the language: those have no small letter, but for some."""
    kept = identifier(name)
    return f"{kept}_" if kept in _RESERVED or kept.upper() == kept else kept


def _literal(bits: int, value: int) -> str:
    return f"0ud{bits}_{value}" if bits else ("TRUE" if value else "FALSE")


_SIGNS = {
    "and": "&",
    "or": "|",
    "xor": "xor",
    "equal": "=",
    "less": "<",
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "concatenate": "::",
}


_REPEATING = frozenset[Operator]({"left", "right"})


def _written(node: Node, args: Sequence[str], called: Callable[[str], str]) -> str:
    if node.operator == "variable":
        return called(node.name)
    if node.operator == "constant":
        return _literal(node.bits, node.value)
    if node.operator == "not":
        return f"!{args[0]}"
    if node.operator == "choice":
        return f"({args[0]} ? {args[1]} : {args[2]})"
    if node.operator == "extract":
        return f"({args[0]})[{node.value + node.bits - 1}:{node.value}]"
    if node.operator == "widen":
        return f"extend({args[0]}, {node.value})"
    if node.operator in ("left", "right"):
        return _shift("<<" if node.operator == "left" else ">>", node.bits, *args)
    return f"({f' {_SIGNS[node.operator]} '.join(args)})"


def _shift(sign: str, bits: int, shifted: str, distance: str) -> str:
    places = range(1, bits)
    cases = [f"{distance} = {_literal(bits, i)} : ({shifted} {sign} {i});" for i in places]
    none = f"{distance} = {_literal(bits, 0)} : {shifted};"
    return f"(case {none} {' '.join(cases)} TRUE : {_literal(bits, 0)}; esac)"
