"""Which nodes of a text get a name of their own: so that what is shared is written once."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection, Sequence

from checker.exchange.nodes import Node, Nodes, Operator

DEPTH_MAX = 8
"""How deep an expression nests before its inner part gets a name: readers are often recursive."""


@dataclasses.dataclass(frozen=True)
class Definition:
    """A name, the width of its value (0 for a truth), and the text that it stands for.

    `level` is greater than that of every name in the text, and 0 where there is none.
    """

    name: str
    bits: int
    text: str
    level: int


class Layout:
    """The text of some nodes, and the definitions that it rests on, in order.

    `write` gives the text of a node from those of its arguments; `name` gives fresh names.
    `repeating` are operators whose texts have those of their arguments more than once.
    """

    def __init__(
        self,
        nodes: Nodes,
        roots: Sequence[int],
        write: Callable[[Node, Sequence[str]], str],
        name: Callable[[], str],
        repeating: Collection[Operator] = (),
    ) -> None:
        self.definitions: list[Definition] = []
        self._nodes, self._write, self._name = nodes, write, name
        self._texts: dict[int, str] = {}
        self._depths: dict[int, int] = {}
        self._levels: dict[int, int] = {}
        order = nodes.below(roots)
        uses = collections.Counter(n for number in order for n in nodes[number].arguments)
        uses.update(n for i in order if nodes[i].operator in repeating for n in nodes[i].arguments)
        uses.update(roots)
        for number in order:
            self._lay(number, uses[number])

    def __getitem__(self, number: int) -> str:
        """The text of a root, or of what it is made of."""
        return self._texts[number]

    def by_level(self) -> list[list[Definition]]:
        """The definitions in groups: none needs another of its group, or of a later one."""
        groups: dict[int, list[Definition]] = {}
        for definition in self.definitions:
            groups.setdefault(definition.level, []).append(definition)
        return [groups[level] for level in sorted(groups)]

    def _lay(self, number: int, uses: int) -> None:
        node = self._nodes[number]
        text = self._write(node, [self._texts[n] for n in node.arguments])
        depth = 1 + max((self._depths[n] for n in node.arguments), default=-1)
        level = max((self._levels[n] for n in node.arguments), default=0)
        is_short = node.is_leaf or (node.operator == "not" and depth == 1)
        if not is_short and (uses > 1 or depth > DEPTH_MAX):
            name = self._name()
            self.definitions.append(Definition(name, node.bits, text, level))
            text, depth, level = name, 0, level + 1
        self._texts[number], self._depths[number], self._levels[number] = text, depth, level
