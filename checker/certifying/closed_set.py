"""Whether a file proves what it says: a set of states, closed under a program, with no bad one.

The second checker of closed explorations: it imports nothing of ours, and interprets the program
(see `program`) by itself. It confirms that the states are distinct and in range, that initial
states are among them, that every action with every choice of parameters leads from each of them to
one of them, and that the claim is true of all of them and all those steps. With `representative`,
the representatives of initial states and of successors must be among them; why this is enough, the
file's SMT-LIB conditions say, which are for a solver. `python closed_set.py FILE` does it alone.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import operator
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

FORMAT, PARTS = 1, ("conditions", "header", "program", "states")
BYTES_MAX, INITIAL_MAX, DEPTH_MAX, CHUNK, CELLS_MAX = 1 << 33, 1 << 23, 9000, 1 << 15, 1 << 26
ALL = (1 << 64) - 1
Array = Any


class Refused(ValueError):
    """A file that proves nothing; the message says in one line what is wrong with it."""


@contextlib.contextmanager
def _foreign() -> Iterator[None]:
    """Terms may be deep; and whatever a file makes of the libraries that read it refuses it."""
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(max(depth, DEPTH_MAX))
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"it is not as it was written: {' '.join(str(error).split())}") from error
    finally:
        sys.setrecursionlimit(depth)


def confirm(content: bytes, bytes_max: int = BYTES_MAX) -> tuple[Any, Any, str, str]:
    """A file's header, program and conditions, and a line that says what it proves. Or Refused."""
    header, program, conditions, states = read(content, bytes_max)
    return header, program, conditions, closed(program, header, states)


@_foreign()
def closed(program: Any, header: Any, states: Array) -> str:
    """A line that says that a file's states are closed under a program, its own or another one."""
    check = _Check(program, header["fields"], states)
    initial, transitions = check.initial_states(), check.steps()
    line = f"{len(states)} states hold all {initial} initial ones and are closed under"
    return f"{line} {transitions} transitions; none of them violates the claim"


@_foreign()
def read(content: bytes, bytes_max: int = BYTES_MAX) -> tuple[Any, Any, str, Array]:
    """A file's header, program, conditions, and states, which prove nothing yet. Or Refused.

    Of each state there are its bytes, in the order in which states are compared.
    """
    listed = zipfile.ZipFile(io.BytesIO(content)).infolist()
    if (size := sum(info.file_size for info in listed)) > bytes_max:
        raise Refused(f"it would unpack to {size} bytes, more than {bytes_max}")
    if sorted(info.filename for info in listed) != [f"{part}.npy" for part in PARTS]:
        raise Refused(f"it has not the parts {', '.join(PARTS)}")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        said, text, code = (file[part].tobytes() for part in PARTS[:3])
        header, program = json.loads(text), json.loads(code)
        checksum, words, hashed = header.pop("sha256"), header["words"], hashlib.sha256()
        if (header["kind"], header["format"]) != ("closed-set", FORMAT):
            raise Refused(f"it is of kind {header['kind']!r}, version {header['format']!r}")
        part = file.zip.open("states.npy")
        np.lib.format.read_magic(part)
        shape, _, dtype = np.lib.format.read_array_header_1_0(part)
        if dtype != np.uint8:
            raise Refused("its states are not bytes")
        if len(shape) != 2 or shape[0] != 8 * words or not min(shape):
            raise Refused(f"its states have shape {shape}, not 8 rows for each of {words} words")
        states = np.empty(shape[::-1], np.uint8)
        for plane in range(8 * words):  # each has a byte of every state: what changed in it
            hashed.update(plain := part.read(len(states)))
            changed = np.frombuffer(plain, np.uint8)
            # Of several words each begins with its highest byte: they are compared as strings.
            states[:, plane if words == 1 else plane ^ 7] = np.bitwise_xor.accumulate(changed)
    if checksum != digest(header, said, code, hashed):
        raise Refused("its checksum is not that of its content")
    return header, program, said.decode(), states


