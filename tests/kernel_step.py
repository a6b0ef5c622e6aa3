"""One call on a kernel, as it was seen from outside, and the ways in which it may not return."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel_digest import Digest
from kernel_owners import Payload

from impl.errors import KernelError
from impl.hardware.pconfig import Execution, Status
from impl.mm.paging import PlainWrite


class Endless(Exception):
    """An operation made more requests than any should."""


class NotAdmitted(Exception):
    """A key was refused, or a call hung, and what should follow makes no sense without it."""


@dataclass
class Step:
    """One call as it was seen from outside.

    ``due``: the id of the availability claim by which it had to succeed. ``payload``: of an add
    that was judged by the parser and nothing else before it. ``spans``: its range lies in one VMA
    alone, or not. ``misread``: what a read gave that it must not give.
    """

    verb: str
    due: str | None = None
    payload: Payload | None = None
    spans: bool = False
    refusal: KernelError | None = None
    hung: str = ""
    is_endless: bool = False
    executions: list[Execution] = field(default_factory=list)
    plain_writes: list[PlainWrite] = field(default_factory=list)
    old: Digest = field(default_factory=dict, repr=False)
    new: Digest = field(default_factory=dict, repr=False)
    misread: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it succeeded."""
        return self.refusal is None and not self.hung

    @property
    def pconfig_failed(self) -> bool:
        """Whether some package could not be programmed, however often it was tried."""
        last = {(done.package, done.keyid): done.status for done in self.executions}
        return any(status is not Status.PROG_SUCCESS for status in last.values())
