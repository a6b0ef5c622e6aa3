"""Decides how a refused call looks: the kernel's errno values as one tree of exceptions.

A message reads ``cannot <verb> <what>: <the fact in the way>`` and never contains key bytes or
payload text. Hardware faults and hung threads are not errno values and stand beside the tree.
"""

from __future__ import annotations

# Named after the errno's or the processor's own words, which have no suffix.
from typing import ClassVar


class KernelError(Exception):
    """A kernel call returned an errno value.

    ``name`` is the errno's name ("EINVAL"), ``errno`` its number on Linux for x86
    (asm-generic/errno.h).
    """

    name: ClassVar[str] = "EIO"
    errno: ClassVar[int] = 5

    def __init__(self, call: str, fact: str) -> None:
        """``call`` is the verb and its object ("update key 3"), ``fact`` what stood in the way."""
        super().__init__(f"cannot {call}: {fact}")


class NotPermitted(KernelError):
    """EPERM: the startup gate keeps a CPU out."""

    name = "EPERM"
    errno = 1


class AccessDenied(KernelError):
    """EACCES: the caller lacks the capability."""

    name = "EACCES"
    errno = 13


class Busy(KernelError):
    """EBUSY: the thing is in use."""

    name = "EBUSY"
    errno = 16


class AlreadyExists(KernelError):
    """EEXIST: it is there already."""

    name = "EEXIST"
    errno = 17


class InvalidArgument(KernelError):
    """EINVAL: an argument or payload is not acceptable."""

    name = "EINVAL"
    errno = 22


class NotSupported(KernelError):
    """EOPNOTSUPP: this design has no such operation."""

    name = "EOPNOTSUPP"
    errno = 95


class NoKey(KernelError):
    """ENOKEY: no such key, no free KeyID, or a key table could not be programmed."""

    name = "ENOKEY"
    errno = 126


class GeneralProtection(Exception):
    """#GP(0): the processor refused to execute an instruction (Intel SDM, PCONFIG)."""


class BadAddress(Exception):
    """A physical address names memory that is not there: no such KeyID, package or byte."""


class Deadlock(Exception):
    """A call would wait forever for a lock that nobody will release; its thread never returns."""
