"""Starting and stopping: the service in this process, or as a child process around some work."""

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from operation.emulator.access import listening
from operation.emulator.state import write_whole
from operation.engine.foundation.errors import UsageError, WorkbenchError

READY = "service.json"  # where it answers, written when it does
PATIENCE = 60.0  # seconds that a start may take


@contextmanager
def started(folder: Path, *, token_seconds: int = 86_400) -> Iterator[dict[str, str]]:
    """Start the emulator as a child process and yield the variables that lead the SDK to it.

    When the block ends, the service and its jobs end. Where ``emulator`` serves that folder in
    another terminal, that one is used, and left alone.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    running_service = running(folder)
    if running_service and running_service["shared"]:
        yield variables(running_service["port"], running_service["proxy"], folder)
        return
    if running_service:
        raise WorkbenchError(
            f"Process {running_service['pid']} uses the emulator in {folder}. Wait until it ends, or run "
            "`python3 -m operation emulator` in another terminal: several commands can share that one."
        )
    command = [sys.executable, "-m", "operation.emulator.server", "--folder", str(folder)]
    command += ["--token-seconds", str(token_seconds)]
    with (folder / "service.log").open("ab") as log:
        service = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    try:
        yield _answering(folder, service)
    finally:
        _end(service)


def running(folder: Path) -> dict[str, int] | None:
    """Return ``port``, ``proxy``, ``pid`` and ``shared`` of the service on `folder`, if one answers."""
    answer, bundle = _read(folder), folder / "certificates" / "trusted.pem"
    return answer if answer and bundle.exists() and listening.answers(answer["port"], bundle) else None


def serve(
    folder: Path, ready: Callable[[dict[str, str]], None], token_seconds: int = 86_400, *, shared: bool = True
) -> None:
    """Answer in this process until it is interrupted."""
    folder = folder.resolve()
    running_service = running(folder)
    if running_service:
        at = f"https://localhost:{running_service['port']}/"
        process = running_service["pid"]
        raise UsageError(
            f"{folder} is already served at {at} by process {process}. Use it, or choose another --folder."
        )
    asyncio.run(_serve(folder, ready, token_seconds, shared))


async def _serve(
    folder: Path, ready: Callable[[dict[str, str]], None], token_seconds: int, shared: bool
) -> None:
    import uvicorn

    from operation.emulator.access.proxy import Proxy
    from operation.emulator.application import application, begin
    from operation.emulator.service import Service

    certificate = listening.certificate(folder / "certificates", _apart())
    before = _read(folder)
    own, front = listening.socket_on(before.get("port", 0)), listening.socket_on(before.get("proxy", 0))
    port, proxy_port = own.getsockname()[1], front.getsockname()[1]
    environment = variables(port, proxy_port, folder)
    service = Service(folder, f"https://localhost:{port}", environment, token_seconds)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with await asyncio.start_server(Proxy(port).answer, sock=front):
            begin(service)
            document = {"port": port, "proxy": proxy_port, "pid": os.getpid(), "shared": int(shared)}
            write_whole(folder / READY, json.dumps(document).encode())
            ready(environment)
            yield

    config = uvicorn.Config(
        application(service, lifespan),
        ssl_certfile=str(certificate),
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    logging.getLogger("uvicorn.error").addFilter(_worth_telling)
    try:
        await uvicorn.Server(config).serve(sockets=[own, *listening.ipv6_sockets(port)])
    finally:  # an interrupt comes out of the framework as one, when it has closed its doors
        service.stop()


def _worth_telling(record: logging.LogRecord) -> bool:
    return "timeout graceful shutdown" not in record.getMessage()  # a client that keeps its connection


def _apart() -> str:
    """Return what is asked without a proxy: this machine, and what the machine has set apart.

    An address with colons ends the native dataset engine, and ``*`` would set our own names apart.
    """
    outer = os.environ.get("NO_PROXY") or os.environ.get("no_proxy", "")
    names = [name.strip() for name in outer.split(",") if not set(name) & set(":*")]
    return ",".join(dict.fromkeys(filter(None, ["localhost", "127.0.0.1", *names])))


def variables(port: int, proxy: int, folder: Path) -> dict[str, str]:
    """Return the variables that lead the SDK in another process to the service on `folder`."""
    from operation.emulator import tokens

    bundle = folder / "certificates" / "trusted.pem"
    apart = _apart()
    return {
        "ARM_CLOUD_METADATA_URL": f"https://localhost:{port}/metadata/endpoints",
        "AZUREML_CURRENT_CLOUD": "AzureCloud",
        # there the SDK would keep, and later believe, which port the metadata named
        "AZURE_CONFIG_DIR": str(bundle.parent / f"azure-{port}"),
        "AZUREML_SERVICE_PRINCIPAL_ID": tokens.CLIENT,
        "AZUREML_SERVICE_PRINCIPAL_PASSWORD": tokens.client_secret(tokens.signing_key(folder)),
        "AZUREML_SERVICE_PRINCIPAL_TENANT_ID": "adfs",  # this tenant makes MSAL ask nobody else first
        "REQUESTS_CA_BUNDLE": str(bundle),
        "SSL_CERT_FILE": str(bundle),
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy}",
        "NO_PROXY": apart,
        # the native dataset engine reads these names in lower case alone
        "https_proxy": f"http://127.0.0.1:{proxy}",
        "no_proxy": apart,
    }


def page(variables: Mapping[str, str]) -> str:
    """Return the address that opens the service's pages in a browser, key and all."""
    home = variables["ARM_CLOUD_METADATA_URL"].partition("/metadata")[0]
    return f"{home}/?key={variables['AZUREML_SERVICE_PRINCIPAL_PASSWORD']}"


def _read(folder: Path) -> dict[str, int]:
    file = folder / READY
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _answering(folder: Path, service: subprocess.Popen[bytes]) -> dict[str, str]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and service.poll() is None:
        ready = _read(folder)
        if ready.get("pid") == service.pid:
            return variables(ready["port"], ready["proxy"], folder)
        time.sleep(0.02)
    tail = (folder / "service.log").read_text(encoding="utf-8", errors="replace")[-2000:]
    raise WorkbenchError(f"the emulator did not start; {folder / 'service.log'} ends with:\n{tail}")


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
