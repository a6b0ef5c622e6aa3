"""A kernel state for which the model has no words is an error that shows no key bytes."""

from __future__ import annotations

import pytest
from runs import Run, call_of, grounded

from conformance import AbstractionError, Disagreement, Lockstep, Subject, abstract
from conformance.owners import malformed_payload, payload, user_key
from designs import DESIGNS
from impl import Entry, Kernel, Mode
from model import Scope

SCOPE = Scope(2, 1, 2)
A = user_key("A")


def subject_of(name: str) -> Subject:
    return Subject(DESIGNS[name], SCOPE)


def read(subject: Subject) -> dict[str, str]:
    """The abstract state, by variable name and label."""
    grounding = grounded(subject.design, SCOPE)
    state = abstract(subject, grounding)
    return {v.name: v.labels[x] for v, x in zip(grounding.system.variables, state, strict=True)}


def called(subject: Subject, action: str, **choice: object) -> str:
    grounding = grounded(subject.design, SCOPE)
    return subject.call(grounding, call_of(grounding.system, action, **choice))


def secrets() -> list[bytes]:
    """Every form in which a key's bytes could be printed."""
    raw = [part for label in "ABCD" for part in user_key(label).needles()]
    return [*raw, *(repr(part).strip("b'").encode() for part in raw)]


def plant(kernel: Kernel, where: str, data: bytes) -> None:
    """Write bytes into a static area of kernel memory."""
    area = next(area for area in kernel.memory.areas if area.name == where)
    kernel.memory.write(area.address, data)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_booted_kernel_is_the_models_initial_state(name: str) -> None:
    assert Run(DESIGNS[name], SCOPE).state == abstract(
        subject_of(name), grounded(DESIGNS[name], SCOPE)
    )


@pytest.mark.parametrize("part", range(4))
def test_any_part_of_a_user_key_on_the_kernel_stack_is_an_error(part: int) -> None:
    subject = subject_of("rfc-v2")
    stack = next(area for area in subject.kernel.memory.areas if area.name == "kernel stack")
    subject.kernel.memory.write(stack.address, A.needles()[part])
    with pytest.raises(
        AbstractionError, match=r"^key A lies in a place the model does not know: live"
    ):
        read(subject)


def test_a_user_key_in_a_freed_text_buffer_is_an_error() -> None:
    subject = subject_of("rfc-v2-fixed")
    buffer = subject.kernel.slab.kmalloc(128, "text buffer")
    subject.kernel.memory.write(buffer.address, payload("user", "B"))
    subject.kernel.slab.kfree(buffer)
    with pytest.raises(AbstractionError) as told:
        read(subject)
    assert (
        "key B lies in a place the model does not know: freed text buffer at"
        f" {told.value.args[0].split()[-1]}"
    ) == str(told.value)


def test_a_user_key_in_a_live_programming_structure_is_an_error() -> None:
    subject = subject_of("rfc-v2")
    called(subject, "instantiate", key=0, kind="user", bytes="A")
    freed = next(o for o in subject.kernel.slab.objects() if o.holds == "programming structure")
    freed.live = True
    with pytest.raises(AbstractionError, match=r"does not know: live programming structure"):
        read(subject)


def test_an_unknown_key_in_a_vault_slot_is_an_error() -> None:
    subject = subject_of("rfc-v2-savekeys")
    called(subject, "instantiate", key=0, kind="user", bytes="A")
    vault = next(area for area in subject.kernel.memory.areas if area.name == "vault")
    subject.kernel.memory.write(vault.address + 48 + 8, b"nobody's key bits")
    with pytest.raises(AbstractionError, match=r"^the vault slot of KeyID 1 holds an unknown key$"):
        read(subject)


def test_half_a_key_in_a_vault_slot_is_an_unknown_key() -> None:
    subject = subject_of("rfc-v2-savekeys")
    called(subject, "instantiate", key=0, kind="user", bytes="A")
    vault = next(area for area in subject.kernel.memory.areas if area.name == "vault")
    subject.kernel.memory.write(vault.address + 48 + 8 + 16, user_key("B").tweak_key)
    with pytest.raises(AbstractionError, match=r"^the vault slot of KeyID 1 holds an unknown key$"):
        read(subject)


def test_where_a_freed_or_leaked_key_lies_is_read_from_memory() -> None:
    subject = subject_of("rfc-v2")
    called(subject, "preparse_error", bytes="B")
    called(subject, "instantiate", key=0, kind="user", bytes="A")
    seen = read(subject)
    assert ["yes", "no"] == [seen[f"struct_residue[{b}]"] for b in "AB"]
    assert ["no", "yes"] == [seen[f"leaked[{b}]"] for b in "AB"]


def test_an_entry_is_read_as_its_owners_key_or_random_or_zeros() -> None:
    subject = subject_of("rfc-v2")
    table = subject.kernel.machine.packages[1].table
    read_as = {}
    for data, tweak in (
        (A.data_key, A.tweak_key),
        (bytes(16), bytes(16)),
        (b"d" * 16, b"t" * 16),
        (A.data_key, user_key("B").tweak_key),
    ):
        table[1] = Entry(Mode.ENCRYPT, 1, data, tweak)
        read_as[data, tweak] = read(subject)["entry_bytes[1,1]"]
    assert ["A", "zeros", "random", "random"] == list(read_as.values())
    table[1] = Entry(Mode.NO_ENCRYPT)
    assert ["no_encrypt", "zeros"] == [read(subject)[f"entry_{f}[1,1]"] for f in ("mode", "bytes")]


def test_no_message_holds_key_bytes() -> None:
    subject = subject_of("rfc-v2")
    plant(subject.kernel, "kernel stack", A.data_key)
    messages = [repr(A), str(A), repr(subject.__dict__)]
    with pytest.raises(AbstractionError) as told:
        read(subject)
    messages += [str(told.value), repr(told.value)]
    lockstep = Lockstep(DESIGNS["rfc-v2"], SCOPE)
    plant(lockstep.subject.kernel, "kernel stack", A.tweak_key)
    with pytest.raises(Disagreement) as differs:
        lockstep.step(call_of(lockstep.grounding.system, "preparse_error", bytes="A"))
    messages += [str(differs.value), lockstep.subject.refusal]
    assert "after preparse_error {'bytes': 'A'}: key A lies in" in messages[-2]
    assert "" != messages[-1]
    shown = "\n".join(messages).encode()
    assert [] == [secret for secret in secrets() if secret in shown]


def test_the_search_for_secrets_can_find_one() -> None:
    assert any(secret in malformed_payload("A") for secret in secrets())
    assert any(secret in repr(user_key("B").data_key).encode() for secret in secrets())
