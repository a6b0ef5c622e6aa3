"""How a system and a claim are written in TLA+: a module that TLC reads, and its configuration.

Each action is an operator of its parameters, and `Next` says that one of them happens. A truth is
TRUE or FALSE and a bit-vector a natural number, so that arithmetic is that of Naturals, modulo a
power of two. The initial states are written so that TLC need not try more values than it must: a
variable is given a value as soon as something says which, and what can be refused is refused early.
Numbers of more than 30 bits are refused, as TLC's have no more than 31.
Source: Lamport, "Specifying Systems", 2002, chapters 14 (TLC) and 15 (the grammar).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import z3

from checker.exchange.layout import Layout
from checker.exchange.naming import Names, identifier, meaning
from checker.exchange.nodes import Node, Nodes, NotWritable, Operator
from checker.exchange.relation import as_input, has_flag, initial_conditions, wrong_step
from checker.exchange.subject import Subject
from checker.systems.system import GroundAction, Variable

BITS_MAX = 30
"""The widest number whose arithmetic TLC can do without overflow."""

_WORDS = frozenset(
    {"ACTION", "ASSUME", "ASSUMPTION", "AXIOM", "BOOLEAN", "BY", "CASE", "CHOOSE", "CONSTANT"}
    | {"CONSTANTS", "COROLLARY", "DEF", "DEFINE", "DEFS", "DOMAIN", "ELSE", "ENABLED", "EXCEPT"}
    | {"EXTENDS", "FALSE", "HAVE", "HIDE", "IF", "IN", "INSTANCE", "LAMBDA", "LEMMA", "LET"}
    | {"LOCAL", "MODULE", "NEW", "OBVIOUS", "OMITTED", "ONLY", "OTHER", "PICK", "PROOF"}
    | {"PROPOSITION", "PROVE", "QED", "RECURSIVE", "STATE", "STRING", "SUBSET", "SUFFICES"}
    | {"TAKE", "TEMPORAL", "THEN", "THEOREM", "TRUE", "UNCHANGED", "UNION", "USE", "VARIABLE"}
    | {"VARIABLES", "WITH", "WITNESS", "Nat", "Naturals"}
)
"""Words of the language, and those that Naturals defines."""

_OWN = frozenset(
    {"Init", "Next", "Spec", "Holds", "vars", "BitAnd", "BitOr", "BitXor"}
    | {"one_number", "other_number"}
)

_CONFIGURATION = "SPECIFICATION Spec\nINVARIANT Holds\n"


def tla(subject: Subject) -> Mapping[str, str]:
    """The texts of the module and of its configuration, under their endings.

    The module has the subject's name. Raises NotWritable, also where that cannot be one.
    """
    name = subject.name
    if not is_module_name(name):
        raise NotWritable(
            f"a TLA+ module cannot be called {name!r}; known: ASCII letters, digits and single"
            " underscores, beginning with a letter, and no word of TLA+ or of the module's own"
        )
    module = _Module(subject)
    return {".tla": module.text(), ".cfg": _CONFIGURATION}


def is_module_name(name: str) -> bool:
    """Whether a module can have this name: it is also that of its file."""
    return identifier(name) == name and _name(name) == name


def how(name: str) -> str:
    """How TLC is run on the module of this name."""
    return (
        f"java -cp tla2tools.jar tlc2.TLC -config {name}.cfg {name}"
        " (the module is in a file of its own name, and its configuration beside it)"
    )


def _name(name: str) -> str:
    """An identifier that is no word of the language, nor one that the module has for itself."""
    kept = identifier(name)
    is_word = kept in _WORDS | _OWN or kept[:3] in ("WF_", "SF_")
    return f"v_{kept}" if is_word else kept


class _Module:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._system, self._claim = subject.system, subject.claim
        self._names = Names(_name, {subject.name})
        self._states = list(self._system.variables)
        if has_flag(self._system, self._claim):
            self._states.append(wrong_step(self._system))
        self._nodes = Nodes()

    def text(self) -> str:
        """The module. Raises NotWritable."""
        subject, called = self._subject, [self._names[v.name] for v in self._states]
        body = [
            *self._initially(),
            *(line for action in self._system.actions for line in self._action(action)),
            *self._next(),
            *self._holds(),
        ]
        lines = [f"---- MODULE {subject.name} ----"]
        lines += subject.header("\\*", f"To check it: {how(subject.name)}.")
        lines += ["EXTENDS Naturals", "", *self._meanings()]
        lines += [f"VARIABLES {', '.join(called)}", f"vars == <<{', '.join(called)}>>", ""]
        return "\n".join([*lines, *_bitwise(self._nodes), *body, "===="]) + "\n"

    def _meanings(self) -> Iterator[str]:
        parameters = [as_input(p) for action in self._system.actions for p in action.parameters]
        for variable in (*self._states, *parameters):
            if told := meaning(variable, self._names[variable.name]):
                yield f"\\* {told}"

    def _initially(self) -> list[str]:
        conditions = initial_conditions(self._nodes, self._system, self._states)
        yes, no = (self._nodes.add("constant", 0, value=value) for value in (1, 0))
        layout = self._layout([*conditions, yes, no])
        started = self._started(conditions, layout)
        return ["Init ==", *_let(layout), *(f"  /\\ {text}" for text in started), ""]

    def _started(self, conditions: Sequence[int], layout: Layout) -> Iterator[str]:
        """The conjuncts, in an order in which TLC has a value for each variable that one reads."""
        left = list(conditions)
        unknown = {variable.name: variable for variable in self._states}
        while left or unknown:
            for condition in left:
                defined = self._defined(condition, unknown.keys())
                if defined is not None:
                    name, value = defined
                    del unknown[name]
                    yield f"{self._names[name]} = {layout[value]}"
                elif not self._nodes.reads(condition) & unknown.keys():
                    yield layout[condition]
                else:
                    continue
                left.remove(condition)
                break
            else:
                variable = unknown.pop(next(iter(unknown)))
                yield f"{self._names[variable.name]} \\in {_range(variable)}"

    def _defined(self, condition: int, unknown: Collection[str]) -> tuple[str, int] | None:
        """A variable without a value to which a condition gives one, and that value's node."""
        node = self._nodes[condition]
        if node.operator == "variable":
            sides = [(condition, self._nodes.add("constant", 0, value=1))]
        elif node.operator == "not":
            sides = [(node.arguments[0], self._nodes.add("constant", 0, value=0))]
        elif node.operator == "equal":
            one, other = node.arguments
            sides = [(one, other), (other, one)]
        else:
            return None
        for side, value in sides:
            name = self._nodes[side].name
            if name in unknown and not self._nodes.reads(value) & set(unknown):
                return name, value
        return None

    def _action(self, action: GroundAction) -> list[str]:
        nodes = self._nodes
        guard = list(nodes.conjuncts(nodes.of(action.guard)))
        updates = {
            variable.name: number
            for variable in self._system.variables
            if variable.name in action.updates
            and nodes[number := nodes.of(action.updates[variable.name])].name != variable.name
        }
        kept = self._claim.steps.get(action.name)
        if has_flag(self._system, self._claim):
            right = nodes.of(z3.BoolVal(True) if kept is None else kept)
            updates[self._states[-1].name] = nodes.negated(right)
        layout = self._layout([*guard, *updates.values()])
        lines = [f"  /\\ {layout[conjunct]}" for conjunct in guard]
        lines += [f"  /\\ {self._names[name]}' = {layout[n]}" for name, n in updates.items()]
        same = [self._names[v.name] for v in self._states if v.name not in updates]
        if same:
            lines.append(f"  /\\ UNCHANGED <<{', '.join(same)}>>")
        return [f"{self._called(action)} ==", *_let(layout), *(lines or ["  TRUE"]), ""]

    def _next(self) -> list[str]:
        lines = []
        for action in self._system.actions:
            chosen = ", ".join(
                f"{self._names[as_input(p).name]} \\in {_range(p)}" for p in action.parameters
            )
            prefix = f"\\E {chosen} : " if chosen else ""
            lines.append(f"  \\/ {prefix}{self._called(action)}")
        # A state in which nothing is possible is no mistake, but TLC takes it for one unless told.
        lines.append("  \\/ UNCHANGED vars")
        return ["Next ==", *lines, "", "Spec == Init /\\ [][Next]_vars", ""]

    def _holds(self) -> list[str]:
        conjuncts = list(self._nodes.conjuncts(self._nodes.of(self._claim.state)))
        layout = self._layout(conjuncts)
        lines = [f"  /\\ {layout[conjunct]}" for conjunct in conjuncts]
        if has_flag(self._system, self._claim):
            lines.append(f"  /\\ ~{self._names[self._states[-1].name]}")
        return ["Holds ==", *_let(layout), *(lines or ["  TRUE"]), ""]

    def _called(self, action: GroundAction) -> str:
        """An action's operator, applied to its parameters."""
        parameters = ", ".join(self._names[as_input(p).name] for p in action.parameters)
        name = self._names[f"action {action.name}"]
        return f"{name}({parameters})" if parameters else name

    def _layout(self, roots: Sequence[int]) -> Layout:
        write = functools.partial(_written, nodes=self._nodes, called=self._names.__getitem__)
        return Layout(self._nodes, roots, write, lambda: self._names.fresh("d"), _REPEATING)


