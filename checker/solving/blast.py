"""What one step of a system is as clauses: bits now, bits next, and what a claim says of them.

A ground system is turned into clauses once, for incremental SAT solvers that are asked thousands
of small questions. Actions share the bits of their parameters (one action is taken at a time), so
that what they have in common is built once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from checker.solving.bits import Bits, Translation, bits_of_number, equal, less
from checker.solving.circuit import TRUE, Circuit
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundAction, GroundSystem, State, Term, Variable

ATOMS_MAX = 16
"""A variable with more values than this has no literal for each of its values, only its bits."""

Clause = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Goal:
    """Where something that may be reached is: in a state, or on the way to a state.

    `now` is true of the state now. `step` is true of the step that is taken, whatever its guard
    says: take it together with `guard`. `next` is `now` of the state after the step; it is None
    unless `blast` was asked for what holds next. Then `parts` are literals of which one is true
    exactly where `next` is.
    """

    now: int
    step: int
    next: int | None = None
    parts: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Blasted:
    """A template: the clauses of one moment and of the step that begins there.

    Literals are DIMACS integers over the variables 1 … `variables`; variable 1 is true. The clauses
    make every other literal a function of the bits `now`, the `selectors` and the bits of
    `parameters`, and say that at most one selector is true, that every value is in its range, and
    (where there are atoms) that a variable has one of its values. They do not say that the step is
    possible: `guard` does, that one action is selected and that its guard holds. With no action
    selected, nothing changes. Where `guard` is false, `next` means nothing.

    `now` and `next` have the bits of each variable, in the order of the system's, lowest first; a
    bit of `next` may be one of `now`, its negation, or a constant. `selectors` has a literal for
    each action, and `parameters` for each action the bits of its parameters; actions share them.
    `initially` is true of the initial states. `bad` is where the claim is violated, and `premise`
    where its premise is reached. `atoms_now[place][value]` says that a variable has a value;
    it is empty for a variable with more than ATOMS_MAX values, and everywhere unless `blast` was
    asked for what holds next. The same goes for `atoms_next`, which means nothing without `guard`.

    To unroll, take `first_moment()`, and then again and again `following(copy, first)` of the copy
    before, where `first` is the greatest variable in use: copy i uses those after i * `variables`.
    Give the clauses of every copy to the solver, and for each step taken `copy(guard)`. The bits
    now of moment i + 1 are the literals next of moment i: no clause links them. A run of k steps
    is k copies with their guards, and one more for the state at its end, without its guard. It
    violates the claim at its end where `copy(bad.now)` of the last copy holds, or `copy(bad.step)`
    of the last copy with a guard.
    """

    system: GroundSystem
    variables: int
    clauses: tuple[Clause, ...]
    now: tuple[Bits, ...]
    next: tuple[Bits, ...]
    selectors: tuple[int, ...]
    parameters: tuple[tuple[Bits, ...], ...]
    guard: int
    initially: int
    bad: Goal
    premise: Goal
    atoms_now: tuple[Bits, ...]
    atoms_next: tuple[Bits, ...]

    def first_moment(self, first: int = 0) -> Copy:
        """A copy whose bits now are free; its variables are those after `first`."""
        return Copy(self, [0, *range(first + 1, first + self.variables + 1)])

    def following(self, before: Copy, first: int) -> Copy:
        """The moment after `before`: its bits now are what is next in `before`."""
        literals = [0, *range(first + 1, first + self.variables + 1)]
        for bits, after in zip(self.now, self.next, strict=True):
            for bit, literal in zip(bits, after, strict=True):
                literals[bit] = before(literal)
        return Copy(self, literals)

    def state(self, is_true: Sequence[bool]) -> State:
        """The state now under an assignment: `is_true` has an entry for each variable's number."""
        return tuple(_number(bits, is_true) for bits in self.now)

    def call(self, is_true: Sequence[bool]) -> Call | None:
        """The call under an assignment, None where no action is selected."""
        chosen = zip(self.selectors, self.system.actions, self.parameters, strict=True)
        for selector, action, parameters in chosen:
            if is_true[selector]:
                return Call(action.name, tuple(_number(bits, is_true) for bits in parameters))
        return None


class Copy:
    """The template at one moment of a run: call it with a literal for the solver's literal."""

    def __init__(self, blasted: Blasted, literals: list[int]) -> None:
        self._blasted = blasted
        self._literals = literals

    def __call__(self, literal: int) -> int:
        return self._literals[literal] if literal > 0 else -self._literals[-literal]

    def clauses(self) -> Iterator[list[int]]:
        """The template's clauses in the solver's literals."""
        literals = self._literals
        for clause in self._blasted.clauses:
            yield [literals[x] if x > 0 else -literals[-x] for x in clause]

    def assignment(self, model: Sequence[int]) -> list[bool]:
        """What `Blasted.state` and `Blasted.call` want, from a model of the solver.

        Entry i of the model is i + 1 or its negation; a variable beyond its end is false.
        """
        known = len(model)
        return [
            x != 0 and (abs(x) <= known and model[abs(x) - 1] > 0) == (x > 0)
            for x in self._literals
        ]


def _number(bits: Bits, is_true: Sequence[bool]) -> int:
    return sum(1 << i for i, bit in enumerate(bits) if is_true[abs(bit)] == (bit > 0))


def blast(system: GroundSystem, claim: GroundProperty, holds_next: bool = False) -> Blasted:
    """The clauses of a well-formed system and a claim about it.

    With `holds_next` also what the claim and its premise say of the state after the step, and the
    atoms. Raises CompileError on an operator that has no translation.
    """
    return _Blasting(system, claim).blasted(holds_next)


