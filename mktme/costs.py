"""How the costs of designs look on a terminal: four small tables below the matrix, and a legend.

Designs are the rows, so that one column compares all of them. Nothing is said by colour alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from conformance.costing.exposure import Held, Stay
from conformance.costing.keyids import Loss, Usable
from conformance.costing.startups import Startup, formula
from conformance.costs import Answer, Costs
from designs import DESIGNS

NAME_WIDTH = max(map(len, DESIGNS))
"""Characters of the longest name of a design; only names of changed designs are broken."""

NEVER = "never"
"""When a stay ends that no call ends. A reset is no end: memory modules keep what they store."""

UNMEASURED = "–"
"""Where the design or the machine has no such call."""


def tables(measured: Sequence[Costs]) -> Iterable[RenderableType]:
    """Everything that is shown of costs, in order; nothing where nothing was measured."""
    if not measured:
        return
    shape = measured[0].machine
    machine = f"packages: {shape.packages}, CPUs of each: {shape.cpus}, KeyIDs: {shape.keyids}"
    yield Text(f"What it costs, as measured ({machine})", style="bold")
    yield _requests(measured)
    yield _exposure(measured)
    if any(costs.exposure.stays for costs in measured):
        yield _stays(measured)
    yield _keyids(measured)
    yield Text("\n".join(legend(measured)), style="dim")


def _table(title: str, *columns: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        pad_edge=False,
        padding=(0, 0, 0, 1),
        title=title,
        title_style="",
        title_justify="left",
    )
    table.add_column(columns[0], overflow="fold", min_width=NAME_WIDTH)
    for column in columns[1:]:
        table.add_column(column, overflow="fold")
    return table


def _name(design: str) -> str:
    """A design's name, with a line for each changed knob."""
    return design.replace(",", ",\n")


# PCONFIG


def _requests(measured: Sequence[Costs]) -> Table:
    title = "PCONFIGs executed"
    online = ("online with\nk user keys", "online with\nk CPU keys")
    table = _table(title, "design", "add", "update", "release", "failed\nadd", *online)
    for costs in measured:
        made = costs.requests
        table.add_row(
            _name(costs.design),
            _span(made.add_on_one, made.add_cpu),
            answer(made.update),
            answer(made.release),
            f"{made.add_failing.executions}",
            startup(costs, costs.user_startups),
            startup(costs, costs.cpu_startups),
        )
    return table


def answer(made: Answer) -> str:
    """PCONFIG executions, and the errno where the request was refused."""
    if made.is_done:
        return f"{made.executions}"
    return f"{made.executions} {made.errno}" if made.executions else made.errno


def _span(least: Answer | None, most: Answer) -> str:
    """From one package to all, where a key need not be on all."""
    if least is None or least == most:
        return answer(most)
    return f"{answer(least)}–{answer(most)}"


def startup(costs: Costs, measured: Sequence[Startup]) -> str:
    """The formula of a startup, what the owners are asked, and what each key takes later."""
    if len(measured) < 2:
        return UNMEASURED
    said = formula(measured).removesuffix(" if k > 0")
    if any(one.asked for one in measured):
        said += f", asks {_asked(measured)}"
    extend = costs.requests.extend
    return said if extend is None else f"{said} (+{answer(extend)} a key)"


def _asked(measured: Sequence[Startup]) -> str:
    """How many owners, by the same formula as the executions."""
    return formula([Startup(one.keys, "", one.asked, 0) for one in measured])


# Key bytes


def _exposure(measured: Sequence[Costs]) -> Table:
    title = "Bytes of one user key (it has 32) in kernel memory"
    between = ("in use", "updated", "released", "refused\npayload")
    table = _table(title, "design", *between, "during\nadd", "during\nonline")
    for costs in measured:
        seen = costs.exposure
        joining = held(seen.joining) if len(costs.user_startups) > 1 else UNMEASURED
        is_used = seen.in_use is not None
        table.add_row(
            _name(costs.design),
            held(seen.in_use) if is_used else f"{UNMEASURED} ({costs.requests.add_user.errno})",
            held(seen.replaced) if is_used else UNMEASURED,
            held(seen.released) if is_used else UNMEASURED,
            held(seen.refused),
            held(seen.adding) if is_used else UNMEASURED,
            joining,
        )
    return table


def held(bytes_: Held | None) -> str:
    """Plaintext bytes, and wrapped ones where there are any; wrapped is not plaintext."""
    if bytes_ is None:
        return UNMEASURED
    if not bytes_.wrapped:
        return f"{bytes_.plaintext}"
    return f"{bytes_.plaintext} + {bytes_.wrapped}w"


