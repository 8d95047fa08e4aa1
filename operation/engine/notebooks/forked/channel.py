"""Messages between the process of a notebook and the one that drives it: a length, then JSON."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")


class Channel:
    """One end of a stream socket.

    Parameters
    ----------
    connection : socket
        Connected and blocking.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self.connection.fileno()

    def send(self, content: dict[str, Any] | bytes) -> None:
        """Send one message; bytes are JSON already.

        Raises
        ------
        OSError
            The other end is gone.
        """
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.connection.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self) -> dict[str, Any] | None:
        """Wait for one message; None: the other end is gone."""
        head = self._exactly(_LENGTH.size)
        body = self._exactly(_LENGTH.unpack(head)[0]) if head else None
        return json.loads(body) if body else None

    def close(self) -> None:
        """Close this end."""
        self.connection.close()

    def _exactly(self, size: int) -> bytes | None:
        found = bytearray()
        while len(found) < size:
            try:
                part = self.connection.recv(min(size - len(found), 1 << 20))
            except ConnectionResetError:
                return None
            if not part:
                return None
            found += part
        return bytes(found)
