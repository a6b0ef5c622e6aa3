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
    _require_whole_header(content)
    try:
        _, second, body = content.decode().split("\n", 2)
        header = json.loads(second[2:])
        said, version, kind = header.pop("sha256"), header["format"], header["kind"]
    except UnicodeDecodeError as error:
        raise NoScriptFile("it is no text in UTF-8") from error
    except KeyError as error:
        raise NoScriptFile(f"its header does not name its {error.args[0]}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NoScriptFile("its header is no JSON object") from error
    if version != FORMAT or kind not in ("induction", "any-size"):
        raise NoScriptFile(f"it is of kind {kind!r}, version {version!r}; the version is {FORMAT}")
    if said != _digest(header, body):
        raise NoScriptFile("it was cut or changed: its checksum is not that of its content")
    del header["format"]
    return ScriptFile(header, body)


def _require_whole_header(content: bytes) -> None:
    """Raises NoScriptFile where the first two lines do not stand there to their ends."""
    begins = f"{FIRST}\n; ".encode()
    if not content:
        raise NoScriptFile("the file is empty")
    if not content.startswith(begins[: len(content)]):
        raise NoScriptFile("it does not begin as a certificate does")
    if content.count(b"\n") < 2:
        raise NoScriptFile("it was cut: its header has no end")


def _digest(header: Mapping[str, Any], body: str) -> str:
    text = json.dumps(header, sort_keys=True)
    return hashlib.sha256(f"{len(text)}:{text}{body}".encode()).hexdigest()
