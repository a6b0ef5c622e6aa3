"""Where the explorer listens: on this machine's loopback interface, and nowhere else."""

from __future__ import annotations

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"


class ServerError(ValueError):
    """The explorer cannot be served; the message says why."""


def listening(port: int) -> socket.socket:
    """A socket on the loopback interface; port 0 takes any that is free. Raises ServerError."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
        found.listen(64)
    except OSError as error:
        found.close()
        raise ServerError(f"cannot listen on port {port} of {LOOPBACK}: {error.strerror}") from None
    return found
