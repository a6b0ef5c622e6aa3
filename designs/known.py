"""Which names are known: those that stand in a catalogue, and after them a user's own.

A catalogue itself never changes: what is said of *the* designs, or of *the* properties, does not
depend on what somebody has loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class Known(Mapping[str, T]):
    """A catalogue, and what was added to it by name; in that order."""

    def __init__(self, catalogue: Mapping[str, T]) -> None:
        self._catalogue = catalogue
        self._own: dict[str, T] = {}

    def add(self, name: str, value: T) -> None:
        """Make one more known. Raises KeyError where the name is taken."""
        if name in self:
            raise KeyError(name)
        self._own[name] = value

    def forget_own(self) -> None:
        """Leave the catalogue only."""
        self._own.clear()

    def is_own(self, name: str) -> bool:
        """Whether the name was added."""
        return name in self._own

    def __getitem__(self, name: str) -> T:
        return self._own[name] if name in self._own else self._catalogue[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._catalogue
        yield from self._own

    def __len__(self) -> int:
        return len(self._catalogue) + len(self._own)
