"""Which pages the manual has, and in what order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from manual import reference

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"

ORDER: Final = {
    "": ("index", "tutorial"),
    "how-to": (
        "judge-a-design",
        "read-a-counterexample",
        "change-a-knob",
        "write-a-design-or-property",
        "compare-two-designs",
        "explore-by-hand",
        "quote-and-replay-a-trace",
        "make-a-report",
        "gate-a-pipeline",
        "complete-commands-in-a-shell",
        "verify-a-certificate",
        "prove-for-any-size",
        "large-scopes",
        "use-a-cluster",
        "export-to-another-checker",
        "write-a-script",
        "hold-model-and-implementation-together",
    ),
    "reference": tuple(reference.PAGES),
    "explanation": ("what-is-proved", "two-descriptions", "prices", "costs", "words"),
}
"""The pages of each folder as the menu has them; those without a folder stand alone."""

TITLES: Final = {"how-to": "How to", "reference": "Reference", "explanation": "Explanation"}


def written() -> dict[str, str]:
    """The pages that somebody wrote: their paths, and their text."""
    paths = [path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md"))]
    return {path: (DOCS / path).read_text(encoding="utf-8") for path in paths}


def generated() -> dict[str, str]:
    """The pages that are made from the code."""
    return {f"reference/{name}.md": page() for name, page in reference.PAGES.items()}


def navigation() -> list[Mapping[str, object]]:
    """The menu: a title for each page or section."""
    texts = written() | generated()
    alone = _entries("", texts)
    return [*alone, *({TITLES[folder]: _entries(folder, texts)} for folder in ORDER if folder)]


def _entries(folder: str, texts: Mapping[str, str]) -> list[dict[str, str]]:
    paths = [f"{folder}/{name}.md".lstrip("/") for name in ORDER[folder]]
    return [{_title(texts[path]): path} for path in paths if path in texts]


def _title(text: str) -> str:
    """What the menu calls a page: its title, up to a colon."""
    found = re.search(r"^# ([^:\n]+)", text, re.MULTILINE)
    if found is None:
        raise ValueError("a page begins with a title")
    return found[1]
