"""Which browser the tests drive, and what they say where there is none."""

from __future__ import annotations

import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)

needs_browser = pytest.mark.skipif(
    BROWSER is None,
    reason=f"no browser on PATH (looked for: {', '.join(NAMES)}): apt-get install chromium",
)
