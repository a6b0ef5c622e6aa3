"""What manuals and standards say of the hardware and the heap, value for value.

The model has no bytes in DRAM and no status beyond success and failure. What a cipher, an
instruction or an allocator must answer is asked here of the running ones, against figures that
somebody else published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.lockstep import Disagreement
from designs import Design
from impl.hardware.engine import LINE_BYTES, XtsAes128
from impl.hardware.keytable import Mode
from impl.hardware.machine import Machine
from impl.hardware.pconfig import AES_XTS_128, Command, Status, Structure, control
from impl.heap.memory import KernelMemory
from impl.heap.slab import Slab

_DIRECT, _RANDOM = Command.SET_KEY_DIRECT, Command.SET_KEY_RANDOM
_DATA, _TWEAK = b"\x11" * 16, b"\x22" * 16
_PLACE = 1 << 31

IEEE_1619 = (
    (
        "00" * 16,
        "00" * 16,
        0,
        "00" * 32,
        "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e",
    ),
    (
        "11" * 16,
        "22" * 16,
        0x3333333333,
        "44" * 32,
        "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0",
    ),
    (
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0",
        "22" * 16,
        0x3333333333,
        "44" * 32,
        "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89",
    ),
)
"""Annex B, vectors 1 to 3: data key, tweak key, data unit, plaintext, ciphertext."""


def known_answers(design: Design) -> Iterator[str]:
    """Ask everything; gives the name of each answer that is right. Raises Disagreement."""
    del design  # no knob changes a machine
    for asked in ASKED:
        name = asked.__name__.replace("_", " ").strip()
        if not asked():
            raise Disagreement(f"{name}: the answer is another")
        yield name


def _xts_as_in_ieee_1619() -> bool:
    return all(
        bytes.fromhex(cipher)
        == XtsAes128(bytes.fromhex(data), bytes.fromhex(tweak)).encrypt(unit, bytes.fromhex(plain))
        for data, tweak, unit, plain, cipher in IEEE_1619
    )


def _a_line_in_dram_as_in_ieee_1619() -> bool:
    """The data unit is the line, its number the physical address without KeyID bits."""
    machine = _machine()
    _pconfig(machine, 2, control(_DIRECT, AES_XTS_128), _DATA, _TWEAK)
    machine.write(machine.address(0, _PLACE, 2), bytes(2 * LINE_BYTES))
    right = XtsAes128(_DATA, _TWEAK)
    units = (_PLACE, _PLACE + LINE_BYTES)
    expected = b"".join(right.encrypt(unit, bytes(LINE_BYTES)) for unit in units)
    return machine.packages[0].dram.read(_PLACE, 2 * LINE_BYTES) == expected


def _a_new_key_is_used_at_once() -> bool:
    machine = _machine()
    place = machine.address(0, _PLACE, 1)
    stored = []
    for data in (_DATA, _TWEAK):
        _pconfig(machine, 1, control(_DIRECT, AES_XTS_128), data, _TWEAK)
        machine.write(place, bytes(LINE_BYTES))
        stored.append(machine.packages[0].dram.read(_PLACE, LINE_BYTES))
    return stored[0] != stored[1]


def _statuses_of_pconfig() -> bool:
    """RFC v2 patch 11 and the operation of PCONFIG: command, KeyID, algorithm, in this order."""
    answers = {
        (1, control(_DIRECT, AES_XTS_128)): Status.PROG_SUCCESS,
        (3, control(_DIRECT, AES_XTS_128)): Status.PROG_SUCCESS,
        (1, control(4)): Status.INVALID_PROG_CMD,
        (0, control(Command.CLEAR_KEY)): Status.INVALID_KEYID,
        (4, control(Command.CLEAR_KEY)): Status.INVALID_KEYID,
        (1, control(_DIRECT)): Status.INVALID_ENC_ALG,
        (1, control(_RANDOM, AES_XTS_128 << 1)): Status.INVALID_ENC_ALG,
        (1, control(Command.NO_ENCRYPT)): Status.PROG_SUCCESS,
    }
    machine = _machine()
    return answers == {asked: _pconfig(machine, *asked, _DATA, _TWEAK) for asked in answers}


def _random_keys_are_drawn_anew() -> bool:
    machine = _machine()
    drawn = set()
    for keyid in (1, 2, 1):
        _pconfig(machine, keyid, control(_RANDOM, AES_XTS_128), bytes(16), bytes(16))
        entry = machine.packages[0].table[keyid]
        drawn |= {entry.data_key, entry.tweak_key}
    return len(drawn) == 6


def _no_encrypt_stores_plaintext_and_clear_does_not() -> bool:
    machine = _machine()
    _pconfig(machine, 1, control(Command.NO_ENCRYPT))
    machine.write(machine.address(0, _PLACE, 1), _DATA * 4)
    was_plain = machine.packages[0].dram.read(_PLACE, LINE_BYTES) == _DATA * 4
    _pconfig(machine, 1, control(Command.CLEAR_KEY))
    machine.write(machine.address(0, _PLACE, 1), _DATA * 4)
    is_plain = machine.packages[0].dram.read(_PLACE, LINE_BYTES) == _DATA * 4
    return was_plain and not is_plain and machine.packages[0].table[1].mode is Mode.TME


def _the_object_freed_last_is_handed_out_first() -> bool:
    """mm/slub.c: a CPU's free list is a stack."""
    slab = Slab(KernelMemory(_machine()))
    first, last = (slab.kmalloc(64, "object") for _ in range(2))
    slab.kfree(first)
    slab.kfree(last)
    return slab.kmalloc(64, "object").address == last.address


def _a_zeroed_object_is_zero() -> bool:
    memory = KernelMemory(_machine())
    slab = Slab(memory)
    used = slab.kmalloc(64, "object")
    memory.write(used.address, _DATA * 4)
    slab.kfree(used)
    again = slab.kzalloc(36, "object")
    return memory.read(again.address, 36) == bytes(36)


ASKED: tuple[Callable[[], bool], ...] = (
    _xts_as_in_ieee_1619,
    _a_line_in_dram_as_in_ieee_1619,
    _a_new_key_is_used_at_once,
    _statuses_of_pconfig,
    _random_keys_are_drawn_anew,
    _no_encrypt_stores_plaintext_and_clear_does_not,
    _the_object_freed_last_is_handed_out_first,
    _a_zeroed_object_is_zero,
)
"""In the order in which they are asked."""


def _machine() -> Machine:
    return Machine(packages=1, cpus=1, keyids=3)


def _pconfig(
    machine: Machine, keyid: int, word: int, data_key: bytes = b"", tweak_key: bytes = b""
) -> Status:
    at = machine.address(0, 2 * _PLACE - (1 << 20))
    machine.write(at, Structure(keyid, word, data_key, tweak_key).encode())
    return machine.pconfig(0, 0, at).status
