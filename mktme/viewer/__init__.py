"""The trace viewer: one script and one style sheet, for a page of one file and for a served one."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

SCRIPT: Final = files(__name__).joinpath("viewer.js").read_text(encoding="utf-8")
"""An ES module without imports; its head says what it exports."""

STYLE: Final = files(__name__).joinpath("viewer.css").read_text(encoding="utf-8")
"""The style sheet: colours as variables for light and dark, and all that the script draws."""
