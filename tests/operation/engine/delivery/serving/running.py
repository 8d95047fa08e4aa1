"""A service as a process, as a person starts it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.foundation.children import free_port

ROOT = Path(__file__).resolve().parents[5]
PATIENCE = 120.0  # seconds until it answers


@dataclass
class Service:
    """One service that answers.

    Parameters
    ----------
    process : Popen
        The command.
    port : int
        Where it listens.
    out : Path
        What it prints.
    key : str
        Opens it; empty where none is needed.
    """

    process: subprocess.Popen[bytes]
    port: int
    out: Path
    key: str = ""

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that is not yet open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def asked(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer to one request, with the key unless one is given."""
        words = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            words.setdefault("Authorization", f"Bearer {self.key}")
        connection = self.connection()
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, words)
            answer = connection.getresponse()
            return answer.status, {name.lower(): one for name, one in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def scored(self, body: bytes | str, **headers: str) -> tuple[int, dict[str, Any]]:
        """Return status and document of the answer to a request to /score."""
        status, _, content = self.asked("POST", "/score", body, **headers)
        return status, json.loads(content)

    def workers(self) -> list[int]:
        """Return the processes that answer, the newest last."""
        folder = self.out.parent / "runs" / "serving" / str(self.port) / "loaded"
        files = sorted(folder.glob("*-*"), key=lambda file: file.stat().st_mtime)
        pids = [int(file.name.rpartition("-")[2]) for file in files]
        return [pid for pid in dict.fromkeys(pids) if _is_alive(pid)]

    def text(self) -> str:
        """Return what it has printed."""
        return self.out.read_text(encoding="utf-8", errors="replace")


def _is_open(service: Service) -> bool:
    connection = service.connection()
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def serving(
    folder: Path, *words: object, key: str = "", port: int | None = None, around: Sequence[object] = ()
) -> Iterator[Service]:
    """Start ``python3 -m operation serve`` with a place of its own for what it leaves; end it.

    `around` are words that start the command, with another disk for instance.
    """
    port = port or free_port()
    command = [
        *map(str, around),
        sys.executable,
        "-X",
        "workbench",
        "-m",
        "operation",
        "serve",
        "--port",
        str(port),
        *map(str, words),
    ]
    if key:
        (folder / "keys").write_text(f"{key}\n", encoding="ascii")
        command += ["--key-file", str(folder / "keys")]
    out = folder / "out.txt"
    environment = {**os.environ, "WORKBENCH_RUNS": str(folder / "runs")}
    with out.open("wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=stream)
    service = Service(process, port, out, key)
    try:
        _wait(service)
        yield service
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(service: Service) -> None:
    until = time.monotonic() + PATIENCE
    while "serving " not in service.text() or not _is_open(service):
        assert service.process.poll() is None, service.text()
        assert time.monotonic() < until, service.text()
        time.sleep(0.05)
