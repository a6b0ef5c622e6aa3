"""Decides which PCONFIG executions fail: by a script, by a seed, or as an explorer chose.

Each class here is a `Faults` callable for ``machine.faults``. `Script` and `Seeded` keep a state
that all packages share, so they suit operations that run one after the other; exploring
interleavings needs `Chosen`, which has no state beyond one execution. A status that no hardware can
leave behind is refused when it is planned, not when it strikes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from impl.hardware.pconfig import COMMANDS, Command, Status, possible

TRANSIENT = frozenset(status for command in COMMANDS for status in possible(command))


def check_transient(status: Status) -> Status:
    """Raises ValueError for a status that is no choice of the environment."""
    if status not in TRANSIENT:
        raise ValueError(f"cannot plan {status!r}: it is no transient failure")
    return status


@dataclass(frozen=True)
class Failure:
    """A planned answer to the next ``times`` executions that it fits.

    ``package`` and ``keyid`` None fit every one. ``times`` None: for ever. PROG_SUCCESS lets
    executions pass, for failures that come later. Raises ValueError for a status that is not
    transient, and for ``times`` below 1.
    """

    status: Status
    package: int | None = None
    keyid: int | None = None
    times: int | None = 1

    def __post_init__(self) -> None:
        check_transient(self.status)
        if self.times is not None and self.times < 1:
            raise ValueError(f"cannot plan a failure: {self.times} times is less than once")

    def fits(self, package: int, keyid: int, command: Command) -> bool:
        """Whether it answers this execution: ENTROPY_ERROR waits for one that draws keys."""
        return (
            self.package in (None, package)
            and self.keyid in (None, keyid)
            and self.status in possible(command)
        )


class Script:
    """A queue of planned failures: the first one that fits an execution answers it."""

    def __init__(self, failures: Iterable[Failure] = ()) -> None:
        self.pending = list(failures)

    def plan(self, failure: Failure) -> None:
        """One more, after those that are still pending."""
        self.pending.append(failure)

    def __call__(self, package: int, keyid: int, command: Command) -> Status:
        for place, failure in enumerate(self.pending):
            if failure.fits(package, keyid, command):
                if failure.times == 1:
                    del self.pending[place]
                elif failure.times is not None:
                    self.pending[place] = replace(failure, times=failure.times - 1)
                return failure.status
        return Status.PROG_SUCCESS


class Seeded:
    """Every execution fails with a probability, each possible failure as likely as the others."""

    def __init__(self, seed: int, probability: float) -> None:
        """The same seed gives the same failures to the same executions. Raises ValueError."""
        if not 0 <= probability <= 1:
            raise ValueError(f"cannot inject failures: {probability} is not a probability")
        self._probability = probability
        self._random = Random(f"{seed}/PCONFIG failures")

    def __call__(self, package: int, keyid: int, command: Command) -> Status:
        if self._random.random() >= self._probability:
            return Status.PROG_SUCCESS
        failures = [status for status in possible(command) if status is not Status.PROG_SUCCESS]
        return self._random.choice(failures)


class Chosen:
    """Answers the next execution as it was told, and no other: an explorer owns every choice.

    An execution that fails by itself (a wrong algorithm, say) asks nobody; the choice made for it
    is then replaced by the next one.
    """

    def __init__(self) -> None:
        self._next: Status | None = None

    def choose(self, status: Status) -> None:
        """For the next execution. Raises ValueError for a status that is not transient."""
        self._next = check_transient(status)

    def __call__(self, package: int, keyid: int, command: Command) -> Status:
        if self._next is None:
            raise ValueError(
                f"cannot answer {command.name} of KeyID {keyid} on package {package}: "
                "nothing was chosen"
            )
        status, self._next = self._next, None
        return status
