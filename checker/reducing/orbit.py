"""Which state stands for all those that renamings make of it: its orbit's representative.

Whatever it is, it must be one of them, which is proved; that it is always the same one of them only
makes a search smaller. One block of elements is put in order by what the state says of each; the
others are renamed in every way, and of the states so found the least is taken. Where a state
relates elements of one sort to each other, what it says of single ones does not tell them apart, so
these are renamed in every way as well.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import z3

from checker.reducing.bisimulation import Obligation, substituted
from checker.reducing.symmetry import Block, Place, Places
from checker.systems.system import Term

CANDIDATES_MAX = 6
"""How many states are compared for the least; more of them cost more than they save."""

_WORD = 60
"""How many bits of states, or of what they say of an element, are compared at once."""


def representatives(
    places: Places, blocks: Sequence[Block]
) -> Iterator[tuple[tuple[Term, ...], list[Obligation]]]:
    """Terms for each variable that lead to a representative, one set after another, with proofs.

    Each of them leads from a state to one of its orbit; applied in turn they lead to the least.
    Blocks with too many elements to be renamed in every way are put in order first, each once, as
    well as that can be.
    """
    told_apart = [block for block in blocks if _is_told_apart(places, block)]
    main = max(told_apart, key=_orders, default=None)
    others = sorted((block for block in blocks if block is not main), key=_orders)
    while math.prod(map(_orders, others)) > CANDIDATES_MAX:
        sorting = Sorting(places, others.pop())
        yield sorting.state, [sorting.obligation()]
    owed = []
    state = tuple(place.variable.term for place in places.state)
    if main is not None:
        sorting = Sorting(places, main)
        state, owed = sorting.state, [sorting.obligation()]
    if others:
        state, obligation = _least(places, state, others)
        owed.append(obligation)
    if owed:
        yield state, owed


def _orders(block: Block) -> int:
    """In how many ways its elements can be put in order."""
    return math.factorial(len(block.positions))


def _is_told_apart(places: Places, block: Block) -> bool:
    """Whether what a state says of single elements of the sort is all that it says of them."""
    return all(
        place.over.count(block.sort) + (place.of == block.sort) <= 1 for place in places.state
    )


def _least(
    places: Places, ordered: tuple[Term, ...], blocks: Sequence[Block]
) -> tuple[tuple[Term, ...], Obligation]:
    """The least of the states that renaming the blocks and then ordering another one gives."""
    candidates = [ordered]
    for block in blocks:
        renamings = [r.images(places.state) for r in block.renamings(places.finite)]
        candidates = [
            tuple(map(z3.simplify, substituted(candidate, images)))
            for candidate in candidates
            for images in renamings
        ]
    best, *rest = candidates
    for candidate in rest:
        smaller = _less([*_words(map(_bits, candidate))], [*_words(map(_bits, best))])
        best = tuple(_chosen(smaller, candidate, best))
    differs = [_differs(best, candidate) for candidate in candidates]
    name = f"the least by {', '.join(map(str, blocks))} is one of those compared"
    return best, Obligation(name, (), ((f"not so: {name}", z3.And(differs)),))


class Sorting:
    """A state for each class: the elements of a block, ordered by what the state says of them.

    `state` has a term for each place. What a state says of an element is read as numbers, whose
    bits are the entries of families over the sort at this element, and where in the state it is a
    value. Where families have one index of the sort, or its values, but not both, those numbers
    are all there is, and the result is the same for a whole class; elsewhere it is one of a few.
    """

    def __init__(self, places: Places, block: Block) -> None:
        self._places = places
        self._renamed = block
        self._sort, self._block = block.sort, block.positions
        self._finite = places.finite
        self.state = self._moved(self._order())

    def obligation(self) -> Obligation:
        """That the result is always a renaming of the state by a permutation of the block."""
        differs = [
            _differs(self.state, [image for _, image in renaming.images(self._places.state)])
            for renaming in self._renamed.renamings(self._finite)
        ]
        name = f"putting {self._renamed} in order renames them and does no more"
        in_range = tuple(place.variable.in_range() for place in self._places.state)
        return Obligation(name, in_range, ((f"not so: {name}", z3.And(differs)),))

    def _order(self) -> list[Term]:
        """Which element comes first, which second, …: an insertion sort by their numbers."""
        rows = [
            ([*self._numbers(position)], self._finite.element(self._sort, position))
            for position in self._block
        ]
        for end in range(1, len(rows)):
            for here in reversed(range(end)):
                (low, first), (high, second) = rows[here], rows[here + 1]
                swap = _less(high, low)
                rows[here] = _chosen(swap, high, low), z3.If(swap, second, first)
                rows[here + 1] = _chosen(swap, low, high), z3.If(swap, first, second)
        return [element for _, element in rows]

    def _numbers(self, position: int) -> Iterator[Term]:
        """What the state says of an element, as bit-vectors of at most _WORD bits."""
        yield from _words([*self._occurrences(position), *self._entries(position)])

    def _entries(self, position: int) -> Iterator[Term]:
        for place in self._places.state:
            indices = [
                i for sort, i in zip(place.over, place.at, strict=True) if sort == self._sort
            ]
            if indices == [position] and place.of != self._sort:
                yield _bits(place.variable.term)

    def _occurrences(self, position: int) -> Iterator[Term]:
        """One bit for each variable that may have the element as its value, many at once.

        The variables lie side by side in a word; where one equals the element, its bits of the word
        differ nowhere from a word that is the element everywhere.
        """
        for field in self._fields:
            width = field[0].size()
            element = self._finite.element(self._sort, position)
            differs = _joined(field) ^ _joined([element] * len(field))
            some = functools.reduce(
                lambda a, b: a | b,
                [z3.LShR(differs, shift) if shift else differs for shift in range(width)],
            )
            lowest = _joined([z3.BitVecVal(1, width)] * len(field))
            yield ~some & lowest

    @functools.cached_property
    def _fields(self) -> list[list[Term]]:
        valued = [
            place.variable.term
            for place in self._places.state
            if place.of == self._sort and self._sort not in place.over
        ]
        room = _WORD // valued[0].size() if valued else 1
        return [valued[start : start + room] for start in range(0, len(valued), room)]

    def _moved(self, order: list[Term]) -> tuple[Term, ...]:
        """The state once the element that comes first has the block's first position, and so on."""
        held = {(place.family, place.at): place.variable.term for place in self._places.state}
        return tuple(self._at(order, place, (), held) for place in self._places.state)

    def _at(
        self,
        order: list[Term],
        place: Place,
        source: tuple[int, ...],
        held: Mapping[tuple[str, tuple[int, ...]], Term],
    ) -> Term:
        """What a place holds afterwards, when its first indices are known to come from `source`."""
        if len(source) == len(place.at):
            return self._value(order, place, held[place.family, source])
        position = place.at[len(source)]
        if place.over[len(source)] != self._sort or position not in self._block:
            return self._at(order, place, (*source, position), held)
        comes = order[self._block.index(position)]
        *rest, last = self._block
        value = self._at(order, place, (*source, last), held)
        for old in rest:
            here = self._at(order, place, (*source, old), held)
            value = z3.If(comes == self._finite.element(self._sort, old), here, value)
        return value

    def _value(self, order: list[Term], place: Place, value: Term) -> Term:
        if place.of != self._sort:
            return value
        image = value
        for element, position in zip(order, self._block, strict=True):
            image = z3.If(value == element, self._finite.element(self._sort, position), image)
        return image


