"""How a counterexample is told: step by step, with the key tables, and then its replay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from checker import Grounding, Trace
from checker.systems.property import Property
from checker.systems.reading import Reading
from conformance import Replay
from conformance.owners import user_key
from mktme import payloadwords, words
from mktme.judge import Cell
from mktme.lockpanel import lock_table
from mktme.render import compared, steps
from model import words as model_words
from model.sorts import BYTES
from properties import PROPERTIES


def explanation(cell: Cell, grounding: Grounding) -> Iterator[RenderableType]:
    """The counterexample of a violated cell, as lines and tables to print one after the other."""
    trace = cell.trace
    if trace is None or cell.replay is None:
        raise ValueError(f"{cell.design.name} / {cell.property_id} has no counterexample")
    claim = PROPERTIES[cell.property_id]
    yield Text(f"{cell.design.name} violates {claim.id}, in {steps(len(trace))}", style="bold")
    yield Text(f"The property: {claim.sentence}")
    table = TABLES[claim.system]
    if claim.system != "locks":
        yield Text(f"The user keys: {_fingerprints(grounding)}.", style="dim")
    yield Text("* marks what a step changed.\n", style="dim")
    before = Reading(grounding, trace.start)
    yield Text(f"0. {words.start_in_words(grounding, trace, claim.system)}", style="bold")
    yield from table(before, before)
    for number, step in enumerate(trace.steps, 1):
        after = Reading(grounding, step.state)
        call = words.call_in_words(before, step, claim.system)
        yield Text(f"\n{number}. {call}{words.answer_in_words(step.answer)}", style="bold")
        changes = words.changes_in_words(grounding, before, after, claim.system)
        for change in changes:
            yield Text(f"   {change}")
        if step.state == trace.states[number - 1]:
            yield Text("   nothing changes")
        else:
            yield from table(after, before)
        before = after
    yield Text(f"\nBroken: {cell.because}.", style="bold")
    if cell.price:
        yield Text(f"§ The price of the posture, even with every detail repaired: {cell.price}.")
    yield Text("\nReplay on the implementation", style="bold")
    yield from _replay(grounding, trace, cell.replay, claim)


def key_tables(reading: Reading, before: Reading) -> Table:
    """The map, bitmap and vault of the kernel, and the packages' key tables side by side."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("KeyID", justify="right")
    is_global = not model_words.is_per_package(reading)
    kernel = ["map", "refs", "bit", "vault"] if is_global else []
    for title in kernel:
        table.add_column(title)
    packages = range(reading.size("entry_mode", 0))
    for package in packages:
        table.add_column(_package_title(reading, package))
    for keyid in range(reading.size("entry_mode", 1)):
        cells = []
        if is_global:
            cells += [
                compared(f(reading, keyid), f(before, keyid)) for f in (_map, _count, _bit, _vault)
            ]
        for package in packages:
            now, then = (_on_package(r, package, keyid) for r in (reading, before))
            cells.append(compared(now, then))
        table.add_row(str(keyid + 1), *cells)
    return table


def _key_service(reading: Reading, before: Reading) -> Iterator[Table]:
    """The key tables, and below them the VMAs that are encrypted."""
    yield key_tables(reading, before)
    memory = memory_table(reading, before)
    if memory is not None:
        yield memory


TABLES: Mapping[str, Callable[[Reading, Reading], Iterator[Table]]] = {
    "": _key_service,
    "payload": lambda reading, before: iter([payloadwords.tokens_table(reading, before)]),
    "locks": lambda reading, before: iter([lock_table(reading, before)]),
}
"""How a state is drawn beside the one before it, for each of a design's systems."""


SEEN_IN: Mapping[str, str] = {
    "": "Seen in the implementation's memory and key tables:",
    "payload": "Seen in the implementation's memory and answers:",
    "locks": "Seen of the implementation's locks:",
}


def _package_title(reading: Reading, package: int) -> str:
    if not reading.is_true("present", package):
        return f"package {package}\n(absent)"
    cpus = [
        f"{c} (lead)" if reading.is_true("lead", package, c) else str(c)
        for c in range(reading.size("online", 1))
        if reading.is_true("online", package, c)
    ]
    said = f"CPU {', '.join(cpus)}" if cpus else "no CPU online"
    return f"package {package}\n{said}"


