"""How a state of the key service is drawn: key tables, kernel, machine, memory, what lies about.

Rows of the key tables are KeyIDs, columns packages; with global KeyIDs the kernel's map, reference
counts, bitmap and vault stand in the same rows, as there is one of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from checker.systems.reading import Reading
from conformance.inventory import ALGORITHM
from conformance.owners import user_key
from mktme.traces.document import Mark, Panel
from mktme.traces.drawing import Look, Moment, Place, panel, plain
from model import words
from model.sorts import BYTES


def key_service(run: Sequence[Moment]) -> Iterator[Panel]:
    """The panels of a state of the key service; `run` leads to it."""
    reading = run[-1].reading
    yield _key_tables(run)
    if words.is_per_package(reading):
        yield _maps(run)
    yield _machine(run)
    yield _memory(run)
    yield _lying_about(run)
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


def _named(reading: Reading, family: str, *at: int) -> str:
    return reading.grounding.name_of(family, at)


def _where(at: tuple[int, ...]) -> tuple[int, int | None]:
    """A slot of the map as the words take it: (KeyID, package), without package if it is global."""
    return at[-1], at[0] if len(at) > 1 else None


def _map(moment: Moment, at: tuple[int, ...]) -> Place:
    reading, (keyid, package) = moment.reading, _where(at)
    objects = range(reading.size("mapped", 0))
    shows = tuple(_named(reading, "mapped", x, *at) for x in objects)
    key = words.holder(reading, keyid, package)
    if key is None:
        packages = [package] if package is not None else range(reading.size("uncleared", 0))
        waits = any(reading.is_true("uncleared", p, keyid) for p in packages)
        return Place("out of service" if waits else "free", shows=shows)
    request = [key] if words.is_per_package(reading) else [keyid]
    shows += tuple(_named(reading, f, *request) for f in ("requested_kind", "requested_bytes"))
    said = f"{words.requested(reading, key, keyid)}, object {key}"
    if reading.is_true("live", key):
        return Place(said, _asked_key(reading, key, keyid), shows=shows)
    return Place(f"{said}, freed", mark="stale", shows=(*shows, _named(reading, "live", key)))


def _asked_key(reading: Reading, key: int, keyid: int) -> str:
    """The fingerprint of the user key that an owner asked for; "" for any other request."""
    if words.kind_asked(reading, key, keyid) != "user":
        return ""
    at = key if words.is_per_package(reading) else keyid
    return _known_key(reading("requested_bytes", at))


def _known_key(label: str) -> str:
    """The fingerprint of a user key; "" for what is none."""
    return "" if label in BYTES.constants else user_key(label).fingerprint


def _references(moment: Moment, at: tuple[int, ...]) -> Place:
    reading = moment.reading
    vmas = [v for v in range(reading.size("counted", 0)) if reading.is_true("counted", v, *at)]
    by_key = reading.is_true("key_counted", *at)
    who = ["the key"] * by_key + [f"VMA {v}" for v in vmas]
    shows = (
        _named(reading, "key_counted", *at),
        *(_named(reading, "counted", v, *at) for v in range(reading.size("counted", 0))),
    )
    return Place(f"{len(who)}: {', '.join(who)}" if who else "0", shows=shows)


def _bit(moment: Moment, at: tuple[int, ...]) -> Place:
    reading = moment.reading
    return plain("1" if reading.is_true("bit", *at) else "0", _named(reading, "bit", *at))


def _vault(moment: Moment, keyid: int) -> Place:
    reading = moment.reading
    control, kept = reading("vault_control", keyid), reading("vault_bytes", keyid)
    shows = tuple(_named(reading, f, keyid) for f in ("vault_control", "vault_bytes"))
    if kept == "zeros":
        return Place(control, shows=shows)
    key = moment.held.vault.get(keyid + 1, "") if moment.held else _known_key(kept)
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
    shows = tuple(_named(reading, f, package, keyid) for f in ("entry_mode", "entry_bytes"))
    said, key = words.entry(reading, package, keyid), ""
    if mode == "encrypt":
        label = reading("entry_bytes", package, keyid)
        said = f"encrypt {ALGORITHM}, {said}"
        known = moment.held.entries.get((package, keyid + 1)) if moment.held else None
        key = known or _known_key(label)
    if reading.is_true("uncleared", package, keyid):
        said += ", to be cleared"
        shows = (*shows, _named(reading, "uncleared", package, keyid))
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
    return plain(yes if reading.is_true(family, *at) else no, _named(reading, family, *at))


def _cpu(moment: Moment, package: int, cpu: int) -> Place:
    reading = moment.reading
    online, lead = (reading.is_true(f, package, cpu) for f in ("online", "lead"))
    said = ("online" if online else "offline") + (", leads" if lead else "")
    return plain(said, *(_named(reading, f, package, cpu) for f in ("online", "lead")))


# Memory


def _memory(run: Sequence[Moment]) -> Panel:
    reading = run[-1].reading
    columns = [
        ("encrypted with", ""),
        ("page", ""),
        ("written under", ""),
        ("opened by", ""),
    ]
    looks = (_encrypted, _page, _written, _opened)
    rows = [
        (str(vma), [partial(look, vma=vma) for look in looks])
        for vma in range(reading.size("uses", 0))
    ]
    return panel(run, ("memory", "Memory", "VMA"), columns, rows)


def _over(reading: Reading, family: str, *at: int) -> tuple[tuple[int, ...], ...]:
    """The positions of a family that begin with some."""
    return tuple((*at, n) for n in range(reading.size(family, len(at))))


def _shown(reading: Reading, family: str, *at: int) -> tuple[str, ...]:
    return tuple(_named(reading, family, *where) for where in _over(reading, family, *at))


def _encrypted(moment: Moment, vma: int) -> Place:
    reading = moment.reading
    slots = [
        words.slot_name(k, p) for k, p in words.slots(reading) if words.uses(reading, vma, k, p)
    ]
    astray = reading.is_true("astray", vma) and bool(slots)
    said = ", ".join(slots) + (", not its named key's" if astray else "")
    shows = (*_shown(reading, "uses", vma), _named(reading, "astray", vma))
    return Place(said or "–", mark="stale" if astray else None, shows=shows)


def _page(moment: Moment, vma: int) -> Place:
    """Where a VMA's page lies, and what can be read of it."""
    reading = moment.reading
    package = words.page_of(reading, vma)
    shows = _shown(reading, "page", vma)
    if package is None:
        left = [n for _, n in _over(reading, "left", vma) if reading.is_true("left", vma, n)]
        shows += _shown(reading, "left", vma)
        return Place(f"freed, on package {left[0]}" if left else "–", shows=shows)
    others = [n for _, n in _over(reading, "shares", vma) if reading.is_true("shares", vma, n)]
    said = [f"on package {package}"]
    said += [f"shared with VMA {other}" for other in others]
    said.append("reads back" if reading.is_true("intact", vma) else "does not read back")
    if reading.is_true("plain", vma):
        said.append("plaintext in DRAM")
    shows += tuple(_named(reading, f, vma) for f in ("intact", "plain"))
    return Place(", ".join(said), shows=shows)


