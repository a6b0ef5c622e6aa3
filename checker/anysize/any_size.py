"""Whether a claim holds for any number of elements, by one step of induction with quantifiers.

Three things happen. In a small finite scope it is found out which of the offered lemmas the claim
rests on, and that these are inductive (`houdini`). Where that does not suffice in the scope, it
cannot for any size: the answer is UNKNOWN, with the step at which the induction gets stuck.
Otherwise the same text is read with sorts of any size (`parametric`), and every condition of the
induction is to be refuted by Z3: that claim and lemmas hold at the start, and that every action
keeps them. What the scope said about which condition rests on what is only a hint: a proof is a
proof whatever was tried first.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import z3

from checker.answers.proof import AnySize, Condition
from checker.answers.verdict import Verdict
from checker.anysize.houdini import Failure, Lemma, Selection, Undecided, select
from checker.anysize.obligations import Obligation, Obligations
from checker.anysize.parametric import Parametric
from checker.anysize.quantified import QuantifiedSystem
from checker.solving.bounded import reaches_premise
from checker.solving.unroll import Unknown
from checker.systems.asking import ask
from checker.systems.cone import cone_of_influence
from checker.systems.deadlines import deadline_after, is_over, seconds_left
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Property
from checker.systems.system import Index, ModelError, System, Term

ENGINE = "parametric"

ATTEMPT_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Time for one condition, from attempt to attempt.

How long Z3 takes has a heavy tail: what one seed refutes in milliseconds, another does not in ten
seconds. So it is asked again and again, each time with another seed and for longer. Source: Gomes,
Selman, Kautz, "Boosting Combinatorial Search Through Randomization", AAAI 1998.
"""

PREMISE_STEPS_MAX = 6
"""How many steps the premise is looked for: with two of everything no claim so far needs five."""

Text = Callable[[Any], System]
"""A system's text: a function of the interpretation it is to be read under."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A try at a proof for any size: the verdict, and what was found out on the way.

    `selection` is of the finite system of `grounding`, and None where it could not be made; its
    `gap`, if any, is the step at which the induction gets stuck (`gap_is_reached` asks whether it
    is real).
    """

    verdict: Verdict
    grounding: Grounding
    claim: Property
    lemmas: tuple[Lemma, ...]
    selection: Selection | None


def any_size(
    text: Text,
    claim: Property | Callable[[Any], Property],
    lemmas: Sequence[Lemma] | Callable[[Any], Sequence[Lemma]],
    *,
    sizes: Mapping[Index, int] | None = None,
    seconds_max: float | None = None,
    premise_reached: bool = False,
) -> Verdict:
    """The verdict of `attempt`."""
    return attempt(
        text,
        claim,
        lemmas,
        sizes=sizes,
        seconds_max=seconds_max,
        premise_reached=premise_reached,
    ).verdict


def attempt(
    text: Text,
    claim: Property | Callable[[Any], Property],
    lemmas: Sequence[Lemma] | Callable[[Any], Sequence[Lemma]],
    *,
    sizes: Mapping[Index, int] | None = None,
    grounding: Grounding | None = None,
    seconds_max: float | None = None,
    premise_reached: bool = False,
) -> Attempt:
    """Try to prove the claim for any size. It speaks of states or steps; lemmas speak of states.

    Claim and lemmas may be functions of the interpretation. `sizes` are of the finite scope in
    which lemmas are selected (two elements beside its constants for each sort, if not given);
    `grounding` is the text read in that scope, where somebody has it already.
    Unless `premise_reached` says that it is known, the premise is looked for in that scope as well.
    The answer is PROVED, or else UNKNOWN with the reason. Raises ModelError where two lemmas, or
    a lemma and the claim, have one id.
    """
    deadline = deadline_after(seconds_max)
    if grounding is None:
        grounding = Grounding(text(Finite(sizes if sizes is not None else small_sizes(text))))
    finite = grounding.finite
    judged, offered = _under(claim, finite), tuple(_under(lemmas, finite))
    selection = None
    try:
        ground = grounding.property(judged)
        selection = select(grounding, ground, offered, deadline)
        if selection.gap is not None:
            verdict = _unknown(_stuck(grounding, judged, selection.gap))
        else:
            proof = _proved(text, claim, lemmas, selection, deadline)
            verdict = Verdict("PROVED", ENGINE, 1, extent="any size", proof=proof)
            if not (premise_reached or _premise_is_reached(grounding, ground, deadline)):
                verdict = _unknown("it holds for any size, but its premise was never reached")
    except Undecided as undecided:
        verdict = _unknown(str(undecided))
    return Attempt(verdict, grounding, judged, offered, selection)


