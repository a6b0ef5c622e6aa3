"""How a run becomes a pytest file that makes it again, and fails once anything of it changes."""

from __future__ import annotations

import dataclasses
import json
import re
import textwrap
from collections.abc import Iterator
from typing import Final

from checker import Grounding
from checker.answers.trace import Trace
from mktme import ownfiles
from mktme.judge import what_broke
from mktme.traces.content import design_text
from mktme.traces.recorded import Record
from mktme.words import trace_in_words
from model import Scope
from properties import KNOWN_PROPERTIES

WIDTH: Final = 100
"""Signs in a line, as the house style has it."""

SLUG_MAX: Final = 60


def file_name(record: Record) -> str:
    """What the file is best called: after property and design."""
    return f"test_{slug(record)}.py"


def slug(record: Record) -> str:
    """The design and the property as a Python name; of long designs the name without the knobs."""
    text = design_text(record.design)
    design = _name(text)
    if len(design) > SLUG_MAX:
        design = f"{_name(text.partition(',')[0])}_{record.id}"
    return f"{design}_violates_{_name(record.property_id)}"


def _name(text: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_")


def test(record: Record, trace: Trace, grounding: Grounding) -> str:
    """The file's text, as `ruff format` leaves it."""
    claim = KNOWN_PROPERTIES[record.property_id]
    is_own = KNOWN_PROPERTIES.is_own(claim.id)
    story = trace_in_words(grounding, trace, record.system)
    broken = what_broke(grounding, claim, trace)
    title = f"{design_text(record.design).partition(',')[0]} violates {claim.id}."
    parts = [
        f'"""{title}',
        "",
        *_wrapped(f"The property: {claim.sentence}"),
        *_wrapped(f"What happens: {story}."),
        *_wrapped(f"Broken: {broken}."),
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *(["from mktme import ownfiles"] if is_own else []),
        "from mktme.traces.again import again",
        "from model import Scope",
        "",
        *(_loading() if is_own else ()),
        *_constants(record),
        "",
        "",
        f"def test_{slug(record)}() -> None:",
        f"    run = again({', '.join(_arguments(record))})",
        '    assert "" == run.disagreement',
        f"    assert {len(trace)} == run.broken_at",
        f'    assert "{record.id}" == run.id',
    ]
    return "\n".join(parts) + "\n"


def _wrapped(text: str) -> list[str]:
    safe = " ".join(text.split()).replace("\\", "/").replace('"', "'")
    return textwrap.wrap(safe, WIDTH, break_long_words=True, break_on_hyphens=False)


def _loading() -> Iterator[str]:
    """What makes a user's own property known: the files, as they were named."""
    paths = [file.path for file in ownfiles.loaded()]
    yield f"ownfiles.load(ownfiles.read({json.dumps(paths)}))"
    yield ""


def _constants(record: Record) -> Iterator[str]:
    yield from _text("DESIGN", design_text(record.design))
    yield f"PROPERTY = {json.dumps(record.property_id)}"
    bounds = dataclasses.asdict(record.scope)
    yield f"SCOPE = {type(Scope()).__name__}({', '.join(f'{k}={v}' for k, v in bounds.items())})"
    yield 'CALLS = """'
    for call in record.calls:
        yield from textwrap.wrap(
            call.said(),
            WIDTH,
            initial_indent="    ",
            subsequent_indent="        ",
            break_on_hyphens=False,
        )
    yield '"""'


def _text(name: str, text: str) -> Iterator[str]:
    """An assignment; a text that is too long for a line stands on several."""
    line = f"{name} = {json.dumps(text)}"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{name} = ("
    first, *rest = text.split(",")
    for piece in (first, *(f",{knob}" for knob in rest)):
        yield f"    {json.dumps(piece)}"
    yield ")"


def _arguments(record: Record) -> Iterator[str]:
    yield from ("DESIGN", "PROPERTY", "SCOPE", "CALLS")
    if record.absent:
        yield f"absent={list(record.absent)}"
    if record.bypass:
        yield "bypass=True"
