"""Which of the offered lemmas a claim rests on in a small scope, and what each step rests on.

Source: Flanagan, Leino, "Houdini, an Annotation Assistant for ESC/Java", FME 2001. Candidates that
fail in an initial state, or after a step from a state where all that are left hold, are dropped;
none is missed that would be inductive beside the others. Here it is asked backwards: only what the
claim rests on is looked at, what that rests on, and so on. What most claims rest on is little, and
one that fails although every lemma holds is soon known to. It is done in a small finite scope,
where it takes milliseconds, before anything is proved for any size.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import z3

from checker.systems.asking import ask
from checker.systems.deadlines import is_over, seconds_left
from checker.systems.grounding import Grounding
from checker.systems.origin import twice
from checker.systems.property import GroundProperty
from checker.systems.system import (
    Call,
    GroundAction,
    GroundSystem,
    ModelError,
    State,
    Term,
    Variable,
    as_term,
)


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
    is kept: a hint for a proof of any size, and no more. `dropped` has a failure for each lemma
    that was looked at and is not inductive. `gap` is there when, and only when, the claim fails
    all the same; then nothing is chosen.
    """

    chosen: tuple[str, ...]
    uses: Mapping[tuple[str, str], Use]
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
    """What the claim rests on, of the greatest set of the lemmas that is inductive beside it.

    A lemma that fails only where the claim has failed counts as inductive beside it. Raises
    Undecided at the deadline (a moment of `time.monotonic`), or when the solver gives up, and
    ModelError where two lemmas, or a lemma and the claim, have one id: what is proved is known by
    its id, so that a lemma which took the claim's would be proved for it.
    """
    repeated = twice([claim.id, *(lemma.id for lemma in lemmas)])
    if repeated is not None:
        raise ModelError(f"of claim {claim.id} and its lemmas, two have the id {repeated}")
    return _Houdini(_offered(grounding, tuple(lemmas)), claim, deadline).selected()


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
        if is_over(self.deadline):
            raise Undecided("out of time while lemmas were selected")
        answer = ask(self.solver, *assumed, seconds=seconds_left(self.deadline))
        if answer == z3.unknown:
            raise Undecided(f"Z3 gave no answer: {self.solver.reason_unknown()}")
        return bool(answer == z3.sat)

    def values(self, terms: Iterable[Term]) -> State:
        """The values of terms in the model that was found."""
        model = self.solver.model()
        found = (model.eval(term, model_completion=True) for term in terms)
        return tuple(int(z3.is_true(v)) if z3.is_bool(v) else int(v.as_long()) for v in found)

    def fewest(self, fixed: Term, optional: Sequence[Term], preferred: Iterable[Term]) -> set[str]:
        """After "no model": names of assumptions that leave none, no one of them to spare.

        What stands first in `optional` is spared first; those preferred may take the place of
        others. Raises Undecided.
        """
        needed = {_name(term) for term in (*self.solver.unsat_core(), *preferred)}
        kept = [term for term in optional if _name(term) in needed]
        for term in list(kept):
            fewer = [other for other in kept if other is not term]
            if not self.finds(fixed, *fewer):
                kept = fewer
        return {_name(term) for term in kept}


class _Start(_Solver):
    """The initial states."""

    def __init__(self, system: GroundSystem) -> None:
        super().__init__(system.variables)
        self._variables = [variable.term for variable in system.variables]
        self.solver.add(system.initially)

    def failure(self, name: str, formula: Term) -> Failure | None:
        """An initial state in which the statement is false, if there is one."""
        if not self.finds(z3.Not(formula)):
            return None
        return Failure(name, (), self.values(self._variables), None, None)


