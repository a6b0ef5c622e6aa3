"""Whether a certificate proves what it says, from its file; and whether it speaks of a system.

The first question needs nothing but the file: its conditions are refuted, or its set of states is
confirmed, as when it was written. But a file can prove something of a system that nobody asked
about. So for the second question everything is made again from the system that is meant: the
program, or the conditions that the file's invariant has to meet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import z3

from checker.answers.proof import Invariant
from checker.certifying import closed_set
from checker.certifying.agreement import AnotherProgram, agreement
from checker.certifying.certificate import SECONDS_MAX, induction_script
from checker.certifying.invariance import NoInvariant, any_size_conditions
from checker.certifying.program import program_of, text_of
from checker.certifying.refutation import ScriptError, refuted_by_cvc5
from checker.certifying.script_file import NoScriptFile, read_script_file
from checker.certifying.smtlib import script
from checker.reducing.reduction import reduce
from checker.systems.cone import cone_of_influence
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Property
from checker.systems.system import GroundSystem, System, Term, variables_in


class CertificateError(ValueError):
    """A certificate that proves nothing, or nothing of what it names; one line says why."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """A certificate whose file proves what it says: its kind, its header, and what was confirmed.

    `body` is its SMT-LIB script (empty where it has none), `program` that of a closed set.
    """

    kind: str
    header: Mapping[str, Any]
    line: str
    body: str
    program: Mapping[str, Any] | None = None


def checked(content: bytes, seconds_max: float = SECONDS_MAX) -> Checked:
    """Check a certificate by its content alone. Raises CertificateError."""
    if content.startswith(b"PK"):
        try:
            header, program, body, line = closed_set.confirm(content)
        except closed_set.Refused as refusal:
            raise CertificateError(str(refusal)) from refusal
        if program["representative"] is not None:
            line = f"{line}; {_refuted(body, seconds_max)}"
        return Checked("closed-set", header, line, body, program)
    try:
        file = read_script_file(content)
    except NoScriptFile as refusal:
        raise CertificateError(str(refusal)) from refusal
    return Checked(file.kind, file.header, _refuted(file.body, seconds_max), file.body)


def require_subject(
    certificate: Checked,
    grounding: Grounding,
    claim: Property,
    text: Callable[[Any], System],
    seconds_max: float = SECONDS_MAX,
) -> None:
    """Raise CertificateError unless the certificate is about this claim of this system.

    `grounding` is the system in the scope that the certificate names, `text` the same for any size.
    """
    if certificate.header.get("claim") != claim.id:
        raise CertificateError(f"it is about {certificate.header.get('claim')}, not {claim.id}")
    ground = grounding.property(claim)
    cone = cone_of_influence(grounding.system, ground)
    if certificate.kind == "closed-set":
        again = _closed_set_again(certificate, grounding, cone, ground, seconds_max)
    elif certificate.kind == "induction":
        again = _induction_again(certificate, cone, ground)
    else:
        again = _any_size_again(certificate, claim, text)
    if again != certificate.body:
        try:
            _refuted(again, seconds_max)
        except CertificateError as error:
            raise CertificateError(f"it is not about what it names: {error}") from error


def _closed_set_again(
    certificate: Checked,
    grounding: Grounding,
    cone: GroundSystem,
    claim: GroundProperty,
    seconds_max: float,
) -> str:
    """The conditions that the file must have. Raises CertificateError on another program."""
    program = dict(certificate.program or {})
    representative, body = None, ""
    if program.get("representative") is not None:
        reduction = reduce(grounding, cone, [claim])
        representative, body = reduction.representative, script(reduction.conditions)
    if text_of(program) != text_of(program_of(cone, claim, representative)):
        try:
            _refuted(script(agreement(program, cone, claim, representative)), seconds_max)
        except (AnotherProgram, CertificateError) as error:
            raise CertificateError(f"it is not about what it names: {error}") from error
    return body


def _induction_again(certificate: Checked, cone: GroundSystem, claim: GroundProperty) -> str:
    """The conditions that its invariant must meet."""
    k, distinct = certificate.header.get("k"), certificate.header.get("distinct")
    count = certificate.header.get("conjuncts")
    if type(k) is not int or k < 1 or type(distinct) is not bool or type(count) is not int:
        raise CertificateError("its header does not say how many steps and conjuncts it has")
    conjuncts = _defined(certificate.body, [f"invariant.{i}" for i in range(count)])
    terms = {str(v.term.decl().name()): v.term for v in cone.variables}
    if unknown := variables_in(conjuncts) - terms.keys():
        raise CertificateError(f"its invariant speaks of {min(unknown)}, which is no variable")
    return induction_script(cone, claim, Invariant(cone, conjuncts, k, distinct))


def _any_size_again(certificate: Checked, claim: Property, text: Callable[[Any], System]) -> str:
    """The conditions that its formulas must meet."""
    try:
        return script(any_size_conditions(text, claim, _strings(certificate, "invariant")))
    except NoInvariant as error:
        raise CertificateError(f"its invariant cannot be read: {error}") from error


def _defined(body: str, names: Sequence[str]) -> tuple[Term, ...]:
    """The formulas that a script defines by these names."""
    head = body.split("\n(push 1)\n", 1)[0]
    asked = "".join(f"\n(assert {name})" for name in names)
    try:
        return tuple(z3.parse_smt2_string(head + asked))
    except z3.Z3Exception as error:
        said = error.value.decode() if isinstance(error.value, bytes) else str(error)
        raise CertificateError(f"its invariant cannot be read: {' '.join(said.split())}") from error


def _strings(certificate: Checked, name: str) -> tuple[str, ...]:
    found = certificate.header.get(name)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise CertificateError(f"its header has no {name}")
    return tuple(found)


def _refuted(body: str, seconds_max: float) -> str:
    """The line that says that all conditions are refuted. Raises CertificateError."""
    try:
        answers = refuted_by_cvc5(body, seconds_max)
    except ScriptError as error:
        raise CertificateError(f"its script is none: {error}") from error
    for names, fault in ((answers.satisfiable, "does not hold"), (answers.undecided, "is open")):
        if names:
            raise CertificateError(f"cvc5 finds that a condition {fault}: {names[0]}")
    if not answers.all_refuted:
        raise CertificateError("it has no conditions")
    return f"cvc5 refutes all {len(answers.each)} conditions"
