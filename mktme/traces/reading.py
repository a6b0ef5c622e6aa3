"""How a file with a run in it is read: in our JSON, in ITF or as VCD, whichever it is.

A file is trusted for nothing. What it says of the run must fit its identity, the model must have
the run, and whatever else the format has, such as states, answers or PCONFIGs, must be what the
calls lead to.
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any, Final

from checker import Grounding
from checker.answers.trace import Trace
from checker.systems.finite import OutOfTime
from conformance.lockstep import ground
from mktme.traces import itf, vcd
from mktme.traces.content import record_of
from mktme.traces.recorded import Record, RecordError, recorded, retraced
from mktme.traces.retold import require_told

SECONDS_MAX: Final = 60.0
"""How long a system may take to be read in the scope of a file: a slip makes scopes huge."""

BYTES_MAX: Final = 64 << 20
"""No run that an engine finds takes a hundredth of it in any format."""


@dataclasses.dataclass(frozen=True)
class Found:
    """A record in which no argument is left out, and the run that it stands for on the model."""

    record: Record
    grounding: Grounding
    trace: Trace


def found_in_file(path: str) -> Found:
    """The run in a file. Raises RecordError, which names the file."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise RecordError(f"cannot read {path}: {why}") from None
    try:
        if len(data) > BYTES_MAX:
            raise RecordError(f"it has more than {BYTES_MAX} bytes")
        return found_in_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise RecordError(f"{path}: it is not UTF-8") from None
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None


def record_from_text(text: str) -> Record:
    """The record in a text of any of the formats. Raises RecordError."""
    return found_in_text(text).record


def found_in_text(text: str) -> Found:
    """The run in a text of any of the formats. Raises RecordError."""
    if not text.lstrip().startswith("{"):
        if not text.lstrip().startswith("$"):
            raise RecordError("it is no trace: neither JSON (ours or ITF) nor VCD")
        found = found_of(record_of(vcd.comment_of(text)))
        vcd.require_states(text, found.record, found.trace, found.grounding)
        return found
    given = _json(text)
    if "states" not in given or "#meta" not in given:
        found = found_of(record_of(given))
        require_told(given, found.record)
        return found
    meta = given["#meta"]
    if not isinstance(meta, dict) or "mktme" not in meta:
        raise RecordError("its #meta has no record of a run under mktme")
    found = found_of(record_of(meta["mktme"]))
    itf.require_states(given, found.record, found.trace, found.grounding)
    return found


def found_of(record: Record) -> Found:
    """The record's run, made again on the model. Raises RecordError."""
    try:
        deadline = time.monotonic() + SECONDS_MAX
        grounding = ground(record.design, record.scope, record.system, deadline)
    except OutOfTime:
        fact = f"its system takes more than {SECONDS_MAX:.0f} seconds to be read"
        raise RecordError(f"{record.scope}: {fact}") from None
    trace = retraced(record)
    whole = recorded(record.design, record.property_id, record.scope, grounding, trace)
    return Found(whole, grounding, trace)


def _json(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordError(f"it is no JSON: line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise RecordError(
            "it is no JSON that can be read: too deep, or too long a number"
        ) from None
    if not isinstance(given, dict):
        raise RecordError("it is no object")
    return given