def _let(layout: Layout) -> list[str]:
    """The lines that bind what is shared below them. TLC evaluates each at most once."""
    if not layout.definitions:
        return []
    return ["  LET", *(f"    {d.name} == {d.text}" for d in layout.definitions), "  IN"]


def _range(variable: Variable) -> str:
    return "BOOLEAN" if variable.is_bool else f"0..{variable.size - 1}"


_BITWISE = (
    "RECURSIVE BitAnd(_, _)",
    "BitAnd(one_number, other_number) ==",
    "  IF one_number = 0 \\/ other_number = 0 THEN 0",
    "  ELSE (one_number % 2) * (other_number % 2)",
    "    + 2 * BitAnd(one_number \\div 2, other_number \\div 2)",
    "BitOr(one_number, other_number) ==",
    "  one_number + other_number - BitAnd(one_number, other_number)",
    "BitXor(one_number, other_number) ==",
    "  one_number + other_number - 2 * BitAnd(one_number, other_number)",
    "",
)
_FUNCTIONS = {"and": "BitAnd", "or": "BitOr", "xor": "BitXor"}


def _bitwise(nodes: Nodes) -> Sequence[str]:
    """The operators that Naturals does not have, where something needs them."""
    written = (nodes[number] for number in range(len(nodes)))
    return _BITWISE if any(n.bits and n.operator in _FUNCTIONS for n in written) else ()


