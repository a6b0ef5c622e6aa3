"""How a script shows at its end what a run has broken, as far as scripts can look.

A refusal is shown by the call itself. What attackers find, what is out of bounds, what reads back,
and how many KeyIDs the map holds can be expected; key tables, counts and VMAs can be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from checker.systems.reading import Reading
from mktme.traces.scripts.keyservice import KeyServiceScript, comment
from model import words as model_words

Ending = Callable[[KeyServiceScript, Reading], None]


def end(script: KeyServiceScript, property_id: str, broken: str) -> None:
    """Write the end. `broken` says in words what is violated."""
    script.lines += ["", *comment(f"Broken: {broken}.")]
    for show in ENDINGS.get(property_id, OF_OWN):
        show(script, script.last)


def _shows(*what: str) -> tuple[Ending, ...]:
    return tuple(_show(one) for one in what)


def _show(what: str) -> Ending:
    return lambda script, _: script.say(f"show {what}", by=None)


def _map(script: KeyServiceScript, last: Reading) -> None:
    held = [p for k, p in model_words.slots(last) if model_words.holder(last, k, p) is not None]
    script.say(f"show map => {len(held)} {'key' if len(held) == 1 else 'keys'}", by=None)


def _live(script: KeyServiceScript, last: Reading) -> None:
    """How many of the keys that were made are keys still."""
    keys = [k for k in range(last.size("live", 0)) if last.is_true("live", k)]
    script.lines.append(f"# Keys that are live: {len(keys)}.")


def _events(script: KeyServiceScript, _: Reading) -> None:
    script.say("show events => some events", by=None)


def _disclosure(script: KeyServiceScript, _: Reading) -> None:
    script.say("disclosure => some findings", by=None)


def _cold_boot(script: KeyServiceScript, _: Reading) -> None:
    script.say("cold-boot => some findings", by=None)


def _reads(script: KeyServiceScript, last: Reading) -> None:
    """The pages that no longer read back, each read by its own process."""
    for vma, text in sorted(script.written.items()):
        packages = range(last.size("page", 1))
        is_there = any(last.is_true("page", vma, package) for package in packages)
        process = script.processes.of(vma)
        if process is not None and is_there and not last.is_true("intact", vma):
            script.say(f"read ${process.address} {len(text)} => garbage", process.name)


ENDINGS: Final[Mapping[str, tuple[Ending, ...]]] = {
    "tables-agree": _shows("map", "tables"),
    "memory-agrees": _shows("map", "tables"),
    "table-as-requested": _shows("map", "tables"),
    "bitmap-exact": (_map, *_shows("vault")),
    "map-exact": (_live, _map),
    "refcount-exact": (_map, *_shows("counts", "vmas")),
    "lead-exact": _shows("cpus"),
    "no-plaintext-unsaved": (_disclosure,),
    "no-plaintext-after-release": (_disclosure,),
    "cold-boot-keys": (_cold_boot,),
    "cold-boot-keys-tme": (_cold_boot,),
    "cold-boot-data": (_cold_boot, *_shows("pages")),
    "released-is-clear": (_map, *_shows("tables")),
    "never-in-clear": (*_shows("tables", "pages"), _cold_boot),
    "live-data-intact": (_reads,),
    "right-key": (*_shows("vmas", "tables"), _map),
    "no-neighbour": _shows("vmas", "tables"),
    "hotplug-admitted": _shows("cpus"),
    "teardown-admitted": _shows("cpus"),
    "user-keys-admitted": (_map,),
    "migration-admitted": _shows("pages"),
    "keyid-names-key": (_map, *_shows("tables")),
    "no-lost-keyid": (_live, _map, *_shows("counts")),
    "in-bounds": (_events,),
    "no-dangling": (_live, _map),
    "failure-is-noop": (_map, *_shows("tables")),
}
"""What is shown at the end for each property of the key service."""

OF_OWN: Final = (_map, *_shows("cpus", "tables", "counts", "vmas"))
"""What is shown for a property that a user has written: nobody knows what it is about."""
