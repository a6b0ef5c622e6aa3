"""How a system and a claim are written in VMT-LIB, SMT-LIB with marks on terms.

Of the format are used: `:next` on a variable, with the variable that has its value after a step;
`:init` and `:trans` on a formula, once each; `:invar-property`. A variable without `:next` is an
input. Source: "The VMT-LIB language", Fondazione Bruno Kessler, vmt-lib.fbk.eu.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from checker.exchange import smtlib as words
from checker.exchange.layout import Layout
from checker.exchange.naming import Names
from checker.exchange.relation import Relation, relation_of
from checker.exchange.subject import Subject

HOW = "ic3ia FILE, or pono -e ic3bits -k 1000 FILE; the property has the number 0"


def vmt(subject: Subject) -> Mapping[str, str]:
    """The file's text, under its ending. Raises NotWritable."""
    relation = relation_of(subject.system, subject.claim)
    names = Names(words.symbol)
    lines = [*subject.header(";", f"To check it: {HOW}."), "", "(set-logic QF_BV)"]
    lines += _declarations(relation, names)
    roots = [*relation.initially, *relation.following.values(), relation.holds]
    write = functools.partial(words.written, called=names.__getitem__)
    layout = Layout(relation.nodes, roots, write, lambda: names.fresh("d"))
    lines += [
        f"(define-fun {d.name} () {words.sort_text(d.bits)} {d.text})" for d in layout.definitions
    ]
    lines += [
        f"(define-fun init () Bool (! {words.starts(relation, layout, names)} :init true))",
        f"(define-fun trans () Bool (! {words.moves(relation, layout, names)} :trans true))",
        f"(define-fun prop () Bool (! {layout[relation.holds]} :invar-property 0))",
        "(assert true)",
    ]
    return {".vmt": "\n".join(lines) + "\n"}


def _declarations(relation: Relation, names: Names) -> list[str]:
    lines = []
    for variable in relation.states:
        now, after = names[variable.name], names[variable.name + words.LATER]
        sort = words.sort_of(variable)
        lines += [words.comment(variable, "state variable")]
        lines += [f"(declare-fun {now} () {sort})", f"(declare-fun {after} () {sort})"]
        mark = names.fresh("sv")
        lines.append(f"(define-fun {mark} () {sort} (! {now} :next {after}))")
    for variable in relation.inputs:
        lines += [words.comment(variable, "input")]
        lines.append(f"(declare-fun {names[variable.name]} () {words.sort_of(variable)})")
    return lines
