"""The manual, built as it is published."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(folder: Path) -> tuple[int, list[str]]:
    """Build it into a folder; gives the exit status and what was warned of."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, re.findall("^(?:WARNING|ERROR).*", done.stderr, re.MULTILINE)
