"""Availability: is a CPU, a package or a key refused that a user would expect to be admitted?"""

from __future__ import annotations

from collections.abc import Mapping

import z3

from checker.systems.property import Premise, Property, Transition
from checker.systems.reading import Reading
from checker.systems.system import Term


def _starts_package(step: Transition) -> Term:
    """A CPU starts in a package that has none online."""
    if step.action != "cpu_startup":
        return z3.BoolVal(False)
    return z3.Not(step.old.has_online(step.parameters.package))


def _is_admitted(step: Transition) -> Term:
    if step.action != "cpu_startup":
        return z3.BoolVal(True)
    # With per-package KeyIDs a startup executes no PCONFIG, so that none can fail.
    failed = z3.BoolVal(False) if step.old.per_package else step.parameters.fails
    return z3.Implies(
        z3.And(_starts_package(step), z3.Not(failed)), step.answer == step.answers("ok")
    )


def _explain_refusal(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    package = call["package"]
    was = "has no online CPU" if reading.is_true("memory", int(package)) else "was just added"
    return (
        f"package {package} {was}, no PCONFIG failed, and still CPU {call['cpu']} is refused"
        " with EPERM"
    )


HOTPLUG_ADMITTED = Property(
    id="hotplug-admitted",
    kind="step",
    sentence=(
        "A CPU of a package without online CPUs, or of an added package, is never refused unless a"
        " PCONFIG failed."
    ),
    formula=_is_admitted,
    premise=Premise("step", _starts_package),
    explain=_explain_refusal,
    source="RFC v2 patch 13",
)
