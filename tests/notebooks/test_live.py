"""Every notebook, opened in a live Jupyter server and run top to bottom, as a person would."""

from __future__ import annotations

import itertools
import json
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import websocket

from operation.engine.foundation.layout import project
from tests.notebooks.conftest import surroundings

NAMES = sorted(path.stem for path in project().notebooks.glob("*.ipynb"))


@dataclass(frozen=True)
class Server:
    """A Jupyter server on loopback."""

    port: int
    token: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def execute(self, kernel: str, sources: list[str]) -> list[dict[str, Any]]:
        """Execute the sources one by one in `kernel` until one fails, and return the replies."""
        address = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels"
        connection = websocket.create_connection(
            address, header=[f"Authorization: token {self.token}"], timeout=300
        )
        replies = []
        for source in sources:
            replies.append(_execute(connection, source))
            if replies[-1]["status"] != "ok":
                break
        connection.close()
        return replies


def _execute(connection: Any, source: str) -> dict[str, Any]:
    identity = uuid.uuid4().hex
    header = {
        "msg_id": identity,
        "msg_type": "execute_request",
        "username": "",
        "session": identity,
        "version": "5.3",
    }
    content = {
        "code": source,
        "silent": False,
        "store_history": True,
        "allow_stdin": False,
        "stop_on_error": True,
    }
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    connection.send(json.dumps(message))
    while True:
        answer = json.loads(connection.recv())
        if answer["parent_header"].get("msg_id") == identity and answer["msg_type"] == "execute_reply":
            return dict(answer["content"])


@pytest.fixture(scope="session")
def server(checkout: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    words = ["jupyter_server", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--allow-root"]
    words += [f"--IdentityProvider.token={token}", "--no-browser", f"--ServerApp.root_dir={checkout}"]
    log = (checkout / f"server-{port}.log").open("w")
    child = subprocess.Popen([sys.executable, "-m", *words], env=surroundings(), stdout=log, stderr=log)
    started = Server(port, token)
    try:
        _wait(started, child)
        yield started
    finally:
        child.terminate()
        child.wait(timeout=20)
        log.close()


def _wait(server: Server, child: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert child.poll() is None, "the Jupyter server ended"
        try:
            server.call("GET", "status")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the Jupyter server did not answer within 30 s")


# each notebook with one of its use cases; test_headless.py executes all with all
FEW = {
    "09-many-models",
    "10-compare-baseline",
    "11-train-shares",
}  # take minutes: headless alone, on few rows
CASES = list(zip(itertools.cycle(("flights", "diabetes")), [name for name in NAMES if name not in FEW]))


@pytest.mark.parametrize(("use_case", "name"), CASES)
def test_a_notebook_runs_top_to_bottom_from_a_clean_kernel(server: Server, use_case: str, name: str) -> None:
    path = f"notebooks/{name}.ipynb"
    cells = server.call("GET", f"contents/{path}")["content"]["cells"]
    sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    sources[0] = sources[0].replace('use_case: str = "flights"', f'use_case: str = "{use_case}"')
    body = {"path": path, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
    session = server.call("POST", "sessions", body)
    try:
        replies = server.execute(session["kernel"]["id"], sources)
    finally:
        server.call("DELETE", f"sessions/{session['id']}")
    failed = [(reply.get("ename"), reply.get("evalue")) for reply in replies if reply["status"] != "ok"]
    assert failed == []
    assert len(replies) == len(sources)
