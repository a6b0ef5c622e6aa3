"""Decides which run a command line means: one in a file, or one by its identity's first digits."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from designs import design_from_text
from mktme.baseline import known_traces
from mktme.judge import judge
from mktme.traces import store
from mktme.traces.reading import found_in_file
from mktme.traces.recorded import ID_DIGITS, Record, RecordError
from model import Scope
from properties import KNOWN_PROPERTIES

DIGITS_MIN: Final = 6
IDENTITY: Final = re.compile(rf"[0-9a-f]{{{DIGITS_MIN},{ID_DIGITS}}}")


def record_from_argument(text: str) -> Record:
    """The record of the run that is meant. Raises RecordError."""
    if os.path.exists(text):
        return found_in_file(text).record
    if not IDENTITY.fullmatch(text.lower()):
        known = f"an identity has {DIGITS_MIN} to {ID_DIGITS} digits of 0-9 and a-f"
        raise RecordError(f"there is no file {text!r}, and it is no trace's identity: {known}")
    return _by_identity(text.lower())


def _by_identity(beginning: str) -> Record:
    kept = store.kept(beginning)
    shipped = {name: cell for name, cell in known_traces().items() if name.startswith(beginning)}
    found = sorted({*kept, *shipped})
    if len(found) > 1:
        raise RecordError(f"{beginning} begins several traces: {', '.join(found)}")
    if not found:
        where = store.folder()
        looked = f"in {where}" if where else f"(none are: {store.VARIABLE} is {store.OFF})"
        fact = "`mktme explain`, `check` and `compare` keep those that they find"
        raise RecordError(f"no trace begins with {beginning}: {fact} {looked}")
    (identity,) = found
    record = _kept(kept[identity]) if identity in kept else _judged_again(*shipped[identity])
    if record is None or record.id != identity:
        now = "no counterexample" if record is None else record.id
        raise RecordError(f"what was {identity} has become {now}")
    return record


def _kept(path: Path) -> Record:
    return found_in_file(str(path)).record


def _judged_again(design: str, property_id: str, scope: Scope) -> Record | None:
    return judge(design_from_text(design), KNOWN_PROPERTIES[property_id], scope).record
