"""What a replay gives, and whether a property holds of what was observed in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from checker.answers.trace import Trace, choice_of, is_true_in
from checker.systems.grounding import Grounding
from checker.systems.property import Property
from checker.systems.system import State
from conformance.inventory import ALGORITHM, Inventory
from impl import Command, Status
from impl.hardware.pconfig import SETS_KEY, Execution

HOLDS = "the implementation did the same, yet the property holds of it"
"""The disagreement where everything agrees but the judgement."""


@dataclasses.dataclass(frozen=True)
class Executed:
    """One PCONFIG: on which CPU, its decoded operand, and its status; `str` says it in a line.

    `algorithm` is "" for a command that sets no key; `key` is the fingerprint of what the operand's
    key fields held, "" where they were zero: of SET_KEY_RANDOM the entropy, of other commands what
    a payload had that should have none, or what was left in a structure that was used before.
    """

    cpu: int
    package: int
    command: str
    keyid: int
    algorithm: str
    key: str
    status: str

    @property
    def is_done(self) -> bool:
        """Whether the entry was programmed."""
        return self.status == Status.PROG_SUCCESS.name

    def __str__(self) -> str:
        operand = [f"{self.command} KeyID {self.keyid}", self.algorithm]
        if self.key:
            fields = {"SET_KEY_DIRECT": "key", "SET_KEY_RANDOM": "entropy"}
            operand.append(f"{fields.get(self.command, 'its key fields hold')} {self.key}")
        said = ", ".join(filter(None, operand))
        return f"CPU {self.cpu} of package {self.package}: {said} -> {self.status}"


@dataclasses.dataclass(frozen=True)
class ReplayStep:
    """What the kernel did in one call: its answer, its own words for a refusal, the PCONFIGs run.

    `executions` are in the order in which they were executed.
    """

    answer: str
    refusal: str
    executions: tuple[Executed, ...]


@dataclasses.dataclass(frozen=True)
class Replay:
    """A replayed counterexample; `disagreement` is empty exactly when it replayed.

    `observed` says, from the kernel's bytes and locks, what the violation looks like. `inventories`
    are of the states that were reached, the first after booting; none for a system that has no key
    tables.
    """

    steps: tuple[ReplayStep, ...]
    observed: tuple[str, ...]
    disagreement: str = ""
    inventories: tuple[Inventory, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the implementation did the same and violates the property too."""
        return not self.disagreement


def holds_on(
    grounding: Grounding,
    claim: Property,
    trace: Trace,
    states: Sequence[State],
    answer: str,
) -> bool:
    """Whether the property's formula is true of what was observed last: states, and an answer."""
    system = grounding.system
    if claim.kind == "state":
        return is_true_in(system, states[-1], grounding.property(claim).state)
    call = trace.steps[-1].call
    formula, names = grounding.observed_step(claim, call.action)
    seen_answer = grounding.finite.constant(grounding.text.answers, answer)
    seen_state = [(v.term, v.literal(x)) for v, x in zip(names.variables, states[-1], strict=True)]
    return is_true_in(
        system,
        states[-2],
        formula,
        *choice_of(system, call),
        (names.answer, seen_answer),
        *seen_state,
    )


def decoded(executions: Iterable[Execution]) -> tuple[Executed, ...]:
    """Each PCONFIG that was executed, its operand decoded."""
    return tuple(
        Executed(
            done.cpu,
            done.package,
            Command(done.command).name,
            done.keyid,
            ALGORITHM if done.command in SETS_KEY else "",
            done.key,
            done.status.name,
        )
        for done in executions
    )


def has_failed(executions: Iterable[Execution]) -> bool:
    """Whether one of these PCONFIGs failed."""
    return any(done.status is not Status.PROG_SUCCESS for done in executions)
