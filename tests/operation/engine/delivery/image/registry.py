"""A plain MLflow tracking server over a registry that the step `register` wrote."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from operation.engine.foundation.children import free_port
from tests.operation.engine.delivery.serving.running import end, wait_until
from tests.src.running import Trained, run

NAME = "flights"
STEADY = "delays"  # whose champion stays the same


@dataclass
class Server:
    """A server that answers."""

    uri: str
    folder: Path  # holds its database and the models
    model: Path  # its version 1

    @property
    def store(self) -> str:
        """MLflow's name of the database."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def register(self, name: str, model: Path) -> None:
        """Make `model` the champion of `name`, as the step `register` does."""
        report = self.folder / "report"
        report.mkdir(exist_ok=True)
        (report / "metrics.json").write_text("{}", encoding="utf-8")
        words = ["--model", model, "--report", report, "--name", name, "--tracking-uri", self.store]
        run("register", *words, "--alias", "champion", "--registration", self.folder / name)

    def register_again(self) -> None:
        """Make another version of the same bytes the champion."""
        self._add(self.model, "2")

    def register_changed(self) -> None:
        """Make another model the champion, one byte of which has changed since it was registered."""
        changed = self.folder / "changed"
        shutil.copytree(self.model, changed)
        content = (changed / "model.pickle").read_bytes() + b"."
        facts = json.loads((changed / "model.json").read_text(encoding="utf-8"))
        facts["digest"] = hashlib.sha256(content).hexdigest()
        (changed / "model.json").write_text(json.dumps(facts), encoding="utf-8")
        (changed / "model.pickle").write_bytes(content[:-1] + b"!")
        self._add(changed, "3")

    def _add(self, model: Path, version: str) -> None:
        from support.registry import open_registry

        client = open_registry(self.store)
        facts = json.loads((model / "model.json").read_text(encoding="utf-8"))
        made = client.create_model_version(NAME, model.absolute().as_uri(), tags={"digest": facts["digest"]})
        assert str(made.version) == version
        client.set_registered_model_alias(NAME, "champion", version)


@contextmanager
def serving_registry(trained: Trained, folder: Path) -> Iterator[Server]:
    """Register a model as champion, and start a tracking server over the registry; end it."""
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}", folder, trained.model)
    for name in (NAME, STEADY):
        server.register(name, trained.model)
    words = ["-m", "mlflow", "server", "--backend-store-uri", server.store, "--port", str(port)]
    words += ["--host", "127.0.0.1", "--workers", "1", "--artifacts-destination", str(folder / "artifacts")]
    out = folder / "server.txt"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with out.open("wb") as stream:
        command = [sys.executable, *words]
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env={**os.environ, "PATH": path})

    def answers() -> bool:
        assert process.poll() is None, out.read_text(encoding="utf-8")
        try:
            urllib.request.urlopen(f"{server.uri}/health", timeout=5).close()
        except OSError:
            return False
        return True

    try:
        wait_until(answers, lambda: out.read_text(encoding="utf-8"))
        yield server
    finally:
        end(process)
