"""What running a counterexample on the implementation gives back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from impl import Command, Status
from impl.hardware.pconfig import Execution


@dataclasses.dataclass(frozen=True)
class ReplayStep:
    """What the kernel did in one call: its answer, its own words for a refusal, the PCONFIGs run.

    Each of `executions` names CPU, package, command, KeyID and status.
    """

    answer: str
    refusal: str
    executions: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Replay:
    """A replayed counterexample; `disagreement` is empty exactly when it replayed.

    `observed` says, from the kernel's bytes and locks, what the violation looks like.
    """

    steps: tuple[ReplayStep, ...]
    observed: tuple[str, ...]
    disagreement: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the implementation did the same and violates the property too."""
        return not self.disagreement


def executions_in_words(executions: Iterable[Execution]) -> tuple[str, ...]:
    """One line for each PCONFIG that was executed."""
    return tuple(
        f"CPU {done.cpu} of package {done.package}: {Command(done.command).name}"
        f" KeyID {done.keyid} -> {done.status.name}"
        for done in executions
    )


def has_failed(executions: Iterable[Execution]) -> bool:
    """Whether one of these PCONFIGs failed."""
    return any(done.status is not Status.PROG_SUCCESS for done in executions)
