"""Which formula a text stands for: a strict reading of the part of SMT-LIB that invariants need.

A certificate comes from anybody, and a solver's own reader obeys commands, writes files, and lets
names capture one another. So a text is cut into tokens here, and its term built by whitelist:
some operators, the functions given, `let`, and `forall` and `exists` where they are allowed.
A bound variable becomes a constant that nothing else can be called by.

Source: Barrett, Fontaine, Tinelli, "The SMT-LIB Standard, Version 2.6", 2021.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple

import z3

from checker.certifying.formula_operators import BITS_MAX, OPERATORS, indexed
from checker.certifying.smtlib_words import RESERVED
from checker.systems.system import Term

TOKEN = re.compile(
    r"[ \t\r\n]*(\(|\)|\|[^|\\]*\||[A-Za-z~!$%^&*_+=<>?/-][A-Za-z0-9~!@$%^&*_+=<>.?/-]*"
    r"|#b[01]+|(?:0|[1-9][0-9]{0,5})(?![0-9]))"
)

Tree = Any
"""A token, or a list of trees."""


class NoFormula(ValueError):
    """A text that is no formula of this kind; the message says in one line what is wrong."""


class Built(NamedTuple):
    """A term, its height, and its size if nothing in it were shared."""

    term: Term
    height: int
    size: int


Scope = Mapping[str, Built]
_Steps = Generator[tuple[Tree, Scope], Built, Built]


class Reader:
    """Reads formulas over given sorts and functions, by their names.

    `sorts` are those that bound variables may have; without any there are no quantifiers. A term
    may be so high, and, with nothing shared, so large.
    """

    def __init__(
        self,
        functions: Mapping[str, z3.FuncDeclRef],
        sorts: Mapping[str, z3.SortRef] | None = None,
        height_max: int = 10_000,
        size_max: int | None = None,
    ) -> None:
        self._functions = functions
        self._sorts = sorts or {}
        self._height_max = height_max
        self._size_max = size_max

    def formula(self, text: str) -> Term:
        """The formula that a text stands for. Raises NoFormula."""
        return self._formula(tree_of(text), {}).term

    def definitions(self, texts: Sequence[str]) -> dict[str, Term]:
        """What `define-fun`s define, each by those before it. Raises NoFormula."""
        known: dict[str, Built] = {}
        for text in texts:
            tree = tree_of(text)
            if not isinstance(tree, list) or len(tree) != 5:
                raise NoFormula(f"{_short(tree)} is no definition")
            word, name, parameters, of, value = tree
            if (word, parameters, of) != ("define-fun", [], "Bool") or not isinstance(name, str):
                raise NoFormula(f"{_short(tree)} is no definition of a formula")
            if (name := _plain(name)) in known or name in self._functions:
                raise NoFormula(f"{name} is defined twice")
            known[name] = self._formula(value, known)
        return {name: built.term for name, built in known.items()}

    def _formula(self, tree: Tree, scope: Scope) -> Built:
        built = self._term(tree, scope)
        if not z3.is_bool(built.term):
            raise NoFormula(f"{_short(tree)} is no formula")
        return built

    def _term(self, tree: Tree, scope: Scope) -> Built:
        """The term that a tree stands for. The stack is one of generators: trees may be deep."""
        stack = [self._steps(tree, scope)]
        value: Any = None
        while stack:
            try:
                child = stack[-1].send(value)
            except StopIteration as done:
                stack.pop()
                value = done.value
            else:
                stack.append(self._steps(*child))
                value = None
        return Built(*value)

    def _steps(self, tree: Tree, scope: Scope) -> _Steps:
        """Yields the trees whose terms it needs, is sent those, and returns its own term."""
        if isinstance(tree, str):
            return self._leaf(tree, scope)
        if tree and tree[0] == "let" and len(tree) == 3:
            bound = {}
            for name, value in _pairs(tree[1]):
                bound[name] = yield value, scope
            return (yield tree[2], {**scope, **bound})
        if tree and tree[0] in ("forall", "exists") and len(tree) == 3:
            return (yield from self._quantifier(tree, scope))
        if len(tree) < 2:
            raise NoFormula(f"{_short(tree)} is no term")
        arguments = []
        for child in tree[1:]:
            arguments.append((yield child, scope))
        made = self._applied(tree, scope, [argument.term for argument in arguments])
        return self._measured(made, arguments)

    def _quantifier(self, tree: Tree, scope: Scope) -> _Steps:
        variables: dict[str, Built] = {}
        for name, sort in _pairs(tree[1]):
            if not isinstance(sort, str) or (sort := _plain(sort)) not in self._sorts:
                raise NoFormula(f"no variable may have the sort {_short(sort)}")
            variables[name] = Built(z3.FreshConst(self._sorts[sort], "bound"), 1, 1)
        body = yield tree[2], {**scope, **variables}
        if not z3.is_bool(body.term):
            raise NoFormula(f"{_short(tree[2])} is no formula")
        made = z3.ForAll if tree[0] == "forall" else z3.Exists
        return self._measured(made([v.term for v in variables.values()], body.term), [body])

    def _leaf(self, token: str, scope: Scope) -> Built:
        if token in ("true", "false"):
            return Built(z3.BoolVal(token == "true"), 1, 1)
        if token.startswith("#b"):
            if (bits := len(token) - 2) > BITS_MAX:
                raise NoFormula(f"a bit-vector has more than {BITS_MAX} bits")
            return Built(z3.BitVecVal(int(token[2:], 2), bits), 1, 1)
        name = _plain(token)
        if name in scope:
            return scope[name]
        return Built(self._declared(name, [])(), 1, 1)

    def _applied(self, tree: Tree, scope: Scope, args: list[Term]) -> Term:
        head = tree[0]
        if isinstance(head, list):
            made = indexed(head, args)
            if made is None:
                raise NoFormula(f"{_short(head)} has no meaning here")
            make = made
        elif head in OPERATORS:
            is_meant, make = OPERATORS[head]
            if not is_meant(args):
                raise NoFormula(f"{_short(tree)}: {head} has other arguments")
        else:
            name = _plain(head)
            if name in scope:
                raise NoFormula(f"{name} is no function")
            make = self._declared(name, [argument.sort() for argument in args])
        return make(*args)

    def _declared(self, name: str, sorts: list[z3.SortRef]) -> z3.FuncDeclRef:
        declared = self._functions.get(name)
        if declared is None:
            raise NoFormula(f"{_short(name)} is nothing that an invariant may speak of")
        if [declared.domain(i) for i in range(declared.arity())] != sorts:
            raise NoFormula(f"{name} has other arguments")
        return declared

    def _measured(self, term: Term, arguments: Sequence[Built]) -> Built:
        height = 1 + max(built.height for built in arguments)
        if height > self._height_max:
            raise NoFormula(f"it is nested more than {self._height_max} deep")
        size = 1 + sum(built.size for built in arguments)
        if self._size_max is not None and size > self._size_max:
            raise NoFormula(f"it has more than {self._size_max} terms")
        return Built(term, height, size)


def tree_of(text: str) -> Tree:
    """The one balanced expression that a text is. Raises NoFormula."""
    place, end = 0, len(text.rstrip(" \t\r\n"))
    stack: list[list[Tree]] = [[]]
    while place < end:
        found = TOKEN.match(text, place)
        if found is None:
            raise NoFormula(f"{_short(text[place:].strip())} begins with nothing that is allowed")
        place, token = found.end(), found[1]
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) == 1:
            raise NoFormula("a parenthesis is closed that is not open")
        else:
            stack[-2].append(stack.pop())
    if len(stack) != 1 or len(stack[0]) != 1:
        raise NoFormula("it is not one balanced expression")
    return stack[0][0]


def _pairs(tree: Tree) -> list[tuple[str, Tree]]:
    """What is bound: names, each once, with something. Raises NoFormula."""
    pairs = []
    for pair in tree if isinstance(tree, list) else []:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise NoFormula(f"{_short(pair)} binds nothing")
        pairs.append((_plain(pair[0]), pair[1]))
    names = {name for name, _ in pairs}
    if not pairs or len(names) != len(pairs):
        raise NoFormula(f"{_short(tree)} does not bind names, each once")
    if names & _MEANT:
        raise NoFormula(f"the name {min(names & _MEANT)!r} has a meaning of its own")
    return pairs


def _plain(token: str) -> str:
    """A name without the bars around it. Raises NoFormula on what is no name."""
    if token[0] == "|":
        return token[1:-1]
    if token[0] == "#" or token[0].isdigit():
        raise NoFormula(f"{_short(token)} is no name")
    return token


def _short(tree: Tree) -> str:
    """The beginning of a tree, for a message of one line."""
    text = tree if isinstance(tree, str) else "(…)"
    if isinstance(tree, list) and tree and isinstance(tree[0], str):
        text = f"({tree[0]} …)"
    return repr(" ".join(text.split())[:60])


_MEANT = frozenset(OPERATORS) | RESERVED | {"define-fun"}
"""Words that no bound variable may be called."""
