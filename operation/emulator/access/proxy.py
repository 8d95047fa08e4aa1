"""A CONNECT proxy: host names of the emulator lead to the service, and no other name leads anywhere."""

import asyncio
import contextlib

from operation.emulator.hosts import is_ours


class Proxy:
    """Carries bytes between a client and the service that answers on loopback at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port
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
        host = target.decode("latin-1").rpartition(":")[0]
        if method != b"CONNECT":
            _refuse(writer, "405 Method Not Allowed", "this is a proxy for HTTPS alone")
        elif not is_ours(host):
            message = f"the emulator's proxy connects to the emulator alone, not to {host}"
            _refuse(writer, "403 Forbidden", message)
        else:
            service = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_copy(reader, service[1]), _copy(service[0], writer))


def _refuse(writer: asyncio.StreamWriter, status: str, message: str) -> None:
    text = f"{message}\n".encode()
    writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
