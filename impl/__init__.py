"""The executable key service: the posted RFC v2 code and its variants, in real bytes.

Start reading at `kernel` (the calls), then `service.globalscope` and `service.hotplug` (what they
decide) and `threads` (where they can be suspended). Below lie `hardware` and `heap`; around the key
service `keyrings` and `mm`; `interleaving` and `attack` look at all of it from outside.
"""

from impl.errors import BadAddress, Deadlock, GeneralProtection, KernelError
from impl.hardware.keytable import Entry, Mode
from impl.hardware.machine import Machine
from impl.hardware.pconfig import Command, Status
from impl.heap.memory import Hit, OutOfBounds
from impl.kernel import Kernel
from impl.snapshot import Snapshot

__all__ = [
    "BadAddress",
    "Command",
    "Deadlock",
    "Entry",
    "GeneralProtection",
    "Hit",
    "Kernel",
    "KernelError",
    "Machine",
    "Mode",
    "OutOfBounds",
    "Snapshot",
    "Status",
]
