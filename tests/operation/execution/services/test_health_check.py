"""One row, asked of a real server: which model answers, and what is said where it is the wrong one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operation.engine.delivery.serving.openapi import example
from operation.engine.foundation.layout import Layout
from operation.execution.registered_models import ModelVersion
from operation.execution.services import health_check
from operation.execution.services.deployable_model import DeployableModel
from operation.execution.services.deployment import DeploymentFailed, ModelDeployment

COLUMN = {"has_missing": False, "minimum": None, "maximum": None}
FACTS = {
    "digest": "ab" * 32,
    "schema": {
        "delay": {**COLUMN, "kind": "number", "minimum": -10.0, "maximum": 30.0},
        "seats": {**COLUMN, "kind": "integer", "minimum": 10, "maximum": 21},
        "carrier": {**COLUMN, "kind": "text"},
        "night": {**COLUMN, "kind": "boolean"},
        "departure": {**COLUMN, "kind": "time"},
        "free": {**COLUMN, "kind": "number"},
    },
    "features": {"categories": {"carrier": ["AA", "UA"]}},
}


class Scripted(BaseHTTPRequestHandler):
    """Answers with what its server was told, one after the other, the last again and again."""

    def do_POST(self) -> None:
        """ScoreResponse."""
        server: Any = self.server
        server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, body = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made: Any = HTTPServer(("127.0.0.1", 0), Scripted)
    made.asked = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def answered(digest: str) -> tuple[int, str]:
    return 200, json.dumps({"predictions": [{"prediction": "late"}], "model": {"digest": digest}})


def tried(server: Any, folder: Path, log: str = "") -> list[str]:
    """Try the service that `server` stands for, and return what is said."""
    said: list[str] = []
    chosen = DeployableModel(ModelVersion("late", 3, "", {}), FACTS)
    nothing: Any = None
    order = ModelDeployment(nothing, Layout(folder), nothing, said.append, chosen)
    service: Any = SimpleNamespace(auth_enabled=False, get_logs=lambda: log)
    health_check.check_answer(order, service, f"http://127.0.0.1:{server.server_port}/score", "late")
    return said


def test_the_row_is_one_that_the_model_describes() -> None:
    assert example(FACTS) == {
        "delay": 10.0,
        "seats": 16,
        "carrier": "AA",
        "night": True,
        "departure": "2024-01-15T12:00:00",
        "free": 0.0,
    }


def test_the_model_that_was_meant_answers(server: Any, tmp_path: Path) -> None:
    server.answers = [answered(str(FACTS["digest"]))]
    assert tried(server, tmp_path) == ["  late: answers a row with the model late:3 (abababababab)"]
    assert server.asked == [{"data": [example(FACTS)]}]


def test_a_router_that_still_leads_elsewhere_is_waited_for(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    server.answers = [(503, "not yet"), answered("cd" * 32), answered(str(FACTS["digest"]))]
    assert len(tried(server, tmp_path)) == 1
    assert len(server.asked) == 3


def test_another_model_is_not_what_was_meant(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_check, "PATIENCE", 0)
    server.answers = [answered("cd" * 32)]
    with pytest.raises(DeploymentFailed) as caught:
        tried(server, tmp_path)
    assert str(caught.value) == (
        "service late: it answers with the model cdcdcdcdcdcd, not with late:3 (abababababab). "
        "It receives no request."
    )


def test_an_error_is_told_with_the_end_of_the_log(server: Any, tmp_path: Path) -> None:
    server.answers = [(500, '{"error": {"message": "an unexpected error"}}')]
    with pytest.raises(DeploymentFailed) as caught:
        tried(server, tmp_path, log="it began\nit is out of memory\n")
    assert str(caught.value).splitlines() == [
        'service late: it answers one row with status 500: {"error": {"message": "an unexpected error"}}',
        "  | it began",
        "  | it is out of memory",
        "The whole log: runs/deployments/late.log",
    ]
    assert len(server.asked) == 1
