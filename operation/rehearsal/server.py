"""Starting and stopping: the service in this process, or as a child process around some work."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from operation.engine.errors import WorkbenchError

READY = "service.json"  # where it answers, written when it does
PATIENCE = 60.0  # seconds that a start may take


@contextmanager
def started(folder: Path, *, token_seconds: int = 86_400) -> Iterator[dict[str, str]]:
    """Start the rehearsal as a child process and yield the variables that lead the SDK to it.

    When the block ends, the service and its jobs end.

    Parameters
    ----------
    folder : Path
        Where its state is kept; a state that is there is gone on with, on the same ports.
    token_seconds : int
        How long tokens are good.

    Raises
    ------
    WorkbenchError
        When the service does not come up; the message ends with what it said.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "operation.rehearsal.server", "--folder", str(folder)]
    words += ["--token-seconds", str(token_seconds)]
    with (folder / "service.log").open("ab") as log:
        service = subprocess.Popen(
            words, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    try:
        yield _answering(folder, service)
    finally:
        _end(service)


def serve(folder: Path, ready: Callable[[dict[str, str]], None], token_seconds: int = 86_400) -> None:
    """Answer in this process until it is interrupted.

    Parameters
    ----------
    folder : Path
        Where its state is kept.
    ready : Callable[[dict[str, str]], None]
        Called with the variables that lead the SDK here, once it answers.
    token_seconds : int
        How long tokens are good.
    """
    asyncio.run(_serve(folder.resolve(), ready, token_seconds))


async def _serve(folder: Path, ready: Callable[[dict[str, str]], None], token_seconds: int) -> None:
    import uvicorn

    from operation.rehearsal import certificates
    from operation.rehearsal.proxy import Proxy
    from operation.rehearsal.service import Service, application

    certificate, bundle = certificates.ensure(folder / "certificates")
    before = _read(folder)
    listening, front = _listening(before.get("port", 0)), _listening(before.get("proxy", 0))
    port, proxy_port = listening.getsockname()[1], front.getsockname()[1]
    environment = variables(port, proxy_port, bundle)
    service = Service(folder, f"https://localhost:{port}", environment, token_seconds)
    config = uvicorn.Config(
        application(service), ssl_certfile=str(certificate), log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    proxy = Proxy(port, os.environ.get("HTTPS_PROXY", ""))
    async with await asyncio.start_server(proxy.answer, sock=front):
        service.begin()
        told = asyncio.create_task(_tell(server, folder, port, proxy_port, lambda: ready(environment)))
        await server.serve(sockets=[listening])
        await told
    service.stop()


async def _tell(server: object, folder: Path, port: int, proxy: int, ready: Callable[[], None]) -> None:
    while not getattr(server, "started", False):
        if getattr(server, "should_exit", False):
            return
        await asyncio.sleep(0.01)
    document = {"port": port, "proxy": proxy, "pid": os.getpid()}
    partial = folder / f"{READY}.partial"
    partial.write_text(json.dumps(document), encoding="utf-8")
    partial.replace(folder / READY)
    ready()


def variables(port: int, proxy: int, bundle: Path) -> dict[str, str]:
    """Return the variables that lead the SDK in another process to the service."""
    from operation.rehearsal.auth import CLIENT

    return {
        "ARM_CLOUD_METADATA_URL": f"https://localhost:{port}/metadata/endpoints",
        "AZUREML_CURRENT_CLOUD": "AzureCloud",
        # there the SDK would keep, and later believe, which port the metadata named
        "AZURE_CONFIG_DIR": str(bundle.parent / f"azure-{port}"),
        "AZUREML_SERVICE_PRINCIPAL_ID": CLIENT,
        "AZUREML_SERVICE_PRINCIPAL_PASSWORD": "none-on-loopback",
        "AZUREML_SERVICE_PRINCIPAL_TENANT_ID": "adfs",  # this tenant makes MSAL ask nobody else first
        "REQUESTS_CA_BUNDLE": str(bundle),
        "SSL_CERT_FILE": str(bundle),
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy}",
        "NO_PROXY": "localhost,127.0.0.1",
        # the native dataset engine reads these names in lower case alone
        "https_proxy": f"http://127.0.0.1:{proxy}",
        "no_proxy": "localhost,127.0.0.1",
    }


def _listening(port: int) -> socket.socket:
    """Return a socket that listens on loopback: on `port` where it is free, else on a free one."""
    for wanted in (port, 0):
        listening = socket.socket()
        if os.name != "nt":  # there it would let two processes share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", wanted))
        except OSError:
            listening.close()
            continue
        listening.listen(128)
        return listening
    raise WorkbenchError("no port is free on 127.0.0.1. End what holds them and start the rehearsal again.")


def _read(folder: Path) -> dict[str, int]:
    file = folder / READY
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _answering(folder: Path, service: subprocess.Popen[bytes]) -> dict[str, str]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and service.poll() is None:
        known = _read(folder)
        if known.get("pid") == service.pid:
            return variables(known["port"], known["proxy"], folder / "certificates" / "trusted.pem")
        time.sleep(0.02)
    tail = (folder / "service.log").read_text(encoding="utf-8", errors="replace")[-2000:]
    raise WorkbenchError(f"the rehearsal did not start; {folder / 'service.log'} ends with:\n{tail}")


def _end(service: subprocess.Popen[bytes]) -> None:
    if service.stdin:
        service.stdin.close()  # it ends with its starter, however that one ends
    try:
        service.wait(10)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _end_with_starter() -> None:
    """End this process when the one that started it closes our standard input, or is gone."""
    import signal

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until the starter ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--token-seconds", type=int, default=86_400)
    args = parser.parse_args(argv)
    _end_with_starter()
    with suppress(KeyboardInterrupt):
        serve(args.folder, lambda _: None, args.token_seconds)


if __name__ == "__main__":
    main()
