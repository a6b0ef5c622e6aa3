"""Key bytes never reach a message, a repr or a log, whatever is called and however it fails."""

from __future__ import annotations

# House style puts the expected value first.
import dataclasses
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from designs import DESIGNS, Design
from impl.errors import Deadlock, KernelError
from impl.hardware.pconfig import Command, Status, control
from impl.heap.memory import Hit
from impl.kernel import Kernel
from impl.service.material import KeyMaterial

DATA, TWEAK = bytes.fromhex("c0ffee" * 5 + "01"), bytes.fromhex("facade" * 5 + "02")
USER = f"type=user algorithm=aes-xts-128 key={DATA.hex()} tweak={TWEAK.hex()}".encode()
PAYLOADS = [USER, USER[:-1], USER + b" oops", b"type=cpu algorithm=aes-xts-128", b"type=clear"]
ALL = [*DESIGNS.values(), DESIGNS["rfc-v2"].but(keyid_scope="per_package")]

CALLS = st.one_of(
    st.tuples(st.just("instantiate"), st.sampled_from(PAYLOADS)),
    st.tuples(st.just("update"), st.integers(1, 4), st.sampled_from(PAYLOADS)),
    st.tuples(st.just("destroy"), st.integers(1, 4)),
    st.tuples(st.just("extend"), st.integers(1, 4), st.integers(0, 2), st.sampled_from(PAYLOADS)),
    st.tuples(st.just("cpu_startup"), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just("cpu_teardown"), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just("package_add"), st.integers(0, 2)),
    st.tuples(st.just("retry_clear"), st.integers(0, 2), st.integers(1, 2)),
)


def shows_a_secret(text: str) -> bool:
    shown = text.lower()
    parts = (secret[:4] for secret in (DATA, TWEAK))
    return any(part.hex() in shown or repr(part)[2:-1] in shown for part in parts)


@pytest.mark.parametrize("design", ALL, ids=lambda design: design.name)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(calls=st.lists(CALLS, max_size=25), faults=st.randoms(use_true_random=False))
def test_no_sequence_of_calls_shows_a_key_or_breaks_the_kernel(
    design: Design, calls: list[tuple[Any, ...]], faults: Random
) -> None:
    kernel = Kernel(design, packages=3, absent=frozenset({2}))
    kernel.machine.faults = lambda package, keyid, command: (
        Status.DEVICE_BUSY if faults.random() < 0.3 else Status.PROG_SUCCESS
    )
    kernel.resupply = lambda serial: USER if faults.random() < 0.5 else None
    messages: list[str] = []
    for verb, *arguments in calls:
        if verb == "instantiate" and design.keyid_scope == "per_package":
            arguments.append([0, 1])
        try:
            getattr(kernel, verb)(*arguments)
        except (KernelError, Deadlock) as refusal:
            messages.append(str(refusal))
        packages = kernel.machine.packages
        seen = [
            messages,
            kernel.mapped(),
            kernel.events,
            kernel.machine.executions,
            [package.table for package in packages],
            kernel.slab.objects(),
            kernel.find(DATA),
            [vars(package) for package in packages],
        ]
        assert not shows_a_secret(repr(seen))
        check_whole(kernel)
    assert all(message.startswith("cannot ") for message in messages)


def check_whole(kernel: Kernel) -> None:
    """What holds in every design, failures included."""
    for number, package in enumerate(kernel.machine.packages):
        leads = [cpu for p, cpu in kernel.lead_cpus() if p == number]
        assert package.has_online_cpu() == (len(leads) == 1)
        assert all(package.cpus[cpu].online for cpu in leads)
    assert set(kernel.mapped().values()) == kernel.live_serials()
    uncleared = kernel.uncleared()
    if kernel.design.keyid_scope == "per_package":
        assert not uncleared & set(kernel.mapped())
    else:
        assert not {keyid for _, keyid in uncleared} & set(kernel.mapped())


def test_values_that_carry_keys_show_fingerprints() -> None:
    material = KeyMaterial(control(Command.SET_KEY_DIRECT, 1), DATA, TWEAK)
    assert not shows_a_secret(repr(material))


def test_a_hit_has_no_room_for_bytes() -> None:
    assert [
        "address",
        "area",
        "holds",
        "offset",
        "state",
    ] == [field.name for field in dataclasses.fields(Hit)]


@pytest.mark.parametrize("tme", ["on", "off", "bypass"])
@pytest.mark.parametrize(
    ("name", "clean"), [("rfc-v2", False), ("rfc-v2-fixed", True), ("wrapped-vault", True)]
)
def test_a_user_key_is_in_kernel_memory_between_operations_only_by_design(
    name: str, clean: bool, tme: str
) -> None:
    kernel = Kernel(DESIGNS[name], tme=tme)
    kernel.instantiate(USER)
    assert clean == (kernel.find(DATA) == [])


@pytest.mark.parametrize(("tme", "readable"), [("on", False), ("bypass", True), ("off", True)])
def test_a_dram_image_gives_saved_keys_away_unless_tme_encrypts_it(
    tme: str, readable: bool
) -> None:
    kernel = Kernel(DESIGNS["rfc-v2-savekeys"], tme=tme)
    kernel.instantiate(USER)
    image = b"".join(page for _, page in kernel.machine.packages[0].dram.image())
    assert readable == (DATA in image)


@pytest.mark.parametrize(
    ("name", "size"),
    [("rfc-v2", 0), ("per-package", 0), ("rfc-v2-savekeys", 32), ("wrapped-vault", 40)],
)
def test_an_observer_knows_the_form_in_which_the_vault_keeps_a_key(name: str, size: int) -> None:
    kernel = Kernel(DESIGNS[name])
    kept = kernel.kept_form(DATA, TWEAK)
    assert size == len(kept)
    if kept:
        kernel.instantiate(USER)
        assert ["vault"] == [hit.holds for hit in kernel.find(kept) if hit.state == "live"]
