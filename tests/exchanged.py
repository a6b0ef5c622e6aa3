"""What the written files say of one step, by readers that share nothing with their writers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import reading_btor2
import reading_smv
import z3

from checker.exchange.formats import FORMATS
from checker.exchange.naming import identifier
from checker.exchange.subject import Subject
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, State

Inputs = Mapping[str, int]


class Written:
    """One format's file of a system and a claim, asked about states as tuples of numbers.

    `variables` are the names of ours that states have values for, in order; where the claim is
    about steps, the last one is the one that tells of a wrong step.
    """

    def __init__(self, system: GroundSystem, claim: GroundProperty, form: str) -> None:
        written = FORMATS[form].write(Subject(system, claim, (), "written"))
        self.text = written[FORMATS[form].ending]
        self.variables = [variable.name for variable in system.variables]
        if claim.kind == "step":
            self.variables.append("wrong_step")
        self.inputs = ["action"]
        for action in system.actions:
            self.inputs += [str(p.term.decl().name()) for p in action.parameters]

    def after(self, state: State, inputs: Inputs) -> State:
        """The state to which these inputs lead; an input that is not named is 0."""
        raise NotImplementedError

    def is_initial(self, state: State) -> bool:
        """Whether runs may begin there."""
        raise NotImplementedError

    def holds(self, state: State) -> bool:
        """Whether the file finds nothing wrong with a state."""
        raise NotImplementedError

    def _inputs(self, inputs: Inputs) -> dict[str, int]:
        return {name: inputs.get(name, 0) for name in self.inputs}


class WrittenBtor2(Written):
    """By the tests' own reader of BTOR2."""

    def __init__(self, system: GroundSystem, claim: GroundProperty) -> None:
        super().__init__(system, claim, "btor2")
        self.file = reading_btor2.read(self.text)
        self._moment = [name for name in self.file.states if name not in self.variables]
        assert self._moment in ([], ["first_moment"])

    def _state(self, state: State, first: int) -> dict[str, int]:
        named = dict(zip(self.variables, state, strict=True))
        return named | dict.fromkeys(self._moment, first)

    def after(self, state: State, inputs: Inputs) -> State:
        found = self.file.after(self._state(state, 0), self._inputs(inputs))
        assert all(found[name] == 0 for name in self._moment)
        return tuple(found[name] for name in self.variables)

    def is_initial(self, state: State) -> bool:
        known = self._state(state, 1)
        values = self.file.values(known, self._inputs({}))
        given = all(
            values[self.file.init[number]] == known[name]
            for name, number in self.file.states.items()
            if number in self.file.init
        )
        return given and all(values[number] for number in self.file.constraints)

    def holds(self, state: State) -> bool:
        values = self.file.values(self._state(state, 0), self._inputs({}))
        assert all(values[number] for number in self.file.constraints), "only of the first moment"
        return not any(values[number] for number in self.file.bad)


class WrittenSmv(Written):
    """By the tests' own reader of SMV."""

    def __init__(self, system: GroundSystem, claim: GroundProperty) -> None:
        super().__init__(system, claim, "smv")
        self.file = reading_smv.read(self.text)

    def _value(self, name: str, value: int) -> reading_smv.Value:
        width = {**self.file.states, **self.file.inputs}[name]
        return (width, value) if width else bool(value)

    def _named(self, state: State) -> dict[str, reading_smv.Value]:
        names = map(identifier, self.variables)
        return {n: self._value(n, v) for n, v in zip(names, state, strict=True)}

    def after(self, state: State, inputs: Inputs) -> State:
        given = {
            identifier(n): self._value(identifier(n), v) for n, v in self._inputs(inputs).items()
        }
        found = self.file.after(self._named(state), given)
        values = [found[identifier(name)] for name in self.variables]
        return tuple(int(v) if isinstance(v, bool) else v[1] for v in values)

    def is_initial(self, state: State) -> bool:
        return self.file.is_initial(self._named(state))

    def holds(self, state: State) -> bool:
        return self.file.holds(self._named(state))


