"""What is asked: one claim about one system, and what is known of the texts behind both.

A ground system of a large scope takes a while to be read from its text, and a proof for any size
needs none. So a question reads it when it is first needed, and no longer than its time allows.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from checker.anysize.any_size import Text
from checker.anysize.houdini import Lemma
from checker.anysize.parametric import Parametric
from checker.systems.cone import cone_of_influence
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Property
from checker.systems.system import GroundSystem, Index


@dataclasses.dataclass(frozen=True)
class Texts:
    """A system's text and the claim's, which can be read for any size, and lemmas that may help.

    `sizes` are those that the question is about, and `read(deadline)` reads the system for them,
    until a moment of `time.monotonic`. It raises OutOfTime. `limited` says why what is proved for
    any size would say nothing of larger scopes; "" where it does.
    """

    system: Text
    claim: Property
    lemmas: Sequence[Lemma]
    sizes: Mapping[Index, int]
    read: Callable[[float | None], Grounding]
    limited: str = ""

    @functools.cached_property
    def variables(self) -> int:
        """How many variables the system has that would be read."""
        families = self.system(Parametric()).families
        return sum(math.prod(self.sizes[sort] for sort in family.over) for family in families)


@dataclasses.dataclass(frozen=True)
class Question:
    """One claim about a ground system.

    `texts` are what it is read from; without them it is `given`, with the grounding that has the
    declared reductions, where there is one. `subject` says in strings what the question is about,
    for the header of a certificate. Until `deadline`, a moment of `time.monotonic`, the system may
    be read; after it, whatever needs it raises OutOfTime.
    """

    texts: Texts | None = None
    given: tuple[GroundSystem, GroundProperty, Grounding | None] | None = None
    subject: Mapping[str, str] = dataclasses.field(default_factory=dict)
    deadline: float | None = None

    @functools.cached_property
    def _read(self) -> tuple[GroundSystem, GroundProperty, Grounding | None]:
        if self.texts is None:
            if self.given is None:
                raise ValueError("a question needs texts, or a system and a claim")
            return self.given
        grounding = self.texts.read(self.deadline)
        return grounding.system, grounding.property(self.texts.claim), grounding

    @property
    def system(self) -> GroundSystem:
        """The whole system."""
        return self._read[0]

    @property
    def claim(self) -> GroundProperty:
        """The claim over its variables."""
        return self._read[1]

    @property
    def grounding(self) -> Grounding | None:
        """What the system was read by, where that is known."""
        return self._read[2]

    @functools.cached_property
    def cone(self) -> GroundSystem:
        """The part of the system that the claim depends on."""
        return cone_of_influence(self.system, self.claim)


def about(
    system: GroundSystem, claim: GroundProperty, grounding: Grounding | None = None, **subject: Any
) -> Question:
    """A question about a system that is ground already."""
    return Question(given=(system, claim, grounding), subject=subject)