def digest(header: Mapping[str, Any], *parts: Any) -> str:
    """The checksum of a header (without it) and the other parts or their hashes, in hexadecimal."""
    texts = (json.dumps(header, sort_keys=True).encode(), *parts)
    each = (hashlib.sha256(text) if isinstance(text, bytes) else text for text in texts)
    return hashlib.sha256(b"".join(one.digest() for one in each)).hexdigest()


def _shift(left: bool, bits: int, value: Any, by: Any) -> Any:
    """By the number of bits or more it gives 0."""
    near = min(by, bits - 1) if isinstance(by, int) else np.minimum(by, bits - 1)
    moved = (value << near) & (1 << bits) - 1 if left else value >> near
    return moved if near is by else moved * (by < bits)


_MEANING: dict[str, Callable[..., Any]] = {
    "and": lambda bits, plain, *args: functools.reduce(operator.and_, args),
    "or": lambda bits, plain, *args: functools.reduce(operator.or_, args),
    "xor": lambda bits, plain, *args: functools.reduce(operator.xor, args),
    "add": lambda bits, plain, *args: functools.reduce(operator.add, args) & (1 << bits) - 1,
    "mul": lambda bits, plain, *args: functools.reduce(operator.mul, args) & (1 << bits) - 1,
    "eq": lambda bits, plain, a, b: a == b,
    "ult": lambda bits, plain, a, b: a < b,
    "shl": lambda bits, plain, a, b: _shift(True, bits, a, b),
    "lshr": lambda bits, plain, a, b: _shift(False, bits, a, b),
    "extract": lambda bits, plain, a: (a >> plain) & (1 << bits) - 1,
}


class _Values:
    """The values of nodes, for the states and parameters that are set: columns, or ints and bools.

    What depends on the first parameters only is kept while the later ones change.
    """

    def __init__(self, nodes: Sequence[Sequence[Any]]) -> None:
        self._nodes: list[tuple[str, int, int, list[int]]] = []
        self.levels: list[int] = []  # how many parameters must be set for it
        self.reads: list[frozenset[int]] = []  # the variables that it depends on
        for number, (kind, bits, *args) in enumerate(nodes):
            plain = args.pop() if kind in ("var", "par", "const", "extract") else 0
            numbers = (bits, plain, *args)
            is_plain = all(type(n) is int and n >= 0 for n in numbers) and bits <= 64
            is_plain = is_plain and max(args, default=-1) < number
            if not is_plain or kind not in (*_MEANING, "var", "par", "const", "ite"):
                raise Refused(f"its program has the node {kind} {numbers}, which has no meaning")
            level = max((self.levels[n] for n in args), default=0)
            self.levels.append(plain + 1 if kind == "par" else level)
            below = (self.reads[n] for n in args)
            self.reads.append(frozenset([plain] if kind == "var" else []).union(*below))
            if kind in ("and", "or"):
                args.sort(key=lambda n: len(self.reads[n]) > 0)  # plain values may be enough
            self._nodes.append((kind, bits, plain, args))
        self._known: dict[int, dict[int, Any]] = {level: {} for level in self.levels}
        self._column: Callable[[int], Array]
        widest = max([1, *(bits for _, bits, _, _ in self._nodes)])
        self.dtype = np.dtype(f"u{next(size for size in (1, 2, 4, 8) if widest <= 8 * size)}")

    def set(self, values: list[int], column: Callable[[int], Array] | None = None) -> None:
        """Set the first parameters, of which the last has changed; or, with columns, the states."""
        self._parameters, self._column = values, column or self._column
        for level, known in self._known.items():
            if column is not None or level >= max(1, len(values)):
                known.clear()

    def at(self, number: int) -> Any:
        """The value of a node. Only what bears on it is computed: of a choice, one branch."""
        known = self._known[self.levels[number]]
        if number not in known:
            known[number] = self._value(*self._nodes[number])
        return known[number]

    def _value(self, kind: str, bits: int, plain: int, args: list[int]) -> Any:
        if kind == "var":
            return self._column(plain)
        if kind in ("par", "const"):
            value = plain if kind == "const" else self._parameters[plain]
            return value if bits else bool(value)
        if kind == "ite":
            test = self.at(args[0])
            if isinstance(test, bool):
                return self.at(args[1 if test else 2])
            of = self.dtype.type if bits else np.bool_
            chosen = (self.at(n) for n in args[1:])
            return np.where(test, *(of(v) if isinstance(v, int) else v for v in chosen))
        values = []
        for n in args:
            values.append(self.at(n))
            if kind in ("and", "or") and values[-1] is (kind == "or"):
                return kind == "or"
        return _MEANING[kind](bits, plain, *values)