_REPEATING = frozenset[Operator]({"left", "right"})
_OF_TRUTHS = {"and": "/\\", "or": "\\/", "xor": "/=", "equal": "=", "less": "<"}


def _written(node: Node, args: Sequence[str], nodes: Nodes, called: Callable[[str], str]) -> str:
    """A node from the texts of its arguments, in brackets if it is more than a word."""
    if node.operator == "variable":
        return called(node.name)
    if node.operator == "constant":
        return str(node.value) if node.bits else ("TRUE" if node.value else "FALSE")
    if node.operator == "choice":
        return f"(IF {args[0]} THEN {args[1]} ELSE {args[2]})"
    if node.bits:
        return _number(node, args, [nodes[n].bits for n in node.arguments])
    if node.operator == "not":
        return f"(~{args[0]})"
    return f"({f' {_OF_TRUTHS[node.operator]} '.join(args)})"


def _number(node: Node, args: Sequence[str], widths: Sequence[int]) -> str:
    is_product = node.operator in ("multiply", "left")
    if max(node.bits, *widths) * (2 if is_product else 1) > BITS_MAX:
        raise NotWritable(f"numbers of {node.bits} bits are more than TLC can count with")
    first, *others = args
    every = 1 << node.bits
    if node.operator in _FUNCTIONS:
        for other in others:
            first = f"{_FUNCTIONS[node.operator]}({first}, {other})"
        return first
    if node.operator == "concatenate":
        for other, width in zip(others, widths[1:], strict=True):
            first = f"({first} * {1 << width} + {other})"
        return first
    forms = {
        "not": "({every} - 1 - {0})",
        "add": "(({0} + {1}) % {every})",
        "subtract": "(({0} + ({every} - {1})) % {every})",
        "multiply": "(({0} * {1}) % {every})",
        "left": "(IF {1} < {bits} THEN ({0} * 2 ^ {1}) % {every} ELSE 0)",
        "right": "(IF {1} < {bits} THEN {0} \\div 2 ^ {1} ELSE 0)",
        "extract": "(({0} \\div {low}) % {every})",
        "widen": "{0}",
    }
    low = 1 << node.value if node.operator == "extract" else 0
    return forms[node.operator].format(*args, every=every, bits=node.bits, low=low)