class _Step(_Solver):
    """One action: by what is a statement kept, if it is?

    A statement is spoken of by two literals, that it holds before the step and that it does not
    after it, defined when they are first needed.
    """

    def __init__(
        self, system: GroundSystem, action: GroundAction, lemmas: Mapping[str, Term]
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
        self._lemmas = lemmas
        self._old: dict[str, Term] = {}
        self._bad: dict[str, Term] = {}

    def ask_about(self, claim: GroundProperty) -> None:
        """Speak of this claim, and of no earlier one."""
        if claim.kind == "step":
            after = claim.steps.get(self.action.name, z3.BoolVal(True))
        else:
            self._old[claim.id] = self._implying(claim.state)
            after = self._afterwards(claim.state)
        self._bad[claim.id] = self._implying(z3.Not(after))

    def rests_on(self, kept: str, known: Sequence[str], others: Sequence[str]) -> Use | Failure:
        """By what this one is kept: of what is known to be needed anyhow, if that will do."""
        if kept not in self._bad:
            self._bad[kept] = self._implying(z3.Not(self._afterwards(self._lemmas[kept])))
        bad, preferred = self._bad[kept], [self._holding(name) for name in known]
        for names in dict.fromkeys(((*known,), (*others, *known))):
            held = {name: self._holding(name) for name in names}
            optional = [self._guard, *held.values()]
            if not self.finds(bad, *optional):
                fewest = self.fewest(bad, optional, preferred)
                used = frozenset(name for name, literal in held.items() if _name(literal) in fewest)
                return Use(used, _name(self._guard) in fewest)
        before, after = self.values(self._now), self.values(self._next)
        call = Call(self.action.name, self.values(p.term for p in self.action.parameters))
        return Failure(kept, names, before, call, after)

    def _holding(self, name: str) -> Term:
        if name not in self._old:
            self._old[name] = self._implying(self._lemmas[name])
        return self._old[name]

    def _afterwards(self, formula: Term) -> Term:
        return z3.substitute(formula, *self._changes)

    def _implying(self, formula: Term) -> Term:
        literal = z3.FreshBool("if")
        self.solver.add(z3.Implies(literal, formula))
        return literal


class _Offered:
    """The lemmas of a system, ready to be asked about with one claim after another."""

    def __init__(self, grounding: Grounding, lemmas: Sequence[Lemma]) -> None:
        said = {lemma.id: lemma.formula(grounding.old) for lemma in lemmas}
        self.terms = {name: as_term(term) for name, term in said.items() if term is not None}
        system = grounding.system
        self.start = _Start(system)
        self.steps = [_Step(system, action, self.terms) for action in system.actions]


@functools.lru_cache(maxsize=4)
def _offered(grounding: Grounding, lemmas: tuple[Lemma, ...]) -> _Offered:
    """Kept for the next claim about the system, with what the solvers have learned."""
    return _Offered(grounding, lemmas)


class _Houdini:
    """The search for what a claim rests on; what was found not to be inductive is never used."""

    def __init__(self, offered: _Offered, claim: GroundProperty, deadline: float | None) -> None:
        self._claim, self._lemmas = claim.id, list(offered.terms)
        self._states = dict(offered.terms)
        if claim.kind == "state":
            self._states[claim.id] = claim.state
        self._start, self._steps = offered.start, offered.steps
        self._begins: set[str] = set()
        self._uses: dict[tuple[str, str], Use] = {}
        self._dropped: dict[str, Failure] = {}
        self._start.deadline = deadline
        for step in self._steps:
            step.deadline = deadline
            step.ask_about(claim)

    def selected(self) -> Selection:
        while isinstance(reached := self._reached(), Failure):
            if reached.failed == self._claim:
                return Selection((), {}, self._dropped, reached)
            self._dropped[reached.failed] = reached
        uses = {kept: use for kept, use in self._uses.items() if kept[0] in reached}
        return Selection(
            tuple(name for name in self._lemmas if name in reached), uses, self._dropped, None
        )

    def _reached(self) -> list[str] | Failure:
        """The claim, what it rests on, what that rests on, and so on, unless one of them fails."""
        reached = [self._claim]
        for kept in reached:  # grows while it is walked through
            if failed := self._fails_at_start(kept):
                return failed
            for step in self._steps:
                use = self._use(kept, step, reached)
                if isinstance(use, Failure):
                    return use
                reached += sorted(use.ids - set(reached))
        return reached

    def _fails_at_start(self, name: str) -> Failure | None:
        if name in self._begins or name not in self._states:
            return None
        failed = self._start.failure(name, self._states[name])
        if failed is None:
            self._begins.add(name)
        return failed

    def _use(self, kept: str, step: _Step, reached: Sequence[str]) -> Use | Failure:
        """What was found before, if it is still good; else what is found now."""
        use = self._uses.get((kept, step.action.name))
        if use is not None and not use.ids & self._dropped.keys():
            return use
        left = [name for name in self._states if name not in self._dropped]
        known = [name for name in left if name in reached]
        found = step.rests_on(kept, known, [name for name in left if name not in reached])
        if isinstance(found, Use):
            self._uses[kept, step.action.name] = found
        return found


def _name(constant: Term) -> str:
    return str(constant.decl().name())