class WrittenVmt(Written):
    """By Z3's own parser and simplifier."""

    format = "vmt"

    def __init__(self, system: GroundSystem, claim: GroundProperty) -> None:
        super().__init__(system, claim, self.format)
        self.init, self.trans, self.prop = z3.parse_smt2_string(self.asking())[-3:]
        self._terms = constants_in(self.init, self.trans, self.prop)

    def asking(self) -> str:
        """A script whose last three assertions are of the initial states, a step, the claim."""
        return f"{self.text}(assert init) (assert trans) (assert prop)"

    def now(self, name: str) -> str:
        """What a variable or an input is called."""
        return name

    def later(self, name: str) -> str:
        """What a variable is called after a step."""
        return f"{name}'"

    def _at(self, formula: z3.ExprRef, state: State, inputs: Inputs) -> z3.ExprRef:
        """A formula with values for what is known; what occurs nowhere needs none."""
        given = [*zip(self.variables, state, strict=True), *inputs.items()]
        read = [(self._terms.get(self.now(name)), value) for name, value in given]
        return z3.simplify(
            z3.substitute(formula, *((t, literal(t, v)) for t, v in read if t is not None))
        )

    def after(self, state: State, inputs: Inputs) -> State:
        solver = z3.Solver()
        solver.add(self._at(self.trans, state, self._inputs(inputs)))
        assert solver.check() == z3.sat
        model, terms = solver.model(), [self._terms[self.later(name)] for name in self.variables]
        values = [model.eval(term, model_completion=True) for term in terms]
        solver.add(z3.Or([term != value for term, value in zip(terms, values, strict=True)]))
        assert solver.check() == z3.unsat, "there is one next state"
        return tuple(int(z3.is_true(v)) if z3.is_bool(v) else v.as_long() for v in values)

    def is_initial(self, state: State) -> bool:
        return self._is_true(self.init, state)

    def holds(self, state: State) -> bool:
        return self._is_true(self.prop, state)

    def _is_true(self, formula: z3.ExprRef, state: State) -> bool:
        value = self._at(formula, state, {})
        assert z3.is_true(value) or z3.is_false(value)
        return z3.is_true(value)


class WrittenSmt2(WrittenVmt):
    """The same, of the functions that the script applies to its first two moments."""

    format = "smt2"

    def asking(self) -> str:
        lines = self.text.splitlines()
        kept = lines[: lines.index("(push 1)")]
        kept += [line for line in lines if re.match(r"\(declare-const \S+@[01]\|? ", line)]
        (init,) = (line for line in lines if re.match(r"\(assert \(init .*@0", line))
        (prop,) = (line for line in lines if re.match(r"\(assert \(not \(prop .*@0", line))
        (trans,) = (line for line in lines if re.match(r"\(assert \(trans .*@0.*@1\|?\)", line))
        return "\n".join([*kept, init, trans, prop.replace("(not ", "", 1)[:-1]])

    def now(self, name: str) -> str:
        return f"{name}@0"

    def later(self, name: str) -> str:
        return f"{name}@1"


def constants_in(*formulas: z3.ExprRef) -> dict[str, z3.ExprRef]:
    """The uninterpreted constants in formulas, by name."""
    found: dict[str, z3.ExprRef] = {}
    seen: dict[int, z3.ExprRef] = {}
    stack = list(formulas)
    while stack:
        term = stack.pop()
        if term.get_id() not in seen:
            seen[term.get_id()] = term
            stack.extend(term.children())
            if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                found[term.decl().name()] = term
    return found


def literal(term: z3.ExprRef, value: int) -> z3.ExprRef:
    """A value of a term's sort."""
    return z3.BoolVal(bool(value)) if z3.is_bool(term) else z3.BitVecVal(value, term.size())


READ: Mapping[str, Callable[[GroundSystem, GroundProperty], Written]] = {
    "btor2": WrittenBtor2,
    "smv": WrittenSmv,
    "vmt": WrittenVmt,
    "smt2": WrittenSmt2,
}
