"""Starting and stopping: the service in this process, or as a child process around some work."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from operation.engine.errors import UsageError, WorkbenchError
from operation.rehearsal.access import ports

READY = "service.json"  # where it answers, written when it does
PATIENCE = 60.0  # seconds that a start may take


@contextmanager
def started(folder: Path, *, token_seconds: int = 86_400) -> Iterator[dict[str, str]]:
    """Start the rehearsal as a child process and yield the variables that lead the SDK to it.

    When the block ends, the service and its jobs end. Where ``rehearse`` serves that folder in
    another terminal, that one is used, and left alone.

    Parameters
    ----------
    folder : Path
        Where its state is kept; a state that is there is gone on with, on the same ports.
    token_seconds : int
        How long tokens are good.

    Raises
    ------
    WorkbenchError
        When the service does not come up; the message ends with what it said. When another
        command has one of its own on that folder.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    known = running(folder)
    if known and known["shared"]:
        yield _variables_of(folder, known)
        return
    if known:
        raise WorkbenchError(
            f"another command (process {known['pid']}) rehearses in {folder}. Wait until it has ended, or "
            "start `python3 -m operation rehearse` in another terminal: several commands can share that one."
        )
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


def running(folder: Path) -> dict[str, int] | None:
    """Return ``port``, ``proxy``, ``pid`` and ``shared`` of the service on `folder`, if one answers."""
    known, bundle = _read(folder), folder / "certificates" / "trusted.pem"
    return known if known and bundle.exists() and ports.answers(known["port"], bundle) else None


def serve(
    folder: Path,
    ready: Callable[[dict[str, str]], None],
    token_seconds: int = 86_400,
    *,
    shared: bool = True,
) -> None:
    """Answer in this process until it is interrupted.

    Parameters
    ----------
    folder : Path
        Where its state is kept.
    ready : Callable[[dict[str, str]], None]
        Called with the variables that lead the SDK here, once it answers.
    token_seconds : int
        How long tokens are good.
    shared : bool
        Whether other commands may use it.

    Raises
    ------
    UsageError
        When a service answers on that folder already.
    """
    folder = folder.resolve()
    known = running(folder)
    if known:
        at = f"https://localhost:{known['port']}/"
        said = (
            f"{folder} is served already, at {at} by process {known['pid']}. Use that one, or choose another"
        )
        raise UsageError(f"{said} --folder.")
    asyncio.run(_serve(folder, ready, token_seconds, shared))


async def _serve(
    folder: Path, ready: Callable[[dict[str, str]], None], token_seconds: int, shared: bool
) -> None:
    import uvicorn

    from operation.rehearsal.access import certificates
    from operation.rehearsal.access.proxy import Proxy
    from operation.rehearsal.service import Service, application

    certificate, bundle = certificates.ensure(folder / "certificates")
    before = _read(folder)
    listening, front = ports.listening(before.get("port", 0)), ports.listening(before.get("proxy", 0))
    port, proxy_port = listening.getsockname()[1], front.getsockname()[1]
    environment = variables(port, proxy_port, bundle)
    service = Service(folder, f"https://localhost:{port}", environment, token_seconds)
    config = uvicorn.Config(
        application(service), ssl_certfile=str(certificate), log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(_worth_telling)
    proxy = Proxy(port, os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy", ""))
    document = {"port": port, "proxy": proxy_port, "pid": os.getpid(), "shared": int(shared)}
    try:
        async with await asyncio.start_server(proxy.answer, sock=front):
            service.begin()
            told = asyncio.create_task(_tell(server, folder, document, lambda: ready(environment)))
            await server.serve(sockets=[listening, *ports.beside(port)])
            await told
    finally:  # an interrupt comes out of the framework as one, when it has closed its doors
        service.stop()


def _worth_telling(record: logging.LogRecord) -> bool:
    return "timeout graceful shutdown" not in record.getMessage()  # a client that keeps its connection


async def _tell(server: object, folder: Path, document: dict[str, int], ready: Callable[[], None]) -> None:
    while not getattr(server, "started", False):
        if getattr(server, "should_exit", False):
            return
        await asyncio.sleep(0.01)
    partial = folder / f"{READY}.partial"
    partial.write_text(json.dumps(document), encoding="utf-8")
    partial.replace(folder / READY)
    ready()


def _apart(outer: str) -> str:
    """Return what is asked without a proxy: this machine, and what the machine has set apart.

    An address with colons ends the native dataset engine, and ``*`` would set our own names apart.
    """
    kept = [name.strip() for name in outer.split(",") if not set(name) & set(":*")]
    return ",".join(dict.fromkeys(filter(None, ["localhost", "127.0.0.1", *kept])))


def variables(port: int, proxy: int, bundle: Path) -> dict[str, str]:
    """Return the variables that lead the SDK in another process to the service."""
    from operation.rehearsal.access.auth import CLIENT

    apart = _apart(os.environ.get("NO_PROXY") or os.environ.get("no_proxy", ""))
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
        "NO_PROXY": apart,
        # the native dataset engine reads these names in lower case alone
        "https_proxy": f"http://127.0.0.1:{proxy}",
        "no_proxy": apart,
    }


def _read(folder: Path) -> dict[str, int]:
    file = folder / READY
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _variables_of(folder: Path, known: dict[str, int]) -> dict[str, str]:
    return variables(known["port"], known["proxy"], folder / "certificates" / "trusted.pem")


def _answering(folder: Path, service: subprocess.Popen[bytes]) -> dict[str, str]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and service.poll() is None:
        known = _read(folder)
        if known.get("pid") == service.pid:
            return _variables_of(folder, known)
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
        while os.read(0, 1):  # not through sys.stdin, whose lock would stand in the way of the end
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
        serve(args.folder, lambda _: None, args.token_seconds, shared=False)


if __name__ == "__main__":
    main()
