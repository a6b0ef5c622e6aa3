"""How a run becomes a script for `mktme simulate`: its head, its calls, and what they break.

Every call has the answer that the model gave as its expectation, so that the script ends with
status 0 exactly as long as the running kernel does the same. What it breaks is expected too where
the language can say it; else a comment says what to look at (see `endings`).

The user keys in a script are the project's example keys. Each is the SHA-256 of a sentence that
stands in `conformance/owners.py`, so they are known to everybody and protect nothing; a script has
no other way to hand a key in, and with these the fingerprints are those of `mktme explain`.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker import Grounding
from checker.answers.trace import Trace
from mktme.judge import what_broke
from mktme.traces.content import design_text
from mktme.traces.recorded import Record
from mktme.traces.scripts import endings, locks, payload
from mktme.traces.scripts.keyservice import KeyServiceScript, comment
from properties import KNOWN_PROPERTIES


def script(record: Record, trace: Trace, grounding: Grounding) -> str:
    """The text of the script. Raises Inexpressible where the language has no words for the run."""
    broken = what_broke(grounding, KNOWN_PROPERTIES[record.property_id], trace)
    if record.system == "payload":
        body = payload.lines(record, trace, grounding, broken)
    elif record.system == "locks":
        body = locks.lines(record, trace, grounding, broken)
    else:
        body = _key_service(record, trace, grounding, broken)
    lines = list(body)
    return "\n".join([*_head(record, lines), *lines]) + "\n"


def _head(record: Record, body: list[str]) -> Iterator[str]:
    design = design_text(record.design)
    yield from comment(f"{design} violates {record.property_id} ({record.id}).")
    yield from comment(KNOWN_PROPERTIES[record.property_id].sentence)
    if any(" key=" in line for line in body if not line.startswith("#")):
        yield "# The user keys are examples, made from sentences that everybody can read."
    yield ""
    yield f"design {design}"


def machine_line(record: Record) -> str:
    """The line that builds the machine of a key service's run."""
    scope = record.scope
    words = [f"packages={scope.packages}", f"cpus={scope.cpus}", f"keyids={scope.keyids}"]
    if record.absent:
        words.append(f"absent={','.join(map(str, record.absent))}")
    return " ".join(["machine", *words, *["tme=bypass"] * record.bypass])


def _key_service(record: Record, trace: Trace, grounding: Grounding, broken: str) -> Iterator[str]:
    written = KeyServiceScript(grounding, trace)
    written.calls()
    endings.end(written, record.property_id, broken)
    yield machine_line(record)
    yield from written.lines
