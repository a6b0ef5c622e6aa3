"""Whether a certificate proves what it says of the system that it names.

A file comes from anybody, and can prove something of a system that nobody asked about. So what has
to hold is made again from the system that is meant: the program under which the file's states must
be closed, or the conditions that its invariant must meet. Of the file only the states, or the
invariant's formulas, are used, and they are read as strictly as can be.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from checker.answers.proof import Invariant
from checker.certifying import closed_set
from checker.certifying.certificate import SECONDS_MAX, induction_script
from checker.certifying.formula_text import NoFormula, Reader
from checker.certifying.invariance import NoInvariant, any_size_conditions
from checker.certifying.program import NotWritable, program_of
from checker.certifying.refutation import ScriptError, refuted_by_cvc5
from checker.certifying.script_file import NoScriptFile, read_script_file
from checker.certifying.smtlib import script
from checker.certifying.smtlib_words import NotStandard
from checker.reducing.reduction import reduce
from checker.systems.cone import cone_of_influence
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty, Property
from checker.systems.system import GroundSystem, System, Term

STEPS_MAX, CONJUNCTS_MAX = 100, 100_000
"""The longest induction, and the largest invariant, whose conditions are made again."""


class CertificateError(ValueError):
    """A certificate that proves nothing, or nothing of what it names; one line says why."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """A certificate as its file has it: its kind, its header, and what is in it.

    `body` is its SMT-LIB script, whose conditions are refuted, as `line` says. A closed set has
    `states` instead, of which nothing is known before there is a program; `is_reduced` says whether
    they are meant to be representatives.
    """

    kind: str
    header: Mapping[str, Any]
    body: str = ""
    line: str = ""
    states: Any = None
    is_reduced: bool = False


def checked(content: bytes, seconds_max: float = SECONDS_MAX) -> Checked:
    """Read a certificate, and refute the conditions of a script. Raises CertificateError."""
    try:
        if content.startswith(b"PK"):
            _require_whole_archive(content)
            header, program, _, states = closed_set.read(content)
            is_reduced = isinstance(program, dict) and program.get("representative") is not None
            return Checked("closed-set", header, states=states, is_reduced=is_reduced)
        file = read_script_file(content)
    except (NoScriptFile, closed_set.Refused) as refusal:
        raise CertificateError(str(refusal)) from refusal
    return Checked(file.kind, file.header, file.body, _refuted(file.body, seconds_max))


def _require_whole_archive(content: bytes) -> None:
    """Raise CertificateError where a closed set's file ends too early.

    The checker of closed sets says so too, in the words of the library that reads archives.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise CertificateError("it was cut: the list of its parts, which ends it, is not there")


def require_subject(
    certificate: Checked,
    grounding: Grounding,
    claim: Property,
    text: Callable[[Any], System],
    seconds_max: float = SECONDS_MAX,
) -> str:
    """The line that says how this claim of this system is proved. Raises CertificateError.

    `grounding` is the system in the scope that the certificate names, `text` the same for any size.
    """
    if certificate.header.get("claim") != claim.id:
        raise CertificateError(f"it is about {certificate.header.get('claim')}, not {claim.id}")
    ground = grounding.property(claim)
    cone = cone_of_influence(grounding.system, ground)
    try:
        if certificate.kind == "closed-set":
            return _closed_set_again(certificate, grounding, cone, ground, seconds_max)
        if certificate.kind == "induction":
            again = _induction_again(certificate, cone, ground)
        else:
            again = _any_size_again(certificate, claim, text)
    except (NotStandard, NotWritable) as obstacle:
        raise CertificateError(f"what it has to prove cannot be written: {obstacle}") from obstacle
    return certificate.line if again == certificate.body else _refuted_again(again, seconds_max)


def _closed_set_again(
    certificate: Checked,
    grounding: Grounding,
    cone: GroundSystem,
    claim: GroundProperty,
    seconds_max: float,
) -> str:
    """The line, if its states are closed under the program of this system and claim."""
    reduction = reduce(grounding, cone, [claim]) if certificate.is_reduced else None
    program = program_of(cone, claim, reduction.representative if reduction else None)
    try:
        line = closed_set.closed(program, certificate.header, certificate.states)
    except closed_set.Refused as refusal:
        raise CertificateError(f"it is not about what it names: {refusal}") from refusal
    if reduction is None:
        return line
    return f"{line}; {_refuted_again(script(reduction.conditions), seconds_max)}"


def _induction_again(certificate: Checked, cone: GroundSystem, claim: GroundProperty) -> str:
    """The conditions that its invariant must meet."""
    k, distinct = certificate.header.get("k"), certificate.header.get("distinct")
    count = certificate.header.get("conjuncts")
    if type(k) is not int or k < 1 or type(distinct) is not bool or type(count) is not int:
        raise CertificateError("its header does not say how many steps and conjuncts it has")
    if k > STEPS_MAX or not 0 <= count <= CONJUNCTS_MAX:
        said = f"{STEPS_MAX} steps and {CONJUNCTS_MAX} conjuncts"
        raise CertificateError(f"its induction has more than {said}, or fewer than none")
    conjuncts = _defined(certificate.body, cone)
    names = [f"invariant.{i}" for i in range(count)]
    if missing := [name for name in names if name not in conjuncts]:
        raise CertificateError(f"its invariant cannot be read: there is no {missing[0]}")
    invariant = Invariant(cone, tuple(conjuncts[name] for name in names), k, distinct)
    return induction_script(cone, claim, invariant)


def _any_size_again(certificate: Checked, claim: Property, text: Callable[[Any], System]) -> str:
    """The conditions that its formulas must meet."""
    try:
        return script(any_size_conditions(text, claim, _strings(certificate, "invariant")))
    except NoInvariant as error:
        raise CertificateError(f"its invariant cannot be read: {error}") from error


def _defined(body: str, cone: GroundSystem) -> dict[str, Term]:
    """The formulas over a system's variables that a script defines, by their names."""
    head = body.split("\n(push 1)\n", 1)[0].splitlines()
    functions = {str(v.term.decl().name()): v.term.decl() for v in cone.variables}
    try:
        return Reader(functions).definitions([x for x in head if x.startswith("(define-fun ")])
    except NoFormula as error:
        raise CertificateError(f"its invariant cannot be read: {error}") from error


def _strings(certificate: Checked, name: str) -> tuple[str, ...]:
    found = certificate.header.get(name)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise CertificateError(f"its header has no {name}")
    return tuple(found)


def _refuted_again(body: str, seconds_max: float) -> str:
    """The line that says that all conditions are refuted. Raises CertificateError."""
    try:
        return _refuted(body, seconds_max)
    except CertificateError as error:
        raise CertificateError(f"it is not about what it names: {error}") from error


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
