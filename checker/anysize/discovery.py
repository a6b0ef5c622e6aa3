"""Whether a claim has a proof for any size without a lemma that anybody wrote.

IC3 proves the claim in small scopes, and what it learns there are clauses about their few elements.
They are lifted to statements about all elements (`lifting`), of which the greatest inductive set is
taken in a larger scope (`houdini`), and with those the proof for any size is tried (`any_size`). Of
three guesses, that the scope was typical, that a clause was meant so, and that it holds beyond,
none has to be right: what is not inductive is dropped, and what is proved is proved.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from checker.answers.proof import AnySize
from checker.answers.verdict import Verdict
from checker.anysize.any_size import ENGINE, Attempt, Text, attempt
from checker.anysize.clausal import worth_trying
from checker.anysize.houdini import Lemma, Undecided
from checker.anysize.lifting import Lifter
from checker.anysize.statements import Lifted, Vocabulary
from checker.ic3.search import ic3_invariant
from checker.systems.cone import cone_of_influence
from checker.systems.deadlines import deadline_after, seconds_left
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Property
from checker.systems.system import GroundSystem, Index


@dataclasses.dataclass(frozen=True)
class Discovery:
    """The verdict, and what was found: sentences of the lemmas that the proof needs.

    `candidates` counts the lifted statements that were tried. `attempt` is the last try at a proof,
    None if IC3 proved nothing in the scopes.
    """

    verdict: Verdict
    found: tuple[str, ...]
    candidates: int
    attempt: Attempt | None


def discover(
    text: Text,
    claim: Property | Callable[[Any], Property],
    learned_in: Sequence[Mapping[Index, int]],
    tried_in: Mapping[Index, int],
    *,
    seconds_max: float | None = None,
    premise_reached: bool = False,
) -> Discovery:
    """Try to prove the claim for any size with nothing but what IC3 learns in these scopes.

    After each scope in `learned_in` the proof is tried, with what seems inductive in `tried_in`:
    that should be larger, so that what holds only because there are two of something is dropped.
    """
    deadline = deadline_after(seconds_max)
    statements: dict[str, Lifted] = {}
    last: Attempt | None = None
    reason = "there was no scope to learn in"
    try:
        for sizes in learned_in:
            statements |= _learn(text, claim, sizes, deadline)
            needed = _needed(text, claim, tried_in, list(statements.values()), deadline)
            if needed is None:
                reason = "what IC3 learned is not inductive in a larger scope"
                continue
            last = attempt(
                text,
                claim,
                functools.partial(_lemmas, text, needed),
                sizes=sizes,
                seconds_max=seconds_left(deadline),
                premise_reached=premise_reached,
            )
            if isinstance(last.verdict.proof, AnySize):
                return Discovery(last.verdict, last.verdict.proof.lemmas, len(statements), last)
            reason = f"what IC3 learned does not suffice: {last.verdict.reason}"
    except Undecided as undecided:
        reason = str(undecided)
    unknown = Verdict("UNKNOWN", ENGINE, 0, premise_reached=False, reason=reason, extent="any size")
    return Discovery(unknown, (), len(statements), last)


def _learn(
    text: Text,
    claim: Property | Callable[[Any], Property],
    sizes: Mapping[Index, int],
    deadline: float | None,
) -> dict[str, Lifted]:
    """By their sentences what the clauses may mean that IC3 learns in one scope.

    Raises Undecided where it proves nothing there.
    """
    grounding, cone, ground = _cone(text, claim, sizes)
    verdict, clauses = ic3_invariant(cone, ground, seconds_max=seconds_left(deadline))
    if verdict.word != "PROVED":
        why = verdict.reason or verdict.word
        raise Undecided(f"IC3 proved nothing to learn from in a small scope: {why}")
    vocabulary = Vocabulary(grounding.text.families)
    lifted = Lifter(grounding, cone).candidates(clauses)
    return {vocabulary.sentence(statement): statement for statement in lifted}


def _needed(
    text: Text,
    claim: Property | Callable[[Any], Property],
    sizes: Mapping[Index, int],
    statements: list[Lifted],
    deadline: float | None,
) -> list[Lifted] | None:
    """What seems to be needed in the scope, None if all that was learned does not suffice."""
    longest = sorted(statements, key=lambda lifted: (-len(lifted.atoms), -len(lifted.apart)))
    return worth_trying(*_cone(text, claim, sizes), longest, deadline)


def _cone(
    text: Text, claim: Property | Callable[[Any], Property], sizes: Mapping[Index, int]
) -> tuple[Grounding, GroundSystem, GroundProperty]:
    finite = Finite(sizes)
    grounding = Grounding(text(finite))
    ground = grounding.property(claim(finite) if callable(claim) else claim)
    return grounding, cone_of_influence(grounding.system, ground), ground


def _lemmas(text: Text, statements: Sequence[Lifted], interpretation: Any) -> list[Lemma]:
    """The statements under an interpretation."""
    vocabulary = Vocabulary(text(interpretation).families)
    return [vocabulary.lemma(statement, interpretation) for statement in statements]
