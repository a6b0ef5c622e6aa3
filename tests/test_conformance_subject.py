"""How a call of the model is made on the kernel, and what its environment then knows."""

from __future__ import annotations

from typing import Any

import pytest
from runs import call_of, grounded

from conformance import AbstractionError, Subject, abstract
from conformance.keywatch import KEY
from conformance.subject import FOREVER
from designs import DESIGNS, design_from_text
from impl import Kernel
from impl.service.globalscope import GlobalKeyService
from model import Scope, key_service

SCOPE = Scope(2, 1, 2, 2, 2, 1)


def do(subject: Subject, action: str, **choice: Any) -> str:
    grounding = grounded(subject.design, SCOPE)
    return subject.call(grounding, call_of(grounding.system, action, **choice))


def with_vma(design: str) -> Subject:
    """VMA 0 uses key 0, which has KeyID 1."""
    subject = Subject(design_from_text(design), SCOPE)
    do(subject, "instantiate", key=0, kind="cpu")
    do(subject, "encrypt", vma=0, key=0)
    return subject


def state_of(subject: Subject) -> tuple[int, ...]:
    return abstract(subject, grounded(subject.design, SCOPE))


@pytest.mark.parametrize("name", DESIGNS)
def test_every_action_of_the_model_is_a_call_of_the_subject(name: str) -> None:
    text = key_service(DESIGNS[name], grounded(DESIGNS[name], SCOPE).finite)
    assert [] == [a.name for a in text.actions if not hasattr(Subject, f"_{a.name}")]


def test_a_call_that_waits_for_itself_never_answers_and_keeps_its_lock() -> None:
    subject = with_vma("rfc-v2")
    do(subject, "instantiate", key=1, kind="cpu")
    do(subject, "destroy", key=0)
    assert FOREVER == do(subject, "encrypt", vma=0, key=1)
    assert "" != subject.refusal
    assert subject.kernel.map_lock_held
    assert ([True, False], {1}) == (
        [watched.is_hung for watched in subject.pages.vmas],
        subject.keys.in_flight,
    )


def test_a_refused_update_keeps_the_lock_as_posted_and_gives_it_back_repaired() -> None:
    held = {}
    for design in ("rfc-v2", "rfc-v2-fixed"):
        subject = with_vma(design)
        assert "EBUSY" == do(subject, "update", key=0, kind="cpu")
        held[design] = subject.kernel.map_lock_held
    assert {"rfc-v2": True, "rfc-v2-fixed": False} == held


def test_a_fault_lasts_as_long_as_its_call() -> None:
    subject = Subject(DESIGNS["rfc-v2-fixed"], SCOPE)
    assert "ENOKEY" == do(subject, "instantiate", key=0, kind="cpu", fails={1})
    assert "ok" == do(subject, "instantiate", key=0, kind="cpu")


@pytest.mark.parametrize("again", [0, 1])
def test_the_allocator_hands_out_the_object_that_the_model_means(again: int) -> None:
    subject = with_vma("rfc-v2")
    old = subject.keys.values[0]
    do(subject, "destroy", key=0)
    assert "ok" == do(subject, "instantiate", key=again, kind="user", bytes="B")
    assert (again == 0) == (subject.keys.values[again] == old)
    assert {1, 2} == set(subject.kernel.entries())


def test_a_key_at_a_reused_address_leads_vmas_astray() -> None:
    subject = with_vma("rfc-v2")
    do(subject, "destroy", key=0)
    do(subject, "instantiate", key=0, kind="cpu")
    do(subject, "encrypt", vma=1, key=0)
    assert [False, True] == [watched.is_astray for watched in subject.pages.vmas]
    assert (1, 1) == (subject.pages.handle(0), subject.pages.handle(1))


def test_a_stolen_reference_is_written_down_as_the_model_means_it() -> None:
    subject = with_vma("rfc-v2")
    do(subject, "fork", vma=0, child=1)
    do(subject, "destroy", key=0)
    do(subject, "instantiate", key=0, kind="cpu")
    do(subject, "destroy", key=0)
    assert {1: {1}, 2: {KEY}} == subject.keys.holders
    assert (1, 1) == (subject.kernel.references(1), subject.kernel.references(2))


def test_munmap_and_exit_drop_a_vma_alike() -> None:
    for vma in (0, 1):
        subject = Subject(DESIGNS["rfc-v2-fixed"], SCOPE)
        do(subject, "instantiate", key=0, kind="cpu")
        before = state_of(subject)
        do(subject, "encrypt", vma=vma, key=0)
        assert before != state_of(subject)
        assert "ok" == do(subject, "unmap", vma=vma)
        assert before == state_of(subject)


def test_a_moment_of_a_subject_can_be_brought_back() -> None:
    subject = with_vma("rfc-v2")
    before, moment = state_of(subject), subject.snapshot()
    do(subject, "write", vma=0, package=1)
    do(subject, "fork", vma=0, child=1)
    do(subject, "destroy", key=0)
    assert before != state_of(subject)
    subject.restore(moment)
    assert before == state_of(subject)
    assert "ok" == do(subject, "destroy", key=0)


# What the kernel counts is held against what was written down


def test_a_count_of_references_that_nobody_took_is_an_error() -> None:
    subject = with_vma("rfc-v2-fixed")
    subject.keys.holders[1].discard(0)
    with pytest.raises(AbstractionError, match=r"^1 has 2 references, and 1 were taken$"):
        state_of(subject)


def test_with_per_package_keyids_each_packages_count_is_compared() -> None:
    subject = Subject(DESIGNS["per-package"], SCOPE)
    do(subject, "instantiate", key=0, kind="cpu", wanted={0, 1})
    subject.keys.holders[1, 1].add(0)
    with pytest.raises(AbstractionError, match=r"^\(1, 1\) has 1 references, and 2 were taken$"):
        state_of(subject)


def test_a_count_of_mapped_slots_that_is_wrong_is_an_error() -> None:
    subject = with_vma("rfc-v2-fixed")
    kernel: Kernel = subject.kernel
    service = kernel._service  # Nobody outside may change the count.
    assert isinstance(service, GlobalKeyService)
    service.map._set_count(2)
    with pytest.raises(AbstractionError, match=r"^the map counts 2 slots in use of 1$"):
        state_of(subject)