def _written(moment: Moment, vma: int) -> Place:
    """Under which key a page was last stored."""
    reading = moment.reading
    labels = reading.grounding.finite.labels(BYTES)
    positions = [n for _, n in _over(reading, "written", vma)]
    under = [labels[n] for n in positions if reading.is_true("written", vma, n)]
    shows = _shown(reading, "written", vma)
    if not under:
        return Place("–", shows=shows)
    return Place(words.material(under[0]), _known_key(under[0]), shows=shows)


def _opened(moment: Moment, vma: int) -> Place:
    """Which KeyIDs of its package decrypt a page."""
    reading = moment.reading
    opens = [n for _, n in _over(reading, "opens", vma) if reading.is_true("opens", vma, n)]
    said = ", ".join(words.keyid_name(n) for n in opens)
    return Place(said or "–", shows=_shown(reading, "opens", vma))


# What lies about, and locks that outlive their call


def _lying_about(run: Sequence[Moment]) -> Panel:
    """User keys in memory that nobody means to keep."""
    reading = run[-1].reading
    labels = reading.grounding.finite.labels(BYTES)
    rows = []
    for position in range(len(BYTES.constants), len(labels)):
        looks = [partial(_lies, family=f, at=position) for f in ("struct_residue", "leaked")]
        rows.append((f"{labels[position]} {_known_key(labels[position])}", looks))
    columns = [("programming structure", "freed"), ("payload structure", "never freed")]
    return panel(run, ("lying-about", "User keys that lie about", "key"), columns, rows)


def _lies(moment: Moment, family: str, at: int) -> Place:
    reading = moment.reading
    shows = (_named(reading, family, at),)
    if not reading.is_true(family, at):
        return Place("–", shows=shows)
    return Place("holds it", holds_key=True, mark="residual", shows=shows)


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
