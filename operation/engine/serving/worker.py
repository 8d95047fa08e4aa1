"""The process that answers: gunicorn's threaded worker, with an ear of its own.

Gunicorn gives a thread to whoever has sent a byte: eight clients that never send the second one keep
everybody waiting. Here a request has arrived before anyone works on it: its bytes are collected by the loop
that waits for all connections, within one time limit for head and body. A small request is then answered by
that loop itself, for the way to a thread and back costs more than the answer. Others get a thread.
"""

from __future__ import annotations

import importlib
import math
import socket
import time
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from typing import Any

from operation.engine.serving.connection import END, PIECE, Connection
from operation.engine.serving.deadlines import Deadlines

# comes with the inference server, but not on Windows
gthread = importlib.import_module("gunicorn.workers.gthread")

LONGEST_HEAD = 65_536  # bytes
LIGHT_BYTES = 4096  # of a body that the loop answers itself
SWEEP_SECONDS = 0.5
LEAVING_SECONDS = 2.0  # that a client gets to read the last answer


class Worker(gthread.ThreadWorker):  # type: ignore[misc, name-defined]
    """Collects requests on its loop and answers the small ones there."""

    seconds = 30.0  # that a request may take to arrive

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._connections: set[Connection] = set()
        self._swept, self._stopping = 0.0, math.inf

    def init_process(self) -> None:
        """Start; the watch over slow readers is a thread of this process."""
        self._deadlines = Deadlines(self.seconds)
        super().init_process()

    def accept(self, listener: Any) -> None:
        """Take a new connection."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        connection = Connection(self.cfg, client, address, listener.getsockname())
        self.nr_conns += 1
        self._listen(connection, self.seconds)

    def _listen(self, connection: Connection, seconds: float) -> None:
        connection.sock.until = time.monotonic() + seconds
        self._connections.add(connection)
        self.poller.register(connection.socket, EVENT_READ, partial(self._hear, connection))

    def _hear(self, connection: Connection, client: socket.socket) -> None:
        """Take what has arrived."""
        try:
            piece = client.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if connection.leaving or not (piece or END in connection.arrived):
            if not piece:
                self._forget(connection)
            return
        if not connection.arrived:
            connection.sock.until = time.monotonic() + self.seconds
        connection.arrived += piece
        self._consider(connection, broken_off=not piece)

    def _consider(self, connection: Connection, *, broken_off: bool = False) -> None:
        """Answer what has arrived, once it is a request."""
        while connection.arrived and (connection.is_whole() or broken_off):
            if broken_off or not 0 <= connection.length <= getattr(self.wsgi, "light_bytes", LIGHT_BYTES):
                self._unlisten(connection)
                self.enqueue_req(connection)
                return
            connection.begin()
            if not self._sent(connection, keep=super().handle(connection)):
                return
        if len(connection.arrived) > LONGEST_HEAD and not connection.needed:
            self._refuse(connection, b"431 Request Header Fields Too Large", b"")

    def _sent(self, connection: Connection, *, keep: bool) -> bool:
        """Send what is held as far as it goes at once; return whether the connection goes on here."""
        box = connection.sock
        try:
            sent = connection.socket.send(box.held) if box.held else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._forget(connection)
            return False
        del box.held[:sent]
        if box.held:
            self._unlisten(connection)
            self._submit(self._send_rest, connection, keep)
            return False
        return self._goes_on(connection, keep=keep)

    def _goes_on(self, connection: Connection, *, keep: bool) -> bool:
        """Wait for the next request of a connection, or see it off."""
        if keep and self.alive:
            connection.arrived += connection.parser.unreader.take_buffered()
            seconds = self.seconds if connection.arrived else self.cfg.keepalive
            connection.sock.until = time.monotonic() + seconds
            return True
        self._see_off(connection)
        return False

    def _see_off(self, connection: Connection) -> None:
        """End a connection once its client has read the answer: closed at once, it might not be read."""
        connection.leaving = True
        connection.sock.until = time.monotonic() + LEAVING_SECONDS
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(connection)

    def handle(self, connection: Connection) -> bool:
        """Answer one request in a thread; return whether the connection goes on."""
        connection.sock.on_loop = False
        connection.socket.setblocking(True)
        connection.begin()
        return self._send_rest(connection, super().handle(connection))

    def _send_rest(self, connection: Connection, keep: bool) -> bool:
        box = connection.sock
        box.on_loop, box.until = False, time.monotonic() + self.seconds
        try:
            connection.socket.setblocking(True)
            with self._deadlines.of(box, socket.SHUT_RDWR):
                connection.socket.sendall(box.held)
        except OSError:
            return False
        box.held.clear()
        return keep

    def _submit(self, work: Callable[[Connection, bool], bool], connection: Connection, keep: bool) -> None:
        future = self.tpool.submit(work, connection, keep)
        future.add_done_callback(partial(self.method_queue.defer, self.finish_request, connection))

    def finish_request(self, connection: Connection, future: Any) -> None:
        """Take a connection back from a thread."""
        connection.socket.setblocking(False)
        connection.sock.on_loop = True
        self._listen(connection, self.cfg.keepalive)
        worked = not future.cancelled() and future.exception() is None
        if self._goes_on(connection, keep=worked and future.result()):
            self._consider(connection)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait, but not for long: connections end by time too."""
        super().wait_for_and_dispatch_events(min(timeout, SWEEP_SECONDS))

    def murder_pending(self) -> None:
        """End connections whose time is over; those that wait for nothing do not hold up a stop."""
        now = time.monotonic()
        if now - self._swept < SWEEP_SECONDS / 2:
            return
        self._swept = now
        if not self.alive:
            self._stopping = min(self._stopping, now)
        for connection in [one for one in self._connections if self._is_over(one, now)]:
            if connection.arrived and not connection.leaving:
                self._refuse(connection, b"408 Request Timeout", getattr(self.wsgi, "late", bytes)())
            else:
                self._forget(connection)

    def _is_over(self, connection: Connection, now: float) -> bool:
        until: float = connection.sock.until
        return now > (until if connection.arrived else min(until, self._stopping + LEAVING_SECONDS))

    def _refuse(self, connection: Connection, status: bytes, body: bytes) -> None:
        kind = b"\r\nContent-Type: application/json" if body else b""
        head = b"HTTP/1.1 %b%b\r\nConnection: close\r\nContent-Length: %d" % (status, kind, len(body))
        connection.arrived.clear()
        connection.sock.held[:] = head + END + body
        self._sent(connection, keep=False)

    def _unlisten(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.poller.unregister(connection.socket)

    def _forget(self, connection: Connection) -> None:
        self._unlisten(connection)
        self.nr_conns -= 1
        connection.close()
