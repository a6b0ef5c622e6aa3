"""A KeyID that a failed update took out of service was freed twice, and the count went wrong.

Found by review: the last reference was dropped, the release waited for the map lock, and an update
whose programming failed under quarantine unmapped the KeyID first.
"""

from __future__ import annotations

from designs import DESIGNS
from impl import Kernel
from impl.interleaving.explorer import explore
from impl.interleaving.outcome import kernel_scenario

CPU = b"type=cpu algorithm=aes-xts-128"


def booted() -> Kernel:
    kernel = Kernel(DESIGNS["rfc-v2-fixed"], 1, 1, 2, tme="off")
    kernel.instantiate(CPU)
    return kernel


def test_update_and_destroy_of_one_key_free_its_keyid_once() -> None:
    report = explore(
        kernel_scenario(
            booted,
            {"update": lambda k: k.calls.update(1, CPU), "destroy": lambda k: k.calls.destroy(1)},
            faults_max=1,
        )
    )
    assert report.is_complete
    assert ((), ()) == (report.deadlocks, report.left_held)


def test_two_destructions_of_one_key_free_its_object_once() -> None:
    destroy = {name: (lambda k: k.calls.destroy(1)) for name in ("one", "other")}
    report = explore(kernel_scenario(booted, destroy))
    answers = {tuple(answer for _, answer in found.what.answers) for found in report.outcomes}
    assert {("ok", "ENOKEY"), ("ENOKEY", "ok")} == answers


def test_a_release_of_a_keyid_that_is_free_already_changes_nothing() -> None:
    kernel = booted()
    service = kernel._service  # Nobody outside holds a handle of a free KeyID.
    kernel.destroy(1)
    kernel.instantiate(CPU)
    kernel.run(service.release(2))
    assert 1 == service.map.count
