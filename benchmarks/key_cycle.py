"""What a whole add-encrypt-write-read-destroy cycle costs, and how much of that is Python's.

Run: python benchmarks/key_cycle.py

The baseline is what the cycle asks of `cryptography`: the same AES contexts and the same calls on
them, recorded in one cycle and repeated alone. What the cycle takes beyond that is Python overhead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairs import medians

import impl.hardware.engine
from designs import DESIGNS
from impl import Kernel

PAYLOAD = (
    b"type=user algorithm=aes-xts-128 key=00112233445566778899aabbccddeeff"
    b" tweak=ffeeddccbbaa99887766554433221100"
)
KEYRING = -4  # KEY_SPEC_USER_KEYRING
PAGE = 4096
CYCLES = 40


def cycle(kernel: Kernel) -> None:
    """One key's whole life, with one page under it."""
    who, mm, keyctl = kernel.init, kernel.mm, kernel.keyctl
    serial = kernel.run(keyctl.add_key(who, "mktme", "bench", PAYLOAD, KEYRING))
    address = kernel.run(mm.mmap(who, PAGE))
    kernel.run(mm.encrypt_mprotect(who, address, PAGE, "rw", serial))
    kernel.run(mm.write(who, address, b"0123456789abcdef" * 4))
    assert kernel.run(mm.read(who, address, 16)) == b"0123456789abcdef"
    kernel.run(mm.munmap(who, address, PAGE))
    kernel.run(keyctl.invalidate(who, serial))
    kernel.run(keyctl.collect())
    assert not kernel.mapped()


class Recorder:
    """Stands in for the library's Cipher, and notes what is asked of it."""

    def __init__(self, original: type) -> None:
        self.original = original
        self.calls: list[Callable[[], object]] = []

    def __call__(self, algorithm: Any, mode: Any) -> Any:
        cipher = self.original(algorithm, mode)
        self.calls.append(lambda: self.original(algorithm, mode))
        return _Recorded(cipher, self.calls)


class _Recorded:
    def __init__(self, cipher: Any, calls: list[Callable[[], object]]) -> None:
        self._cipher = cipher
        self._calls = calls

    def encryptor(self) -> Any:
        self._calls.append(self._cipher.encryptor)
        return _Context(self._cipher.encryptor(), self._calls)

    def decryptor(self) -> Any:
        self._calls.append(self._cipher.decryptor)
        return _Context(self._cipher.decryptor(), self._calls)


class _Context:
    def __init__(self, context: Any, calls: list[Callable[[], object]]) -> None:
        self._context = context
        self._calls = calls

    def update(self, data: bytes) -> bytes:
        self._calls.append(lambda: self._context.update(data))
        result: bytes = self._context.update(data)
        return result


def cipher_calls(tme: str) -> list[Callable[[], object]]:
    """What one cycle asks of the library, once the kernel has warmed up."""
    recorder = Recorder(impl.hardware.engine.Cipher)
    impl.hardware.engine.Cipher = recorder  # type: ignore[misc, assignment]
    try:
        kernel = Kernel(DESIGNS["rfc-v2-fixed"], tme=tme)
        cycle(kernel)
        recorder.calls.clear()
        cycle(kernel)
    finally:
        impl.hardware.engine.Cipher = recorder.original  # type: ignore[misc]
    return list(recorder.calls)


def main() -> None:
    """One line for each platform setting."""
    print(f"{'TME':<8}{'cycle':>10}{'ciphers alone':>16}{'overhead':>12}{'of 1 ms':>10}")
    for tme in ("on", "bypass"):
        kernel, calls = Kernel(DESIGNS["rfc-v2-fixed"], tme=tme), cipher_calls(tme)
        whole, ciphers = (
            taken / CYCLES * 1e6
            for taken in medians(
                lambda kernel=kernel: [cycle(kernel) for _ in range(CYCLES)],
                lambda calls=calls: [call() for _ in range(CYCLES) for call in calls],
            )
        )
        overhead = whole - ciphers
        print(
            f"{tme:<8}{whole:>7.0f} us{ciphers:>13.0f} us{overhead:>9.0f} us{overhead / 1e3:>10.2f}"
        )


if __name__ == "__main__":
    main()
