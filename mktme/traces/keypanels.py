"""How a state of the key service is drawn: key tables, kernel, machine; memory is another module's.

Rows of the key tables are KeyIDs, columns packages; with global KeyIDs the kernel's map, reference
counts, bitmap and vault stand in the same rows, as there is one of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from checker.systems.reading import Reading
from conformance.inventory import ALGORITHM
from mktme.traces.document import Mark, Panel
from mktme.traces.drawing import Look, Moment, Place, known_key, named, panel, plain
from mktme.traces.memorypanels import lying_about, memory
from model import words


def key_service(run: Sequence[Moment]) -> Iterator[Panel]:
    """The panels of a state of the key service; `run` leads to it."""
    reading = run[-1].reading
    yield _key_tables(run)
    if words.is_per_package(reading):
        yield _maps(run)
    yield _machine(run)
    yield memory(run)
    yield lying_about(run)
    if reading.has("lost_lock"):
        yield _lost(run)


# The key tables, and the kernel's tables beside them


def _key_tables(run: Sequence[Moment]) -> Panel:
    reading = run[-1].reading
    packages = range(reading.size("entry_mode", 0))
    is_global = not words.is_per_package(reading)
    kernel = [("map", ""), ("references", ""), ("bit", ""), ("vault", "")] if is_global else []
    rows: list[tuple[str, Sequence[Look]]] = []
    for keyid in range(reading.size("entry_mode", 1)):
        looks: list[Look] = []
        if is_global:
            looks += [partial(look, at=(keyid,)) for look in (_map, _references, _bit)]
            looks.append(partial(_vault, keyid=keyid))
        looks += [partial(_on_package, package=p, keyid=keyid) for p in packages]
        rows.append((str(keyid + 1), looks))
    columns = [*kernel, *((f"package {p}", _cpus_in_words(reading, p)) for p in packages)]
    return panel(run, ("key-tables", "Key tables", "KeyID"), columns, rows)


def _maps(run: Sequence[Moment]) -> Panel:
    """With per-package KeyIDs: each package's map, references and bitmap."""
    reading = run[-1].reading
    packages = range(reading.size("entry_mode", 0))
    columns, rows = [], []
    for package in packages:
        columns += [(f"map of {package}", ""), ("references", ""), ("bit", "")]
    for keyid in range(reading.size("entry_mode", 1)):
        looks = [partial(x, at=(p, keyid)) for p in packages for x in (_map, _references, _bit)]
        rows.append((str(keyid + 1), looks))
    return panel(run, ("maps", "Maps of the packages", "KeyID"), columns, rows)


def _cpus_in_words(reading: Reading, package: int) -> str:
    if not reading.is_true("present", package):
        return "absent"
    cpus = [
        f"{c} (lead)" if reading.is_true("lead", package, c) else str(c)
        for c in range(reading.size("online", 1))
        if reading.is_true("online", package, c)
    ]
    return f"CPU {', '.join(cpus)}" if cpus else "no CPU online"


def _where(at: tuple[int, ...]) -> tuple[int, int | None]:
    """A slot of the map as the words take it: (KeyID, package), without package if it is global."""
    return at[-1], at[0] if len(at) > 1 else None


def _map(moment: Moment, at: tuple[int, ...]) -> Place:
    reading, (keyid, package) = moment.reading, _where(at)
    objects = range(reading.size("mapped", 0))
    shows = tuple(named(reading, "mapped", x, *at) for x in objects)
    key = words.holder(reading, keyid, package)
    if key is None:
        packages = [package] if package is not None else range(reading.size("uncleared", 0))
        waits = any(reading.is_true("uncleared", p, keyid) for p in packages)
        return Place("out of service" if waits else "free", shows=shows)
    request = [key] if words.is_per_package(reading) else [keyid]
    shows += tuple(named(reading, f, *request) for f in ("requested_kind", "requested_bytes"))
    said = f"{words.requested(reading, key, keyid)}, object {key}"
    if reading.is_true("live", key):
        return Place(said, _asked_key(reading, key, keyid), shows=shows)
    return Place(f"{said}, freed", mark="stale", shows=(*shows, named(reading, "live", key)))


def _asked_key(reading: Reading, key: int, keyid: int) -> str:
    """The fingerprint of the user key that an owner asked for; "" for any other request."""
    if words.kind_asked(reading, key, keyid) != "user":
        return ""
    at = key if words.is_per_package(reading) else keyid
    return known_key(reading("requested_bytes", at))


def _references(moment: Moment, at: tuple[int, ...]) -> Place:
    reading = moment.reading
    vmas = [v for v in range(reading.size("counted", 0)) if reading.is_true("counted", v, *at)]
    by_key = reading.is_true("key_counted", *at)
    who = ["the key"] * by_key + [f"VMA {v}" for v in vmas]
    shows = (
        named(reading, "key_counted", *at),
        *(named(reading, "counted", v, *at) for v in range(reading.size("counted", 0))),
    )
    return Place(f"{len(who)}: {', '.join(who)}" if who else "0", shows=shows)


