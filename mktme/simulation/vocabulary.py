"""Decides how the words of a script are told: the signs between them, and every kind of word."""

from __future__ import annotations

from typing import Final

from impl.hardware.machine import TME_SETTINGS
from impl.hardware.msr import NAMES as MSR_NAMES
from mktme.simulation.kinds import FAILURES, ID_MAX, KEYRINGS, OWNERS, SHOWS
from mktme.simulation.language import GIVING, WITHIN_A_RACE

SIGNS: Final = {
    "NAME = command": f"keep the number that it gives; of {', '.join(sorted(GIVING))}",
    "command => …": "the answer that is expected, see below; => and = stand alone",
    "\"…\" '…' \\": "quotes and escapes, as in a shell; a quoted word is never an option",
    "# …": "a comment, to the end of the line",
    "race … end": f"lines that run at once: {', '.join(sorted(WITHIN_A_RACE))}; none has a variable"
    " or an expectation of its own, and afterwards everything is as before the race",
}
"""What stands between the words."""

WORDS: Final = {
    "ADDRESS": "a number (0x1000, 4K), or a variable and a distance: $a, $a+4K, $a-0x10",
    "CAPS": "none, or capabilities with commas between them: CAP_SYS_ADMIN,CAP_SYS_RESOURCE",
    "COUNT": "a number from 1 on",
    "CPU": "a number in the machine (package * cpus + cpu), or package.cpu, such as 1.0",
    "DESC": "a description; shown as it is",
    "DESIGN": "a named design, with knobs changed: rfc-v2,savekeys=on; see `mktme list designs`",
    "DESTINATION": "a keyring",
    "FAILURE": f"{' or '.join(FAILURES)}: DEVICE_BUSY, or ENTROPY_ERROR, which waits for a PCONFIG"
    " that draws a key",
    "GID": f"0 to {ID_MAX}",
    "GIDS": "the same, with commas between them",
    "KEY": "a serial number, a variable ($k), or %type:desc: the process's key of that name, or any"
    " that it may view",
    "KEYID": "1 to keyids=",
    "KEYRING": f"{', '.join(f'{sign} ({name})' for sign, name in KEYRINGS.items())}, %:desc, a"
    " serial number, or a variable",
    "LENGTH": "bytes: 4096, 0x1000, 4K, 1M, 1G",
    "MASK": "a permission mask of keyctl(1): 0x3f3f0001",
    "MSR": f"a number such as 0x982, or {', '.join(MSR_NAMES.values())}",
    "NAME": "a letter, then letters, digits, _ and -",
    "NUMBER": "0, 7, 0x1f",
    "OWNER": f"{' or '.join(OWNERS)}; silent in the beginning",
    "PACKAGE": "a package's number, from 0 on",
    "PACKAGES": "numbers with commas between them: 0,1",
    "PAYLOAD": "a key's payload in one word, so in quotes; of an mktme key \"type=user"
    ' algorithm=aes-xts-128 key=… tweak=…", type=cpu, type=clear or type=no-encrypt. Keys are shown'
    " as fingerprints only",
    "PROBABILITY": "0 to 1",
    "PROT": "none, letters of rwx, or PROT_READ|PROT_WRITE and so on",
    "RING": "the name of a keyring",
    "SECONDS": "0, 1.5",
    "TEXT": "one word, so in quotes if it has spaces; shown as it is, but for pieces of keys. Only"
    " 8 bytes or more of it on a page are looked for by the attackers",
    "TIMEOUT": "seconds; 0: never",
    "TIMES": "a number, or always",
    "TME": f"{', '.join(TME_SETTINGS)}: whether memory without a KeyID is encrypted",
    "TYPE": "mktme, user, logon or keyring",
    "UID": f"0 to {ID_MAX}",
    "VALUE": "a number of 64 bits",
    "WHAT": ", ".join(SHOWS),
}
"""What each capital word of a usage stands for."""
