"""Which designs and properties a user's file adds, as far as can be seen without running it.

Completion must not run a file that somebody is still about to name. So the text is only read: what
calls `design` or `property` with a plain name adds that name; one that is put together is not seen.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from mktme import ownfiles
from properties.own import OwnError

Added = Literal["design", "property"]


def names_in(files: Iterable[Path | str], what: Added) -> Iterator[str]:
    """The names, in the order of the files. Of a file that cannot be read there are none."""
    for path in files:
        if not Path(path).is_file():
            continue  # to read a pipe would take what it holds, and might wait for it
        with suppress(OwnError, SyntaxError, ValueError, RecursionError, MemoryError):
            (file,) = ownfiles.read([path])
            yield from _names(file.text, what)


def _names(text: str, what: Added) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of doubtful escapes, say, on the line that is typed
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) == what:
            by_word = [keyword.value for keyword in node.keywords if keyword.arg == "name"]
            name = next(iter([*node.args, *by_word]), None)
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


def _called(function: ast.expr) -> str | None:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None
