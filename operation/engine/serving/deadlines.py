"""Deadlines of connections: a client that sends a byte now and then must not keep a thread for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Deadlines:
    """Ends the reading from connections that take too long.

    Parameters
    ----------
    seconds : float
        That a request may take to arrive.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[int, tuple[float, Any]] = {}
        threading.Thread(target=self._watch, name="deadlines", daemon=True).start()

    @contextmanager
    def of(self, connection: Any) -> Iterator[None]:
        """Hold what is read inside to the deadline: behind it, the connection reads as ended."""
        if connection is None:  # a server that sees to it itself
            yield
            return
        key = id(connection)
        self._until[key] = (time.monotonic() + self._seconds, connection)
        try:
            yield
        finally:
            self._until.pop(key, None)

    def _watch(self) -> None:
        while True:
            time.sleep(min(1.0, self._seconds / 4))
            now = time.monotonic()
            for until, connection in list(self._until.values()):
                if now > until:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RD)
