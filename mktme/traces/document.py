"""What a counterexample looks like, wherever it is shown: on a terminal, a page, in a file.

A `Document` has everything that a reader sees, in words and grids, and nothing that a program would
have to work out again: who shows it needs no model. *Frame* 0 is the machine after booting and
frame n the one after call n; each has the same *panels*, grids of *entries*. An entry that means
more than it says has *marks*, each with a sign and a word of its own. As JSON it is the format
`mktme-trace`, whose schema is made from these classes.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from mktme.results.shape import Shape

FORMAT: Final = "mktme-trace"
VERSION: Final = 1
"""A reader refuses a version that it does not know; it changes when a field does."""

Mark = Literal["changed", "broken", "stale", "saved", "erased", "residual"]

MARKS: Final[dict[Mark, tuple[str, str]]] = {
    "changed": ("*", "the call changed it"),
    "broken": ("✗", "what is false of it breaks the property"),
    "stale": ("≠", "not what its owner last asked for, or of a key that is gone"),
    "saved": ("⌂", "key material that the kernel keeps to program packages later"),
    "erased": ("∅", "held key material before, and holds none now"),
    "residual": ("!", "key material that nobody uses any more"),
}
"""For each mark its sign and its meaning; the mark's name is the word."""


class Entry(Shape):
    """One place of a panel: what it holds, and what it held before if that is something else.

    `key`: the fingerprint of a key that lies there, "" if none does. `shows`: the names of the
    model's variables that the entry tells of.
    """

    text: str
    key: str = ""
    marks: tuple[Mark, ...] = ()
    was: str | None = None
    shows: tuple[str, ...] = ()


class Row(Shape):
    """A line of a panel: what it is about, and an entry for each column."""

    head: str
    entries: tuple[Entry, ...]


class Panel(Shape):
    """A grid. `corner` says what the lines are; each column has a title, and may have a note."""

    id: str
    title: str
    corner: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


class Frame(Shape):
    """The panels of one state."""

    panels: tuple[Panel, ...]


class Execution(Shape):
    """A PCONFIG that the implementation executed: where, its decoded operand, and its status.

    `algorithm` is "" where the command sets no key, and `key` the fingerprint of what the operand's
    key fields held, "" where they were zero.
    """

    cpu: int
    package: int
    command: str
    keyid: int
    algorithm: str
    key: str
    status: str
    words: str


class Call(Shape):
    """A call: the action and its arguments as the model names them, and what came of it.

    `who` makes it. `answer`: "ok", an errno's name, or what the system answers. `refusal`: the
    kernel's own words. `changes`: what it changed, line by line.
    """

    action: str
    arguments: dict[str, str]
    words: str
    who: str
    answer: str
    refusal: str
    executions: tuple[Execution, ...]
    changes: tuple[str, ...]


class Broken(Shape):
    """What is violated in the end: the instance of the property, in words, and why it is false.

    `at`: the instance's indices by name. `facts`: the comparisons that decide it, with their
    values; `reads`: the model's variables in them; `variables`: what these are, and by what they
    are indexed. `causes`: how the key table entries among these
    came to be, as far as the calls tell.
    """

    words: str
    at: dict[str, int]
    facts: tuple[str, ...]
    reads: tuple[str, ...]
    variables: tuple[str, ...] = ()
    causes: tuple[str, ...]


class Replayed(Shape):
    """What the implementation did: whether the same, and what the violation looks like there."""

    agrees: bool
    disagreement: str
    observed: tuple[str, ...]


class UserKey(Shape):
    """A user key of the run: its label, and its fingerprint in tables and findings."""

    label: str
    key: str


class Document(Shape):
    """A counterexample. `id` is its identity; `calls`, `absent` and `bypass` make the run again.

    `knobs` has the design's setting of each knob, `system` which of its systems the run is of ("",
    the key service, "payload", or "locks"). `frames` are one more than `calls`. `price` is the
    sentence for a violation that the posture brings with it.
    """

    format: Literal["mktme-trace"] = FORMAT
    version: Literal[1] = VERSION
    id: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
    design: str
    knobs: dict[str, str]
    property: str
    sentence: str
    source: str
    system: str
    scope: dict[str, int]
    absent: tuple[int, ...]
    bypass: bool
    start: str
    keys: tuple[UserKey, ...]
    calls: tuple[Call, ...]
    frames: tuple[Frame, ...]
    broken: Broken
    price: str | None
    is_least: bool
    replay: Replayed
