"""The proxy leads names of the emulator to the service, and no other name anywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from operation.emulator.access.proxy import Proxy
from operation.emulator.server import variables


async def greeter(name: bytes) -> tuple[asyncio.Server, int]:
    """Return a server that says its name and what it is told, and its port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(name + b":" + await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def asked(proxy: Proxy, target: str, method: str = "CONNECT") -> bytes:
    """Return all that a client gets that asks `proxy` for `target` and says hello."""
    front = await asyncio.start_server(proxy.answer, "127.0.0.1", 0)
    async with front:
        reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname())
        writer.write(f"{method} {target} HTTP/1.1\r\nhost: x\r\n\r\nhello\n".encode())
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    return said


def get(target: str, method: str = "CONNECT") -> bytes:
    """Ask a proxy between a service and another server."""

    async def run() -> bytes:
        service, port = await greeter(b"service")
        other, elsewhere = await greeter(b"other")
        async with service, other:
            return await asked(Proxy(port), target.format(other=elsewhere, service=port), method)

    return asyncio.run(run())


@pytest.mark.parametrize("host", ["saflights.blob.core.emulator.test", "KV.VAULT.CORE.EMULATOR.TEST"])
@pytest.mark.parametrize("port", ["443", "22", "{other}"])
def test_a_name_of_the_emulator_leads_to_the_service_whatever_its_port(host: str, port: str) -> None:
    assert get(f"{host}:{port}") == b"HTTP/1.1 200 Connection established\r\n\r\nservice:hello\n"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{other}",
        "127.0.0.1:{service}",
        "localhost:{other}",
        "[::1]:{other}",
        "169.254.169.254:80",
        "index.example:443",
        "core.emulator.test:443",
        "x.core.emulator.test.evil.example:443",
        "x.core.emulator.test@127.0.0.1:{other}",
        "user:secret@localhost:{other}",
        "x.blob.core.emulator.test:443@127.0.0.1:{other}",
        "[::ffff:127.0.0.1]:{other}",
        "[::1]:{service}",
        "2130706433:{other}",
        "0x7f.1:{other}",
        "0:{other}",
        "127.1:{other}",
        "localtest.me:{other}",
        "127.0.0.1.nip.io:{other}",
        "localhost.localdomain:{other}",
        "core.emulator.test.:{other}",
        "x.core.emulator.test\\.evil.example:{other}",
        "xcore.emulator.test:{other}",
        ":{other}",
    ],
)
def test_another_name_leads_nowhere(host: str) -> None:
    said = get(host)
    assert said.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"the emulator's proxy connects to the emulator alone, not to " in said
    assert b"hello" not in said


def test_a_plain_request_is_refused() -> None:
    assert get("http://x/", "GET").startswith(b"HTTP/1.1 405 ")


def test_what_the_machine_sets_apart_stays_apart_as_far_as_the_native_engine_can_read_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost, .corp,::1,[::1]:80,*,10.0.0.0/8,,other")
    found = variables(1, 2, tmp_path)
    assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1,.corp,10.0.0.0/8,other"
