"""How a proof becomes a certificate: it is written down, and a second checker has to accept it.

An induction, in a scope or for any size, becomes an SMT-LIB script whose conditions cvc5 refutes; a
closed exploration becomes its set of states and a program, which `closed_set` confirms. What is
written is what is checked, and nothing but what is written.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import io
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import z3

from checker.answers.proof import Certificate, ClosedSet, Invariant, Proof
from checker.answers.verdict import Verdict
from checker.certifying import closed_set
from checker.certifying.conditions import conditions, kept_formulas
from checker.certifying.program import NotWritable, program_of, text_of
from checker.certifying.refutation import ScriptError, refuted_by_cvc5
from checker.certifying.script_file import ScriptFile
from checker.certifying.smtlib import script
from checker.certifying.smtlib_words import NotStandard
from checker.killable import Killable, TaskDied
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, Term

SECONDS_MAX = 60.0
"""How long the second checker may take with one certificate, if nothing else is said."""

AT_ONCE_MAX = 50_000
"""States that the checker of closed sets confirms here; for more it has a process and a limit."""

REFUSED = "the certificate was refused: "
"""How the reason begins where the second checker contradicts a proof: a fault of the program."""

NOT_CONFIRMED = "the certificate is not confirmed: "
"""How the reason begins where the second checker gave no answer."""


class CertificateRefused(RuntimeError):
    """The second checker found that a proof is none; the message says why."""


class CertificateNotConfirmed(RuntimeError):
    """The second checker could not be asked, or did not answer in time."""


def certified(
    verdict: Verdict,
    system: GroundSystem,
    claim: GroundProperty,
    subject: Mapping[str, str],
    *,
    seconds_max: float | None = None,
) -> Verdict:
    """A PROVED verdict with a certificate in place of its proof, or UNKNOWN with the reason.

    `system` is what the claim was proved of (its cone), `subject` what the certificate is to say
    of itself: design, property, scope. `is_refused` tells a proof that the second checker found
    wrong from one that it could not confirm.
    """
    if verdict.word != "PROVED":
        raise ValueError(f"there is nothing to certify about {verdict.word}")
    try:
        if verdict.proof is None:
            raise CertificateNotConfirmed("the engine offered no proof")
        certificate = certificate_of(verdict.proof, system, claim, subject, seconds_max)
    except CertificateRefused as refusal:
        return _unknown(verdict, f"{REFUSED}{refusal}")
    except (CertificateNotConfirmed, NotStandard, NotWritable) as obstacle:
        return _unknown(verdict, f"{NOT_CONFIRMED}{obstacle}")
    return dataclasses.replace(verdict, proof=None, certificate=certificate)


def is_refused(verdict: Verdict) -> bool:
    """Whether the second checker contradicts the engine that had proved this: exit status 5."""
    return verdict.word == "UNKNOWN" and verdict.reason.startswith(REFUSED)


def certificate_of(
    proof: Proof,
    system: GroundSystem,
    claim: GroundProperty,
    subject: Mapping[str, str],
    seconds_max: float | None = None,
) -> Certificate:
    """The certificate, confirmed. Raises CertificateRefused, CertificateNotConfirmed, and
    NotStandard or NotWritable where a term has no place in one."""
    seconds = SECONDS_MAX if seconds_max is None else seconds_max
    if isinstance(proof, ClosedSet):
        return _closed_set(proof, system, claim, subject, seconds)
    header: dict[str, Any] = {"subject": dict(subject), "claim": claim.id, "versions": versions()}
    if isinstance(proof, Invariant):
        header |= {"kind": "induction", "k": proof.k, "distinct": proof.distinct}
        header["conjuncts"] = len(proof.conjuncts)
        body = induction_script(system, claim, proof)
    else:
        header |= {"kind": "any-size", "lemmas": list(proof.lemmas)}
        header["invariant"] = list(proof.invariant)
        body = script(proof.conditions)
    line = _refuted(body, seconds)
    file = ScriptFile(header, body)
    return Certificate(file.kind, file.content(), line)


def induction_script(system: GroundSystem, claim: GroundProperty, invariant: Invariant) -> str:
    """The conditions of an induction as a script that names what is inductive."""
    kept = kept_formulas(system, claim, dataclasses.replace(invariant, conjuncts=()))
    named: dict[str, Term] = {f"known.{i}": formula for i, formula in enumerate(kept)}
    named |= {f"invariant.{i}": formula for i, formula in enumerate(invariant.conjuncts)}
    return script(conditions(system, claim, invariant), named)


def closed_set_file(
    proof: ClosedSet, system: GroundSystem, claim: GroundProperty, subject: Mapping[str, str]
) -> bytes:
    """A closed set as the content of a file: see `closed_set.read`."""
    words = proof.states.shape[1]
    header: dict[str, Any] = {
        "format": closed_set.FORMAT,
        "kind": "closed-set",
        "subject": dict(subject),
        "claim": claim.id,
        "versions": versions(),
        "words": words,
        "fields": [list(field) for field in proof.fields],
    }
    program = text_of(program_of(system, claim, proof.representative)).encode()
    said = script(proof.conditions).encode() if proof.conditions else b""
    # Neighbours differ in few bits, and those bits in few bytes: so they are packed well.
    changed = proof.states.astype("<u8")
    changed[1:] ^= proof.states[:-1].astype("<u8")
    planes = np.ascontiguousarray(changed.view(np.uint8).reshape(len(changed), 8 * words).T)
    header["sha256"] = closed_set.digest(header, said, program, planes.tobytes())
    text = json.dumps(header, sort_keys=True).encode()
    file = io.BytesIO()
    parts = {"conditions": said, "header": text, "program": program}
    arrays = {name: np.frombuffer(part, np.uint8) for name, part in parts.items()}
    np.savez_compressed(file, states=planes, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _closed_set(
    proof: ClosedSet,
    system: GroundSystem,
    claim: GroundProperty,
    subject: Mapping[str, str],
    seconds_max: float,
) -> Certificate:
    if [v.name for v in proof.system.variables] != [v.name for v in system.variables]:
        raise CertificateRefused("the states are those of another system")
    content = closed_set_file(proof, system, claim, subject)
    try:
        if len(proof.states) <= AT_ONCE_MAX:
            _, _, said, line = closed_set.confirm(content)
        else:
            with Killable(seconds_max) as processes:
                _, _, said, line = processes.submit(closed_set.confirm, content).result()
    except closed_set.Refused as refusal:
        raise CertificateRefused(str(refusal)) from refusal
    except TaskDied as death:
        raise CertificateNotConfirmed(f"the checker of closed sets was {death}") from death
    if proof.representative is not None:
        if not proof.conditions:
            raise CertificateRefused("nothing says that the representatives stand for the others")
        line = f"{line}; {_refuted(said, seconds_max)}"
    return Certificate("closed-set", content, line)


def _refuted(body: str, seconds_max: float) -> str:
    """The line that says so. Raises CertificateRefused, CertificateNotConfirmed."""
    try:
        answers = refuted_by_cvc5(body, seconds_max)
    except ScriptError as error:
        raise CertificateNotConfirmed(f"cvc5 does not read the script: {error}") from error
    if answers.satisfiable:
        raise CertificateRefused(f"cvc5 finds that this may fail: {_some(answers.satisfiable)}")
    if answers.undecided:
        raise CertificateNotConfirmed(f"cvc5 does not decide: {_some(answers.undecided)}")
    if not answers.all_refuted:
        raise CertificateRefused("there are no conditions")
    return f"cvc5 refutes all {len(answers.each)} conditions"


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (and {len(names) - 1} more)"


def _unknown(verdict: Verdict, reason: str) -> Verdict:
    return dataclasses.replace(verdict, word="UNKNOWN", reason=reason, proof=None)


@functools.cache
def versions() -> Mapping[str, str]:
    """The versions of what made a certificate."""
    own = importlib.metadata.version("mktme")
    return {"mktme": own, "z3": z3.get_version_string(), "numpy": np.__version__}


def file_name(certificate: Certificate, design: str, claim: str) -> str:
    """What a certificate's file is called: the same for the same design, property and kind."""
    suffix = "npz" if certificate.kind == "closed-set" else "smt2"
    return f"{_plain(design)}_{_plain(claim)}.{suffix}"


def _plain(name: str) -> str:
    """A name with nothing that a file system might mind."""
    return re.sub(r"[^A-Za-z0-9,=.+-]", "-", name).lstrip(".")


def write(path: Path, certificate: Certificate) -> None:
    """Write a certificate's file, whole or not at all. Raises OSError."""
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate.content)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
