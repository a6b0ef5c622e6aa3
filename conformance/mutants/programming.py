"""Faults of what the key service does: programming, clearing, CPU hotplug, counting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.mutants.fault import Mutant, Patch, around
from impl.service import hotplug, system
from impl.service.calls import Calls
from impl.service.globalscope import GlobalKeyService
from impl.service.material import CLEAR
from impl.service.packagescope import PerPackageKeyService
from impl.service.program import Programmer
from impl.service.system import System
from impl.threads import Operation
from model import Scope

FEW = Scope(2, 1, 2, 1, 1, 1)


def _clears_one_package(right: Any, self: System, keyid: int, packages: Iterable[int]) -> Any:
    return right(self, keyid, list(packages)[:1])


def _forgets_what_it_missed(self: System, keyid: int, packages: Iterable[int]) -> Operation[None]:
    reached = [package for package in packages if package in self.leads]
    if reached:
        yield from self.program(keyid, CLEAR, reached)


def _retry_programs_nothing(self: Calls, package: int, keyid: int) -> Operation[None]:
    self._system.put_into_service((package, keyid))
    yield from ()


def _first_package_only(right: Any, self: System) -> list[int]:
    return list(right(self)[:1])


def _reach_of_all_but_the_last(right: Any, self: System, packages: Any, call: str) -> None:
    right(self, list(packages)[:-1], call)


def _one_attempt_fewer(right: Any, self: Programmer, *given: Any) -> None:
    right(self, *given)
    self._attempts = max(1, self._attempts - 1)


def _stops_after_the_first(
    right: Any, self: Any, package: int, cpu: int, kept: Any, call: str
) -> Any:
    return right(self, package, cpu, dict(list(kept.items())[:1]), call)


def _fills_backwards(right: Any, self: Any, package: int, cpu: int, kept: Any, call: str) -> Any:
    return right(self, package, cpu, dict(reversed(kept.items())), call)


def _does_not_ask_for_references(self: GlobalKeyService, key: Any, _call: str) -> int | None:
    return self.keyid_of(key)


def _lead_stays(right: Any, self: System, package: int, cpu: int | None) -> None:
    if cpu is not None:
        right(self, package, cpu)


def _counts_the_key_alone(
    right: Any, self: Any, key: Any, chosen: Any, material: Any, _references: Any, call: str
) -> Any:
    return right(self, key, chosen, material, lambda: 1, call)


def _drops_on_one_package(self: PerPackageKeyService, handle: int) -> bool:
    pairs = list(self._pairs(handle).items())[:1]
    return any([self.counts[package].drop(keyid) for package, keyid in pairs])


MUTANTS = (
    Mutant(
        "clear-skips-packages",
        "releasing a KeyID clears it on the first package only",
        "service",
        around(System, "clear", _clears_one_package),
    ),
    Mutant(
        "clear-forgets-the-missed",
        "packages that could not be cleared are not waited for",
        "service",
        Patch(System, "clear", _forgets_what_it_missed),
    ),
    Mutant(
        "retry-clears-nothing",
        "the worker that retries puts the KeyID back into service without clearing it",
        "service",
        Patch(Calls, "_retry_clear", _retry_programs_nothing),
    ),
    Mutant(
        "program-skips-packages",
        "a key is programmed on the first reachable package only",
        "service",
        around(System, "reachable_packages", _first_package_only),
    ),
    Mutant(
        "status-ignored",
        "what PCONFIG answers is not looked at: every programming reports success",
        "service",
        Patch(system, "failed", lambda _statuses: []),
    ),
    Mutant(
        "retry-once-too-few",
        "a failing PCONFIG is tried twice and not three times",
        "service",
        around(Programmer, "__init__", _one_attempt_fewer),
        first="locks walk",
    ),
    Mutant(
        "reach-of-all-but-last",
        "whether a package is out of reach is not asked of the last one",
        "service",
        around(System, "refuse_unreachable", _reach_of_all_but_the_last),
        "no-hotplug",
        FEW,
    ),
    Mutant(
        "startup-programs-one",
        "a starting CPU programs the first mapped KeyID and no other",
        "service",
        around(GlobalKeyService, "_fill", _stops_after_the_first),
        "rfc-v2-savekeys",
        FEW,
        first="long lockstep",
    ),
    Mutant(
        "startup-last-first",
        "a starting CPU programs the highest KeyID first",
        "service",
        around(GlobalKeyService, "_fill", _fills_backwards),
        "rfc-v2-savekeys",
        FEW,
    ),
    Mutant(
        "update-while-in-use",
        "an update does not look whether VMAs use the KeyID",
        "service",
        Patch(GlobalKeyService, "_updatable", _does_not_ask_for_references),
    ),
    Mutant(
        "lead-never-resigns",
        "a package whose last CPU stops keeps it as its lead",
        "service",
        around(System, "set_lead", _lead_stays),
    ),
    Mutant(
        "lead-is-the-highest",
        "the highest other CPU takes the lead over, not the lowest",
        "service",
        Patch(hotplug, "min", max),
        scope=Scope(2, 3, 1, 1, 1, 1),
    ),
    Mutant(
        "teardown-counts-from-two",
        "a package's last CPU may stop while exactly one KeyID is mapped",
        "service",
        Patch(GlobalKeyService, "holds_keys", lambda self, _package: self.map.count > 1),
        "no-hotplug",
        FEW,
    ),
    Mutant(
        "extend-counts-the-key-alone",
        "a key's KeyID on one more package starts with one reference, whoever uses the key",
        "service",
        around(PerPackageKeyService, "_enter", _counts_the_key_alone),
        "per-package",
        Scope(2, 1, 1, 1, 1, 1),
        first="long lockstep",
    ),
    Mutant(
        "drop-on-one-package",
        "a reference to a per-package key is dropped on its first package only",
        "service",
        Patch(PerPackageKeyService, "_drop", _drops_on_one_package),
        "per-package",
        FEW,
    ),
)
"""Of the service as a whole, with KeyIDs of the machine and of each package."""