class _Check:
    """A program at work on a set of states."""

    def __init__(self, program: Mapping[str, Any], fields: Any, states: Array) -> None:
        self._program, self._values = program, _Values(program["nodes"])
        self._images = _Values(program["nodes"])  # for representatives
        self._variables: list[tuple[int, int]] = [(b, size) for _, b, size in program["variables"]]
        self._fields: list[tuple[int, int, int]] = [(w, s, (1 << b) - 1) for w, s, b in fields]
        self._left = [ALL] * (states.shape[1] // 8)  # bits that belong to no variable
        for (word, shift, mask), (bits, size) in zip(self._fields, self._variables, strict=True):
            own = mask == (1 << max(1, bits)) - 1 and 1 <= size <= mask + 1
            if word < 0 or not own or mask << shift & ~self._left[word]:
                raise Refused("a variable has not the bits of a state that its values need")
            self._left[word] ^= mask << shift
        # A word is compared as a number, several as a string of bytes.
        several = len(self._left) > 1
        self._word, self._state = (">u8", f"S{states.shape[1]}") if several else ("<u8", "<u8")
        self._set = states.view(self._state)[:, 0]
        if not (ascending := self._set[1:] > self._set[:-1]).all():
            raise Refused(f"state {np.argmin(ascending) + 1} is not greater than the one before it")
        rows = max(256, min(CHUNK, CELLS_MAX // (len(program["nodes"]) + 1)))
        self._parts = [self._set[i : i + rows] for i in range(0, len(states), rows)]
        # If the set has the representatives of all in it, one in it need not be represented.
        self._is_own, parts = False, self._parts if program["representative"] is not None else []
        self._is_own = all(self._are_in(self._words(part)) for part in parts)

    def _words(self, states: Array) -> list[Array]:
        table = states.view(self._word).reshape(-1, len(self._left))
        return list(np.ascontiguousarray(table.T, np.uint64))

    def _missing(self, words: list[Array]) -> list[Array]:
        """The words of those states that are not in the set, of each once."""
        states = np.sort(np.stack(words, axis=1).astype(self._word).view(self._state)[:, 0])
        places = np.minimum(np.searchsorted(self._set, states), len(self._set) - 1)
        return self._words(np.unique(states[self._set[places] != states]))

    def _column(self, words: list[Array], place: int) -> Array:
        word, shift, mask = self._fields[place]
        dtype = self._values.dtype if self._variables[place][0] else bool
        return ((words[word] >> np.uint64(shift)) & np.uint64(mask)).astype(dtype)

    def _packed(self, words: list[Array], values: Iterable[tuple[int, Any]]) -> list[Array]:
        """The words with values written into variables' places."""
        for place, value in values:
            word, shift, mask = self._fields[place]
            if np.any(np.asarray(value) > mask):
                raise Refused(f"its program gives variable {place} a value of too many bits")
            wide = np.asarray(value).astype(np.uint64) << np.uint64(shift)
            words[word] = words[word] & np.uint64(ALL ^ (mask << shift)) | wide
        return words

    def _are_in(self, words: list[Array]) -> bool:
        """Whether some states, or with a representative their representatives, are in the set."""
        if self._is_own:
            words = self._missing(words)
        if self._program["representative"] is not None and len(words[0]):
            self._images.set([], functools.partial(self._column, list(words)))
            nodes = enumerate(self._program["representative"])
            words = self._packed(words, [(place, self._images.at(n)) for place, n in nodes])
        return not len(self._missing(words)[0])

    def initial_states(self) -> int:
        """How many there are; each is in the set. They are made variable by variable."""
        left, wanted = set(range(len(self._variables))), set(self._program["initially"])
        columns, count = dict[int, Array](), 1
        while left or wanted:
            few = min((self._values.reads[n] & left for n in wanted), key=len, default=left)
            for place in sorted(few)[:1]:
                bits, size = self._variables[place]
                if (count := count * size) > INITIAL_MAX:
                    raise Refused(f"it has too many initial states: over {INITIAL_MAX}")
                columns = {p: np.repeat(column, size) for p, column in columns.items()}
                values = np.arange(size, dtype=self._values.dtype if bits else bool)
                columns[place] = np.tile(values, count // size)
                left.discard(place)
            self._values.set([], columns.__getitem__)
            kept = np.ones(count, bool)
            for n in [n for n in wanted if not self._values.reads[n] & left]:
                kept &= self._values.at(n)
                wanted.discard(n)
            columns = {p: column[kept] for p, column in columns.items()}
            count = int(kept.sum())
        words = [np.zeros(count, np.uint64) for _ in self._left]
        if not self._are_in(self._packed(words, columns.items())):
            raise Refused("an initial state is not in the set")
        return count

    def steps(self) -> int:
        """How many transitions there are; each leads into the set, and none violates the claim."""
        total = 0
        for words in map(self._words, self._parts):
            if any(np.any(word & np.uint64(self._left[i])) for i, word in enumerate(words)):
                raise Refused("a state has bits that belong to no variable")
            for place, (_, size) in enumerate(self._variables):
                if np.any(self._column(words, place) >= size):
                    raise Refused(f"variable {place} is out of its range in a state")
            self._values.set([], functools.partial(self._column, words))
            if not np.all(self._values.at(self._program["state"])):
                raise Refused("the claim is false in a state of the set")
            for action in self._program["actions"]:
                for mask in self._choices(action, [], np.ones(len(words[0]), bool)):
                    total += int(mask.sum())
                    if not self._are_in(self._after(action, words, np.flatnonzero(mask))):
                        raise Refused(f"{action['name']} leads out of the set")
        return total

    def _choices(self, action: Any, values: list[int], mask: Array) -> Iterator[Array]:
        """The states where the action is possible, for each choice of parameters from these on."""
        self._values.set(values)
        for n in action["guard"]:
            if self._values.levels[n] == len(values):
                mask = mask & self._values.at(n)
        if mask.any() and len(values) == len(action["parameters"]):
            yield mask
        elif mask.any():
            for value in range(action["parameters"][len(values)][2]):
                yield from self._choices(action, [*values, value], mask)

    def _after(self, action: Any, words: list[Array], rows: Array) -> list[Array]:
        """The states that the action leads to from those rows. It must be as claimed there."""
        claimed, shape = action["claimed"], words[0].shape
        if claimed is not None and not np.broadcast_to(self._values.at(claimed), shape)[rows].all():
            raise Refused(f"a step of {action['name']} violates the claim")
        updates = [(p, np.broadcast_to(self._values.at(n), shape)) for p, n in action["updates"]]
        return self._packed([w[rows] for w in words], ((p, value[rows]) for p, value in updates))


if __name__ == "__main__":
    try:
        with open(sys.argv[1], "rb") as certificate:
            print(f"{sys.argv[1]}: {confirm(certificate.read())[3]}")
    except (OSError, Refused) as refusal:
        sys.exit(f"{sys.argv[1]}: {refusal}")
