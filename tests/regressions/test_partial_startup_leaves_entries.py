"""A CPU startup that fails half-way leaves entries behind; releasing their KeyID waits for them.

With `on_release=clear_first`, destroy once cleared only the packages that had a lead CPU. A package
that was added, and whose startup had failed after its first KeyID, had none, and kept that entry
after the KeyID was free. So destroy waits for every package that is present.
"""

from __future__ import annotations

from checker import Call
from checker.answers.trace import is_true_in
from conformance import Lockstep, abstract
from conformance.lockstep import absent_at_boot, ground
from designs import DESIGNS, Design
from impl import Mode
from model import Scope
from properties import PROPERTIES

SCOPE = Scope(2, 1, 2)


class Driven:
    """A lockstep with package 1 absent at boot, driven by labels."""

    def __init__(self, design: Design) -> None:
        grounding = ground(design, SCOPE)
        starts = Lockstep(design, SCOPE).machine.initial_states()
        start = next(s for s in starts if absent_at_boot(grounding, s) == [1])
        self.lockstep = Lockstep(design, SCOPE, start)
        self.hardware = self.lockstep.subject.kernel.machine.packages[1]

    def call(self, action: str, **labels: str) -> Call:
        system = self.lockstep.grounding.system
        parameters = system.action(action).parameters
        values = [p.labels.index(labels.pop(p.name, p.labels[0])) for p in parameters]
        assert {} == labels
        return Call(action, tuple(values))

    def do(self, action: str, **labels: str) -> str:
        return self.lockstep.step(self.call(action, **labels))

    def can(self, action: str, **labels: str) -> bool:
        return self.call(action, **labels) in self.lockstep.machine.enabled(self.lockstep.state)

    def released_is_clear(self) -> bool:
        """Judged on the implementation."""
        grounding = self.lockstep.grounding
        claim = grounding.property(PROPERTIES["released-is-clear"])
        observed = abstract(self.lockstep.subject, grounding)
        return is_true_in(grounding.system, observed, claim.state)

    def uncleared(self) -> set[tuple[int, int]]:
        return self.lockstep.subject.kernel.uncleared()


def half_started(design: Design) -> Driven:
    """Two CPU keys, package 1 added, and its startup failed at KeyID 2."""
    driven = Driven(design)
    assert "ok" == driven.do("instantiate", key="0", kind="cpu")
    assert "ok" == driven.do("instantiate", key="1", kind="cpu")
    assert "ok" == driven.do("package_add", package="1")
    assert "ENOKEY" == driven.do("cpu_startup", package="1", fails="yes", fails_at="2")
    return driven


def test_a_startup_that_fails_at_keyid_2_leaves_keyid_1_programmed() -> None:
    driven = half_started(DESIGNS["rfc-v2-fixed"])
    assert [Mode.ENCRYPT, Mode.TME] == [driven.hardware.table[k].mode for k in (1, 2)]
    assert not driven.hardware.has_online_cpu()
    assert not driven.hardware.memory_present


def test_its_keyid_is_out_of_service_until_the_package_is_cleared() -> None:
    driven = half_started(DESIGNS["rfc-v2-fixed"])
    assert "ok" == driven.do("destroy", key="0")
    assert {(1, 1)} == driven.uncleared()
    assert driven.released_is_clear()
    assert not driven.can("retry_clear", package="1", keyid="1")

    assert "ok" == driven.do("cpu_startup", package="1")
    assert {(1, 1)} == driven.uncleared()
    assert Mode.ENCRYPT is driven.hardware.table[1].mode
    assert driven.released_is_clear()
    assert "ENOKEY" == driven.do("instantiate", key="0", kind="cpu")

    assert "ok" == driven.do("retry_clear", package="1", keyid="1")
    assert set() == driven.uncleared()
    assert Mode.TME is driven.hardware.table[1].mode
    assert driven.released_is_clear()
    assert "ok" == driven.do("instantiate", key="0", kind="cpu")
    assert {1, 2} == set(driven.lockstep.subject.kernel.mapped())


def test_a_package_that_never_started_is_waited_for_too() -> None:
    driven = Driven(DESIGNS["rfc-v2-fixed"])
    assert "ok" == driven.do("instantiate", key="0", kind="cpu")
    assert "ok" == driven.do("package_add", package="1")
    assert "ok" == driven.do("destroy", key="0")
    assert {(1, 1)} == driven.uncleared()


def test_as_posted_the_keyid_is_free_while_the_package_holds_its_key() -> None:
    driven = half_started(DESIGNS["rfc-v2"])
    assert "ok" == driven.do("destroy", key="0")
    assert set() == driven.uncleared()
    assert not driven.released_is_clear()
