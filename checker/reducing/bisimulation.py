"""Whether a map of states leads to states that behave alike: what must be proved, and the proof.

A *bisimulation* relates states that take related steps under related choices and judge every claim
alike (Park 1981; Milner 1989). Two kinds of maps h of states (with a map h of choices) give one:

* a *renaming*, which undoes itself: a step is possible for h(c) in h(s) exactly when it is for c in
  s, and leads to h of where that leads. Then every s is bisimilar to h(s);
* a *normaliser*, which leaves choices alone: the same steps are possible in s and h(s), and lead to
  states that h maps to one. Then again every s is bisimilar to h(s): the states after the steps
  are each bisimilar to what h makes of them, which is one state.

The conditions speak of all states in range, whether they can be reached or not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import z3

from checker.answers.proof import Condition
from checker.systems.asking import ask
from checker.systems.deadlines import is_over, seconds_left
from checker.systems.property import GroundProperty
from checker.systems.system import GroundAction, GroundSystem, Term

OUT_OF_TIME = "out of time"
"""The objection to what could not be looked at before the deadline."""

Images = Sequence[tuple[Term, Term]]
"""Variables (or parameters) and what a map gives them, over the variables (or parameters)."""


def substituted(terms: Sequence[Term], images: Images) -> tuple[Term, ...]:
    """The terms with variables replaced: all at once, as z3py looks at every image in each call."""
    terms = tuple(terms)
    if not terms:
        return ()
    together = z3.Function("together", *(term.sort() for term in terms), z3.BoolSort())
    return tuple(z3.substitute(together(*terms), *images).children())


@dataclasses.dataclass(frozen=True)
class StateMap:
    """A map of states: `name` says which, `state` has an image for each variable, in order.

    `choices` has for each action the images of the parameters that the map changes. `is_renaming`
    tells which of the two kinds of maps it should be.
    """

    name: str
    state: tuple[Term, ...]
    choices: Mapping[str, Images]
    is_renaming: bool


@dataclasses.dataclass(frozen=True)
class Obligation:
    """Something to prove: where `given` is true, none of the `parts` is.

    A part is a formula and what it would mean in words: "it changes when destroy is possible".
    """

    name: str
    given: tuple[Term, ...]
    parts: tuple[tuple[str, Term], ...]

    def condition(self) -> Condition:
        """The same as a formula that must have no model."""
        return Condition(self.name, z3.And(*self.given, z3.Or([part for _, part in self.parts])))

    def objection(self, resources: int, deadline: float | None = None) -> str | None:
        """Why it is not so, in words, or that Z3 does not know; None where it is proved.

        `resources` are Z3's own measure of its work, which the load of a machine does not change;
        `deadline` is a moment of `time.monotonic`.
        """
        open_parts = [
            (words, left)
            for words, part in self.parts
            if not z3.is_false(left := z3.simplify(part))
        ]
        if not open_parts:
            return None
        answer, model = self._answer([part for _, part in open_parts], resources, deadline)
        if model is None:
            return None if answer == z3.unsat else self._undecided(deadline)
        # Which part a model breaks is chance; which is the first that can be broken is not.
        for words, part in open_parts:
            if z3.is_true(model.eval(part, True)):
                return words
            if self._answer([part], resources, deadline)[1] is not None:
                return words
        raise AssertionError("a model of the parts is a model of one of them")

    def _undecided(self, deadline: float | None) -> str:
        """Why there is no answer: Z3's own words tell its limits apart only now and then."""
        if is_over(deadline):
            return OUT_OF_TIME
        return f"whether {self.name} Z3 cannot say within its limit"

    def _answer(
        self, parts: Sequence[Term], resources: int, deadline: float | None
    ) -> tuple[z3.CheckSatResult, z3.ModelRef | None]:
        """The solver's answer about some of the parts, and a model."""
        left = seconds_left(deadline)
        if left == 0:
            return z3.unknown, None
        solver = z3.SolverFor("QF_BV")
        solver.set("rlimit", resources)
        solver.add(*self.given, z3.Or(list(parts)))
        answer = ask(solver, seconds=left)
        return answer, solver.model() if answer == z3.sat else None