def _bits(term: Term) -> Term:
    return z3.If(term, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) if z3.is_bool(term) else term


def _words(pieces: Iterable[Term]) -> Iterator[Term]:
    """The pieces side by side, in bit-vectors of at most _WORD bits (or of one piece's width)."""
    word: list[Term] = []
    for piece in pieces:
        if word and sum(p.size() for p in word) + piece.size() > _WORD:
            yield _joined(word)
            word = []
        word.append(piece)
    if word:
        yield _joined(word)


def _differs(left: Sequence[Term], right: Sequence[Term]) -> Term:
    return z3.Or([a != b for a, b in zip(left, right, strict=True)])


def _joined(pieces: Sequence[Term]) -> Term:
    return z3.Concat(*pieces) if len(pieces) > 1 else pieces[0]


def _chosen(condition: Term, yes: Sequence[Term], no: Sequence[Term]) -> list[Term]:
    return [z3.If(condition, a, b) for a, b in zip(yes, no, strict=True)]


def _less(left: Sequence[Term], right: Sequence[Term]) -> Term:
    """Whether one list of numbers comes before another."""
    result: Term = z3.BoolVal(False)
    for a, b in reversed([*zip(left, right, strict=True)]):
        result = z3.Or(z3.ULT(a, b), z3.And(a == b, result))
    return result
