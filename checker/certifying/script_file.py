"""What an SMT-LIB certificate's file looks like: a header in comments, and a script for any solver.

The first line says what the file is, the second holds the header as JSON, and what follows is read
by a solver as it stands. The header's checksum is that of header and script together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

FORMAT = 1
FIRST = "; A certificate of mktme. Each condition below must be unsatisfiable."


class NoScriptFile(ValueError):
    """A text that is no such file, or not as it was written; the message says in one line why."""


@dataclasses.dataclass(frozen=True)
class ScriptFile:
    """A header, without its format and its checksum, and a script."""

    header: Mapping[str, Any]
    body: str

    @property
    def kind(self) -> Literal["induction", "any-size"]:
        """What it is a proof by. Raises KeyError."""
        kind: Literal["induction", "any-size"] = self.header["kind"]
        return kind

    def content(self) -> bytes:
        """The file's bytes."""
        header = {**self.header, "format": FORMAT}
        header["sha256"] = _digest(header, self.body)
        return f"{FIRST}\n; {json.dumps(header, sort_keys=True)}\n{self.body}".encode()


def read_script_file(content: bytes) -> ScriptFile:
    """The file that has this content. Raises NoScriptFile."""
    try:
        first, second, body = content.decode().split("\n", 2)
        if first != FIRST or not second.startswith("; "):
            raise NoScriptFile("it does not begin as a certificate does")
        header = json.loads(second[2:])
        said, version, kind = header.pop("sha256"), header["format"], header["kind"]
    except NoScriptFile:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoScriptFile(f"it has no header: {' '.join(str(error).split())}") from error
    if version != FORMAT or kind not in ("induction", "any-size"):
        raise NoScriptFile(f"it is of kind {kind!r}, version {version!r}; the version is {FORMAT}")
    if said != _digest(header, body):
        raise NoScriptFile("its checksum is not that of its content")
    del header["format"]
    return ScriptFile(header, body)


def _digest(header: Mapping[str, Any], body: str) -> str:
    text = json.dumps(header, sort_keys=True)
    return hashlib.sha256(f"{len(text)}:{text}{body}".encode()).hexdigest()