def _stays(measured: Sequence[Costs]) -> Table:
    """Below each design that has any, its stays."""
    title = "Which bytes stay between calls, and from which call until which"
    table = _table(title, "bytes", "where", "from → until")
    for costs in measured:
        if costs.exposure.stays:
            table.add_row(_name(costs.design))
        for content, where, span in _rows(costs.exposure.stays):
            table.add_row(f"  {content}", where, span)
    return table


def _rows(stays: Sequence[Stay]) -> Iterable[tuple[str, str, str]]:
    """What, where, from and until; together where only the call differs after which it lies."""
    begins: dict[tuple[str, str, str], list[str]] = {}
    for stay in stays:
        same = (f"{stay.bytes} {stay.form}", stay.place, stay.until or NEVER)
        begins.setdefault(same, []).append(stay.since)
    for (content, place, until), since in begins.items():
        yield content, place, f"{', '.join(since)} → {until}"


# KeyIDs


def _keyids(measured: Sequence[Costs]) -> Table:
    title = "KeyIDs usable (keys that the machine can hold)"
    after = ("failed add", "package\noffline", "released while\none is offline")
    table = _table(title, "design", "at boot", *after)
    for costs in measured:
        counted = costs.keyids
        table.add_row(
            _name(costs.design),
            usable(counted.at_boot),
            *map(loss, (counted.failed_add, counted.offline, counted.released_offline)),
        )
    return table


def usable(counted: Usable) -> str:
    """A number; with per-package KeyIDs one for each package, equal ones together."""
    if counted.by_package is None:
        return f"{counted.keys}"
    runs = ((value, len(list(run))) for value, run in itertools.groupby(counted.by_package))
    return " + ".join(f"{value}" if times == 1 else f"{times} × {value}" for value, times in runs)


def loss(event: Loss | None) -> str:
    """What is usable after an event, and after the worker; the errno where it did not happen."""
    if event is None:
        return UNMEASURED
    if event.errno:
        return f"{UNMEASURED} ({event.errno})"
    left = usable(event.usable)
    if not event.usable.keys:
        left += f" ({event.usable.errno})"
    return left if event.restored == event.usable else f"{left} → {usable(event.restored)}"


# What it means


def legend(measured: Sequence[Costs]) -> list[str]:
    """How each figure was measured, one line each, as far as they occur."""
    is_split = any(costs.keyids.at_boot.by_package for costs in measured)
    startups = [costs.user_startups for costs in measured] + [c.cpu_startups for c in measured]
    is_refused = any(formula(made).startswith("EPERM") for made in startups)
    is_asked = any(one.asked for made in startups for one in made)
    stays = [stay for costs in measured for stay in costs.exposure.stays]
    is_wrapped = any(costs.exposure.in_use and costs.exposure.in_use.wrapped for costs in measured)
    is_endless = any(not stay.until for stay in stays)
    has_entropy = any(stay.form == "entropy" for stay in stays)
    events = [(c.keyids.offline, c.keyids.released_offline) for c in measured]
    is_missing = any(event and event.errno for pair in events for event in pair) or any(
        costs.exposure.in_use is None for costs in measured
    )
    lines: dict[str, object] = {
        "add, update, release: a CPU key, all packages online, no VMA, just booted": True,
        "1–n: the key is wanted on one package, or on all": is_split,
        "failed add: PCONFIG fails on one package, with all retries": True,
        "online: the last package joins; tried with every k from 0 to all KeyIDs": True,
        "EPERM: the package is refused with any key in use": is_refused,
        "asks: how often an owner must supply a key again": is_asked,
        "(+n a key): what extending a key to that package takes afterwards": is_split,
        "bytes: found by reading all kernel memory, freed memory too, after every call": True,
        "during: found while a PCONFIG of that call ran": True,
        "w: bytes of the wrapped form, which only the CPU can unwrap": is_wrapped,
        "entropy: what the kernel mixes into a CPU key; alone it gives no key away": has_entropy,
        "from → until: the longest stay in four histories of a key": stays,
        f"{NEVER}: it still lay there when its KeyID had been used again": is_endless,
        "KeyIDs: CPU keys were added until the kernel refused": True,
        "n × m: m on each of n packages, by its own map": is_split,
        "x → y: x at once, y when the kernel's worker has cleared the rest": True,
        "released while one is offline: of a key in use; the package then returns": True,
        f"{UNMEASURED} (errno): the kernel refused what was to be measured": is_missing,
    }
    return [line for line, occurs in lines.items() if occurs]
