"""Web services as child processes: a real scoring server for each, on loopback, on a port of its own."""

import http.client
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from operation.emulator.access import listening
from operation.emulator.errors import HttpError
from operation.emulator.paths import file_name
from operation.emulator.service import Service
from operation.emulator.services.service_app import LOG, App, prepared
from operation.emulator.state import Document

PATIENCE = 180.0  # seconds that a service may take until it answers
# the server binds all interfaces by default; an emulator is nobody else's business. It ends with the
# service that started it, however that one ends: then its standard input is closed.
_LAUNCH = """
import os, signal, threading

def watch():
    while os.read(0, 1):  # not sys.stdin: its lock would be held in every process that is forked
        pass
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=watch, daemon=True).start()
import azureml_inference_server_http.constants as constants
constants.DEFAULT_HOST = "127.0.0.1"
from azureml_inference_server_http import amlserver
amlserver.run()
"""


class Serving:
    """One service's process."""

    def __init__(self, app: App) -> None:
        with listening.socket_on(0) as free:
            self.app, self.port = app, int(free.getsockname()[1])
        self.log = app.folder.parent / LOG
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> str | None:
        """Start it and wait until it answers; return why it does not, or None when it does."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = self._started()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self._process.poll() is not None:
                return f"the scoring server ended with code {self._process.returncode} before it answered"
            if self._answers():
                return None
            time.sleep(0.1)
        self.stop()
        return f"the scoring server did not answer within {PATIENCE:.0f} s"

    @property
    def alive(self) -> bool:
        """Return whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def asked(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Return what the server answers; its body is there to be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request(method, path, body or None, dict(headers))
        return connection.getresponse()

    def _started(self) -> subprocess.Popen[bytes]:
        command = [str(self.app.python), "-c", _LAUNCH, "--entry_script", str(self.app.script)]
        command += ["--port", str(self.port), "--model_dir", str(self.app.models)]
        own = {"HOME": str(self.app.folder.parent), "PYTHONUNBUFFERED": "1"}
        own["AML_APP_ROOT"] = str((self.app.folder / self.app.script).parent)
        environment = {**os.environ, **self.app.variables, **own}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.app.folder, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )

    def _answers(self) -> bool:
        try:
            return self.asked("GET", "/", b"", {}).status < 500
        except (OSError, http.client.HTTPException):
            return False


class WebServices:
    """The processes behind the web services of a service, by workspace and name."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: dict[tuple[str, str], Serving] = {}
        self._logs: dict[tuple[str, str], Path] = {}
        service.at_end.append(self._end_all)

    def start(self, workspace: str, name: str, request: Document) -> str | None:
        """Start a process anew; return why it does not answer or cannot be started, or None."""
        before = self._running.get((workspace, name))
        self.end(workspace, name)
        folder_name = file_name(f"{name}-{uuid.uuid4().hex[:6]}", "a service")
        folder = self._service.state(workspace).folder("service-folders") / folder_name
        self._logs[workspace, name] = folder / LOG
        try:
            serving = Serving(prepared(self._service, workspace, request, folder))
        except HttpError as error:
            return error.message
        self._running[workspace, name] = serving
        problem = serving.start()
        if before:
            shutil.rmtree(before.app.folder.parent, ignore_errors=True)
        return problem

    def find(self, workspace: str, name: str) -> Serving | None:
        """Return a process, or None."""
        return self._running.get((workspace, name))

    def end(self, workspace: str, name: str) -> None:
        """End a process, where there is one."""
        serving = self._running.pop((workspace, name), None)
        if serving:
            serving.stop()

    def log_tail(self, workspace: str, name: str, lines: int) -> str:
        """Return the last `lines` lines that a process printed."""
        log = self._logs.get((workspace, name))
        if log is None or not log.exists():
            return ""
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _end_all(self) -> None:
        for workspace, name in list(self._running):
            self.end(workspace, name)
