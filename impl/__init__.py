"""The executable key service: the posted RFC v2 code and its variants, in real bytes.

Start reading at `kernel` (the calls), then `keyservice` and `hotplug` (what they decide); the
hardware is `machine`, `package`, `keytable`, `pconfig`, `engine` and `dram`.
"""

from impl.errors import BadAddress, Deadlock, GeneralProtection, KernelError
from impl.kernel import Kernel
from impl.keytable import Entry, Mode
from impl.machine import Machine
from impl.memory import Hit, OutOfBounds
from impl.pconfig import Command, Status

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
    "Status",
]
