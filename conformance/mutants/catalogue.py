"""All mutants by id, and what becomes of one: who kills it, or why nobody does."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

from conformance.mutants import (
    hardware,
    heap,
    locking,
    memory,
    modelled,
    programming,
    service,
)
from conformance.mutants.fault import Change, Mutant
from conformance.mutants.killers import OF_THE_IMPLEMENTATION, Kill, Killer, of_the_model
from designs import nearest


class MutantError(ValueError):
    """A mutant that does not exist; the message lists the nearest."""


ALL = (
    *service.MUTANTS,
    *programming.MUTANTS,
    *memory.MUTANTS,
    *heap.MUTANTS,
    *hardware.MUTANTS,
    *locking.MUTANTS,
    *modelled.MUTANTS,
)
"""Every mutant, in the order of the table."""

MUTANTS: Mapping[str, Mutant] = {mutant.id: mutant for mutant in ALL}
"""The same by id."""


def mutant_from_text(text: str) -> Mutant:
    """The mutant with that id. Raises MutantError."""
    if text not in MUTANTS:
        raise MutantError(f"unknown mutant {text!r}{nearest(text, MUTANTS)}")
    return MUTANTS[text]


@dataclasses.dataclass(frozen=True)
class Tried:
    """What became of a mutant. `seconds` is wall-clock time."""

    id: str
    kill: Kill | None
    seconds: float

    @property
    def mutant(self) -> Mutant:
        """The catalogue's entry."""
        return MUTANTS[self.id]

    @property
    def is_explained(self) -> bool:
        """Whether it was killed, or survives for a reason that the catalogue gives."""
        return self.kill is not None or bool(self.mutant.survives)


def tried(id: str) -> Tried:
    """Plant one fault and try one check after another until one notices it."""
    mutant = MUTANTS[id]
    began = time.monotonic()
    kill = killed(mutant)
    return Tried(id, kill, time.monotonic() - began)


def killed(mutant: Mutant) -> Kill | None:
    """The first check that notices the fault: the catalogue's hint, then all in their order."""
    fault = mutant.fault
    if isinstance(fault, Change):
        return _first(mutant, of_the_model(mutant, fault))
    with fault.planted():
        return _first(mutant, OF_THE_IMPLEMENTATION)


def _first(mutant: Mutant, killers: Mapping[str, Killer]) -> Kill | None:
    ordered = sorted(killers, key=lambda name: name != mutant.first)
    found = (killers[name](mutant) for name in ordered)
    return next((kill for kill in found if kill is not None), None)
