"""A service as a process, as a person starts it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.foundation.children import free_port

ROOT = Path(__file__).resolve().parents[5]
PATIENCE = 120.0  # seconds until it answers


@dataclass
class Service:
    """One service that answers."""

    process: subprocess.Popen[bytes]
    port: int
    out: Path  # what it prints
    key: str = ""  # opens it

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

    def is_open(self) -> bool:
        """Tell whether it has said that it serves, and listens; fail where it has ended."""
        assert self.process.poll() is None, self.text()
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return "serving " in self.text()

    def text(self) -> str:
        """Return what it has printed."""
        return self.out.read_text(encoding="utf-8", errors="replace")


def wait_until(condition: Callable[[], bool], said: Callable[[], str], seconds: float = PATIENCE) -> None:
    """Wait as long as a loaded machine may need; what was `said` meanwhile explains why it was in vain."""
    until, pause = time.monotonic() + seconds, 0.05
    while not condition():
        assert time.monotonic() < until, said()
        time.sleep(pause)
        pause = min(0.5, pause * 1.2)  # what is asked works too


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process by SIGTERM, or kill it."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
    command = [*map(str, around), sys.executable, "-X", "workbench", "-m", "operation", "serve"]
    command += ["--port", str(port), *map(str, words)]
    if key:
        (folder / "keys").write_text(f"{key}\n", encoding="ascii")
        command += ["--key-file", str(folder / "keys")]
    out = folder / "out.txt"
    environment = {**os.environ, "WORKBENCH_RUNS": str(folder / "runs")}
    with out.open("wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=stream)
    service = Service(process, port, out, key)
    try:
        wait_until(service.is_open, service.text)
        yield service
    finally:
        end(process)
