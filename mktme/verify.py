"""Whether a certificate's file proves what it says about the design that it names.

This is all that `mktme verify-certificate` needs: the file, and the model that is installed. Which
design, property and scope are meant the file itself says; the system is built again from them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from checker.certifying.recheck import CertificateError, Checked, checked, require_subject
from checker.systems.property import Property
from conformance.lockstep import ground
from designs import Design, DesignError, design_from_text
from model import Scope, ScopeError, text_of
from properties import PropertyError, property_from_text

FILE_BYTES_MAX = 1 << 32
"""A greater file is refused unread: no exploration that fits in memory writes one."""

SECONDS_MAX = 300.0
"""How long a solver may take with one set of conditions."""

UNBOUNDED = "packages, CPUs, KeyIDs, keys and VMAs"
"""What a proof for any size is for any number of."""


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """A certificate that was confirmed: what it is about, by what kind of proof, and how."""

    subject: Mapping[str, str]
    kind: str
    line: str

    def __str__(self) -> str:
        said = dict(self.subject)
        about = f"{said.pop('design')} / {said.pop('property')}"
        if self.kind == "any-size":
            return f"{about} for any number of {UNBOUNDED}: {self.line}"
        sizes = ", ".join(f"{name} {value}" for name, value in said.items())
        return f"{about} ({sizes}), {self.kind}: {self.line}"


def subject_of(design: Design, property_id: str, scope: Scope) -> dict[str, str]:
    """What a certificate says that it is about."""
    sizes = {name: str(value) for name, value in dataclasses.asdict(scope).items()}
    return {"design": design.name, "property": property_id, **sizes}


def verify(path: Path | str, seconds_max: float = SECONDS_MAX) -> Confirmation:
    """Confirm the certificate in a file. Raises CertificateError or, without a file, Unreadable."""
    content = _read(Path(path))
    try:
        certificate = checked(content, seconds_max)
        design, claim, scope = _named(certificate)
        line = require_subject(
            certificate,
            ground(design, scope, claim.system),
            claim,
            text_of(design, claim.system),
            seconds_max,
        )
    except CertificateError as refusal:
        raise CertificateError(f"cannot confirm {path}: {refusal}") from refusal
    subject = {str(name): str(value) for name, value in certificate.header["subject"].items()}
    return Confirmation(subject, certificate.kind, line)


class Unreadable(ValueError):
    """A file that is not there, or not to be read; the message names it."""


def require_file(path: Path | str) -> None:
    """Before anything is confirmed. Raises Unreadable."""
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise CertificateError(f"cannot confirm {path}: it is too large for a certificate")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error


def _named(certificate: Checked) -> tuple[Design, Property, Scope]:
    """The design, property and scope that a header names. Raises CertificateError."""
    subject = certificate.header.get("subject")
    if not isinstance(subject, dict) or not all(isinstance(v, str) for v in subject.values()):
        raise CertificateError("its header does not say what it is about")
    names = [field.name for field in dataclasses.fields(Scope)]
    if set(subject) != {"design", "property", *names}:
        raise CertificateError(f"its header names {', '.join(sorted(subject)) or 'nothing'}")
    try:
        design = design_from_text(subject["design"])
        claim = property_from_text(subject["property"])
        return design, claim, Scope(**{name: int(subject[name]) for name in names})
    except (DesignError, PropertyError, ScopeError, ValueError) as error:
        raise CertificateError(f"what it names is not known here: {error}") from error
