"""An explorer that is served by a process of its own, as somebody starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

MKTME = [sys.executable, "-c", "from mktme.cli import main; main()"]


@contextmanager
def explorer(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that the program prints, and the program; Ctrl-C ends it."""
    pipe = subprocess.PIPE
    command = [*MKTME, "explore", "--no-open", *arguments]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as running:
        try:
            assert running.stdout is not None
            yield running.stdout.readline().strip(), running
        finally:
            running.send_signal(signal.SIGINT)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()
