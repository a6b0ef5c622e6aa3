"""Every claim can fail: short runs break it where a design has a mistake, or pays for a posture.

What no named design breaks is broken by a fault put into the kernel or the hardware.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kernel_runs as runs
import pytest
from kernel_claims import CLAIMS
from kernel_owners import CPU
from kernel_pages import Watcher
from kernel_promises import LOSSES, Loss, Run, calls_until, losses_of, promised, watch

from designs import DESIGNS, DETAILS, KNOBS, Design, DesignError, repaired
from impl.hardware.package import Package
from impl.heap.slab import Slab
from impl.keyrings.keyring import Keyrings
from impl.mm.frames import Frames
from impl.mm.lastput import LastPuts
from impl.service.bitmap import UserBitmap
from impl.service.gate import StartupGate
from impl.service.globalscope import GlobalKeyService
from impl.service.keymap import KeyMap
from impl.service.program import Programmer
from impl.service.system import System
from impl.threads import Pause

# Every detail repaired, every posture as posted.
BASE = repaired(Design(name="repaired"))


def otherwise(loss: Loss, knobs: list[str]) -> Iterator[Design]:
    """The design with the loss, and one of these knobs set otherwise in every way that is left."""
    for knob in knobs:
        for value in KNOBS[knob].values:
            if value != loss.settings[knob]:
                try:
                    yield BASE.but(**loss.settings).but(**{knob: value})
                except DesignError:
                    continue


def lost_in(designs: Iterator[Design], loss: Loss) -> dict[str, bool]:
    """Design -> whether the run breaks the claim there."""
    return {design.name: calls_until(design, loss) is not None for design in designs}


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_these_settings_break_the_claim(loss: Loss) -> None:
    assert calls_until(BASE.but(**loss.settings), loss) is not None


MISTAKES = [loss for loss in LOSSES if set(loss.settings) & set(DETAILS)]
PRICES = [loss for loss in LOSSES if loss.settings and loss not in MISTAKES]


@pytest.mark.parametrize("loss", MISTAKES, ids=str)
def test_each_mistake_of_them_repaired_keeps_the_claim(loss: Loss) -> None:
    details = [knob for knob in loss.settings if knob in DETAILS]
    found = lost_in(otherwise(loss, details), loss)
    assert dict.fromkeys(found, False) == found


@pytest.mark.parametrize("loss", PRICES, ids=str)
def test_no_repair_but_another_posture_keeps_the_claim(loss: Loss) -> None:
    assert False in lost_in(otherwise(loss, list(loss.settings)), loss).values()


def the_shortest(design: Design, claim: str) -> int:
    """How many calls it takes to break a claim of a design, at least, by the runs for it."""
    found = [calls_until(design, loss) for loss in LOSSES if loss.claim == claim]
    return min((calls for calls in found if calls is not None), default=0)


# Claim -> calls of the shortest run, in the order of DESIGNS; 0: no run breaks it.
SHORTEST: dict[str, tuple[int, ...]] = {
    "tables-agree": (2, 2, 0, 0, 0, 0, 5, 0, 0),
    "memory-agrees": (2, 2, 3, 3, 0, 3, 4, 0, 0),
    "table-as-requested": (2, 2, 0, 0, 0, 0, 5, 0, 0),
    "bitmap-exact": (2, 2, 0, 0, 0, 0, 0, 0, 0),
    "map-exact": (7, 7, 0, 0, 0, 0, 0, 0, 0),
    "refcount-exact": (9, 9, 0, 0, 0, 0, 0, 0, 0),
    "no-plaintext-unsaved": (1, 0, 0, 0, 0, 0, 0, 0, 0),
    "no-plaintext-after-release": (3, 3, 0, 0, 0, 0, 0, 0, 0),
    "cold-boot-keys": (1, 1, 0, 1, 0, 0, 0, 0, 0),
    "cold-boot-data": (6, 6, 6, 6, 0, 6, 7, 0, 0),
    "released-is-clear": (1, 1, 0, 0, 0, 0, 0, 0, 0),
    "never-in-clear": (6, 6, 6, 6, 0, 6, 7, 0, 0),
    "live-data-intact": (7, 7, 7, 7, 0, 7, 0, 0, 0),
    "right-key": (5, 5, 5, 5, 0, 5, 6, 0, 0),
    "no-neighbour": (7, 7, 7, 7, 0, 7, 8, 0, 0),
    "hotplug-admitted": (3, 0, 3, 0, 3, 0, 0, 0, 3),
    "teardown-admitted": (0, 0, 0, 0, 3, 0, 0, 3, 3),
    "user-keys-admitted": (0, 0, 0, 0, 3, 1, 3, 3, 3),
    "migration-admitted": (0, 0, 0, 0, 0, 0, 5, 0, 0),
    "keyid-names-key": (0, 0, 0, 0, 0, 0, 2, 0, 0),
    "no-deadlock": (5, 5, 0, 0, 0, 0, 0, 0, 0),
    "no-lost-lock": (4, 4, 0, 0, 0, 0, 0, 0, 0),
    "no-lost-keyid": (9, 9, 0, 0, 0, 0, 0, 0, 0),
    "operations-finish": (5, 5, 0, 0, 0, 0, 0, 0, 0),
    "in-bounds": (1, 1, 0, 0, 0, 0, 0, 0, 0),
    "no-dangling": (6, 6, 0, 0, 0, 0, 0, 0, 0),
    "payload-as-documented": (1, 1, 0, 0, 0, 1, 0, 0, 0),
    "failure-is-noop": (1, 1, 1, 1, 1, 3, 1, 1, 1),
    "refusal-is-noop": (1, 1, 0, 0, 0, 0, 0, 0, 0),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_each_design_breaks_what_it_does_not_promise_and_nothing_else(claim: str) -> None:
    found = tuple(the_shortest(design, claim) for design in DESIGNS.values())
    assert SHORTEST.get(claim, (0,) * len(DESIGNS)) == found
    assert [claim not in promised(design) for design in DESIGNS.values()] == [n > 0 for n in found]


@pytest.mark.parametrize("name", DESIGNS)
def test_no_short_run_breaks_a_promise(name: str) -> None:
    design = DESIGNS[name]
    broken = {
        (loss.run.__name__, claim)
        for loss in LOSSES
        for claim in watch(design, loss.run, loss.machine, promised(design))
    }
    assert set() == broken


def test_a_design_has_a_reason_for_everything_that_it_does_not_promise() -> None:
    for design in DESIGNS.values():
        reasons = {loss.claim for loss in losses_of(design)}
        assert set(CLAIMS) == reasons | set(promised(design))


# Faults


def nothing(*_: Any, **__: Any) -> None:
    """Forgets what it should do."""


def no_operation(*_: Any, **__: Any) -> Any:
    """The same for an operation."""
    yield from ()


def endless(*_: Any, **__: Any) -> Any:
    """Tries for ever."""
    while True:
        yield Pause("try again")


def keeps_the_first(system: System, package: int, cpu: int) -> None:
    """The lead CPU is never handed over."""
    system._leads.setdefault(package, cpu)


def a_fork_shares_a_page(w: Watcher) -> None:
    """And parent and child write to it."""
    w.hide(w.have(CPU))
    child = w.fork(w.root)
    assert child is not None
    w.write(child)


def a_key_serves_two_processes(w: Watcher) -> None:
    """One VMA each."""
    w.hide(w.have(CPU))
    w.fork(w.root)


def a_refused_key(w: Watcher) -> None:
    """There is no KeyID for it."""
    runs.every_keyid_gets_a_key(w)
    w.add(CPU, "third")


KEPT = DESIGNS["no-hotplug"]
FIXED, SAVED = DESIGNS["rfc-v2-fixed"], DESIGNS["rfc-v2-savekeys-fixed"]
# Claim, where the fault is, what is there instead, the design, the run, how many calls it takes.
FAULTS: list[tuple[str, type, str, Any, Design, Run, int]] = [
    (
        "lead-exact",
        System,
        "set_lead",
        keeps_the_first,
        FIXED,
        runs.a_package_goes_dark_with_a_key,
        2,
    ),
    ("map-exact", KeyMap, "_set_count", nothing, FIXED, runs.a_user_key_is_added, 1),
    ("map-exact", KeyMap, "enter", nothing, FIXED, runs.a_user_key_is_added, 1),
    ("refcount-exact", LastPuts, "take", nothing, FIXED, a_key_serves_two_processes, 3),
    ("bitmap-exact", UserBitmap, "set", nothing, FIXED, runs.a_user_key_is_added, 1),
    ("released-is-clear", System, "clear", no_operation, FIXED, runs.a_key_is_destroyed, 3),
    ("no-lost-keyid", GlobalKeyService, "release", no_operation, FIXED, runs.a_key_is_destroyed, 3),
    ("live-data-intact", Frames, "is_shared", nothing, KEPT, a_fork_shares_a_page, 6),
    (
        "no-plaintext-unsaved",
        Slab,
        "kfree_sensitive",
        Slab.kfree,
        FIXED,
        runs.a_user_key_is_added,
        1,
    ),
    ("cold-boot-keys-tme", Package, "_engine", nothing, SAVED, runs.a_user_key_is_added, 1),
    ("refusal-is-noop", Keyrings, "cancel", nothing, FIXED, a_refused_key, 3),
    ("operations-finish", Programmer, "_execute", endless, FIXED, runs.a_user_key_is_added, 1),
    (
        "hotplug-admitted",
        StartupGate,
        "_refuse",
        lambda self, *_: self._read({1: None}, "start CPU"),
        SAVED,
        runs.a_package_comes_back_to_a_user_key,
        4,
    ),
    (
        "user-keys-admitted",
        KeyMap,
        "lowest_free",
        nothing,
        FIXED,
        runs.a_user_key_is_added,
        1,
    ),
]


@pytest.mark.parametrize(
    ("claim", "where", "name", "fault", "design", "run", "calls"),
    FAULTS,
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", ""),
)
def test_a_fault_breaks_what_the_design_promises(
    claim: str,
    where: type,
    name: str,
    fault: Any,
    design: Design,
    run: Run,
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert claim in promised(design)
    assert {} == watch(design, run, {}, [claim])
    monkeypatch.setattr(where, name, fault)
    assert {claim: calls} == watch(design, run, {}, [claim])


def test_every_claim_is_broken_by_some_run() -> None:
    assert set(CLAIMS) == {loss.claim for loss in LOSSES} | {fault[0] for fault in FAULTS}
