"""What the implementation did and held in a run: what the formats with states show beside states.

The model's states name user keys by letters and call all random keys "random". The implementation
has keys, which appear as fingerprints, and PCONFIGs with operands and statuses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from checker import Grounding
from conformance.inventory import Inventory
from conformance.owners import user_key
from conformance.replayed import Executed
from mktme.traces.again import made_again
from mktme.traces.recorded import Record
from model.sorts import BYTES


@dataclasses.dataclass(frozen=True)
class Observed:
    """What led to a state, and which keys are held in it.

    `executions` are the PCONFIGs of the call before it, in the order in which they were executed.
    `entries` has the fingerprint of what a key table entry that encrypts holds, by package and
    KeyID, and `vault` of what the vault keeps, by KeyID; none in systems without key tables.
    """

    executions: tuple[Executed, ...]
    entries: Mapping[tuple[int, int], str]
    vault: Mapping[int, str]


def observed(record: Record) -> list[Observed]:
    """For each state of the run. Nothing where the implementation did something else before.

    Raises RecordError where the model does not have the run.
    """
    replay = made_again(record).replay
    found = []
    for number in range(len(record.calls) + 1):
        was_made = 0 < number <= len(replay.steps)
        is_held = number < len(replay.inventories)
        held = replay.inventories[number] if is_held else Inventory({}, {}, {})
        executions = replay.steps[number - 1].executions if was_made else ()
        found.append(Observed(executions, held.entries, held.vault))
    return found


def fingerprints(grounding: Grounding, system: str) -> dict[str, str]:
    """The user keys of a system by their letters; the locks' system has none."""
    if system == "locks" or not grounding.finite.sizes.get(BYTES, 0):
        return {}
    letters = grounding.finite.labels(BYTES)[len(BYTES.constants) :]
    return {letter: user_key(letter).fingerprint for letter in letters}
