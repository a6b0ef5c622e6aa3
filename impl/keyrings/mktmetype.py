"""Decides what the key type mktme does: RFC v2 patches 06 to 10 as the generic service calls them.

The payload never stays with the key: preparse makes a payload structure, instantiate or update
hands it to the key service, and it is cleared and freed after both, whether they succeeded or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from impl.errors import NotSupported
from impl.keyrings.keys import Key
from impl.keyrings.keytypes import Prepared
from impl.keyrings.process import Process
from impl.service.payload import Preparser
from impl.service.protocol import KeyService
from impl.threads import Operation


class MktmeType:
    """``mktme``: a key in the key tables of the packages. It cannot be read back.

    The specification is silent on quotas: a key counts its description, and nothing for a payload
    that it does not keep. Nor does an update forget a timeout, as that of a user key does.
    """

    name: ClassVar[str] = "mktme"
    can_update: ClassVar[bool] = True
    can_read: ClassVar[bool] = False

    def __init__(self, preparser: Preparser, service: KeyService) -> None:
        self._preparser = preparser
        self._service = service

    def vet_description(self, description: str, call: str) -> None:
        """Any description will do."""

    def preparse(self, payload: bytes, process: Process, call: str) -> Prepared:
        """Raises AccessDenied, InvalidArgument."""
        structure = self._preparser.preparse(payload, call, process.capabilities)
        return Prepared((structure,), len(payload))

    def free_preparse(self, prepared: Prepared) -> None:
        """Clear and free the payload structure."""
        for structure in prepared.objects:
            self._preparser.release(structure)
        prepared.objects = ()

    def instantiate(
        self, key: Key, prepared: Prepared, wanted: Iterable[int] | None, call: str
    ) -> Operation[None]:
        """Raises InvalidArgument, NoKey."""
        (structure,) = prepared.objects
        return self._service.instantiate(key, self._preparser.material(structure), wanted)

    def update(self, key: Key, prepared: Prepared, call: str) -> Operation[None]:
        """Raises InvalidArgument, Busy, NoKey."""
        (structure,) = prepared.objects
        return self._service.update(key, self._preparser.material(structure))

    def extend(self, key: Key, package: int, prepared: Prepared) -> Operation[None]:
        """A KeyID on one more package. Raises InvalidArgument, NoKey, NotSupported."""
        (structure,) = prepared.objects
        return self._service.extend(key, package, self._preparser.material(structure))

    def revoke(self, key: Key, call: str) -> None:
        """Nothing: the KeyID stays until the key is collected, as posted."""

    def destroy(self, key: Key) -> Operation[None]:
        """The key service drops the key's own reference."""
        return self._service.destroy(key)

    def describe(self, key: Key) -> str:
        """Its description."""
        return key.description

    def read(self, key: Key) -> bytes:
        """Raises NotSupported."""
        raise NotSupported(f"read key {key.serial}", "an mktme key cannot be read back")
