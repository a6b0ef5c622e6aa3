"""How the model's values are said in words. Key bytes have no words: only which key it is."""

from __future__ import annotations

from checker.systems.reading import Reading

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


def requested(reading: Reading, key: int) -> str:
    """What the owner of a live key last successfully asked for."""
    kind = reading("requested_kind", key)
    if kind == "user":
        return f"user {material(reading('requested_bytes', key))}"
    return _KIND[kind]


def keyid_name(position: int) -> str:
    """A KeyID as people say it: they start at 1."""
    return f"KeyID {position + 1}"


def holder(reading: Reading, keyid: int, package: int | None = None) -> int | None:
    """The key object that has a KeyID (on a package, with per-package KeyIDs); None if free."""
    for key in range(reading.size("mapped", 0)):
        where = (keyid,) if len_of_map(reading) == 2 else (package or 0, keyid)
        if reading.is_true("mapped", key, *where):
            return key
    return None


def len_of_map(reading: Reading) -> int:
    """How many indices the map has: 2 with global KeyIDs, 3 with per-package ones."""
    known = {family.name: family for family in reading.grounding.text.families}
    return len(known["mapped"].over)
