"""How many counterexamples fit into a page: what they have in common is written once.

Nine designs break a hundred claims on a few kinds of machine: most entries of most panels of most
frames are the same. They are put into lists, and what refers to them is a number. The page puts the
documents together again, so that each can be saved as the file that it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from mktme.traces.document import Document

LISTS: Final = ("entries", "rows", "columns", "panels", "calls", "knobs")

Packed = dict[str, list[Any]]
"""`LISTS`: each value once. `traces`: the documents, with numbers into `panels` for each frame, and
into `calls` and `knobs`. Lists stand for objects: a row is [head, entries…], a panel [id, title,
corner, columns, rows…], whose parts are numbers too."""


class _Once:
    """A list in which equal values have one place."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """Where the value is; it is put at the end if it is new."""
        key = json.dumps(value)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def packed(documents: Iterable[Document]) -> Packed:
    """The documents, in their order, as the page has them."""
    lists = {name: _Once() for name in LISTS}

    def row(value: dict[str, Any]) -> int:
        entries = [lists["entries"].place(entry) for entry in value["entries"]]
        return lists["rows"].place([value["head"], *entries])

    def panel(value: dict[str, Any]) -> int:
        columns = lists["columns"].place(value["columns"])
        head = [value["id"], value["title"], value["corner"], columns]
        return lists["panels"].place([*head, *map(row, value["rows"])])

    traces = []
    for document in documents:
        whole = document.model_dump(mode="json")
        whole["knobs"] = lists["knobs"].place(whole["knobs"])
        whole["calls"] = [lists["calls"].place(call) for call in whole["calls"]]
        whole["frames"] = [[panel(one) for one in frame["panels"]] for frame in whole["frames"]]
        traces.append(whole)
    return {name: once.values for name, once in lists.items()} | {"traces": traces}


def script_text(value: Any) -> str:
    """A value as JSON that may stand inside a `script` element: no text in it can end that."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
