"""What `mktme compare` shows of costs: as a table, as JSON, and for whom not."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from conformance.costing.exposure import Held
from conformance.costing.keyids import Loss, Usable
from conformance.costs import Answer, Costs, Shape, costs
from designs import DESIGNS, design_from_text
from mktme.costs import answer, held, legend, loss, tables, usable

SMALL = Shape(2, 2, 2)
MANUAL = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "costs.md"
IN_MANUAL = ("rfc-v2", "rfc-v2-savekeys", "per-package", "wrapped-vault", "resupply")


def measured(*designs: str, shape: Shape = SMALL) -> list[Costs]:
    return [costs(design_from_text(design), shape) for design in designs]


def printed(measured: list[Costs], width: int, color: bool = False) -> str:
    """What a terminal of so many columns shows, without blanks at the ends of lines."""
    console = Console(width=width, highlight=False, force_terminal=color, color_system=None)
    with console.capture() as captured:
        for part in tables(measured):
            console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


GOLDEN = """\
What it costs, as measured (packages: 2, CPUs of each: 2, KeyIDs: 2)
PCONFIGs executed

                                              failed  online with   online with
 design                 add  update  release  add     k user keys   k CPU keys
 ───────────────────────────────────────────────────────────────────────────────
 rfc-v2                 2    2       0        2       EPERM         k
 rfc-v2-savekeys        2    2       0        2       k             k
 rfc-v2-fixed           2    2       2        4       EPERM         k
 rfc-v2-savekeys-fixed  2    2       2        4       k             k
 no-hotplug             2    2       2        4       EPERM         EPERM
 cpu-keys-only          2    2       2        4       –             k
 per-package            1–2  2       2        4       0 (+1 a key)  0 (+1 a key)
 wrapped-vault          2    2       2        4       k             k
 resupply               2    2       2        4       k, asks k     k

Bytes of one user key (it has 32) in kernel memory

                                                       refused  during  during
 design                 in use      updated  released  payload  add     online
 ───────────────────────────────────────────────────────────────────────────────
 rfc-v2                 32          0        32        32       96      0
 rfc-v2-savekeys        64          0        64        32       96      64
 rfc-v2-fixed           0           0        0         0        96      0
 rfc-v2-savekeys-fixed  32          0        0         0        96      64
 no-hotplug             0           0        0         0        96      0
 cpu-keys-only          – (EINVAL)  –        –         0        –       –
 per-package            0           0        0         0        96      0
 wrapped-vault          0 + 40w     0        0         0        96      32 + 40w
 resupply               0           0        0         0        96      64

Which bytes stay between calls, and from which call until which

 bytes                  where                        from → until
 ──────────────────────────────────────────────────────────────────────────────
 rfc-v2
   32 plaintext         freed programming structure  add_key → next programming
   32 plaintext         payload structure            refused add_key → never
   16 entropy           kernel stack                 add_key → next CPU key
   32 entropy           freed programming structure  add_key → next programming
 rfc-v2-savekeys
   32 plaintext         freed programming structure  add_key, package online →
                                                     next programming
   32 plaintext         vault                        add_key → reuse of the
                                                     KeyID
   32 plaintext         payload structure            refused add_key → never
   16 entropy           kernel stack                 add_key → next CPU key
   32 entropy           freed programming structure  add_key → next programming
 rfc-v2-savekeys-fixed
   32 plaintext         vault                        add_key → release
 wrapped-vault
   40 wrapped           vault                        add_key → release

KeyIDs usable (keys that the machine can hold)

                                                package     released while
 design                 at boot  failed add     offline     one is offline
 ─────────────────────────────────────────────────────────────────────────
 rfc-v2                 2        2              2           2
 rfc-v2-savekeys        2        2              2           2
 rfc-v2-fixed           2        1 → 2          2           1 → 2
 rfc-v2-savekeys-fixed  2        1 → 2          2           1 → 2
 no-hotplug             2        1 → 2          0 (EINVAL)  – (EBUSY)
 cpu-keys-only          2        1 → 2          2           1 → 2
 per-package            2 × 2    2 × 1 → 2 × 2  2 + 0       2 + 1 → 2 × 2
 wrapped-vault          2        1 → 2          0 (EINVAL)  – (EBUSY)
 resupply               2        1 → 2          0 (EINVAL)  – (EBUSY)

