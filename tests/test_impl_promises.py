"""Every named design keeps the claims that it promises, whatever is called in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from kernel_claims import CLAIMS
from kernel_machine import BrokenPromise, drive
from kernel_promises import promised

from designs import DESIGNS
from impl.keyrings.keypayload import KeyPayload
from impl.mm.frames import Frames
from impl.mm.lastput import LastPuts
from impl.service.system import System

BRIEF = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=50,
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
LONG = settings(BRIEF, max_examples=250, stateful_step_count=80)

# Calls that must have succeeded somewhere, or else the runs say little.
MADE = {
    *("add_key", "update", "unlink", "collect", "mmap", "munmap", "encrypt_mprotect", "write"),
    *("read", "migrate", "fork", "exit", "cpu_startup", "cpu_teardown", "package_add"),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_keeps_its_promises_in_random_runs(name: str) -> None:
    seen = drive(DESIGNS[name], BRIEF)
    succeeded = {call.split()[0] for call in seen if call.endswith(" ok")}
    assert set() == MADE - succeeded


@pytest.mark.deep
@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_keeps_its_promises_in_long_runs(name: str) -> None:
    seen = drive(DESIGNS[name], LONG)
    assert set() == MADE - {call.split()[0] for call in seen if call.endswith(" ok")}


def no_operation(*_: Any, **__: Any) -> Any:
    """A fault: an operation that does nothing."""
    yield from ()


@pytest.mark.parametrize(
    ("where", "name", "fault", "design", "claim"),
    [
        (System, "clear", no_operation, "rfc-v2-fixed", "released-is-clear"),
        (LastPuts, "take", lambda *_: None, "resupply", "refcount-exact"),
        (Frames, "is_shared", lambda *_: False, "per-package", "live-data-intact"),
        (KeyPayload, "_preparse_and_change", no_operation, "cpu-keys-only", "table-as-requested"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_random_runs_find_a_fault(
    where: type,
    name: str,
    fault: Any,
    design: str,
    claim: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(where, name, fault)
    only_look = settings(BRIEF, max_examples=100, phases=[Phase.generate], print_blob=False)
    with pytest.raises(BrokenPromise, match=claim):
        drive(DESIGNS[design], only_look)


def test_a_claim_that_no_design_promises_is_promised_in_part() -> None:
    kept = {claim for design in DESIGNS.values() for claim in promised(design)}
    assert {"failure-is-noop"} == set(CLAIMS) - kept