class _Blasting:
    """The circuit of a system, while it is built."""

    def __init__(self, system: GroundSystem, claim: GroundProperty) -> None:
        self._system = system
        self._claim = claim
        self._circuit = Circuit()
        self._now = tuple(self._circuit.inputs(_width(v)) for v in system.variables)
        self._selectors = self._circuit.inputs(len(system.actions))
        self._parameters = tuple(self._shared_parameters())
        inputs = dict(zip(map(_symbol, system.variables), self._now, strict=True))
        self._state = Translation(self._circuit, inputs)
        self._steps = [
            Translation(
                self._circuit, inputs | dict(zip(map(_symbol, a.parameters), bits, strict=True))
            )
            for a, bits in zip(system.actions, self._parameters, strict=True)
        ]

    def blasted(self, holds_next: bool) -> Blasted:
        circuit, system, claim = self._circuit, self._system, self._claim
        for i, selector in enumerate(self._selectors):
            for other in self._selectors[:i]:
                circuit.require(-selector, -other)
        self._require_in_range(system.variables, self._now)
        guard = circuit.any_of(
            circuit.all_of((selector, translation.truth(action.guard)))
            for selector, translation, action in self._actions()
        )
        after = tuple(map(self._after, system.variables, self._now))
        bad = Goal(-self._state.truth(claim.state), self._of_step(claim.steps, -1))
        reached = self._state.truth(claim.premise_state)
        premise = Goal(reached, self._of_step(claim.premise_steps, 1))
        atoms_now: tuple[Bits, ...] = ((),) * len(system.variables)
        atoms_next = atoms_now
        if holds_next:
            following = Translation(
                circuit, dict(zip(map(_symbol, system.variables), after, strict=True))
            )
            bad = self._with_next(bad, -following.truth(claim.state))
            premise = self._with_next(premise, following.truth(claim.premise_state))
            atoms_now, atoms_next = self._atoms(self._now), self._atoms(after, guard)
        initially = self._state.truth(system.initially)
        return Blasted(
            system=system,
            variables=circuit.variables,
            clauses=tuple(circuit.clauses),
            now=self._now,
            next=after,
            selectors=self._selectors,
            parameters=self._parameters,
            guard=guard,
            initially=initially,
            bad=bad,
            premise=premise,
            atoms_now=atoms_now,
            atoms_next=atoms_next,
        )

    def _actions(self) -> Iterator[tuple[int, Translation, GroundAction]]:
        return zip(self._selectors, self._steps, self._system.actions, strict=True)

    def _shared_parameters(self) -> Iterator[tuple[Bits, ...]]:
        """Bits for the parameters of each action: the n-th of a kind is the same for all."""
        known: dict[tuple[int, int, int], Bits] = {}
        for action in self._system.actions:
            seen: dict[tuple[int, int], int] = {}
            found = []
            for parameter in action.parameters:
                # A term of more bits than its values need is not one of fewer with as many values.
                kind = _width(parameter), parameter.size
                number = seen[kind] = seen.get(kind, -1) + 1
                key = *kind, number
                if key not in known:
                    known[key] = self._circuit.inputs(_width(parameter))
                    self._require_in_range([parameter], [known[key]])
                found.append(known[key])
            yield tuple(found)

    def _require_in_range(self, variables: Sequence[Variable], bits: Sequence[Bits]) -> None:
        for variable, its in zip(variables, bits, strict=True):
            if variable.size < 1 << len(its):
                limit = bits_of_number(variable.size, len(its))
                self._circuit.require(less(self._circuit, its, limit))

    def _after(self, variable: Variable, now: Bits) -> Bits:
        """The bits of a variable after the step."""
        circuit, value = self._circuit, now
        for selector, translation, action in self._actions():
            update = action.updates.get(variable.name)
            if update is not None:
                bits = translation.bits(update)
                pairs = zip(bits, value, strict=True)
                value = tuple(circuit.choose(selector, new, old) for new, old in pairs)
        return value

    def _of_step(self, formulas: Mapping[str, Term], sign: int) -> int:
        """Whether the selected action has a formula that is true (with sign -1: false)."""
        circuit = self._circuit
        return circuit.any_of(
            circuit.all_of((selector, sign * translation.truth(formulas[action.name])))
            for selector, translation, action in self._actions()
            if action.name in formulas
        )

    def _with_next(self, goal: Goal, literal: int) -> Goal:
        parts = tuple(-part for part in self._circuit.conjuncts(-literal))
        return dataclasses.replace(goal, next=literal, parts=parts)

    def _atoms(self, columns: Sequence[Bits], unless: int = TRUE) -> tuple[Bits, ...]:
        """For each variable and value whether it has it; it has one, where `unless` is true.

        The bits alone imply that. As a clause it propagates from what a variable is not to what it
        is.
        """
        circuit = self._circuit
        found: list[Bits] = []
        for variable, bits in zip(self._system.variables, columns, strict=True):
            if variable.size > ATOMS_MAX:
                found.append(())
                continue
            values = [bits_of_number(value, len(bits)) for value in range(variable.size)]
            atoms = tuple(equal(circuit, bits, value) for value in values)
            if variable.size > 1:
                circuit.require(*atoms, *(() if unless == TRUE else (-unless,)))
            found.append(atoms)
        return tuple(found)


def _width(variable: Variable) -> int:
    return 1 if variable.is_bool else int(variable.term.size())


def _symbol(variable: Variable) -> str:
    return str(variable.term.decl().name())
