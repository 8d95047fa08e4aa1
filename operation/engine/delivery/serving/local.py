"""A service for a notebook: started beside it, sent tables, gone when the notebook is."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.delivery.serving.settings import ServedModel, Settings, state_folder
from operation.engine.foundation.children import free_port
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout, project

if TYPE_CHECKING:
    import pandas as pd

PATIENCE = 120.0  # seconds until it answers
SHOWN = 5  # problems in a message


class LocalService:
    """A service of one model on this machine, behind a key of its own.

    Parameters
    ----------
    model : path-like
        Folder of the model.
    layout : Layout
        The project.
    """

    def __init__(self, model: os.PathLike[str], layout: Layout) -> None:
        self.model, self.port, self._key = Path(model), free_port(), secrets.token_urlsafe()
        self._folder = state_folder(layout.runs, self.port)
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-X", "workbench", "-m", __name__, str(self.model), str(self.port)]
        with (self._folder / "service.log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=layout.root,
                stdin=subprocess.PIPE,  # its end tells the service that the notebook is gone
                stdout=log,
                stderr=log,
                start_new_session=os.name != "nt",
                env={**os.environ, "SERVICE_KEY": self._key},
            )
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._wait()

    @property
    def address(self) -> str:
        """Where rows are sent to."""
        return f"http://127.0.0.1:{self.port}/score"

    @property
    def columns(self) -> list[str]:
        """What a row must hold."""
        facts = json.loads((self.model / "model.json").read_text(encoding="utf-8"))
        return list(facts["schema"])

    def __repr__(self) -> str:
        return f"{self.model.name} served at {self.address}"

    def answer(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Return the whole response to a request with all of `rows`, be it predictions or problems."""
        document: dict[str, Any] = json.loads(self._post(json.dumps({"data": records(rows)})))
        return document

    def score(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the prediction for each row, with the index of `rows`.

        Raises
        ------
        StepFailed
            When the service refuses the request: its problems.
        """
        import pandas as pd

        document = self.answer(rows)
        if "error" in document:
            problems = document["error"]["problems"]
            lines = [f"  row {p['row']}: {p['column']}: {p['problem']}" for p in problems[:SHOWN]]
            raise StepFailed("\n".join([document["error"]["message"], *lines]))
        return pd.DataFrame(document["predictions"], index=rows.index)

    def milliseconds(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return how long a request for each row alone takes, from the client's side."""
        import pandas as pd

        durations = []
        for record in records(rows):
            body = json.dumps({"data": [record]})
            started = time.perf_counter()
            self._post(body)
            durations.append((time.perf_counter() - started) * 1000)
        return pd.DataFrame({"milliseconds": durations}, index=rows.index)

    def stop(self) -> None:
        """End it; requests that have begun are answered."""
        self._connection.close()
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _post(self, body: str) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        self._connection.request("POST", "/score", body, headers)
        return self._connection.getresponse().read()

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < until:
            try:
                self._connection.request("GET", "/health/ready")
                self._connection.getresponse().read()
            except OSError:
                self._connection.close()
                time.sleep(0.02)
            else:
                return
        self.stop()
        text = (self._folder / "service.log").read_text(encoding="utf-8", errors="replace").strip()
        raise StepFailed(f"The service did not start:\n{text}")


def serve(model: os.PathLike[str]) -> LocalService:
    """Serve a model beside this notebook; ``stop()`` ends it, and so does the end of the notebook."""
    return LocalService(model, project())


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON: missing values are null, times are text."""
    return [{str(name): _value(cell) for name, cell in row.items()} for row in rows.to_dict("records")]


def _value(cell: Any) -> Any:
    if cell is None or cell != cell:  # noqa: PLR0124 - only a missing value differs from itself
        return None
    if hasattr(cell, "isoformat"):
        return cell.isoformat()
    return cell.item() if hasattr(cell, "item") else cell


def _end_with_the_notebook() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main(model: str, port: str) -> None:
    """Serve the model in a folder until standard input ends."""
    from operation.engine.delivery.serving.server import serve as serve_model

    layout = project()
    folder = Path(model).resolve()
    digest = json.loads((folder / "model.json").read_text(encoding="utf-8"))["digest"]
    settings = Settings(
        source=layout.src,
        arguments=(),
        host="127.0.0.1",
        port=int(port),
        keys=(os.environ["SERVICE_KEY"],),
        state=state_folder(layout.runs, int(port)),
        graceful_seconds=5,
    )
    threading.Thread(target=_end_with_the_notebook, daemon=True).start()
    serve_model(settings, lambda: ServedModel(folder, None, None, digest), lambda _: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
