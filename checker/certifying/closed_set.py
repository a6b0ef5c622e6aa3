"""Whether a file proves what it says: a set of states, closed under a program, with no bad one.

The second checker of closed explorations, which interprets the program (see `program`) itself. It
confirms that the states are distinct and in range, that initial ones are among them, that every
action with every choice of parameters leads from each to one of them, and that the claim is true of
all that. With `representative`, those of initial states and of successors must be among them: why
this is enough, the conditions say, SMT-LIB for a solver. `python closed_set.py FILE` does it alone.
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
        with np.errstate(over="ignore"):  # numbers are those modulo a power of two
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
    line = f"{len(states)} states hold all {check.initial_states()} initial ones and are closed"
    return f"{line} under {check.steps()} transitions; none of them violates the claim"


@_foreign()
def read(content: bytes, bytes_max: int = BYTES_MAX) -> tuple[Any, Any, str, Array]:
    """A file's header, program, conditions, and each state's bytes as they are compared."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if (size := sum(info.file_size for info in file.infolist())) > bytes_max:
            raise Refused(f"it would unpack to {size} bytes, more than {bytes_max}")
        if sorted(file.namelist()) != [f"{part}.npy" for part in PARTS]:
            raise Refused(f"it has not the parts {', '.join(PARTS)}")
        opened = [file.open(f"{part}.npy") for part in PARTS]
        said, text, code = (np.lib.format.read_array(part).tobytes() for part in opened[:3])
        header, program = json.loads(text), json.loads(code)
        checksum, words, hashed = header.pop("sha256"), header["words"], hashlib.sha256()
        if (header["kind"], header["format"]) != ("closed-set", FORMAT):
            raise Refused(f"it is of kind {header['kind']!r}, version {header['format']!r}")
        np.lib.format.read_magic(opened[3])
        shape, _, dtype = np.lib.format.read_array_header_1_0(opened[3])
        if dtype != np.uint8 or len(shape) != 2 or shape[0] != 8 * words or not min(shape):
            raise Refused(f"its states are {dtype} of shape {shape}, not bytes in {8 * words} rows")
        states = np.empty(shape[::-1], np.uint8)
        for plane in range(8 * words):  # each has a byte of every state: what changed in it
            hashed.update(plain := opened[3].read(len(states)))
            at = plane if words == 1 else plane ^ 7  # in strings the highest byte comes first
            states[:, at] = np.bitwise_xor.accumulate(np.frombuffer(plain, np.uint8))
    if checksum != digest(header, said, code, hashed):
        raise Refused("its checksum is not that of its content")
    return header, program, said.decode(), states


def digest(header: Mapping[str, Any], *parts: Any) -> str:
    """The checksum of a header (without it) and the other parts or their hashes, in hexadecimal."""
    texts = (json.dumps(header, sort_keys=True).encode(), *parts)
    each = (hashlib.sha256(text) if isinstance(text, bytes) else text for text in texts)
    return hashlib.sha256(b"".join(one.digest() for one in each)).hexdigest()


_MEANING: dict[str, Callable[..., Any]] = {
    "and": lambda bits, plain, *args: functools.reduce(operator.and_, args),
    "or": lambda bits, plain, *args: functools.reduce(operator.or_, args),
    "xor": lambda bits, plain, *args: functools.reduce(operator.xor, args),
    "add": lambda bits, plain, *args: functools.reduce(operator.add, args) & (1 << bits) - 1,
    "mul": lambda bits, plain, *args: functools.reduce(operator.mul, args) & (1 << bits) - 1,
    "eq": lambda bits, plain, a, b: a == b,
    "ult": lambda bits, plain, a, b: a < b,
    "shl": lambda bits, plain, a, b: (a << np.minimum(b, bits - 1)) * (b < bits) & (1 << bits) - 1,
    "lshr": lambda bits, plain, a, b: (a >> np.minimum(b, bits - 1)) * (b < bits),
    "extract": lambda bits, plain, a: (a >> plain) & (1 << bits) - 1,
}


class _Values:
    """The values of nodes for the states and parameters that are set: columns, or single values.
    What depends on the first parameters only is kept while the later ones change."""

    def __init__(self, nodes: Sequence[Sequence[Any]]) -> None:
        self._nodes: list[tuple[str, int, int, list[int]]] = []
        self.levels: list[int] = []  # how many parameters must be set for it
        self.reads: list[frozenset[int]] = []  # the variables that it depends on
        for number, (kind, bits, *args) in enumerate(nodes):
            plain = args.pop() if kind in ("var", "par", "const", "extract") else 0
            whole = all(type(n) is int and n >= 0 for n in (bits, plain, *args)) and bits <= 64
            known = kind in (*_MEANING, "var", "par", "const", "ite")
            if not known or not whole or max(args, default=-1) >= number:
                raise Refused(f"its program's node {kind, bits, plain, *args} has no meaning")
            below = [self.levels[n] for n in args]
            self.levels.append(max(below, default=plain + 1 if kind == "par" else 0))
            own = frozenset([plain] if kind == "var" else [])
            self.reads.append(own.union(*(self.reads[n] for n in args)))
            if kind in ("and", "or"):
                args.sort(key=lambda n: len(self.reads[n]) > 0)  # plain values may be enough
            self._nodes.append((kind, bits, plain, args))
        self._known: dict[int, dict[int, Any]] = {level: {} for level in self.levels}
        self._column: Callable[[int], Array]
        widest = max([1, *(bits for _, bits, _, _ in self._nodes)])
        self.dtype = np.min_scalar_type(ALL >> 64 - widest)

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
            return (self.dtype.type if bits else np.bool_)(value)
        if kind == "ite":
            if np.ndim(test := self.at(args[0])):
                return np.where(test, self.at(args[1]), self.at(args[2]))
            return self.at(args[1 if test else 2])
        values = []
        for n in args:
            values.append(self.at(n))
            if kind in ("and", "or") and values[-1] is np.bool_(kind == "or"):
                return values[-1]
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
        words = len(self._left)  # one is compared as a number, several as a string of bytes
        self._word, self._state = (">u8", f"S{8 * words}") if words > 1 else ("<u8", "<u8")
        self._set = states.view(self._state)[:, 0]
        if not (ascending := self._set[1:] > self._set[:-1]).all():
            raise Refused(f"state {np.argmin(ascending) + 1} is not greater than the one before it")
        rows = max(256, min(CHUNK, CELLS_MAX // (len(program["nodes"]) + 1)))
        self._parts = [self._set[i : i + rows] for i in range(0, len(states), rows)]
        # If the set has the representatives of all in it, one in it need not be represented.
        self._is_own, parts = False, self._parts if program["representative"] is not None else []
        self._is_own = all(self._are_in(self._words(part)) for part in parts)

    def _words(self, states: Array) -> list[Array]:
        return list(states.view(self._word).reshape(-1, len(self._left)).T.astype(np.uint64, "C"))

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
            if np.any(value > mask):
                raise Refused(f"its program gives variable {place} a value of too many bits")
            kept = words[word] & np.uint64(ALL ^ (mask << shift))
            words[word] = kept | value.astype(np.uint64) << np.uint64(shift)
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
            for place, (bits, size) in sorted((p, self._variables[p]) for p in few)[:1]:
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
            over = [self._column(words, n) >= size for n, (_, size) in enumerate(self._variables)]
            if np.any(over) or np.any(np.transpose(words) & np.array(self._left, np.uint64)):
                raise Refused("a state has a variable out of its range, or bits that are of none")
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
