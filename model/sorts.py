"""What the model speaks about: its index sorts and enumerations, in the source's words."""

from __future__ import annotations

from checker.systems.system import Enum, Index

PACKAGE = Index("Package")
CPU = Index("CPU")
KEYID = Index("KeyID", numbered_from=1)
KEY = Index("Key")
"""Key objects. A dead one may come to life again as another key."""

VMA = Index("VMA")
"""Mappings of processes, one page each."""

THREAD = Index("Thread")
"""Operations in flight at once, of the locks' system only."""

LOCK = Index("Lock", constants=("map", "hotplug", "mmap_sem"))
"""The map lock, the CPU-hotplug lock, and the address-space lock of one process."""

HOLD = Enum("Hold", ("no", "shared", "exclusive"))
"""Whether and how a thread holds a lock: for reading, or for writing."""

PROGRESS = Enum("Progress", ("goes_on", "waits", "returns"))
"""What becomes of an operation in one step, in the locks' system."""

BYTES = Index("Bytes", constants=("zeros", "random"), numbered_from=None)
"""What a key field holds: zeros, some package's own random key, or user key A, B, …

A value stands for a data key and a tweak key together: no step of the kernel separates them.
Two `random` keys never are equal, since every execution of PCONFIG draws its own.
"""

KIND = Enum("Kind", ("user", "cpu", "clear", "no_encrypt"))
"""A payload's `type=`; the algorithm is left out, for there is only one."""

CONTROL = Enum("Control", ("empty", *KIND.values))
"""A vault control word: zero as at boot, or the command of the last payload loaded."""

MODE = Enum("Mode", ("tme", "encrypt", "no_encrypt"))
"""The mode of a key table entry (Intel memory-encryption specification)."""

ANSWER = Enum("Answer", ("ok", "EINVAL", "ENOKEY", "EPERM", "EBUSY", "ENOENT", "waits for ever"))
"""What a call answers: success, or an errno; and that it never comes back."""

TOKEN = Index("Token", constants=("type", "algorithm", "key", "tweak", "unknown"))
"""Names before the `=` of a payload's tokens; `unknown` is any that the parser does not know."""

VALUE = Enum(
    "Value",
    (*KIND.values, "right", "long", "short", "broken", "garbage", "empty", "bare"),
)
"""What stands behind the `=` of a token: a type's name, or one of the classes of `payloads`."""

LENGTH = Enum("Length", ("zero", "within", "above"))
"""A payload text's length in bytes: 0, 1 … 1024, more."""

HELD = Enum("Held", ("nothing", "part", "whole"))
"""How much of a user's data or tweak key a payload structure holds."""

STAGE = Enum("Stage", ("before", "reading", "accepted", "refused"))
"""How far the latest payload's call is; `before` the first."""

NUL = Enum("Nul", ("none", "ahead", "passed"))
"""Whether the text being read has a NUL: none, further on, or behind the parser."""

PREPARSED = Enum("Preparsed", ("reading", "ok", "EINVAL", "EACCES"))
"""What a step of a payload's call answers: not yet anything, success, or an errno."""
