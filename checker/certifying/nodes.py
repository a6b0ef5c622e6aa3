"""How the nodes of a program are numbered: equal nodes once, and equal programs in one way.

A node is `[operator, bits, argument, …]`, and its arguments are the numbers of other nodes.
"""

from __future__ import annotations

import hashlib
from typing import Any

Node = list[Any]

SWAPPABLE = ("and", "or", "xor", "eq", "add", "mul")
"""Operators whose arguments may stand in any order."""

PLAIN = ("var", "par", "const", "extract")
"""Operators whose last entry is a plain number and refers to no node."""


def references(node: Node) -> list[int]:
    """The nodes that a node refers to."""
    operator, _, *rest = node
    return list(rest[: len(rest) - (operator in PLAIN)])


class NodeTable:
    """Nodes, each once, with a digest of what each of them says, whatever its number.

    Arguments that may be swapped are kept in the order of their digests.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._digests: list[bytes] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    def digest(self, number: int) -> bytes:
        """What tells a node from every other, in any table."""
        return self._digests[number]

    def add(self, node: Node) -> int:
        """The number of a node."""
        operator, bits, *rest = node
        if operator in SWAPPABLE:
            rest.sort(key=self.digest)
        key = (operator, bits, *rest)
        if key not in self._numbers:
            self._numbers[key] = len(self.nodes)
            self.nodes.append([*key])
            below = references([*key])
            said = f"{operator} {bits} {rest[len(below) :]}".encode()
            said += b"".join(map(self.digest, below))
            self._digests.append(hashlib.blake2b(said, digest_size=16).digest())
        return self._numbers[key]


class Renumbering:
    """New numbers for the nodes that are asked for, in the order of asking, arguments first."""

    def __init__(self, table: NodeTable) -> None:
        self._table = table
        self._numbers: dict[int, int] = {}

    def new(self, root: int) -> int:
        """The new number of a node."""
        stack = [(root, False)]
        while stack:
            number, ready = stack.pop()
            if number in self._numbers:
                continue
            if ready:
                self._numbers[number] = len(self._numbers)
            else:
                stack.append((number, True))
                below = references(self._table.nodes[number])
                stack.extend((child, False) for child in reversed(below))
        return self._numbers[root]

    def nodes(self) -> list[Node]:
        """The nodes that were asked for, by their new numbers."""
        order = sorted(self._numbers, key=self._numbers.__getitem__)
        return [self._with_new_numbers(self._table.nodes[number]) for number in order]

    def _with_new_numbers(self, node: Node) -> Node:
        below = references(node)
        return [*node[:2], *(self._numbers[n] for n in below), *node[2 + len(below) :]]
