"""How a script shows at its end what a run has broken, as far as scripts can look.

A refusal is shown by the call itself. What attackers find, what is out of bounds, what reads back,
and how many KeyIDs the map holds can be expected; key tables, counts and VMAs can be shown. Where
only what is shown has the violation, a comment says what to look at, for the script ends well
whether it is there or not.
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
    before = len(script.lines)
    for show in ENDINGS.get(property_id, OF_OWN):
        show(script, script.last)
    is_expected = property_id in REFUSALS or any(" => " in line for line in script.lines[before:])
    look = BY_EYE.get(property_id, "" if is_expected and property_id in ENDINGS else ANYWHERE)
    if look:
        script.lines[before:before] = comment(f"By eye, for no expectation can say it: {look}.")


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

REFUSALS: Final = frozenset(
    {"hotplug-admitted", "teardown-admitted", "user-keys-admitted", "migration-admitted"}
)
"""Properties that a refusal violates, which the refused call has as its expectation."""

_SAME: Final = "the entries of that KeyID in the key tables below, which should be the same on all"

BY_EYE: Final[Mapping[str, str]] = {
    "tables-agree": f"{_SAME} packages that have an online CPU",
    "memory-agrees": f"{_SAME} packages that have memory",
    "table-as-requested": "the entry of that KeyID in the key tables below, which should be what"
    " its owner asked for last",
    "bitmap-exact": "the user bit of that KeyID in the map below, and whether the vault has a user"
    " key there; the gate weighs the bits when a package comes online",
    "refcount-exact": "the references of that KeyID below, against the keys that are live and the"
    " VMAs with it",
    "lead-exact": "the leads below: of each package with an online CPU one, and online",
    "cold-boot-data": "whether what was written is among the findings",
    "released-is-clear": "the entry of that KeyID in the key tables below, which should hold no"
    " key",
    "never-in-clear": "whether what was written is among the findings",
    "right-key": "the KeyID of that VMA, and the entry in the key tables below which it has on the"
    " package of the page",
    "no-neighbour": "the VMAs below, whose KeyIDs should stand for different keys in the tables",
    "keyid-names-key": "the keys in the map below that have that KeyID on one package and another",
    "no-dangling": "the key that the map below has at that KeyID, which is gone",
    "failure-is-noop": "the key tables below, which should be as before the last call; `mktme"
    " simulate --show tables` prints both",
}
"""What to look at where no expectation can say that the property is violated."""

ANYWHERE: Final = "what is shown below, which should not be as the line above says"
"""The same where nobody knows what a property is about, or where nothing is left to read."""
