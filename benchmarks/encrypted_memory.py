"""How fast a process reads and writes encrypted memory, against the same lines by `cryptography`.

Run: python benchmarks/encrypted_memory.py

The baseline encrypts or decrypts the same 64-byte lines, each under its own tweak, with the XTS of
`cryptography` (OpenSSL), and does nothing else: no page table, no DRAM. A ratio of 0.50 means that
the whole simulated path reaches half of its speed.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pairs import medians

from designs import DESIGNS
from impl import Kernel

PAGES = 16
PAGE_BYTES = 4096
LINE_BYTES = 64
DATA_KEY = bytes(range(16))
TWEAK_KEY = bytes(range(16, 32))
PAYLOAD = f"type=user algorithm=aes-xts-128 key={DATA_KEY.hex()} tweak={TWEAK_KEY.hex()}".encode()


def baseline(lines: list[bytes], decrypt: bool) -> Callable[[], object]:
    """Each line by itself through the library's XTS."""
    key = algorithms.AES(DATA_KEY + TWEAK_KEY)
    tweaks = [(number * LINE_BYTES).to_bytes(16, "little") for number in range(len(lines))]

    def work() -> list[bytes]:
        ciphers = (Cipher(key, modes.XTS(tweak)) for tweak in tweaks)
        if decrypt:
            return [c.decryptor().update(x) for c, x in zip(ciphers, lines, strict=True)]
        return [c.encryptor().update(x) for c, x in zip(ciphers, lines, strict=True)]

    return work


def main() -> None:
    """Print one line per access size and direction."""
    kernel = Kernel(DESIGNS["rfc-v2-fixed"])
    who = kernel.init
    serial = kernel.run(kernel.keyctl.add_key(who, "mktme", "bench", PAYLOAD, -4))
    size = PAGES * PAGE_BYTES
    address = kernel.run(kernel.mm.mmap(who, size))
    kernel.run(kernel.mm.encrypt_mprotect(who, address, size, "rw", serial))
    data = bytes(number % 251 for number in range(size))
    kernel.run(kernel.mm.write(who, address, data))
    assert kernel.run(kernel.mm.read(who, address, size)) == data

    def writes(step: int) -> Callable[[], object]:
        pieces = [(address + at, data[at : at + step]) for at in range(0, size, step)]
        return lambda: [kernel.run(kernel.mm.write(who, at, piece)) for at, piece in pieces]

    def reads(step: int) -> Callable[[], object]:
        places = range(address, address + size, step)
        return lambda: [kernel.run(kernel.mm.read(who, at, step)) for at in places]

    lines = [data[at : at + LINE_BYTES] for at in range(0, size, LINE_BYTES)]
    print(f"{'access':<28}{'mktme':>12}{'cryptography':>16}{'ratio':>8}")
    for step, name in ((PAGE_BYTES, "pages"), (LINE_BYTES, "lines")):
        for verb, ours, decrypt in (("write", writes(step), False), ("read", reads(step), True)):
            own, library = medians(ours, baseline(lines, decrypt))
            speeds = [size / 1e6 / taken for taken in (own, library)]
            print(
                f"{verb + ' by ' + name:<28}{speeds[0]:>7.1f} MB/s{speeds[1]:>11.1f} MB/s"
                f"{speeds[0] / speeds[1]:>8.2f}"
            )


if __name__ == "__main__":
    main()
