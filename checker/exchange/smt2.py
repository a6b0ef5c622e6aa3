"""How a system and a claim are written in SMT-LIB 2.6: three functions, and questions about them.

`init` of a state, `trans` of a state, inputs and the state after them, and `prop` of a state. The
questions use them for one-step induction, and for runs of 0, 1, … steps from an initial state. Each
is echoed before its answer. `horn` has the same functions and one question without a bound, in the
form of constrained Horn clauses (CHC-COMP; Bjørner, Gurfinkel, McMillan, Rybalchenko, "Horn Clause
Solvers for Program Verification", 2015).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

from checker.exchange import smtlib as words
from checker.exchange.layout import Layout
from checker.exchange.naming import Names
from checker.exchange.relation import Relation, relation_of
from checker.exchange.subject import Subject
from checker.systems.system import Variable

HOW = "z3 FILE, or cvc5 --incremental FILE, or any solver for QF_BV"
HOW_HORN = "z3 FILE, or another solver for Horn clauses; sat: the claim holds; unsat: violated"


def smt2(subject: Subject) -> Mapping[str, str]:
    """The file's text, under its ending. Raises NotWritable."""
    functions = _Functions(relation_of(subject.system, subject.claim))
    meaning = [
        f"To check it: {HOW}.",
        "Induction in one step: unsat and unsat prove the claim for every depth. What is sat here",
        "may start in a state that is never reached, and says nothing by itself.",
        f"Runs of 0 to {subject.depth} steps: the first that is sat is a shortest violation.",
    ]
    lines = [*subject.header(";", *meaning), "", "(set-info :smt-lib-version 2.6)"]
    lines += ["(set-logic QF_BV)", *functions.definitions()]
    lines += _induction(functions)
    lines += _runs(functions, subject.depth)
    return {".smt2": "\n".join([*lines, "(exit)"]) + "\n"}


def horn(subject: Subject) -> Mapping[str, str]:
    """The file's text, under its ending. Raises NotWritable."""
    functions = _Functions(relation_of(subject.system, subject.claim))
    relation, names = functions.relation, functions.names
    lines = [*subject.header(";", f"To check it: {HOW_HORN}."), ""]
    lines += ["(set-logic HORN)", *functions.definitions()]
    sorts = " ".join(words.sort_of(variable) for variable in relation.states)
    reached = names.fresh("reached")
    lines.append(f"(declare-fun {reached} ({sorts}) Bool)")
    now, after = functions.applied(reached, "now"), functions.applied(reached, "after")
    state = functions.bound(relation.states, "now")
    step = state + functions.bound(relation.inputs, "now")
    step += functions.bound(relation.states, "after")
    lines += [
        f"(assert (forall ({' '.join(state)}) (=> {functions.init('now')} {now})))",
        f"(assert (forall ({' '.join(step)})"
        f" (=> (and {now} {functions.trans('now', 'after')}) {after})))",
        f"(assert (forall ({' '.join(state)})"
        f" (=> (and {now} (not {functions.prop('now')})) false)))",
        "(check-sat)",
    ]
    return {".smt2": "\n".join(lines) + "\n"}


def _induction(functions: _Functions) -> list[str]:
    return [
        "(push 1)",
        *functions.declarations(functions.relation.states, "now"),
        *functions.declarations(functions.relation.inputs, "now"),
        *functions.declarations(functions.relation.states, "after"),
        '(echo "induction, the start")',
        *_asked(functions.init("now"), f"(not {functions.prop('now')})"),
        '(echo "induction, a step")',
        *_asked(
            functions.prop("now"),
            functions.trans("now", "after"),
            f"(not {functions.prop('after')})",
        ),
        "(pop 1)",
    ]


def _runs(functions: _Functions, depth: int) -> list[str]:
    states, inputs = functions.relation.states, functions.relation.inputs
    lines = [*functions.declarations(states, 0), f"(assert {functions.init(0)})"]
    for moment in range(depth + 1):
        lines += [f'(echo "runs of {moment}")', *_asked(f"(not {functions.prop(moment)})")]
        if moment < depth:
            lines += functions.declarations(inputs, moment)
            lines += functions.declarations(states, moment + 1)
            lines.append(f"(assert {functions.trans(moment, moment + 1)})")
    return lines


def _asked(*formulas: str) -> list[str]:
    """A question of its own, with all that was asserted before it."""
    asserted = [f"(assert {formula})" for formula in formulas]
    return ["(push 1)", *asserted, "(check-sat)", "(pop 1)"]


class _Functions:
    """The three functions, and how they are applied to the state at a moment."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation
        self.names = Names(words.symbol)

    def definitions(self) -> list[str]:
        """Their definitions, below what the variables mean."""
        relation = self.relation
        state, after = self._declared(relation.states), self._declared(relation.states, words.LATER)
        step = [*state, *self._declared(relation.inputs), *after]
        meanings = [words.comment(variable, "state variable") for variable in relation.states]
        meanings += [words.comment(variable, "input") for variable in relation.inputs]
        starts = self._bound_by_let(relation.initially, functools.partial(words.starts, relation))
        moves = self._bound_by_let(
            tuple(relation.following.values()), functools.partial(words.moves, relation)
        )
        holds = self._bound_by_let((relation.holds,), lambda layout, _: layout[relation.holds])
        return [
            *meanings,
            f"(define-fun init ({' '.join(state)}) Bool",
            f"  {starts})",
            f"(define-fun trans ({' '.join(step)}) Bool",
            f"  {moves})",
            f"(define-fun prop ({' '.join(state)}) Bool",
            f"  {holds})",
        ]

    def init(self, moment: object) -> str:
        """That the state at a moment is an initial one."""
        return self.applied("init", moment)

    def prop(self, moment: object) -> str:
        """That the claim holds of the state at a moment."""
        return self.applied("prop", moment)

    def trans(self, moment: object, following: object) -> str:
        """That a step leads from the state at a moment to the one at the moment after it."""
        inputs = " ".join(self._at(self.relation.inputs, moment))
        states = " ".join(self._at(self.relation.states, following))
        return f"{self.applied('trans', moment)[:-1]} {inputs} {states})"

    def applied(self, function: str, moment: object) -> str:
        """A function of the state at a moment."""
        return f"({function} {' '.join(self._at(self.relation.states, moment))})"

    def bound(self, variables: Iterable[Variable], moment: object) -> list[str]:
        """Variables at a moment, with their sorts."""
        return self._declared(variables, f"@{moment}")

    def declarations(self, variables: Iterable[Variable], moment: object) -> list[str]:
        """The lines that declare variables at a moment."""
        return [
            f"(declare-const {self.names[f'{v.name}@{moment}']} {words.sort_of(v)})"
            for v in variables
        ]

    def _at(self, variables: Iterable[Variable], moment: object) -> list[str]:
        return [self.names[f"{variable.name}@{moment}"] for variable in variables]

    def _declared(self, variables: Iterable[Variable], suffix: str = "") -> list[str]:
        return [f"({self.names[v.name + suffix]} {words.sort_of(v)})" for v in variables]

    def _bound_by_let(self, roots: Sequence[int], text: Callable[[Layout, Names], str]) -> str:
        """A text with what it shares bound around it."""
        write = functools.partial(words.written, called=self.names.__getitem__)
        layout = Layout(self.relation.nodes, roots, write, lambda: self.names.fresh("d"))
        groups = layout.by_level()
        lets = [f"(let ({' '.join(f'({d.name} {d.text})' for d in group)})" for group in groups]
        return "\n  ".join([*lets, text(layout, self.names)]) + ")" * len(lets)
