"""Which of the offered lemmas are inductive in a small scope, and what each step rests on.

Source: Flanagan, Leino, "Houdini, an Annotation Assistant for ESC/Java", FME 2001. Candidates
that fail in an initial state, or after a step from a state where all that are left hold, are
dropped until none fails; the rest is the greatest set that is inductive. It is found in a small
finite scope, where that takes milliseconds, before anything is proved for any size.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import z3

from checker.systems.asking import ask
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundAction, GroundSystem, State, Term, Variable, as_term


@dataclasses.dataclass(frozen=True)
class Lemma:
    """A statement about every reachable state: a short name, a sentence, and a formula.

    `formula(state)` is None for a system that lacks what the lemma speaks of.
    """

    id: str
    sentence: str
    formula: Callable[[Any], Term | None]


@dataclasses.dataclass(frozen=True)
class Failure:
    """A counterexample to induction: everything assumed holds before the step, `failed` not after.

    `assumed` are the ids of what holds in `before`. `call` and `after` are None where `failed` is
    false in an initial state, which `before` is then.
    """

    failed: str
    assumed: tuple[str, ...]
    before: State
    call: Call | None
    after: State | None


@dataclasses.dataclass(frozen=True)
class Use:
    """What one step rests on: ids of lemmas and claim, and whether the action's guard is needed."""

    ids: frozenset[str]
    guard: bool


@dataclasses.dataclass(frozen=True)
class Selection:
    """What is inductive in a scope: the ids of the lemmas that the claim rests on, in `chosen`.

    `uses` says, for what is kept (the id of a lemma, or of the claim) and each action, by what it
    is kept: a hint for a proof of any size, and no more. `left` are all lemmas that are inductive
    beside the claim, and `dropped` has a failure for each other one. `gap` is there when, and only
    when, the claim fails all the same.
    """

    chosen: tuple[str, ...]
    uses: Mapping[tuple[str, str], Use]
    left: tuple[str, ...]
    dropped: Mapping[str, Failure]
    gap: Failure | None


class Undecided(Exception):
    """A solver gave no answer, or time is over; the message says where."""


def select(
    grounding: Grounding,
    claim: GroundProperty,
    lemmas: Sequence[Lemma],
    deadline: float | None = None,
) -> Selection:
    """The greatest set of the lemmas that is inductive beside the claim, and what of it is needed.

    None is looked at where the claim is inductive by itself. A lemma that fails only where the
    claim has failed counts as inductive beside it. Raises Undecided at the deadline (a moment of
    `time.monotonic`), or when the solver gives up.
    """
    alone = _Houdini(_offered(grounding, ()), claim, deadline).run()
    if alone.gap is None or not lemmas:
        return alone
    return _Houdini(_offered(grounding, tuple(lemmas)), claim, deadline).run()


Failures = dict[str, Failure]


class _Solver:
    """A solver over a state and, with an action, one step from it.

    `deadline` is a moment of `time.monotonic`, or None.
    """

    def __init__(self, variables: Iterable[Variable]) -> None:
        self.solver = z3.SolverFor("QF_FD")
        self.solver.add(*(variable.in_range() for variable in variables))
        self.deadline: float | None = None

    def finds(self, *assumed: Term) -> bool:
        """Whether there is a model under the assumptions. Raises Undecided."""
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if left is not None and left <= 0:
            raise Undecided("out of time while lemmas were selected")
        answer = ask(self.solver, *assumed, seconds=left)
        if answer == z3.unknown:
            raise Undecided(f"Z3 gave no answer: {self.solver.reason_unknown()}")
        return bool(answer == z3.sat)

    def values(self, terms: Iterable[Term]) -> State:
        """The values of terms in the model that was found."""
        model = self.solver.model()
        found = (model.eval(term, model_completion=True) for term in terms)
        return tuple(int(z3.is_true(v)) if z3.is_bool(v) else int(v.as_long()) for v in found)

    def fewest(self, fixed: Term, optional: Sequence[Term], known: Iterable[str]) -> set[str]:
        """After "no model": names of assumptions that leave none, no one of them to spare.

        What stands first in `optional` is spared first; `known` may take the place of others.
        Raises Undecided.
        """
        needed = {_name(term) for term in self.solver.unsat_core()} | set(known)
        kept = [term for term in optional if _name(term) in needed]
        for term in list(kept):
            fewer = [other for other in kept if other is not term]
            if not self.finds(fixed, *fewer):
                kept = fewer
        return {_name(term) for term in kept}


