"""A Jupyter server on loopback, and what a browser would ask of it."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from operation.engine.foundation.children import child, end, free_port
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.masked_log import MaskedLog

_PATIENCE = 60  # seconds until it must answer


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int  # on 127.0.0.1
    token: str  # what lets a caller in

    def url(self, path: str) -> str:
        """Return the address at which JupyterLab shows the file `path`."""
        return f"http://127.0.0.1:{self.port}/lab/tree/{quote(path)}?token={self.token}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call the REST interface and return its answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"token {self.token}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def session(self, path: str) -> str:
        """Start a kernel for the notebook at `path`, as opening it does, and return the kernel's id."""
        body = {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}}
        return str(self.call("POST", "sessions", body)["kernel"]["id"])

    def execute(self, kernel: str, sources: Sequence[str]) -> list[dict[str, Any]]:
        """Execute the sources one by one until one fails, and return the replies."""
        import websocket

        connection = websocket.create_connection(
            f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels",
            header=[f"Authorization: token {self.token}"],
            http_no_proxy=["127.0.0.1"],
        )
        replies: list[dict[str, Any]] = []
        try:
            for source in sources:
                replies.append(_execute(connection, source))
                if replies[-1]["status"] != "ok":
                    break
        finally:
            connection.close()
        return replies


def _execute(connection: Any, source: str) -> dict[str, Any]:
    identity = uuid.uuid4().hex
    header = {"msg_id": identity, "msg_type": "execute_request", "username": "", "session": identity}
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
    message = {
        "header": {**header, "version": "5.3"},
        "parent_header": {},
        "metadata": {},
        "content": {**content, "stop_on_error": True},
        "channel": "shell",
    }
    connection.send(json.dumps(message))
    while True:
        answer = json.loads(connection.recv())
        kind, parent = answer["msg_type"], answer["parent_header"].get("msg_id")
        if kind == "execute_reply" and parent == identity:
            return dict(answer["content"])
        if kind == "status" and answer["content"]["execution_state"] in {"restarting", "dead"}:
            return {"status": "error", "ename": "DeadKernelError", "evalue": "the kernel died"}


@contextmanager
def serving(root: Path, variables: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Serve `root` with JupyterLab for as long as the block lasts.

    Raises
    ------
    StepFailed
        When the server ends or does not answer; names its log.
    """
    server = Server(free_port(), secrets.token_hex(16))
    argv = ["jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={server.port}", "--no-browser"]
    argv += [f"--IdentityProvider.token={server.token}", f"--ServerApp.root_dir={root}", "--allow-root"]
    argv += ["--ServerApp.port_retries=0"]
    with (
        MaskedLog(log) as file,
        child(
            [sys.executable, "-m", *argv],
            cwd=root,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            # Ctrl-C reaches this process alone, which then ends the server in order
            process_group=None if os.name == "nt" else 0,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        ) as process,
    ):
        try:
            _wait(server, process, log)
            yield server
        finally:
            _end(server, process)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            server.call("GET", "status")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise StepFailed(f"JupyterLab did not start; see {log}")


def _end(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Have the server end its kernels and itself."""
    try:
        if process.poll() is None:
            server.call("POST", "shutdown")
            process.wait(timeout=15)
    except (urllib.error.URLError, ConnectionError, subprocess.TimeoutExpired):
        end(process)
