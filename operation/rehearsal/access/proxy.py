"""A CONNECT proxy: host names of the rehearsal lead to the service, all others where they lead."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from operation.rehearsal.access.certificates import ARM, SUFFIX, TELEMETRY


class Proxy:
    """Carries bytes between a client and what it asked for by CONNECT.

    Parameters
    ----------
    port : int
        Where the service answers on loopback.
    upstream : str
        The proxy that this machine needs to reach anything else; empty where it needs none.
    """

    def __init__(self, port: int, upstream: str = "") -> None:
        self.port, self.upstream = port, urlsplit(upstream) if upstream else None
        self._open: set[asyncio.Task[object] | None] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until either side has nothing more to say."""
        # the loop holds an idle connection's task by a circle of references alone, and it would be collected
        task = asyncio.current_task()
        self._open.add(task)
        ends = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.suppress(*ends, asyncio.CancelledError):  # the last when the service ends
            head = await reader.readuntil(b"\r\n\r\n")
            await self._carry(head, reader, writer)
        self._open.discard(task)
        writer.close()

    async def _carry(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target = [*head.split(b" ", 2), b"", b""][:2]
        if method != b"CONNECT":
            writer.write(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n")
            return
        host, _, port = target.decode("latin-1").rpartition(":")
        try:
            there = await self._connect(host, int(port), head)
        except OSError as error:
            said = f"the rehearsal's proxy cannot reach {host}: {error}".encode()
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: %d\r\n\r\n%s" % (len(said), said))
            return
        if self._ours(host) or not self.upstream:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    def _ours(self, host: str) -> bool:
        return host.lower() in (ARM, TELEMETRY) or host.lower().endswith(f".{SUFFIX}")

    async def _connect(
        self, host: str, port: int, head: bytes
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._ours(host):
            return await asyncio.open_connection("127.0.0.1", self.port)
        if not self.upstream:
            return await asyncio.open_connection(host, port)
        there = await asyncio.open_connection(self.upstream.hostname, self.upstream.port or 80)
        there[1].write(head)  # the next proxy answers the client itself
        return there


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
