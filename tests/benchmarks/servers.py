"""Servers of one model, each started as its makers say, with one worker: the service and others beside it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.foundation.children import free_port
from tests.benchmarks.measuring import SRC, command
from tests.operation.engine.delivery.serving.running import serving

GTHREAD = ["--worker-class", "gthread", "--threads", "8", "--keep-alive", "15"]
EMPTY = """
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]


async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"{}"})
"""
APPLICATIONS = """
import sys
sys.path.insert(0, {src!r})
from pathlib import Path
import pandas as pd
from flask import Flask, request
from modelling import models

MODEL = models.load(Path({model!r}))
app = Flask(__name__)


@app.route("/frame", methods=["POST"])
def frame():
    rows = pd.DataFrame(request.get_json()["data"])
    return {{"predictions": MODEL.predict(rows).tolist()}}
"""
# the flavour for a model with features of its own: what arrives is a table of the columns, as everywhere here
PYFUNC = """
import sys
from pathlib import Path
import mlflow


class Predicting(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        sys.path.insert(0, {src!r})
        from modelling import models
        self.model = models.load(Path(context.artifacts["model"]))

    def predict(self, context, model_input, params=None):
        return self.model.predict(model_input).tolist()


mlflow.models.set_model(Predicting())
"""
SAVE = """
import mlflow
code, model, target = sys.argv[1:]
mlflow.pyfunc.save_model(target, python_model=code, artifacts={"model": model}, pip_requirements=[])
"""


@dataclass(frozen=True)
class Contender:
    """A server that answers.

    Parameters
    ----------
    url : str
        Where rows go.
    body : str
        One row, in the form that it takes.
    pid : int
        Its first process; those that answer are below it.
    """

    url: str
    body: str
    pid: int


class Contenders:
    """Starts servers of one model, until the block that `stack` belongs to ends.

    Parameters
    ----------
    stack : ExitStack
        Ends them.
    folder : Path
        For what they leave.
    model : Path
        Folder of the model.
    row : dict
        What each of them is asked.
    """

    def __init__(self, stack: ExitStack, folder: Path, model: Path, row: dict[str, Any]) -> None:
        self._stack, self._folder, self._model = stack, folder, model.resolve()
        self._data = json.dumps({"data": [row]})
        self._records = json.dumps({"dataframe_records": [row]})
        source = APPLICATIONS.format(src=str(SRC), model=str(self._model))
        (folder / "applications.py").write_text(source, encoding="utf-8")

    def all(self) -> dict[str, Contender]:
        """Start every server and return them by name."""
        return {
            "serve": self.service("with-log"),
            "serve --no-log": self.service("without-log", "--no-log"),
            "empty": self.empty(),
            "frame": self.frame(),
            "mlflow": self.mlflow(),
            "azmlinfsrv": self.inference_server(),
        }

    def service(self, name: str, *words: str) -> Contender:
        """``python3 -m operation serve``."""
        (self._folder / name).mkdir()
        given = ["--model", self._model, *words]
        service = self._stack.enter_context(serving(self._folder / name, *given))
        return Contender(f"http://127.0.0.1:{service.port}/score", self._data, service.process.pid)

    def empty(self) -> Contender:
        """Start an endpoint that does nothing, on the server of the service."""
        (self._folder / "empty.py").write_text(EMPTY, encoding="utf-8")
        port = free_port()
        words = ["-m", "granian", "--interface", "asginl", "--http", "1", "--no-ws", "--port", str(port)]
        pid = self._started([sys.executable, *words, "empty:app"], port)
        return Contender(f"http://127.0.0.1:{port}/", self._data, pid)

    def frame(self) -> Contender:
        """Flask under gunicorn, with an endpoint that makes a DataFrame of the rows."""
        port = free_port()
        words = ["-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--workers", "1", *GTHREAD]
        words += ["--no-control-socket", "--chdir", str(self._folder), "applications:app"]
        pid = self._started([sys.executable, *words], port)
        return Contender(f"http://127.0.0.1:{port}/frame", self._data, pid)

    def mlflow(self) -> Contender:
        """``mlflow models serve``, of the same model."""
        code, target, port = self._folder / "pyfunc.py", self._folder / "mlflow-model", free_port()
        code.write_text(PYFUNC.format(src=str(SRC)), encoding="utf-8")
        subprocess.run(command(SAVE, code, self._model, target), check=True, capture_output=True)
        words = ["-m", "mlflow", "models", "serve", "-m", str(target), "--env-manager", "local"]
        words += ["--workers", "1", "--port", str(port)]
        scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn by name
        pid = self._started([sys.executable, *words], port, PATH=scripts, MLFLOW_DISABLE_TELEMETRY="true")
        return Contender(f"http://127.0.0.1:{port}/invocations", self._records, pid)

    def inference_server(self) -> Contender:
        """Azure ML's server as it is, with the same scoring script."""
        script, port = str(SRC / "score.py"), free_port()
        words = ["-m", "azureml_inference_server_http", "--entry_script", script, "--port", str(port)]
        words += ["--model_dir", str(self._model)]
        places = {"AML_APP_ROOT": str(SRC), "AZUREML_ENTRY_SCRIPT": script, "HOME": str(self._folder)}
        pid = self._started([sys.executable, *words], port, **places)
        return Contender(f"http://127.0.0.1:{port}/score", self._data, pid)

    def _started(self, words: list[str], port: int, **more: str) -> int:
        return self._stack.enter_context(_child(words, self._folder, port, **more))


@contextmanager
def _child(words: list[str], folder: Path, port: int, **more: str) -> Iterator[int]:
    """Run a server until the block ends; it is up when its port answers."""
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, env={**os.environ, **more})
    try:
        until = time.monotonic() + 120
        while True:
            alive = process.poll() is None and time.monotonic() < until
            assert alive, (folder / f"{port}.log").read_text(encoding="utf-8")
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
