"""Decides what the attackers look for, and how what they find is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from impl.attack.attacker import Finding
from mktme.simulation.expectations import Answer
from mktme.simulation.lines import Line
from mktme.simulation.needles import NEEDLE_BYTES_MIN
from mktme.simulation.session import Doer, Session


def _cold_boot(session: Session, line: Line) -> Answer:
    decay, seed = line.command["decay"] or 0.0, line.command["seed"] or 0
    return _found(session, session.kernel.cold_boot(session.needles.named(), decay, seed))


def _disclosure(session: Session, line: Line) -> Answer:
    return _found(session, session.kernel.disclosure(session.needles.named()))


def _found(session: Session, findings: Iterable[Finding]) -> Answer:
    found, left_out = list(findings), session.needles.left_out
    said = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
    if left_out:
        short = f"shorter than {NEEDLE_BYTES_MIN} bytes"
        said += f"; not looked for: {', '.join(left_out)}, {short}"
    return Answer(
        said=said,
        counts={"findings": len(found)},
        is_complete=not left_out,
        details=tuple(map(finding_in_words, found)),
        record={"findings": list(map(_record, found)), "not_looked_for": list(left_out)},
    )


def finding_in_words(finding: Finding) -> str:
    """What was found where, never the bytes."""
    where = finding.where
    area = "" if where.area == where.holds else f" ({where.area})"
    wrong = finding.bits_in_error
    errors = f", {wrong} bit{'' if wrong == 1 else 's'} in error" if wrong else ""
    return (
        f"{finding.needle}: {where.state} {where.holds}{area} + {where.offset},"
        f" package {finding.package}, address {finding.address:#x}{errors}"
    )


def _record(finding: Finding) -> dict[str, Any]:
    where = finding.where
    return {
        "needle": finding.needle,
        "state": where.state,
        "object": where.holds,
        "area": where.area,
        "offset": where.offset,
        "package": finding.package,
        "address": finding.address,
        "bits_in_error": finding.bits_in_error,
    }


DOERS: Final[Mapping[str, Doer]] = {"cold-boot": _cold_boot, "disclosure": _disclosure}