add, update, release: a CPU key, all packages online, no VMA, just booted
1–n: the key is wanted on one package, or on all
failed add: PCONFIG fails on one package, with all retries
online: the last package joins; tried with every k from 0 to all KeyIDs
EPERM: the package is refused with any key in use
asks: how often an owner must supply a key again
(+n a key): what extending a key to that package takes afterwards
bytes: found by reading all kernel memory, freed memory too, after every call
during: found while a PCONFIG of that call ran
w: bytes of the wrapped form, which only the CPU can unwrap
entropy: what the kernel mixes into a CPU key; alone it gives no key away
from → until: the longest stay in four histories of a key
never: it still lay there when its KeyID had been used again
KeyIDs: CPU keys were added until the kernel refused
n × m: m on each of n packages, by its own map
x → y: x at once, y when the kernel's worker has cleared the rest
released while one is offline: of a key in use; the package then returns
– (errno): the kernel refused what was to be measured
"""


def test_the_costs_of_all_named_designs_are_printed_so_at_eighty_columns() -> None:
    assert GOLDEN == printed(measured(*DESIGNS), 80)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("shape", [SMALL, Shape(1, 1, 1), Shape(3, 2, 4), Shape(8, 1, 3)], ids=str)
def test_the_tables_fit_and_lose_no_word(width: int, shape: Shape) -> None:
    figures = measured(*DESIGNS, "wrapped-vault,on_release=keep,vault_on_release=keep", shape=shape)
    narrow, wide = printed(figures, width), printed(figures, 1000)
    assert width >= max(map(len, narrow.splitlines()))
    assert "…" not in narrow
    assert set() == {word for word in wide.split() if "─" not in word} - set(narrow.split())


def test_a_machine_of_one_package_shows_what_could_not_be_measured() -> None:
    lines = printed(measured("rfc-v2", shape=Shape(1, 1, 2)), 80).splitlines()
    rows = [line.split() for line in lines if line.startswith(" rfc-v2 ")]
    assert ["rfc-v2", "1", "1", "0", "1", "–", "–"] == rows[0]
    assert ["rfc-v2", "32", "0", "32", "32", "96", "–"] == rows[1]
    assert ["rfc-v2", "2", "2", "–", "–"] == rows[2]


def test_nothing_is_shown_where_nothing_was_measured() -> None:
    assert "" == printed([], 80)


def test_designs_without_any_stay_have_no_table_of_stays() -> None:
    assert "Which bytes stay" not in printed(measured("rfc-v2-fixed"), 80)
    assert "Which bytes stay" in printed(measured("rfc-v2"), 80)


def test_a_changed_design_has_a_line_for_each_knob() -> None:
    shown = printed(measured("per-package,program_struct=dirty_free"), 80)
    assert 4 == shown.count(" per-package,\n program_struct=dirty_free") + shown.count(
        " per-package, "
    )


@pytest.mark.parametrize(
    ("expected", "made"),
    [("2", Answer("", 2)), ("EINVAL", Answer("EINVAL", 0)), ("4 ENOKEY", Answer("ENOKEY", 4))],
)
def test_an_answer_shows_executions_and_refusal(expected: str, made: Answer) -> None:
    assert expected == answer(made)


@pytest.mark.parametrize(
    ("expected", "bytes_"),
    [("–", None), ("0", Held(0, 0)), ("32", Held(32, 0)), ("0 + 40w", Held(0, 40))],
)
def test_wrapped_bytes_are_shown_apart_from_plaintext(expected: str, bytes_: Held | None) -> None:
    assert expected == held(bytes_)


@pytest.mark.parametrize(
    ("expected", "counted"),
    [
        ("3", Usable(3, None, "ENOKEY")),
        ("2 × 4", Usable(8, (4, 4), "ENOKEY")),
        ("2 × 4 + 3", Usable(11, (4, 4, 3), "ENOKEY")),
        ("1", Usable(1, (1,), "ENOKEY")),
    ],
)
def test_usable_keyids_are_shown_for_each_package(expected: str, counted: Usable) -> None:
    assert expected == usable(counted)


ONE, TWO, NONE = (Usable(keys, None, "ENOKEY") for keys in (1, 2, 0))


@pytest.mark.parametrize(
    ("expected", "event"),
    [
        ("–", None),
        ("– (EBUSY)", Loss("EBUSY", TWO, 0, 0, TWO)),
        ("2", Loss("", TWO, 0, 0, TWO)),
        ("1 → 2", Loss("", ONE, 2, 2, TWO)),
        ("0 (ENOKEY) → 1", Loss("", NONE, 2, 2, ONE)),
    ],
)
def test_a_loss_shows_what_is_left_and_what_comes_back(expected: str, event: Loss | None) -> None:
    assert expected == loss(event)


def test_the_legend_speaks_only_of_what_occurs() -> None:
    plain = "\n".join(legend(measured("rfc-v2-fixed")))
    for mark in ("n × m", "asks:", "w: bytes", "entropy:", "from → until", "never:", "(errno)"):
        assert mark not in plain
        assert mark in "\n".join(legend(measured(*DESIGNS)))
    assert "EPERM" not in "\n".join(legend(measured("rfc-v2-savekeys-fixed")))
    assert "EPERM" in plain


def test_the_manual_shows_the_tables_as_they_are_printed() -> None:
    whole = printed(measured(*IN_MANUAL), 80)
    shown, _, _ = whole.partition("add, update, release:")
    assert f"```\n{shown.rstrip()}\n```\n" in MANUAL.read_text(encoding="utf-8")


def test_the_manual_names_the_command_that_prints_them() -> None:
    assert f"mktme compare {' '.join(IN_MANUAL)}\n" in MANUAL.read_text(encoding="utf-8")
