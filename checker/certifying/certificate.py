"""How a proof becomes a certificate: it is written down, and a second checker has to accept it.

An induction, in a scope or for any size, becomes an SMT-LIB script whose conditions cvc5 refutes; a
closed exploration becomes its set of states and a program, which `closed_set` confirms. What is
written is what is checked, and nothing but what is written.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import z3

from checker.answers.proof import AnySize, Certificate, ClosedSet, Invariant, Proof
from checker.answers.verdict import Verdict
from checker.certifying import closed_set
from checker.certifying.conditions import conditions, kept_formulas
from checker.certifying.confined import TooMuchMemory, confirm_within, needed
from checker.certifying.program import NotWritable, program_of, text_of
from checker.certifying.refutation import ScriptError, refuted_by_cvc5
from checker.certifying.script_file import ScriptFile
from checker.certifying.smtlib import script
from checker.certifying.smtlib_words import NotStandard
from checker.killable import Killable, TaskDied
from checker.systems.property import GroundProperty, Property
from checker.systems.system import GroundSystem, Term

SECONDS_MAX = 60.0
"""How long the second checker may take with one certificate, if nothing else is said."""

AT_ONCE_MAX = 50_000
"""States that the checker of closed sets confirms here; for more it has a process and limits."""

BLOCK = 1 << 14
"""States of a closed set that are written at a time; they may be on disk."""

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
    system: GroundSystem | None,
    claim: GroundProperty | Property,
    subject: Mapping[str, str],
    *,
    seconds_max: float | None = None,
    memory_max: int | None = None,
) -> Verdict:
    """A PROVED verdict with a certificate in place of its proof, or UNKNOWN with the reason.

    `system` is what the claim was proved of (its cone, or None for a proof for any size, which is
    of no system in particular), `subject` what the certificate is to say of itself: design,
    property, scope. `is_refused` tells a proof that the second checker found
    wrong from one that it could not confirm: not within `seconds_max`, or not with the states in
    `memory_max` bytes of the process that checks them. This process holds a block of them at most.
    """
    if verdict.word != "PROVED":
        raise ValueError(f"there is nothing to certify about {verdict.word}")
    try:
        if verdict.proof is None:
            raise CertificateNotConfirmed("the engine offered no proof")
        certificate = certificate_of(verdict.proof, system, claim, subject, seconds_max, memory_max)
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
    system: GroundSystem | None,
    claim: GroundProperty | Property,
    subject: Mapping[str, str],
    seconds_max: float | None = None,
    memory_max: int | None = None,
) -> Certificate:
    """The certificate, confirmed. Raises CertificateRefused, CertificateNotConfirmed, and
    NotStandard or NotWritable where a term has no place in one."""
    seconds = SECONDS_MAX if seconds_max is None else seconds_max
    if isinstance(proof, AnySize):
        header: dict[str, Any] = {"kind": "any-size", "lemmas": list(proof.lemmas)}
        header["invariant"] = list(proof.invariant)
        made = _of_script(header, script(proof.conditions), claim.id, subject, seconds)
        return dataclasses.replace(made, lemmas=proof.lemmas)
    if system is None or not isinstance(claim, GroundProperty):
        raise ValueError("a proof in a scope is of a ground system and a ground claim")
    if isinstance(proof, ClosedSet):
        return _closed_set(proof, system, claim, subject, seconds, memory_max)
    header = {"kind": "induction", "k": proof.k, "distinct": proof.distinct}
    header["conjuncts"] = len(proof.conjuncts)
    body = induction_script(system, claim, proof)
    return _of_script(header, body, claim.id, subject, seconds)


def _of_script(
    said: Mapping[str, Any], body: str, claim: str, subject: Mapping[str, str], seconds: float
) -> Certificate:
    """The certificate of a script, once cvc5 has refuted all of it."""
    line = _refuted(body, seconds)
    header = {"subject": dict(subject), "claim": claim, "versions": versions(), **said}
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
    file, hashed = io.BytesIO(), hashlib.sha256()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        with parts.open("states.npy", "w", force_zip64=True) as part:
            _begin_array(part, (8 * words, len(proof.states)))
            for block in _planes(proof.states):
                hashed.update(block)
                part.write(block)
        header["sha256"] = closed_set.digest(header, said, program, hashed)
        text = json.dumps(header, sort_keys=True).encode()
        for name, content in (("conditions", said), ("header", text), ("program", program)):
            with parts.open(f"{name}.npy", "w", force_zip64=True) as part:
                _begin_array(part, (len(content),))
                part.write(content)
    return file.getvalue()


def _begin_array(part: IO[bytes], shape: tuple[int, ...]) -> None:
    """Write what stands before the elements of an array of bytes."""
    said = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(part, said)


def _planes(states: Any) -> Iterator[bytes]:
    """The bytes of states: the lowest of each, the next of each, and so on, a block at a time.

    They are exclusive-or the same byte of the state before. Neighbours differ in few bits, and
    those bits in few bytes: so they are packed well.
    """
    number, words = states.shape
    for plane in range(8 * words):
        before = np.zeros(1, np.uint8)
        for start in range(0, number, BLOCK):
            word = states[start : start + BLOCK, plane // 8]
            values = (word >> np.uint64(plane % 8 * 8)).astype(np.uint8)
            joined = np.concatenate([before, values])
            yield (joined[1:] ^ joined[:-1]).tobytes()
            before = joined[-1:]


def _closed_set(
    proof: ClosedSet,
    system: GroundSystem,
    claim: GroundProperty,
    subject: Mapping[str, str],
    seconds_max: float,
    memory_max: int | None,
) -> Certificate:
    if [v.name for v in proof.system.variables] != [v.name for v in system.variables]:
        raise CertificateRefused("the states are those of another system")
    if memory_max is not None and needed(*proof.states.shape) > memory_max:
        raise CertificateNotConfirmed(f"it needs more than {memory_max:,} bytes")
    content = closed_set_file(proof, system, claim, subject)
    try:
        if len(proof.states) <= AT_ONCE_MAX:
            _, _, said, line = closed_set.confirm(content)
        else:
            with Killable(seconds_max) as processes:
                if memory_max is None:
                    answer = processes.submit(closed_set.confirm, content)
                else:
                    answer = processes.submit(confirm_within, content, memory_max)
                _, _, said, line = answer.result()
    except closed_set.Refused as refusal:
        raise CertificateRefused(str(refusal)) from refusal
    except TooMuchMemory as limit:
        raise CertificateNotConfirmed(str(limit)) from limit
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
