"""How much of a user key lies in kernel memory, and from which call to which.

Derived from the histories of `conformance.costing.histories`. A *stay* is a place where bytes of a
secret lie from one call to another; of stays that begin alike the longest is told, over all
histories.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from conformance.costing.bench import Shape
from conformance.costing.histories import HISTORIES, KEY, MALFORMED, History, Moment
from conformance.costing.remains import Found
from designs import Design

ENDS = (
    "add_key",
    "encrypt_mprotect",
    "refused add_key",
    "update",
    "package online",
    "next programming",
    "next CPU key",
    "release of another key",
    "revoke",
    "collection",
    "release",
    "reuse of the KeyID",
    "",
)
"""What may end a stay, from the shortest to the longest; "" where nothing did."""


@dataclasses.dataclass(frozen=True)
class Held:
    """Bytes in memory: those of the key itself, and those of its wrapped form."""

    plaintext: int
    wrapped: int


@dataclasses.dataclass(frozen=True)
class Stay:
    """`bytes` of a secret in a `place`, from after the call `since` until the call `until`.

    `secret`: "key", or "malformed" for the key of a refused payload. `form`: "plaintext",
    "wrapped", or "entropy" (the kernel's, of a CPU key). `until` is "" where they lay there after
    the last call of the history.
    """

    secret: str
    form: str
    place: str
    bytes: int
    since: str
    until: str


@dataclasses.dataclass(frozen=True)
class Exposure:
    """The most that lies in kernel memory of one user key of 32 bytes, in each phase of its life.

    Between calls: `in_use`, from add_key to the release of its KeyID (None where the design accepts
    no user key); `replaced`, once it was updated to another; `released`; `refused`, of a key whose
    payload was refused. While a PCONFIG runs: `adding`, `joining` (a package comes online; None
    where the machine has no other). `entropy`: of a CPU key, between calls.
    """

    in_use: Held | None
    replaced: Held
    released: Held
    refused: Held
    adding: Held
    joining: Held | None
    entropy: int
    stays: tuple[Stay, ...]


def exposure(design: Design, shape: Shape) -> Exposure:
    """Run the histories of a user key and of a CPU key. Raises ValueError as `Bench` does."""
    user, cpu = (
        [History(design, shape, kind).run(calls) for calls in HISTORIES.values()]
        for kind in ("user", "cpu")
    )
    moments = [moment for history in user for moment in history]

    def after(phase: str, secret: str = KEY) -> Held:
        return _most(secret, (moment.found for moment in moments if moment.phase == phase))

    def within(call: str) -> Held:
        return _most(KEY, (seen for m in moments if m.call == call for seen in m.during))

    is_used = any(moment.phase == "in use" for moment in moments)
    refused = _most(MALFORMED, (moment.found for moment in moments))
    entropy = [sum(moment.found.values()) for history in cpu for moment in history]
    return Exposure(
        in_use=after("in use") if is_used else None,
        replaced=after("replaced"),
        released=after("released"),
        refused=_greater(refused, after("refused")),
        adding=within("add_key"),
        joining=within("package online") if shape.last is not None else None,
        entropy=max(entropy),
        stays=_longest(stay for history in (*user, *cpu) for stay in stays(history)),
    )


def _most(secret: str, seen: Iterable[Found]) -> Held:
    """The most at any one time, of each form."""
    found = list(seen)
    plaintext, wrapped = (
        max(
            (sum(n for (s, f, _), n in one.items() if (s, f) == (secret, form)) for one in found),
            default=0,
        )
        for form in ("plaintext", "wrapped")
    )
    return Held(plaintext, wrapped)


def _greater(one: Held, other: Held) -> Held:
    return Held(max(one.plaintext, other.plaintext), max(one.wrapped, other.wrapped))


def stays(history: Sequence[Moment]) -> Iterable[Stay]:
    """Every stay of a history, in order of its end; one that is interrupted counts as two."""
    begun: dict[tuple[str, str, str], tuple[str, int]] = {}
    for moment in history:
        for where in [where for where in begun if where not in moment.found]:
            since, size = begun.pop(where)
            yield Stay(*where, size, since, moment.call)
        for where, size in moment.found.items():
            since, known = begun.get(where, (moment.call, 0))
            begun[where] = since, max(size, known)
    for where, (since, size) in begun.items():
        yield Stay(*where, size, since, "")


def _longest(found: Iterable[Stay]) -> tuple[Stay, ...]:
    """Of those that differ in their end alone, the one with the latest end."""
    longest: dict[tuple[str, str, str, str], Stay] = {}
    for stay in found:
        same = (stay.secret, stay.form, stay.place, stay.since)
        known = longest.get(same, stay)
        rivals = sorted((known, stay), key=lambda s: (ENDS.index(s.until), s.bytes))
        longest[same] = dataclasses.replace(rivals[-1], bytes=max(known.bytes, stay.bytes))
    return tuple(longest.values())
