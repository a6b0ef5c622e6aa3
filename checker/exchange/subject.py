"""What is written for other checkers: a system, one claim, and what the file says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checker.exchange.naming import one_line
from checker.exchange.relation import has_flag, wrong_step
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem


@dataclasses.dataclass(frozen=True)
class Subject:
    """A well-formed system (mostly the cone of the claim) and the claim.

    `about` are lines for the file's beginning. `name` is what the file is called, without what is
    behind the dot. `depth` is how many steps a bounded search in the file goes, where it has one.
    """

    system: GroundSystem
    claim: GroundProperty
    about: Sequence[str]
    name: str
    depth: int = 10

    def header(self, mark: str, *more: str) -> list[str]:
        """The lines that a file begins with, as comments."""
        lines = [*self.about, *more]
        if has_flag(self.system, self.claim):
            flag = wrong_step(self.system).name
            lines.append(f"The claim is about steps: {flag} is true after one that violates it.")
        return [f"{mark} {one_line(line)}".rstrip() for line in lines]