class _Step(_Solver):
    """One action: may a candidate fail after it, where these hold and its guard is true?"""

    def __init__(
        self, system: GroundSystem, action: GroundAction, terms: Mapping[str, Term]
    ) -> None:
        super().__init__((*system.variables, *action.parameters))
        self.action = action
        self._now = [variable.term for variable in system.variables]
        self._next = [action.updates.get(v.name, v.term) for v in system.variables]
        self._guard = z3.Bool("guard!")
        self.solver.add(z3.Implies(self._guard, action.guard))
        self._changes = [
            pair for pair in zip(self._now, self._next, strict=True) if not pair[0].eq(pair[1])
        ]
        for name, term in terms.items():
            self._define(name, term, z3.substitute(term, *self._changes))

    def ask_about(self, claim: GroundProperty) -> None:
        """Define the claim, until the solver is popped."""
        self.solver.push()
        true = z3.BoolVal(True)
        if claim.kind == "step":
            self._define(claim.id, true, claim.steps.get(self.action.name, true))
        else:
            self._define(claim.id, claim.state, z3.substitute(claim.state, *self._changes))

    def _define(self, name: str, before: Term, after: Term) -> None:
        self.solver.add(z3.Implies(_old(name), before))
        self.solver.add(_bad(name) == z3.Not(after))

    def failures(self, candidates: Sequence[str], assumed: Sequence[str]) -> Failures:
        """Some of the candidates that may fail, each with how; empty only if none can."""
        goal = z3.FreshBool("some")
        self.solver.add(z3.Implies(goal, z3.Or([_bad(name) for name in candidates])))
        if not self.finds(goal, self._guard, *map(_old, assumed)):
            return {}
        before, after = self.values(self._now), self.values(self._next)
        call = Call(self.action.name, self.values(p.term for p in self.action.parameters))
        failed = self.values(map(_bad, candidates))
        return {
            name: Failure(name, tuple(assumed), before, call, after)
            for name, fails in zip(candidates, failed, strict=True)
            if fails
        }

    def rests_on(self, kept: str, known: Sequence[str], others: Sequence[str]) -> Use:
        """By what this one is kept: of what is known to be needed anyhow, if that will do."""
        for names in (known, [*others, *known]):
            optional = [self._guard, *map(_old, names)]
            if not self.finds(_bad(kept), *optional):
                held = [_name(_old(name)) for name in known]
                fewest = self.fewest(_bad(kept), optional, held)
                used = frozenset(name for name in names if _name(_old(name)) in fewest)
                return Use(used, _name(self._guard) in fewest)
        raise AssertionError(f"{kept} is not kept by {self.action.name}")


class _Offered:
    """The lemmas of a system, ready to be asked about with one claim after another."""

    def __init__(self, grounding: Grounding, lemmas: Sequence[Lemma]) -> None:
        said = {lemma.id: lemma.formula(grounding.old) for lemma in lemmas}
        self.terms = {name: as_term(term) for name, term in said.items() if term is not None}
        system = grounding.system
        self.variables = [variable.term for variable in system.variables]
        self.start = _Solver(system.variables)
        self.start.solver.add(system.initially)
        self.steps = [_Step(system, action, self.terms) for action in system.actions]


@functools.lru_cache(maxsize=4)
def _offered(grounding: Grounding, lemmas: tuple[Lemma, ...]) -> _Offered:
    """Kept for the next claim about the system: most of the work is in saying the lemmas."""
    return _Offered(grounding, lemmas)


class _Houdini:
    """The search for the greatest inductive set, and then for what of it is needed."""

    def __init__(self, offered: _Offered, claim: GroundProperty, deadline: float | None) -> None:
        self._claim, self._lemmas = claim, list(offered.terms)
        self._state_claim = [claim.id] if claim.kind == "state" else []
        self._terms = dict(offered.terms)
        if self._state_claim:
            self._terms[claim.id] = claim.state
        self._variables = offered.variables
        self._start, self._steps = offered.start, offered.steps
        self._deadline = deadline

    def run(self) -> Selection:
        solvers = [self._start, *self._steps]
        for solver in solvers:
            solver.deadline = self._deadline
        for step in self._steps:
            step.ask_about(self._claim)
        try:
            return self._selected()
        finally:
            for step in self._steps:
                step.solver.pop()

    def _selected(self) -> Selection:
        dropped = {name: at for name in self._lemmas if (at := self._fails_at_start(name))}
        left = [name for name in self._lemmas if name not in dropped]
        pending = list(self._steps)
        while pending and left:
            step = pending.pop(0)
            if found := step.failures(left, [*left, *self._state_claim]):
                dropped |= found
                left = [name for name in left if name not in found]
                pending = [step, *(other for other in self._steps if other is not step)]
        gap = self._gap(left)
        chosen, uses = ([], {}) if gap else self._needed(left)
        return Selection(tuple(chosen), uses, tuple(left), dropped, gap)

    def _fails_at_start(self, name: str) -> Failure | None:
        if not self._start.finds(z3.Not(self._terms[name])):
            return None
        return Failure(name, (), self._start.values(self._variables), None, None)

    def _gap(self, left: list[str]) -> Failure | None:
        """How the claim fails, though all that is left holds."""
        if self._state_claim and (at := self._fails_at_start(self._claim.id)):
            return at
        for step in self._steps:
            if found := step.failures([self._claim.id], [*left, *self._state_claim]):
                return found[self._claim.id]
        return None

    def _needed(self, left: list[str]) -> tuple[list[str], dict[tuple[str, str], Use]]:
        """What the claim rests on, what that rests on, and so on."""
        uses = {}
        reached = [self._claim.id]
        for kept in reached:  # grows while it is walked through
            for step in self._steps:
                known = [name for name in self._terms if name in reached]
                others = [name for name in left if name not in reached]
                uses[kept, step.action.name] = use = step.rests_on(kept, known, others)
                reached += sorted(use.ids - set(reached))
        return [name for name in self._lemmas if name in reached], uses


def _old(candidate: str) -> Term:
    return z3.Bool(f"old!{candidate}")


def _bad(candidate: str) -> Term:
    return z3.Bool(f"bad!{candidate}")


def _name(constant: Term) -> str:
    return str(constant.decl().name())
