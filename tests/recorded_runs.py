"""Recorded runs for the tests, written down so that nobody has to look for them first."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable

import pytest

from mktme.traces.again import Again, again
from mktme.traces.forms import write
from mktme.traces.reading import Found, found_of, record_from_text
from mktme.traces.recorded import Record, RecordError
from model import Scope

SMALL = Scope(2, 1, 1, 2, 1, 2)

RUNS: dict[str, tuple[str, str, Scope, str, tuple[int, ...], bool]] = {
    "failed update": (
        "rfc-v2",
        "tables-agree",
        SMALL,
        "instantiate key=0 kind=user bytes=A  update key=0 kind=user bytes=B fails[1]=yes",
        (),
        False,
    ),
    "key in DRAM": (
        "rfc-v2",
        "cold-boot-keys",
        SMALL,
        "instantiate key=0 kind=user bytes=A",
        (1,),
        True,
    ),
    "lost data": (
        "rfc-v2-fixed",
        "live-data-intact",
        SMALL,
        "instantiate key=0 kind=cpu bytes=zeros  encrypt vma=0 key=0  write vma=0 package=1"
        " cpu_teardown package=1 cpu=0  cpu_startup package=1 cpu=0 fails_at=1",
        (),
        False,
    ),
    "per package": (
        "per-package",
        "migration-admitted",
        SMALL,
        "instantiate key=0 kind=user bytes=A wanted[1]=yes  encrypt vma=0 key=0"
        " write vma=0 package=1  migrate vma=0 package=0",
        (),
        False,
    ),
    "payload": (
        "rfc-v2",
        "payload-as-documented",
        Scope(),
        "begin capable=yes length=within  take token=type value=clear"
        " take token=algorithm value=right  end_of_text",
        (),
        False,
    ),
    "locks": (
        "rfc-v2",
        "no-deadlock",
        Scope(),
        "begin thread=0 operation=encrypt_last  step thread=0  step thread=0  step thread=0",
        (),
        False,
    ),
    "race": (
        "rfc-v2",
        "no-deadlock",
        Scope(),
        "begin thread=0 operation=instantiate  begin thread=1 operation=cpu_teardown"
        " step thread=1  step thread=0  step thread=0",
        (),
        False,
    ),
}
"""Design, property, scope, calls, absent packages, and whether TME is in bypass."""


@functools.cache
def made(name: str) -> Again:
    """The run, made again."""
    return again(*RUNS[name])


def record_of(name: str) -> Record:
    """Its record."""
    return made(name).record


@functools.cache
def found(name: str) -> Found:
    """Its record and trace, as if they had been read."""
    return found_of(record_of(name))


def on(name: str, design: str) -> Again:
    """The same calls on another design."""
    _, *rest = RUNS[name]
    return again(design, *rest)


READABLE = ["json", "itf", "vcd"]
"""The forms that can be read again."""


def text_of(name: str, form: str) -> str:
    """The run as it is written."""
    run = found(name)
    return write(run.record, run.trace, run.grounding, form)


def edited(name: str, form: str, change: Callable[[dict], object]) -> str:
    """The same with something in it changed, where the form is JSON."""
    document = json.loads(text_of(name, form))
    change(document)
    return json.dumps(document)


def refusal(text: str) -> str:
    """Why a text is refused, in one line."""
    with pytest.raises(RecordError) as refused:
        record_from_text(text)
    assert "\n" not in str(refused.value)
    return str(refused.value)
