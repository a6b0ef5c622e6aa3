"""Which pages the manual has, in what order, and which of them wait for a command.

A page whose first lines say `needs: COMMAND [--option]; …` is left out where the program has not
all of these.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import typer

from manual import reference
from mktme import cli

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
        "verify-a-certificate",
        "prove-for-any-size",
        "large-scopes",
        "use-a-cluster",
        "export-to-another-checker",
        "write-a-script",
        "hold-model-and-implementation-together",
    ),
    "reference": tuple(reference.PAGES),
    "explanation": ("what-is-proved", "two-descriptions", "prices", "words"),
}
"""The pages of each folder as the menu has them; those without a folder stand alone."""

TITLES: Final = {"how-to": "How to", "reference": "Reference", "explanation": "Explanation"}

_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)#\s]+\.md)(#[^)]*)?\)")


def written() -> dict[str, str]:
    """The pages that somebody wrote and that can be followed now: their paths, and their text."""
    paths = [path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md"))]
    texts = {path: (DOCS / path).read_text(encoding="utf-8") for path in paths}
    return {path: text for path, text in texts.items() if not missing(text)}


def missing(text: str) -> list[str]:
    """The commands and options that a page needs and the program does not have."""
    head = text[4:].partition("\n---\n")[0] if text.startswith("---\n") else ""
    said = re.search(r"^needs: *(.+)$", head, re.MULTILINE)
    needs = said[1].split(";") if said else []
    return [need.strip() for need in needs if not _is_there(need)]


def generated() -> dict[str, str]:
    """The pages that are made from the code."""
    return {f"reference/{name}.md": page() for name, page in reference.PAGES.items()}


def navigation() -> list[Mapping[str, object]]:
    """The menu: a title for each page or section."""
    texts = written() | generated()
    alone = _entries("", texts)
    return [*alone, *({TITLES[folder]: _entries(folder, texts)} for folder in ORDER if folder)]


def without_dead_links(path: str, text: str) -> str:
    """A page's text, in which a link to a page that is left out is its words alone."""
    known = written().keys() | generated().keys()

    def kept(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), found[2]))
        is_left_out = target not in known and (DOCS / target).exists()
        return found[1] if is_left_out else found[0]

    return _LINK.sub(kept, text)


def _entries(folder: str, texts: Mapping[str, str]) -> list[dict[str, str]]:
    paths = [f"{folder}/{name}.md".lstrip("/") for name in ORDER[folder]]
    return [{_title(texts[path]): path} for path in paths if path in texts]


def _title(text: str) -> str:
    """What the menu calls a page: its title, up to a colon."""
    found = re.search(r"^# ([^:\n]+)", text, re.MULTILINE)
    if found is None:
        raise ValueError("a page begins with a title")
    return found[1]


def _is_there(need: str) -> bool:
    command, *options = need.split()
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    if command not in commands:
        return False
    known = {option for parameter in commands[command].params for option in parameter.opts}
    return known.issuperset(options)
