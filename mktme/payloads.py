"""What a design's parser makes of a payload text, for a person who wants to know beforehand."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from designs import Design
from impl import Command, Kernel, KernelError
from impl.hardware.keytable import fingerprint
from mktme.results.shape import Shape


class Parsed(Shape):
    """What `mktme payload --json` prints; it quotes nothing of the payload."""

    format: Literal["mktme-payload"] = "mktme-payload"
    version: Literal[1] = 1
    design: str
    accepted: bool
    command: str | None = Field(description="The PCONFIG command that it asks for, if accepted.")
    key: str | None = Field(description="The fingerprint of a user key; null where it has none.")
    entropy: bool | None = Field(
        description="Whether a key that the CPU makes gets the caller's entropy; null for others."
    )
    out_of_bounds: list[str] = Field(description="What the parser read beyond its bounds.")
    errno: str | None = Field(description="The error that a refused payload gives.")
    reason: str | None = Field(description="Why it is refused.")

    def said(self) -> str:
        """One line. Only for an accepted payload: a refusal is an error, which says its reason."""
        said = f"accepted: {self.command}"
        if self.key is not None:
            said += f", key {self.key}"
        if self.entropy is not None:
            said += f", {'with' if self.entropy else 'without'} entropy of the caller's"
        return said + (
            f"; out of bounds: {', '.join(self.out_of_bounds)}" * bool(self.out_of_bounds)
        )


def parsed(design: Design, text: bytes) -> Parsed:
    """What an accepted payload asks for, its key as a fingerprint.

    Raises KernelError for a payload that the design refuses; the message quotes nothing of it.
    """
    kernel = Kernel(design, packages=1, cpus=1, keyids=1)
    material = kernel.preparse(text)
    command = Command(material.command)
    bytes_ = material.data_key + material.tweak_key
    is_user, is_random = command is Command.SET_KEY_DIRECT, command is Command.SET_KEY_RANDOM
    return Parsed(
        design=design.name,
        accepted=True,
        command=command.name,
        key=fingerprint(material.data_key, material.tweak_key) if is_user else None,
        entropy=any(bytes_) if is_random else None,
        out_of_bounds=[f"{event.what} at {event.index}" for event in kernel.events],
        errno=None,
        reason=None,
    )


def refused(design: Design, error: KernelError) -> Parsed:
    """The same for a payload that the design refused."""
    return Parsed(
        design=design.name,
        accepted=False,
        command=None,
        key=None,
        entropy=None,
        out_of_bounds=[],
        errno=error.name,
        reason=str(error),
    )