def _map(reading: Reading, keyid: int) -> str:
    key = model_words.holder(reading, keyid)
    if key is not None:
        freed = "" if reading.is_true("live", key) else " (freed)"
        return f"{model_words.requested(reading, key, keyid)}, object {key}{freed}"
    packages = range(reading.size("uncleared", 0))
    waiting = any(reading.is_true("uncleared", p, keyid) for p in packages)
    return "out of service" if waiting else "free"


def _count(reading: Reading, keyid: int) -> str:
    return str(model_words.references(reading, (keyid,)))


def _bit(reading: Reading, keyid: int) -> str:
    return "1" if reading.is_true("bit", keyid) else "0"


def _vault(reading: Reading, keyid: int) -> str:
    control = reading("vault_control", keyid)
    kept = reading("vault_bytes", keyid)
    return control if kept == "zeros" else f"{control}, {model_words.material(kept)}"


def _on_package(reading: Reading, package: int, keyid: int) -> str:
    """An entry; with per-package KeyIDs also what that package's map says."""
    said = model_words.entry(reading, package, keyid)
    if reading.is_true("uncleared", package, keyid):
        said += " (to be cleared)"
    if not model_words.is_per_package(reading):
        return said
    key = model_words.holder(reading, keyid, package)
    held = "free" if key is None else f"{model_words.requested(reading, key, keyid)}, object {key}"
    bit = ", bit" if reading.is_true("bit", package, keyid) else ""
    count = model_words.references(reading, (package, keyid))
    return f"{said}\n[{held}{bit}, refs {count}]"


def memory_table(reading: Reading, before: Reading) -> Table | None:
    """The VMAs that are encrypted and their pages, or freed pages of theirs; None without any."""
    rows = []
    for vma in range(reading.size("uses", 0)):
        now = _memory(reading, vma)
        if any(now):
            rows.append((vma, now, _memory(before, vma)))
    if not rows:
        return None
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for title in ("VMA", "encrypted with", "page"):
        table.add_column(title)
    for vma, now, then in rows:
        table.add_row(str(vma), *(compared(a, b) for a, b in zip(now, then, strict=True)))
    return table


def _memory(reading: Reading, vma: int) -> tuple[str, str]:
    """What a VMA is encrypted with, and what is known of its page."""
    names = [
        model_words.slot_name(k, p)
        for k, p in model_words.slots(reading)
        if model_words.uses(reading, vma, k, p)
    ]
    package = model_words.page_of(reading, vma)
    if package is None:
        packages = range(reading.size("left", 1))
        left = [str(p) for p in packages if reading.is_true("left", vma, p)]
        return ", ".join(names), f"freed, on package {left[0]}" if left else ""
    known = ["reads back" if reading.is_true("intact", vma) else "does not read back"]
    if reading.is_true("plain", vma):
        known.append("plaintext in DRAM")
    return ", ".join(names), f"on package {package}: {', '.join(known)}"


def _replay(
    grounding: Grounding, trace: Trace, replay: Replay, claim: Property
) -> Iterator[RenderableType]:
    before = trace.states
    for number, (step, done) in enumerate(zip(trace.steps, replay.steps, strict=False), 1):
        call = words.call_in_words(Reading(grounding, before[number - 1]), step, claim.system)
        yield Text(f"{number}. {call}{words.answer_in_words(done.answer)}")
        if done.refusal:
            yield Text(f"   kernel: {done.refusal}")
        for execution in done.executions:
            yield Text(f"   {execution}", style="dim")
    if not replay.agrees:
        yield Text(f"THE REPLAY DISAGREES: {replay.disagreement}", style="bold red reverse")
        return
    yield Text(SEEN_IN[claim.system])
    for line in replay.observed:
        yield Text(f"   {line}")
    yield Text(f"The implementation did the same, and violates {claim.id} too.", style="bold")


def _fingerprints(grounding: Grounding) -> str:
    labels = grounding.finite.labels(BYTES)[len(BYTES.constants) :]
    return ", ".join(
        f"{label} has the fingerprint {user_key(label).fingerprint}" for label in labels
    )
