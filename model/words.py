"""How the model's values are said in words. Key bytes have no words: only which key it is."""

from __future__ import annotations

from checker.systems.reading import Reading
from designs import Design

_KIND = {
    "cpu": "a CPU-generated key",
    "clear": "a clear payload",
    "no_encrypt": "a no-encrypt payload",
}


def entry(reading: Reading, package: int, keyid: int) -> str:
    """A key table entry: "key A", "a random key", "a key of zeros", "TME", "no-encrypt"."""
    mode = reading("entry_mode", package, keyid)
    if mode != "encrypt":
        return {"tme": "TME", "no_encrypt": "no-encrypt"}[mode]
    return material(reading("entry_bytes", package, keyid))


def material(label: str) -> str:
    """What a label of BYTES stands for."""
    return {"random": "a random key", "zeros": "a key of zeros"}.get(label, f"key {label}")


def kind_asked(reading: Reading, key: int, keyid: int) -> str:
    """The type that the owner of a key with this KeyID last got."""
    return reading("requested_kind", key if is_per_package(reading) else keyid)


def requested(reading: Reading, key: int, keyid: int) -> str:
    """What the owner of a key with this KeyID last successfully asked for."""
    kind = kind_asked(reading, key, keyid)
    if kind == "user":
        at = key if is_per_package(reading) else keyid
        return f"user {material(reading('requested_bytes', at))}"
    return _KIND[kind]


def keyid_name(position: int) -> str:
    """A KeyID as people say it: they start at 1."""
    return f"KeyID {position + 1}"


def slot_name(keyid: int, package: int | None = None) -> str:
    """A slot: "KeyID 1", with per-package KeyIDs "KeyID 1 of package 0"."""
    return keyid_name(keyid) + ("" if package is None else f" of package {package}")


def design_of(reading: Reading) -> Design:
    """The design whose system the state is one of."""
    design: Design = reading.grounding.old.design
    return design


def is_per_package(reading: Reading) -> bool:
    """Whether each package has its own map."""
    return design_of(reading).keyid_scope == "per_package"


def slots(reading: Reading) -> list[tuple[int, int | None]]:
    """Every slot as (KeyID, package); no package with global KeyIDs."""
    keyids = range(reading.size("entry_mode", 1))
    if not is_per_package(reading):
        return [(k, None) for k in keyids]
    return [(k, p) for p in range(reading.size("entry_mode", 0)) for k in keyids]


def holder(reading: Reading, keyid: int, package: int | None = None) -> int | None:
    """The key object that a slot holds; None if it is free."""
    for key in range(reading.size("mapped", 0)):
        if has_keyid(reading, key, keyid, package):
            return key
    return None


def has_keyid(reading: Reading, key: int, keyid: int, package: int | None) -> bool:
    """Whether a slot holds a key object."""
    where = (package or 0, keyid) if is_per_package(reading) else (keyid,)
    return reading.is_true("mapped", key, *where)


def places(reading: Reading, key: int) -> list[str]:
    """The slots that hold a key object."""
    return [slot_name(k, p) for k, p in slots(reading) if has_keyid(reading, key, k, p)]


def uses(reading: Reading, vma: int, keyid: int, package: int | None = None) -> bool:
    """Whether a VMA's pages (on a package, with per-package KeyIDs) have this KeyID."""
    if not is_per_package(reading):
        return reading.is_true("uses", vma, keyid)
    keys = range(reading.size("mapped", 0))
    return any(
        reading.is_true("uses", vma, x) and has_keyid(reading, x, keyid, package) for x in keys
    )


def page_has(reading: Reading, vma: int, keyid: int, package: int) -> bool:
    """Whether the VMA's page, which lies on the package, has this KeyID in its table entry."""
    if reading.has("carries"):
        return reading.is_true("carries", vma, keyid)
    return uses(reading, vma, keyid, package)


def references(reading: Reading, slot: tuple[int, ...]) -> int:
    """How many references a slot has."""
    held = range(reading.size("counted", 0))
    counted = sum(reading.is_true("counted", v, *slot) for v in held)
    return counted + int(reading.is_true("key_counted", *slot))


def vmas(numbers: list[int]) -> str:
    """VMAs by number: "no VMA", "VMA 0", "VMAs 0 and 1"."""
    if not numbers:
        return "no VMA"
    return f"VMA{'s' if len(numbers) > 1 else ''} {' and '.join(map(str, numbers))}"


def page_of(reading: Reading, vma: int) -> int | None:
    """The package where a VMA's page lies; None where it has none."""
    packages = range(reading.size("page", 1))
    return next((p for p in packages if reading.is_true("page", vma, p)), None)
