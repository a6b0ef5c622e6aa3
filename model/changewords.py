"""How what a call of the key service has changed is said in words, one variable after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checker.systems.reading import Reading
from model import words

Change = Callable[[tuple[int, ...], str, Reading], str]
"""The words for a variable's change: of its positions, its new value and the state after; or ""."""

_REQUESTS = ("requested_kind", "requested_bytes")


def changes(before: Reading, after: Reading, said: Mapping[str, Change]) -> list[str]:
    """What differs between two states, of the families for which there are words."""
    grounding, found = before.grounding, []
    for family in grounding.text.families:
        if family.name not in said:
            continue
        for at in grounding.finite.tuples(family.over):
            old, new = before(family.name, *at), after(family.name, *at)
            if old != new and not (
                family.name in _REQUESTS and not _is_update(before, after, at[0])
            ):
                found.append(said[family.name](at, new, after))
    return [line for line in dict.fromkeys(found) if line]


def _is_update(before: Reading, after: Reading, at: int) -> bool:
    """Whether a key was one before and still is: where it is not, the map's change says it all."""
    if words.is_per_package(before):
        return bool(words.places(before, at)) and bool(words.places(after, at))
    return all(words.holder(reading, at) is not None for reading in (before, after))


def _entry(at: tuple[int, ...], _new: str, after: Reading) -> str:
    package, keyid = at
    name = words.keyid_name(keyid)
    return f"package {package}'s entry of {name} has {words.entry(after, package, keyid)}"


def _slot(at: tuple[int, ...]) -> str:
    *package, keyid = at
    return words.keyid_name(keyid) + (f" of package {package[0]}" if package else "")


def _mapped(at: tuple[int, ...], new: str, after: Reading) -> str:
    key, *where = at
    if new == "no":
        return f"{_slot(tuple(where))} is unmapped"
    return f"{_slot(tuple(where))} is mapped to {words.requested(after, key, where[-1])}"


def _bytes_label(after: Reading, position: int) -> str:
    families = {family.name: family for family in after.grounding.text.families}
    (sort,) = families["leaked"].over
    return words.material(sort.label(position))


def _requested(at: tuple[int, ...], _new: str, after: Reading) -> str:
    key = at[0] if words.is_per_package(after) else words.holder(after, at[0])
    if key is None:
        return ""
    got = words.requested(after, key, at[0])
    return f"the owner of the key at {' and '.join(words.places(after, key))} now has {got}"


def _uses(at: tuple[int, ...], new: str, after: Reading) -> str:
    vma, handle = at
    if new == "no":
        return ""
    if words.is_per_package(after):
        return f"VMA {vma} is encrypted with the key at {' and '.join(words.places(after, handle))}"
    return f"VMA {vma} is encrypted with {words.keyid_name(handle)}"


def _references(at: tuple[int, ...], _new: str, after: Reading) -> str:
    count = words.references(after, at)
    return f"{_slot(at)} has {count} reference{'' if count == 1 else 's'}"


SAID: Mapping[str, Change] = {
    "present": lambda at, new, _: f"package {at[0]} is in the machine",
    "memory": lambda at, new, _: f"the memory of package {at[0]} is present",
    "online": lambda at, new, _: (
        f"CPU {at[1]} of package {at[0]} is {'online' if new == 'yes' else 'offline'}"
    ),
    "lead": lambda at, new, _: (
        f"CPU {at[1]} {'leads' if new == 'yes' else 'no longer leads'} package {at[0]}"
    ),
    "mapped": _mapped,
    "bit": lambda at, new, _: f"the bit of {_slot(at)} is {'set' if new == 'yes' else 'cleared'}",
    "uncleared": lambda at, new, _: (
        f"{words.keyid_name(at[1])} {'waits' if new == 'yes' else 'waits no longer'} to be"
        f" cleared on package {at[0]}"
    ),
    "vault_control": lambda at, new, _: (
        f"the vault's control word of {words.keyid_name(at[0])} is {new}"
    ),
    "vault_bytes": lambda at, new, _: (
        f"the vault's keys of {words.keyid_name(at[0])} are {words.material(new)}"
    ),
    "struct_residue": lambda at, new, after: (
        f"the freed programming structure {'holds' if new == 'yes' else 'no longer holds'} user"
        f" {_bytes_label(after, at[0])}"
    ),
    "leaked": lambda at, new, after: (
        f"a payload structure that is never freed holds user {_bytes_label(after, at[0])}"
    ),
    "live": lambda at, new, _: "" if new == "yes" else "a key object is freed",
    "key_counted": _references,
    "counted": lambda at, new, after: _references(at[1:], new, after),
    "uses": _uses,
    "lost_lock": lambda at, new, _: "the map lock stays held",
    "hung": lambda at, new, _: f"the process of VMA {at[0]} waits for itself",
    "in_flight": lambda at, new, _: f"a call that waits for ever refers to key object {at[0]}",
    "page": lambda at, new, _: (
        f"the page of VMA {at[0]} {'lies' if new == 'yes' else 'no longer lies'} on package {at[1]}"
    ),
    "shares": lambda at, new, _: (
        f"VMAs {min(at)} and {max(at)} {'share' if new == 'yes' else 'no longer share'} a page"
    ),
    "intact": lambda at, new, _: (
        "" if new == "yes" else f"the page of VMA {at[0]} does not read back any more"
    ),
    "plain": lambda at, new, _: (
        f"the page of VMA {at[0]} is plaintext in DRAM" if new == "yes" else ""
    ),
    "left": lambda at, new, _: (
        f"the freed page of VMA {at[0]} stays in the DRAM of package {at[1]}"
        if new == "yes"
        else ""
    ),
    "astray": lambda at, new, _: (
        f"the KeyID of VMA {at[0]} is not that of the key its owner named" if new == "yes" else ""
    ),
    "overread": lambda at, new, _: "a byte beyond the end of a payload's text was read",
    "overrun": lambda at, new, _: "a reference count beyond the end of the array was accessed",
    "requested_kind": _requested,
    "requested_bytes": _requested,
}
"""By family; what a table shows anyway is left out."""

ENTRIES: Mapping[str, Change] = {"entry_mode": _entry, "entry_bytes": _entry}
"""Of the key tables, for where no table shows them."""
