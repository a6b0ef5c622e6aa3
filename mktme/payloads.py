"""What a design's parser makes of a payload text, for a person who wants to know beforehand."""

from __future__ import annotations

from designs import Design
from impl import Command, Kernel
from impl.hardware.keytable import fingerprint


def judged(design: Design, text: bytes) -> str:
    """What an accepted payload asks for, in one line, its key as a fingerprint.

    Raises KernelError for a payload that the design refuses; the message quotes nothing of it.
    """
    kernel = Kernel(design, packages=1, cpus=1, keyids=1)
    material = kernel.preparse(text)
    command = Command(material.command)
    said = f"accepted: {command.name}"
    if command is Command.SET_KEY_DIRECT:
        said += f", key {fingerprint(material.data_key, material.tweak_key)}"
    elif command is Command.SET_KEY_RANDOM:
        entropy = any(material.data_key + material.tweak_key)
        said += ", with entropy of the caller's" if entropy else ", without entropy of the caller's"
    events = [f"{event.what} at {event.index}" for event in kernel.events]
    return said + (f"; out of bounds: {', '.join(events)}" if events else "")