@functools.lru_cache(maxsize=4)
def _read(text: Text) -> QuantifiedSystem:
    """The text read for any size, kept for the next claim about it. Raises ModelError."""
    return QuantifiedSystem(text(Parametric()))


@functools.lru_cache(maxsize=4)
def _families(text: Text) -> System:
    return text(Parametric())


def small_sizes(text: Text) -> dict[Index, int]:
    """Two elements beside its constants for each index sort that the text speaks of."""
    system = _families(text)
    used = [
        sort
        for family in system.families
        for sort in (*family.over, family.of)
        if isinstance(sort, Index)
    ]
    used += [
        sort
        for action in system.actions
        for parameter in action.parameters
        for sort in (*parameter.over, parameter.of)
        if isinstance(sort, Index)
    ]
    return {sort: len(sort.constants) + 2 for sort in used}


def _proved(
    text: Text,
    claim: Property | Callable[[Any], Property],
    lemmas: Sequence[Lemma] | Callable[[Any], Sequence[Lemma]],
    selection: Selection,
    deadline: float | None,
) -> AnySize:
    """The proof, from what is inductive in the scope. Raises Undecided."""
    try:
        system = _read(text)
        judged = _under(claim, system.interpretation)
        offered = {lemma.id: lemma for lemma in _under(lemmas, system.interpretation)}
        chosen = [offered[name] for name in selection.chosen]
        obligations = Obligations(system, judged, chosen)
    except (ModelError, z3.Z3Exception) as error:
        raise Undecided(f"the text cannot be read for any size: {error}") from error
    conditions = tuple(
        _refuted(obligations, obligation, selection, deadline) for obligation in obligations
    )
    return AnySize(
        lemmas=tuple(lemma.sentence for lemma in chosen),
        invariant=tuple(term.sexpr() for term in obligations.assumed.values()),
        conditions=conditions,
    )


def _premise_is_reached(
    grounding: Grounding, claim: GroundProperty, deadline: float | None
) -> bool:
    """Whether some run of the finite scope reaches the premise. Raises Undecided."""
    try:
        cone = cone_of_influence(grounding.system, claim)
        depth = reaches_premise(cone, claim, PREMISE_STEPS_MAX, seconds_left(deadline))
    except Unknown as unknown:
        raise Undecided(f"the premise was not found: {unknown}") from unknown
    return depth is not None


def _refuted(
    obligations: Obligations,
    obligation: Obligation,
    selection: Selection,
    deadline: float | None,
) -> Condition:
    """The condition as Z3 refutes it: first from what the scope said it rests on, then from all.

    Raises Undecided.
    """
    hint = selection.uses.get((obligation.kept, obligation.action or ""))
    tries = [obligations.parts(obligation, use) for use in dict.fromkeys((hint, None))]
    for seed, parts in itertools.product(range(len(ATTEMPT_SECONDS)), tries):
        core = _core(parts, seed, deadline)
        if core:
            return Condition(obligation.name, z3.And(core))
    raise Undecided(f"Z3 could not refute that {obligation.name} fails for some size")


def _core(parts: Sequence[Term], seed: int, deadline: float | None) -> list[Term]:
    """Those of the formulas that Z3 refutes together; none if it does not. Raises Undecided.

    The second checker is asked to refute these alone, which takes it less time.
    """
    if is_over(deadline):
        raise Undecided("out of time while conditions were refuted")
    left = min(ATTEMPT_SECONDS[seed], seconds_left(deadline) or math.inf)
    solver = z3.Solver()
    solver.set(random_seed=seed)
    names = [z3.Bool(f"part!{number}") for number, _ in enumerate(parts)]
    for name, part in zip(names, parts, strict=True):
        solver.assert_and_track(part, name)
    if ask(solver, seconds=left) != z3.unsat:
        return []
    used = {name.decl().name() for name in solver.unsat_core()}
    return [part for name, part in zip(names, parts, strict=True) if name.decl().name() in used]


def _stuck(grounding: Grounding, claim: Property, gap: Failure) -> str:
    """Where the induction gets stuck, in words."""
    if gap.call is None:
        return f"{claim.id} is false in an initial state"
    sizes = ", ".join(f"{size} {sort.name}" for sort, size in grounding.finite.sizes.items())
    return f"not inductive with the lemmas known: {gap.call.action} can break it, with {sizes}"


def _under(built: Any, interpretation: Any) -> Any:
    """A claim, or lemmas, under an interpretation."""
    return built(interpretation) if callable(built) else built


def _unknown(reason: str) -> Verdict:
    return Verdict("UNKNOWN", ENGINE, 0, premise_reached=False, reason=reason, extent="any size")
