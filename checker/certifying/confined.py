"""How much memory the checker of closed sets may take, in a process of its own.

What it needs beside the interpreter is known before: a state is held as it is and compared with
others, and some states at a time are looked at with every node of the program. So it is not begun
where that is too much. As estimates may be wrong, the operating system is told the limit as well,
with an allowance for what does not grow with the states: the program, and the interpreter's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checker.certifying import closed_set

ALLOWANCE = 256 << 20
"""Bytes that the process may take beside the limit: one chunk of states and their successors."""


class TooMuchMemory(RuntimeError):
    """The checker needs more memory than it may take."""


def needed(states: int, words: int) -> int:
    """Bytes that the checker holds of so many states: all of their words, and marks while it
    reads a byte of each, or compares each with the next."""
    return states * (8 * words + 2)


def confirm_within(content: bytes, memory_max: int) -> tuple[Any, Any, str, str]:
    """`closed_set.confirm` of a file, in a process that ends thereafter: the limit stays.

    Raises Refused as that does, and TooMuchMemory.
    """
    _limit(memory_max + ALLOWANCE)
    try:
        return closed_set.confirm(content)
    except closed_set.Refused as refusal:
        if isinstance(refusal.__cause__, MemoryError):
            raise TooMuchMemory(f"it needs more than {memory_max:,} bytes") from refusal
        raise


def _limit(extra: int) -> None:
    """Let the process have so many bytes of data more than it has, where it can be limited."""
    try:
        import resource

        said = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except (ImportError, OSError):  # the estimate has to do
        return
    held = [int(line.split()[1]) * 1024 for line in said if line.startswith("VmData:")]
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if held:
        limit = held[0] + extra
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard < 0 else min(limit, hard), hard))
