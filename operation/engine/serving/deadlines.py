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
        self._until: dict[int, tuple[float, Any, int]] = {}
        threading.Thread(target=self._watch, name="deadlines", daemon=True).start()

    @contextmanager
    def of(self, connection: Any, how: int = socket.SHUT_RD) -> Iterator[None]:
        """Hold what happens inside to the deadline: behind it, the connection is ended.

        Parameters
        ----------
        connection : socket or None
            With an attribute ``until`` that is its deadline, where it has one already. None: whose server
            sees to it itself.
        how : int, default SHUT_RD
            Which way it is ended: it then reads as ended, or takes nothing any more.
        """
        if connection is None:
            yield
            return
        key = id(connection)
        until = getattr(connection, "until", None) or time.monotonic() + self._seconds
        self._until[key] = (until, connection, how)
        try:
            yield
        finally:
            self._until.pop(key, None)

    def _watch(self) -> None:
        while True:
            time.sleep(min(1.0, self._seconds / 4))
            now = time.monotonic()
            for until, connection, how in list(self._until.values()):
                if now > until:
                    with suppress(OSError):
                        connection.shutdown(how)
