"""Where the counterexamples are kept that were found on this machine, so that an id finds them.

Each is our JSON record in a file of its own, in the user's state folder; the environment variable
MKTME_TRACES names another folder, or `off`. Keeping is a service to the user and never gets in the
way of an answer: a folder that cannot be written to keeps nothing. Past `KEPT_MAX` files, those
that were found longest ago go.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import platformdirs

from mktme.results import output
from mktme.results.output import NotWritten
from mktme.traces.content import content
from mktme.traces.recorded import ID_DIGITS, Record

VARIABLE: Final = "MKTME_TRACES"
OFF: Final = "off"
KEPT_MAX: Final = 1000
NAME: Final = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}\.json")


def folder() -> Path | None:
    """Where traces are kept; None where they are not."""
    said = os.environ.get(VARIABLE)
    if said is None:
        return platformdirs.user_state_path("mktme", appauthor=False) / "traces"
    return None if said in ("", OFF) else Path(said)


def keep(records: Iterable[Record]) -> None:
    """Keep these, and let the oldest go. Whatever the file system refuses is left undone."""
    where, records = folder(), list(records)
    if where is None or not records:
        return
    with contextlib.suppress(OSError, NotWritten):
        where.mkdir(parents=True, exist_ok=True)
        for record in records:
            text = json.dumps(content(record), indent=1) + "\n"
            output.write(where / f"{record.id}.json", text)
        _forget_the_oldest(where)


def _forget_the_oldest(where: Path) -> None:
    kept = sorted(_kept(where), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in kept[: max(0, len(kept) - KEPT_MAX)]:
        path.unlink(missing_ok=True)


def _kept(where: Path) -> list[Path]:
    return [path for path in where.iterdir() if NAME.fullmatch(path.name)]


def kept(beginning: str) -> dict[str, Path]:
    """The traces whose identity begins so: id to file. Nothing where nothing can be read."""
    where = folder()
    if where is None:
        return {}
    with contextlib.suppress(OSError):
        return {p.stem: p for p in sorted(_kept(where)) if p.name.startswith(beginning)}
    return {}
