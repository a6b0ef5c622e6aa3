"""Cold boot and disclosure: what is found, where, and that it is never shown."""

from __future__ import annotations

from random import Random

# House style puts the expected value first.
import pytest

from impl.attack.attacker import Finding, cold_boot, disclosure
from impl.hardware.keytable import Entry, Mode
from impl.hardware.machine import Machine
from impl.heap.memory import Hit, KernelMemory
from impl.heap.slab import Slab

KEY = Random("a key").randbytes(16)
PAGE = Random("a page").randbytes(4096)
USER = Entry(Mode.ENCRYPT, 1, Random("data").randbytes(16), Random("tweak").randbytes(16))
NEEDLES = {"key": KEY, "page": PAGE}
PLACE = 0x2_0000


def somewhere(address: int) -> Hit:
    return Hit(address, "no object", "nothing", 0, "freed")


def places(findings: list[Finding]) -> list[tuple[str, int, int, int]]:
    return [(f.needle, f.package, f.address, f.bits_in_error) for f in findings]


@pytest.mark.parametrize(("tme", "is_found"), [("on", False), ("off", True), ("bypass", True)])
def test_cold_boot_reads_kernel_memory_only_where_it_is_stored_plain(
    tme: str, is_found: bool
) -> None:
    machine = Machine(tme=tme)
    machine.write(PLACE, KEY)
    found = [("key", 0, PLACE, 0)] if is_found else []
    assert found == places(cold_boot(machine, somewhere, NEEDLES))


@pytest.mark.parametrize("tme", ["on", "off", "bypass"])
def test_disclosure_reads_kernel_memory_however_it_is_stored(tme: str) -> None:
    machine = Machine(tme=tme)
    machine.write(PLACE, KEY)
    assert [("key", 0, PLACE, 0)] == places(disclosure(machine, somewhere, NEEDLES))


@pytest.mark.parametrize("tme", ["on", "off", "bypass"])
def test_neither_attacker_finds_a_page_under_a_key(tme: str) -> None:
    machine = Machine(tme=tme)
    machine.packages[1].table[1] = USER
    machine.write(machine.address(1, 0, 1), PAGE)
    assert [] == cold_boot(machine, somewhere, NEEDLES)
    assert [] == cold_boot(machine, somewhere, NEEDLES, decay=0.01)
    assert [] == disclosure(machine, somewhere, NEEDLES)


@pytest.mark.parametrize("tme", ["on", "off"])
def test_a_page_with_no_encryption_lies_open_on_every_package(tme: str) -> None:
    machine = Machine(packages=2, tme=tme)
    machine.packages[1].table[2] = Entry(Mode.NO_ENCRYPT)
    machine.write(machine.address(1, 4096, 2), PAGE)
    address = machine.address(1, 4096)
    assert [("page", 1, address, 0)] == places(cold_boot(machine, somewhere, NEEDLES))


def test_findings_come_in_order_of_package_address_and_name() -> None:
    machine = Machine(tme="off")
    for package, offset in [(1, 64), (0, 4096 * 9 + 3), (0, 4096 - 5)]:
        machine.write(machine.address(package, offset), KEY)
    needles = {"tail": KEY[8:], "key": KEY, "head": KEY[:8]}
    expected = [
        (name, package, (package << 32) + offset + shift, 0)
        for package, offset in [(0, 4091), (0, 36867), (1, 64)]
        for name, shift in [("head", 0), ("key", 0), ("tail", 8)]
    ]
    assert expected == places(cold_boot(machine, somewhere, needles))
    assert expected == places(disclosure(machine, somewhere, needles))


def test_overlapping_occurrences_are_all_found() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, b"aaaa")
    found = cold_boot(machine, somewhere, {"pair": b"aa"})
    assert [PLACE, PLACE + 1, PLACE + 2] == [f.address for f in found]


def test_pages_that_do_not_touch_hold_no_needle_together() -> None:
    machine = Machine(tme="off")
    machine.write(4096 - 8, KEY[:8])
    machine.write(2 * 4096, KEY[8:])
    assert [] == cold_boot(machine, somewhere, NEEDLES)


def test_a_finding_says_which_object_it_lies_in_live_or_freed() -> None:
    machine = Machine(tme="off")
    memory = KernelMemory(machine)
    slab = Slab(memory)
    live, freed = slab.kmalloc(64, "payload"), slab.kmalloc(64, "text buffer")
    for held in (live, freed):
        memory.write(held.address + 8, KEY)
    slab.kfree(freed)
    for findings in (
        cold_boot(machine, memory.locate, NEEDLES),
        disclosure(machine, memory.locate, NEEDLES),
    ):
        assert [
            ("kmalloc-64", "payload", 8, "live"),
            ("kmalloc-64", "text buffer", 8, "freed"),
        ] == [(f.where.area, f.where.holds, f.where.offset, f.where.state) for f in findings]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_no_finding_shows_what_was_found(decay: float) -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, KEY)
    shown = repr(cold_boot(machine, somewhere, {"key": KEY}, decay))
    assert "needle='key'" in shown
    assert repr(KEY)[2:-1] not in shown
    assert KEY.hex() not in shown


