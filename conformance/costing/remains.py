"""Where in kernel memory key bytes lie, as somebody finds them who can read all of it.

The search is the disclosure attack of `impl.attack`: every byte that the kernel can read, of live
and of freed objects. It looks for every run of 8 bytes of a secret, so that a part that was left
over is counted too; less than 8 bytes in a row go unnoticed. Bytes are counted once for each place
where they lie. Only numbers and names of places leave this module.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from impl import Hit, Kernel

PIECE_BYTES = 8

Found = Mapping[tuple[str, str, str], int]
"""(secret's name, form, place) to the number of bytes there."""


@dataclasses.dataclass(frozen=True)
class Secret:
    """A byte string to look for. `form`: "plaintext", "wrapped" or "entropy".

    Its hexadecimal digits are looked for as well; two of them count as one byte.
    """

    name: str
    form: str
    content: bytes = dataclasses.field(repr=False)

    def pieces(self) -> Iterable[tuple[bytes, bool]]:
        """Every run of 8 bytes, and the digits of each; whether it is digits."""
        for start in range(len(self.content) - PIECE_BYTES + 1):
            piece = self.content[start : start + PIECE_BYTES]
            yield piece, False
            yield piece.hex().encode(), True


def search(kernel: Kernel, secrets: Iterable[Secret]) -> Found:
    """Everything that is found of the secrets; places with nothing are left out."""
    looked_for = {
        f"{number}": (secret, piece, is_text)
        for number, (secret, piece, is_text) in enumerate(
            (secret, piece, is_text) for secret in secrets for piece, is_text in secret.pieces()
        )
    }
    covered: dict[tuple[str, str, str], dict[int, float]] = {}
    for finding in kernel.disclosure({name: piece for name, (_, piece, _) in looked_for.items()}):
        secret, piece, is_text = looked_for[finding.needle]
        weights = covered.setdefault((secret.name, secret.form, place(finding.where)), {})
        worth = 0.5 if is_text else 1.0
        weights |= {finding.address + offset: worth for offset in range(len(piece))}
    return {where: round(sum(weights.values())) for where, weights in covered.items()}


def place(hit: Hit) -> str:
    """The object that holds an address, in words."""
    return hit.holds if hit.state == "live" else f"freed {hit.holds}"
