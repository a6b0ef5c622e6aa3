"""Decides what of a script cannot be on its machine and design, before any of its lines runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from designs import Design
from mktme.simulation.lines import Line
from mktme.simulation.script import Script, ScriptError

READ_BYTES_MAX: Final = 1 << 20
"""Nobody reads more at a time, and a longer read is a slip."""


def check(script: Script, design: Design, shape: Mapping[str, Any]) -> None:
    """``shape``: what the machine has. Raises ScriptError for the first line that cannot be."""
    for line in script.lines:
        for one in (line, *line.body):
            fact = next(_facts(one, design, shape), None)
            if fact is not None:
                raise ScriptError(script.source, one.number, fact)


def _facts(line: Line, design: Design, shape: Mapping[str, Any]) -> Iterator[str]:
    command, packages, keyids = line.command, shape["packages"], shape["keyids"]
    if command.name == "keyctl add":
        needs = design.keyid_scope == "per_package" and command["type"] == "mktme"
        if needs and command["packages"] is None:
            yield "with keyid_scope=per_package an mktme key needs packages="
        if not needs and command["packages"] is not None:
            yield "packages= goes with type mktme and keyid_scope=per_package"
    if command.name == "process" and (command["node"] or 0) >= packages:
        yield f"there is no package {command['node']} to run on"
    if command.name == "fault pconfig":
        if (command["package"] or 0) >= packages:
            yield f"there is no package {command['package']} to fail on"
        if (command["keyid"] or 0) > keyids:
            yield f"there is no KeyID {command['keyid']} to fail for"
    if command.name == "read" and command["length"] > READ_BYTES_MAX:
        yield f"read takes at most {READ_BYTES_MAX} bytes at a time"