def obligations(
    system: GroundSystem, claims: Sequence[GroundProperty], mapped: StateMap
) -> Iterator[Obligation]:
    """All that must be proved before a state may stand for those that the map leads to it from."""
    before = [variable.term for variable in system.variables]
    to_image = [*zip(before, mapped.state, strict=True)]
    in_range = tuple(v.in_range() for v in system.variables)
    yield _stays_in_range(system, mapped, to_image, in_range)
    for claim in claims:
        formulas = (claim.state, claim.premise_state)
        words = (
            f"it changes whether {claim.id} holds in a state",
            f"it changes whether a state is what {claim.id} presupposes",
        )
        unequal = _pairwise_unequal(substituted(formulas, to_image), formulas)
        judged = tuple(zip(words, unequal, strict=True))
        yield Obligation(f"{mapped.name} keeps {claim.id}", in_range, judged)
    for action in system.actions:
        ranges = (*in_range, *(p.in_range() for p in action.parameters))
        parts = [*_step_parts(system, mapped, to_image, action)]
        parts += _judgement_parts(claims, mapped, to_image, action)
        yield Obligation(f"{mapped.name} keeps {action.name}", ranges, tuple(parts))


def _stays_in_range(
    system: GroundSystem, mapped: StateMap, to_image: Images, in_range: tuple[Term, ...]
) -> Obligation:
    """The image is a state; what a renaming does, it undoes; normalising twice changes nothing."""
    inside = substituted(in_range, to_image)
    again = substituted(mapped.state, to_image)
    before = [v.term for v in system.variables] if mapped.is_renaming else mapped.state
    names = [variable.name for variable in system.variables]
    out = [(f"it puts {n} out of its range", z3.Not(t)) for n, t in zip(names, inside, strict=True)]
    words = [f"doing it twice gives {name} another value" for name in names]
    twice = zip(words, _pairwise_unequal(again, before), strict=True)
    return Obligation(f"{mapped.name} gives states", in_range, (*out, *twice))


def _step_parts(
    system: GroundSystem, mapped: StateMap, to_image: Images, action: GroundAction
) -> Iterator[tuple[str, Term]]:
    """That an action is possible as before, and leads to related states."""
    both = [*to_image, *mapped.choices.get(action.name, ())]
    before = [variable.term for variable in system.variables]
    after = [action.updates.get(v.name, v.term) for v in system.variables]
    possible, *found = substituted([action.guard, *after], both)
    yield f"it changes when {action.name} is possible", possible != action.guard
    expected = substituted(mapped.state, [*zip(before, after, strict=True)])
    if not mapped.is_renaming:
        found = [*substituted(mapped.state, [*zip(before, found, strict=True)])]
    unequal = _pairwise_unequal(found, expected)
    for variable, differs in zip(system.variables, unequal, strict=True):
        words = f"it changes what {action.name} does to {variable.name}"
        yield words, z3.And(action.guard, differs)


def _judgement_parts(
    claims: Sequence[GroundProperty], mapped: StateMap, to_image: Images, action: GroundAction
) -> Iterator[tuple[str, Term]]:
    """That claims about steps judge an action as before."""
    both = [*to_image, *mapped.choices.get(action.name, ())]
    for claim in claims:
        for formulas, words in (
            (claim.steps, f"it changes whether {action.name} keeps {claim.id}"),
            (claim.premise_steps, f"it changes when {action.name} is what {claim.id} presupposes"),
        ):
            if (formula := formulas.get(action.name)) is not None:
                (differs,) = _pairwise_unequal(substituted([formula], both), [formula])
                yield words, z3.And(action.guard, differs)


def _pairwise_unequal(left: Sequence[Term], right: Sequence[Term]) -> list[Term]:
    return [a != b for a, b in zip(left, right, strict=True)]
