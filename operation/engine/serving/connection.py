"""A client's connection: what has arrived of its request, and what is still to be sent to it."""

from __future__ import annotations

import importlib
import re
import socket
from typing import Any

# comes with the inference server, but not on Windows
gthread = importlib.import_module("gunicorn.workers.gthread")

PIECE = 65_536  # bytes that are taken from a connection at once, and that wait for a thread
END = b"\r\n\r\n"
LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r?\n")
STREAMED = re.compile(rb"\n(transfer-encoding|expect|upgrade):")


class Outbox:
    """A connection's socket that keeps what is to be sent, so that it goes out at once.

    On the loop nothing may block: there the socket stays as it is, whatever it is asked to become.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.socket, self.held, self.on_loop, self.until = connection, bytearray(), True, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.socket, name)

    def sendall(self, content: bytes) -> None:
        """Keep what is to be sent."""
        self.held += content

    def setblocking(self, flag: bool) -> None:
        """Do so in a thread."""
        if not self.on_loop:
            self.socket.setblocking(flag)

    def settimeout(self, seconds: float | None) -> None:
        """Do so in a thread."""
        if not self.on_loop:
            self.socket.settimeout(seconds)


class Connection(gthread.TConn):  # type: ignore[misc, name-defined]
    """A client: what has arrived of its request, and until when the rest of it must have."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.socket: socket.socket = given[1]
        self.sock: Any = Outbox(self.socket)
        self.data_ready = True
        self.arrived, self.needed, self.length = bytearray(), 0, 0
        self.leaving = False

    def is_whole(self) -> bool:
        """Return whether there is as much of the request as is waited for."""
        if not self.needed:
            end = self.arrived.find(END)
            if end < 0:
                return False
            head = bytes(self.arrived[: end + 2]).lower()
            told = LENGTH.search(head)
            self.length = -1 if STREAMED.search(head) else int(told[1]) if told else 0
            self.needed = end + len(END) + min(max(self.length, 0), PIECE)
        return len(self.arrived) >= self.needed

    def begin(self) -> None:
        """Give the parser what has arrived."""
        if not self.initialized:
            self.init()
        self.parser.unreader.unread(bytes(self.arrived))
        self.arrived.clear()
        self.needed = 0
