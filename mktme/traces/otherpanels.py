"""How states of the other systems are drawn: threads and locks, and the parser of a payload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from checker.systems.reading import Reading
from mktme.traces.document import Mark, Panel
from mktme.traces.drawing import Look, Moment, Place, panel, plain
from model import lockwords
from model.payloadstate import FIELDS
from model.sorts import LOCK, TOKEN


def locks(run: Sequence[Moment]) -> Iterator[Panel]:
    """Threads with what they hold and wait for, and locks with who holds and awaits them."""
    threads = range(run[-1].reading.size("at", 0))
    columns = [("operation", ""), ("holds", ""), ("waits for", "")]
    rows = [(str(t), [partial(x, thread=t) for x in (_operation, _holds, _waits)]) for t in threads]
    yield panel(run, ("threads", "Threads", "thread"), columns, rows)
    locked: list[tuple[str, Sequence[Look]]] = [
        (lockwords.LOCKS[name], [partial(_held_by, lock=n), partial(_awaited_by, lock=n)])
        for n, name in enumerate(LOCK.constants)
    ]
    yield panel(run, ("locks", "Locks", "lock"), [("held by", ""), ("awaited by", "")], locked)


def _operation(moment: Moment, thread: int) -> Place:
    place = lockwords.place_of(moment.reading, thread)
    said = lockwords.OPERATIONS[place.operation] if place else "none"
    return plain(said, moment.reading.grounding.name_of("at", (thread,)))


def _holds(moment: Moment, thread: int) -> Place:
    reading = moment.reading
    names = [reading.grounding.name_of("holds", (thread, n)) for n in range(len(LOCK.constants))]
    return plain(", ".join(lockwords.held(reading, thread)) or "nothing", *names)


def _waits(moment: Moment, thread: int) -> Place:
    reading = moment.reading
    queued = " (queued)" if reading.is_true("queued", thread) else ""
    said = lockwords.awaited(reading, thread) + queued
    return plain(said or "nothing", reading.grounding.name_of("queued", (thread,)))


def _held_by(moment: Moment, lock: int) -> Place:
    reading = moment.reading
    modes = {t: reading("holds", t, lock) for t in range(reading.size("holds", 0))}
    said = [
        f"thread {t}" + (" for reading" if mode == "shared" else "")
        for t, mode in modes.items()
        if mode != "no"
    ]
    names = [reading.grounding.name_of("holds", (t, lock)) for t in modes]
    return plain(" and ".join(said) or "nobody", *names)


def _awaited_by(moment: Moment, lock: int) -> Place:
    reading, name = moment.reading, lockwords.LOCKS[LOCK.constants[lock]]
    threads = range(reading.size("at", 0))
    waiting = [t for t in threads if lockwords.awaited(reading, t).partition(" for ")[0] == name]
    return plain(" and ".join(f"thread {t}" for t in waiting) or "nobody")


def payload(run: Sequence[Moment]) -> Iterator[Panel]:
    """The parser's tokens, and the structure that it reads a payload into."""
    columns = [("mask", ""), ("read", ""), ("documented so far", "")]
    rows = [
        (f"{token}=", [partial(x, position=n, token=token) for x in (_mask, _read, _documented)])
        for n, token in enumerate(TOKEN.constants[:-1])
    ]
    yield panel(run, ("tokens", "Tokens of the payload", "token"), columns, rows)
    fields: list[tuple[str, Sequence[Look]]] = [
        (field.replace("_", " "), [partial(_field, field=field)]) for field in FIELDS.values()
    ]
    yield panel(run, ("structure", "Payload structure", "field"), [("holds", "")], fields)


def _mask(moment: Moment, position: int, token: str) -> Place:
    del token
    reading = moment.reading
    name = reading.grounding.name_of("seen", (position,))
    return plain("1" if reading.is_true("seen", position) else "0", name)


def _documented(moment: Moment, position: int, token: str) -> Place:
    del token
    reading = moment.reading
    name = reading.grounding.name_of("written", (position,))
    return plain("yes" if reading.is_true("written", position) else "–", name)


def _read(moment: Moment, position: int, token: str) -> Place:
    """What the parser has of a token: a type, or how much of a key."""
    del position
    reading = moment.reading
    if token == "type":
        kind = {"empty": "–", "no_encrypt": "no-encrypt"}.get(reading("kind"), reading("kind"))
        return plain(kind, reading.grounding.name_of("kind", ()))
    held = _amount(reading, FIELDS[token]) if token in FIELDS else ""
    return plain(held or "–")


def _amount(reading: Reading, field: str) -> str:
    held = reading(field)
    return "" if held == "nothing" else f"{held} key"


def _field(moment: Moment, field: str) -> Place:
    """A key field of the structure; of a refused payload it is never freed."""
    reading = moment.reading
    held, shows = _amount(reading, field), (reading.grounding.name_of(field, ()),)
    is_refused = reading("stage") == "refused"
    mark: Mark | None = "residual" if held and is_refused else None
    return Place(held or "nothing", holds_key=bool(held), mark=mark, shows=shows)
