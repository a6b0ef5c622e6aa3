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
    """EPERM: the startup gate keeps a CPU out, or a name is reserved for the kernel."""

    name = "EPERM"
    errno = 1


class NoEntry(KernelError):
    """ENOENT: it is not there: a key that is no link of the keyring, a page that is not present."""

    name = "ENOENT"
    errno = 2


class NoProcess(KernelError):
    """ESRCH: the process has exited."""

    name = "ESRCH"
    errno = 3


class OutOfMemory(KernelError):
    """ENOMEM: no memory where it is wanted, or no mapping in a range of addresses."""

    name = "ENOMEM"
    errno = 12


class AccessDenied(KernelError):
    """EACCES: the caller lacks the capability or the permission."""

    name = "EACCES"
    errno = 13


class BadPointer(KernelError):
    """EFAULT: an address that the process has not mapped, or not for this access."""

    name = "EFAULT"
    errno = 14


class Busy(KernelError):
    """EBUSY: the thing is in use."""

    name = "EBUSY"
    errno = 16


class AlreadyExists(KernelError):
    """EEXIST: it is there already."""

    name = "EEXIST"
    errno = 17


class NoDevice(KernelError):
    """ENODEV: there is no such key type, or no such memory to migrate to."""

    name = "ENODEV"
    errno = 19


class NotAKeyring(KernelError):
    """ENOTDIR: a keyring is needed, and the key is none."""

    name = "ENOTDIR"
    errno = 20


class InvalidArgument(KernelError):
    """EINVAL: an argument or payload is not acceptable."""

    name = "EINVAL"
    errno = 22


class WouldDeadlock(KernelError):
    """EDEADLK: the link would make a cycle of keyrings."""

    name = "EDEADLK"
    errno = 35


class TooManyLevels(KernelError):
    """ELOOP: keyrings are nested too deeply."""

    name = "ELOOP"
    errno = 40


class NotSupported(KernelError):
    """EOPNOTSUPP: this design, or this type of key, has no such operation."""

    name = "EOPNOTSUPP"
    errno = 95


class QuotaExceeded(KernelError):
    """EDQUOT: the user owns too many keys, or too many bytes in them."""

    name = "EDQUOT"
    errno = 122


class NoKey(KernelError):
    """ENOKEY: no such key, no free KeyID, or a key table could not be programmed."""

    name = "ENOKEY"
    errno = 126


class KeyExpired(KernelError):
    """EKEYEXPIRED: the key's time is over."""

    name = "EKEYEXPIRED"
    errno = 127


class KeyRevoked(KernelError):
    """EKEYREVOKED: the key was revoked."""

    name = "EKEYREVOKED"
    errno = 128


class GeneralProtection(Exception):
    """#GP(0): the processor refused to execute an instruction (Intel SDM, PCONFIG)."""


class BadAddress(Exception):
    """A physical address names memory that is not there: no such KeyID, package or byte."""


class Deadlock(Exception):
    """A call would wait forever for a lock that nobody will release; its thread never returns."""