def test_decayed_memory_gives_what_is_left_and_counts_what_fell() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, KEY)
    machine.write(machine.address(1, 4096 - 9), KEY)
    found = cold_boot(machine, somewhere, {"key": KEY}, decay=0.1, seed=1)
    assert [(0, PLACE), (1, (1 << 32) + 4096 - 9)] == [(f.package, f.address) for f in found]
    assert all(0 < f.bits_in_error <= 32 for f in found)


def flipped(key: bytes, bits: int) -> bytes:
    """The key with so many of its zeros turned into ones, lowest first."""
    value = int.from_bytes(key, "little")
    for _ in range(bits):
        value |= value + 1
    return value.to_bytes(len(key), "little")


@pytest.mark.parametrize("decay", [0.01, 0.1, 0.25])
@pytest.mark.parametrize("region", [0, 512])
@pytest.mark.parametrize("bits", [2, 16])
def test_of_two_keys_that_are_alike_the_one_that_was_there_is_found(
    decay: float, region: int, bits: int
) -> None:
    machine = Machine(tme="off")
    keys = {"one": KEY, "other": flipped(KEY, bits)}
    for place, key in enumerate(keys.values()):
        machine.write(PLACE + region + 0x1000 * place, key)
    found = cold_boot(machine, somewhere, keys, decay)
    assert [("one", PLACE + region), ("other", PLACE + region + 0x1000)] == [
        (f.needle, f.address) for f in found
    ]


def test_a_key_and_a_longer_needle_that_begins_with_it_are_both_found() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, KEY + PAGE[:16])
    needles = {"key": KEY, "both": KEY + PAGE[:16], "neither": flipped(KEY, 3) + PAGE[:16]}
    found = cold_boot(machine, somewhere, needles, 0.1)
    assert [("both", PLACE), ("key", PLACE)] == [(f.needle, f.address) for f in found]


def test_the_seed_chooses_the_bits_that_fall() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, PAGE)

    def errors(seed: int) -> list[int]:
        return [f.bits_in_error for f in cold_boot(machine, somewhere, NEEDLES, 0.1, seed)]

    assert errors(1) == errors(1)
    assert 1 < len({tuple(errors(seed)) for seed in range(4)})


def test_the_same_bits_fall_whatever_else_is_stored() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, PAGE)
    before = cold_boot(machine, somewhere, NEEDLES, 0.1)
    machine.write(0, bytes(4096))
    assert before == cold_boot(machine, somewhere, NEEDLES, 0.1)


def test_too_much_decay_leaves_nothing_to_find() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, KEY)
    assert [] == cold_boot(machine, somewhere, NEEDLES, 1.0)


def test_an_attack_changes_nothing() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, KEY)
    cold_boot(machine, somewhere, NEEDLES, 0.5)
    disclosure(machine, somewhere, NEEDLES)
    assert KEY == machine.read(PLACE, 16)


def test_memory_that_is_stored_survives_a_reset_for_a_cold_boot() -> None:
    machine = Machine(tme="off")
    machine.write(PLACE, KEY)
    machine.reset()
    assert [PLACE] == [f.address for f in cold_boot(machine, somewhere, NEEDLES)]


def test_the_modules_of_a_removed_package_can_be_stolen_until_others_take_their_place() -> None:
    machine = Machine(tme="off")
    machine.write(machine.address(1, 0), KEY)
    for cpu in machine.packages[1].cpus:
        cpu.online = False
    assert [1 << 32] == [f.address for f in disclosure(machine, somewhere, NEEDLES)]
    machine.remove_package(1)
    assert [] == disclosure(machine, somewhere, NEEDLES)
    assert [1 << 32] == [f.address for f in cold_boot(machine, somewhere, NEEDLES)]
    machine.add_package(1)
    assert [] == cold_boot(machine, somewhere, NEEDLES)


def test_an_absent_package_is_passed_over() -> None:
    machine = Machine(absent=frozenset({1}))
    machine.write(PLACE, KEY)
    assert [PLACE] == [f.address for f in disclosure(machine, somewhere, NEEDLES)]


def test_an_empty_needle_is_refused() -> None:
    with pytest.raises(ValueError, match="the needle 'nothing' is empty"):
        cold_boot(Machine(), somewhere, {"nothing": b""})
    with pytest.raises(ValueError, match="the needle 'nothing' is empty"):
        disclosure(Machine(), somewhere, {"nothing": b""})


@pytest.mark.parametrize("decay", [-0.1, 1.1, float("nan")])
def test_a_decay_that_is_no_probability_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="is not a probability"):
        cold_boot(Machine(), somewhere, NEEDLES, decay)
