"""How the check of certificates is written for programs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mktme.results.shape import Shape
from mktme.verify import Confirmation


class Certificate(Shape):
    """One file."""

    file: str
    confirmed: bool
    subject: dict[str, str] | None = Field(
        description="What the file says that it is about: design, property, sizes; null if refused."
    )
    kind: str | None = Field(description="The kind of proof; null if refused.")
    said: str = Field(description="What was confirmed, or why it was refused.")


class Certificates(Shape):
    """What `mktme verify-certificate --json` prints."""

    format: Literal["mktme-certificates"] = "mktme-certificates"
    version: Literal[1] = 1
    certificates: list[Certificate] = Field(description="One for each file, in their order.")


def confirmed(file: str, found: Confirmation) -> Certificate:
    """A certificate that proves what it says."""
    return Certificate(
        file=file, confirmed=True, subject=dict(found.subject), kind=found.kind, said=found.line
    )


def refused(file: str, reason: str) -> Certificate:
    """A certificate that does not."""
    return Certificate(file=file, confirmed=False, subject=None, kind=None, said=reason)
