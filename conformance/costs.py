"""What a design costs: measured on the running kernel, and on nothing else.

A design is run through fixed workloads on a simulated machine of a given size: how many PCONFIGs do
its requests execute (`requests`), and a package that comes online (`startups`)? What lies of user
keys in kernel memory, where, and from which call to which (`exposure`)? How many KeyIDs can be used
(`keyids`)? Neither the model nor any claim is asked. The same design and machine always give the
same figures; time is not measured.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from conformance.costing.bench import Answer, Shape
from conformance.costing.exposure import Exposure, exposure
from conformance.costing.keyids import KeyIds, keyids
from conformance.costing.requests import Requests, requests
from conformance.costing.startups import Startup, startups
from designs import Design

__all__ = ["Answer", "Costs", "Exposure", "KeyIds", "Requests", "Shape", "Startup", "costs"]


@dataclasses.dataclass(frozen=True)
class Costs:
    """Every figure of one design on one machine; the fields' own classes say what each means.

    `user_startups` and `cpu_startups`: a package comes online with 0, 1, … keys of that kind in
    use, and every owner who is asked answers; `silent_startups`: user keys, and no owner answers.
    """

    design: str
    machine: Shape
    requests: Requests
    user_startups: tuple[Startup, ...]
    silent_startups: tuple[Startup, ...]
    cpu_startups: tuple[Startup, ...]
    exposure: Exposure
    keyids: KeyIds

    def as_json(self) -> dict[str, Any]:
        """Nested objects, lists, numbers, texts and nulls, under the names of the fields."""
        return dataclasses.asdict(self)


def costs(design: Design, shape: Shape) -> Costs:
    """Measure a design. Raises ValueError for a machine that cannot be built."""
    return Costs(
        design=design.name,
        machine=shape,
        requests=requests(design, shape),
        user_startups=startups(design, shape, "user"),
        silent_startups=startups(design, shape, "user", owners_answer=False),
        cpu_startups=startups(design, shape, "cpu"),
        exposure=exposure(design, shape),
        keyids=keyids(design, shape),
    )