def _bit(moment: Moment, at: tuple[int, ...]) -> Place:
    reading = moment.reading
    return plain("1" if reading.is_true("bit", *at) else "0", named(reading, "bit", *at))


def _vault(moment: Moment, keyid: int) -> Place:
    reading = moment.reading
    control, kept = reading("vault_control", keyid), reading("vault_bytes", keyid)
    shows = tuple(named(reading, f, keyid) for f in ("vault_control", "vault_bytes"))
    if kept == "zeros":
        return Place(control, shows=shows)
    key = moment.held.vault.get(keyid + 1, "") if moment.held else known_key(kept)
    holder = words.holder(reading, keyid)
    whose = "nobody's any more" if holder is None else f"kept for object {holder}"
    said = f"{control}, {words.material(kept)}, {whose}"
    return Place(said, key, True, _mark_of_vault(reading, keyid, kept), shows)


def _mark_of_vault(reading: Reading, keyid: int, kept: str) -> Mark:
    holder = words.holder(reading, keyid)
    if holder is None:
        return "residual"
    asked = words.kind_asked(reading, holder, keyid), reading("requested_bytes", keyid)
    return "saved" if asked == ("user", kept) else "stale"


def _on_package(moment: Moment, package: int, keyid: int) -> Place:
    """A key table entry: its mode, algorithm and key."""
    reading = moment.reading
    mode = reading("entry_mode", package, keyid)
    shows = tuple(named(reading, f, package, keyid) for f in ("entry_mode", "entry_bytes"))
    said, key = words.entry(reading, package, keyid), ""
    if mode == "encrypt":
        label = reading("entry_bytes", package, keyid)
        said = f"encrypt {ALGORITHM}, {said}"
        known = moment.held.entries.get((package, keyid + 1)) if moment.held else None
        key = known or known_key(label)
    if reading.is_true("uncleared", package, keyid):
        said += ", to be cleared"
        shows = (*shows, named(reading, "uncleared", package, keyid))
    return Place(said, key, mode == "encrypt", _mark_of_entry(reading, package, keyid), shows)


def _mark_of_entry(reading: Reading, package: int, keyid: int) -> Mark | None:
    """Whether an entry is what its KeyID's owner asked for, or holds the key of nobody."""
    mode, held = (reading(f, package, keyid) for f in ("entry_mode", "entry_bytes"))
    here = package if words.is_per_package(reading) else None
    holder = words.holder(reading, keyid, here)
    if holder is None:
        return "residual" if mode == "encrypt" else None
    if not reading.is_true("memory", package):
        return None
    kind = words.kind_asked(reading, holder, keyid)
    at = holder if words.is_per_package(reading) else keyid
    asked = {
        "user": ("encrypt", reading("requested_bytes", at)),
        "cpu": ("encrypt", "random"),
        "clear": ("tme", held),
        "no_encrypt": ("no_encrypt", held),
    }[kind]
    return None if asked == (mode, held) else "stale"


# The machine


def _machine(run: Sequence[Moment]) -> Panel:
    reading = run[-1].reading
    cpus = range(reading.size("online", 1))
    columns = [("in the machine", ""), ("memory", ""), *((f"CPU {c}", "") for c in cpus)]
    rows = []
    for package in range(reading.size("online", 0)):
        looks: list[Look] = [partial(_is, family="present", at=(package,), yes="yes", no="no")]
        looks.append(partial(_is, family="memory", at=(package,), yes="present", no="none"))
        looks += [partial(_cpu, package=package, cpu=c) for c in cpus]
        rows.append((str(package), looks))
    title = "Machine, TME in bypass" if reading.is_true("bypass") else "Machine"
    return panel(run, ("machine", title, "package"), columns, rows)


def _is(moment: Moment, family: str, at: tuple[int, ...], yes: str, no: str) -> Place:
    reading = moment.reading
    return plain(yes if reading.is_true(family, *at) else no, named(reading, family, *at))


def _cpu(moment: Moment, package: int, cpu: int) -> Place:
    reading = moment.reading
    online, lead = (reading.is_true(f, package, cpu) for f in ("online", "lead"))
    said = ("online" if online else "offline") + (", leads" if lead else "")
    return plain(said, *(named(reading, f, package, cpu) for f in ("online", "lead")))


# Locks that outlive their call


def _lost(run: Sequence[Moment]) -> Panel:
    """The map lock after a call, and processes that wait for it."""
    reading = run[-1].reading
    rows: list[tuple[str, Sequence[Look]]] = [
        (
            "the map lock",
            [partial(_is, family="lost_lock", at=(), yes="held by no call", no="free")],
        )
    ]
    if reading.has("hung"):
        rows += [
            (f"process of VMA {v}", [partial(_is, family="hung", at=(v,), yes="waits", no="–")])
            for v in range(reading.size("hung", 0))
        ]
    return panel(run, ("locks", "Locks between calls", ""), [("state", "")], rows)
