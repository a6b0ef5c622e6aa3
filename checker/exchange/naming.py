"""Which name a variable has in a text whose names may not be what ours are."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from checker.systems.system import Variable


class Names:
    """Gives each name of ours one that a format allows, and no two the same."""

    def __init__(self, allowed: Callable[[str], str], reserved: Iterable[str] = ()) -> None:
        self._allowed = allowed
        self._used = set(reserved)
        self._given: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def __getitem__(self, name: str) -> str:
        """What a name of ours is called, the same each time."""
        if name not in self._given:
            given, number = self._allowed(name), 2
            while given in self._used:
                given, number = self._allowed(f"{name}_{number}"), number + 1
            self._used.add(given)
            self._given[name] = given
        return self._given[name]

    def fresh(self, prefix: str) -> str:
        """A name that nothing has: the prefix and a number."""
        while (name := f"{prefix}{next(self._numbers)}") in self._used:
            pass
        self._used.add(name)
        return name


def identifier(name: str) -> str:
    """A name of ASCII letters, digits and underscores that begins with a letter."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
    shorter = "_".join(part for part in kept.split("_") if part)
    return shorter if shorter[:1].isalpha() else f"v_{shorter}"


def one_line(text: str) -> str:
    """A text for a comment: no line breaks, and nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def meaning(variable: Variable, written: str) -> str:
    """What is to be said of a variable that is written so: its name, and what its numbers mean.

    "" where both mean themselves.
    """
    labels = (
        "" if variable.is_bool else ", ".join(f"{i} {x}" for i, x in enumerate(variable.labels))
    )
    if all(label == str(i) for i, label in enumerate(variable.labels)):
        labels = ""
    name = "" if variable.name == written else f" is {variable.name}"
    told = f"{written}{name}{': ' if labels else ''}{labels}"
    return "" if told == written else one_line(told)
