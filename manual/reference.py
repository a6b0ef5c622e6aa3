"""Which pages of the reference there are, each made from what the program itself knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from manual import commands, designs, formats, properties, scripts, verdicts

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands": commands.page,
    "designs": designs.designs_page,
    "knobs": designs.knobs_page,
    "properties": properties.page,
    "verdicts": verdicts.page,
    "statuses": verdicts.statuses_page,
    "formats": formats.page,
    "scripts": scripts.page,
}
"""Name of the page to what makes its text, in the order of the menu."""
