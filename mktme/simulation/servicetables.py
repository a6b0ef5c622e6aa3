"""Decides how the key service's own state is shown: its map, vault, and reference counts."""

from __future__ import annotations

from collections.abc import Mapping

from impl import Kernel
from impl.hardware.keytable import fingerprint
from impl.hardware.pconfig import Command
from mktme.simulation.columns import table
from mktme.simulation.expectations import Answer
from mktme.simulation.session import Session


def places(kernel: Kernel) -> list[tuple[int, ...]]:
    """Every (KeyID,), or with per-package KeyIDs every (package, KeyID)."""
    keyids = range(1, kernel.machine.keyids + 1)
    if kernel.design.keyid_scope == "global":
        return [(keyid,) for keyid in keyids]
    return [(p, keyid) for p in range(len(kernel.machine.packages)) for keyid in keyids]


def _place(place: tuple[int, ...]) -> str:
    return str(place[0]) if len(place) == 1 else f"{place[1]} of package {place[0]}"


def _mapped(kernel: Kernel) -> dict[tuple[int, ...], int]:
    mapped: Mapping[int | tuple[int, int], int] = kernel.mapped()  # type: ignore[assignment]
    return {(at,) if isinstance(at, int) else at: serial for at, serial in mapped.items()}


def shown_map(session: Session) -> Answer:
    """The kernel's map, its bitmap, its vault, and what waits to be cleared."""
    kernel, mapped = session.kernel, _mapped(session.kernel)
    is_global = kernel.design.keyid_scope == "global"
    rows = [["KeyID", "key", "user bit", *(["vault"] if is_global else []), "to be cleared on"]]
    for place in places(kernel):
        vault = [_vault(kernel, place[0])] if is_global else []
        waits = ", ".join(
            f"package {package}"
            for package, keyid in sorted(kernel.uncleared())
            if keyid == place[-1] and place[:-1] in ((), (package,))
        )
        key = str(mapped.get(place, "-"))
        bit = "set" if kernel.bit(*place) else "-"
        rows.append([_place(place), key, bit, *vault, waits or "-"])
    return table(rows, "map", keys=len(mapped))


def shown_vault(session: Session) -> Answer:
    """What the kernel keeps to program the next package, unwrapped."""
    kernel = session.kernel
    if kernel.design.keyid_scope != "global":
        return Answer(said="no vault: with keyid_scope=per_package nothing is programmed later")
    rows = [["KeyID", "control word", "command", "keys"]]
    for (keyid,) in places(kernel):
        control_word, data_key, tweak_key = kernel.vault(keyid)
        if control_word or any(data_key + tweak_key):
            keys = f"<{fingerprint(data_key, tweak_key)}>" if any(data_key + tweak_key) else "-"
            command = Command(control_word & 0xFF).name
            rows.append([str(keyid), f"{control_word:#x}", command, keys])
    return table(rows, "vault")


def _vault(kernel: Kernel, keyid: int) -> str:
    control_word, data_key, tweak_key = kernel.vault(keyid)
    if not control_word and not any(data_key + tweak_key):
        return "-"
    said = Command(control_word & 0xFF).name
    return f"{said} <{fingerprint(data_key, tweak_key)}>" if any(data_key + tweak_key) else said


def shown_counts(session: Session) -> Answer:
    kernel = session.kernel
    rows = [["KeyID", "references"]]
    rows += [[_place(place), str(kernel.references(*place))] for place in places(kernel)]
    return table(rows, "reference counts")
