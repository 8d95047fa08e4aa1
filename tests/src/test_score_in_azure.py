"""The scoring script under Azure ML's own inference server, with nothing of ours around it."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

import score
from tests.src.requesting import request, rows
from tests.src.running import SRC, Trained

# the server binds all interfaces by default
ON_LOOPBACK = (
    "import azureml_inference_server_http.constants as constants; constants.DEFAULT_HOST = '127.0.0.1';"
    "from azureml_inference_server_http import amlserver; amlserver.run()"
)


@pytest.fixture(scope="module")
def port(binary: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Return where the server answers: source and model laid out as Azure ML lays out an image."""
    folder = tmp_path_factory.mktemp("azure")
    place = folder / "azureml-models" / "tumours" / "7"
    shutil.copytree(binary.model, place / "model")
    shutil.copytree(SRC, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    words = ["--entry_script", "score.py", "--port", str(free), "--model_dir", str(place)]
    variables = {
        **os.environ,
        "AML_APP_ROOT": str(folder / "app"),
        "HOME": str(folder),
        "SCORE_ARGUMENTS": "",
    }
    log = (folder / "log").open("wb")
    command = [sys.executable, "-c", ON_LOOPBACK, *words]
    process = subprocess.Popen(command, cwd=folder / "app", env=variables, stdout=log, stderr=log)
    until = time.monotonic() + 120
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", free, timeout=60).request("GET", "/")
            break
        except OSError:
            alive = process.poll() is None and time.monotonic() < until
            assert alive, (folder / "log").read_text(encoding="utf-8")
            time.sleep(0.1)
    yield free
    process.terminate()
    process.wait(60)
    log.close()


def asked(port: int, body: str | bytes) -> tuple[int, dict[str, Any], str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/score", body, {"x-request-id": "order-9"})
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()
    return answer.status, document, answer.getheader("x-request-id")


def test_it_answers_as_it_does_here(port: int, binary: Trained) -> None:
    score.init(["--model", str(binary.model), "--name", "tumours", "--version", "7"])
    body = request(*rows(binary)[:20])
    status, document, request_id = asked(port, body)
    assert (status, request_id) == (200, "order-9")
    assert document == {**score.run(body).document, "request_id": "order-9"}
    assert document["model"]["version"] == "7"


@pytest.mark.parametrize("body", ["{", '{"data": [{}]}', "", b'{"data": "\xff"}', "[" * 10_000])
def test_what_is_wrong_is_a_400_and_tells_no_internals(port: int, body: str | bytes) -> None:
    status, document, _ = asked(port, body)
    assert status == 400
    assert "Traceback" not in json.dumps(document)
