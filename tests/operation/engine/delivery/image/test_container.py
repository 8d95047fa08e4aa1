"""The images, really built, and containers of them, really run."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import score
from tests.operation.engine.delivery.image.conftest import AT_START, IN_IMAGE, Images
from tests.operation.engine.delivery.image.registry import Server
from tests.operation.engine.delivery.image.running import KEY, Container, predictions, running, started
from tests.operation.engine.delivery.serving.running import PATIENCE, wait_until
from tests.src.requesting import request, rows
from tests.src.running import Trained

SERVICE_USER = 10001


@pytest.fixture(scope="module")
def container(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A container of the image that holds its model."""
    limits = {"SCORE_MOST_BYTES": "100000", "SCORE_ARGUMENTS": "--most-rows 50", "SCORE_SECONDS": "5"}
    with running(images.builder, IN_IMAGE, tmp_path_factory.mktemp("container"), **limits) as one:
        yield one


@pytest.fixture(scope="module")
def some(flights: Trained) -> list[dict[str, Any]]:
    """A thousand rows of the holdout."""
    return rows(flights)[:1000]


def in_process(model: Path, some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the scoring script itself answers to each row."""
    score.init(["--model", str(model)])
    return [score.run({"data": [row]}).document["predictions"][0] for row in some]


def test_a_thousand_rows_are_answered_to_the_bit(
    images: Images, container: Container, some: list[dict[str, Any]]
) -> None:
    expected = in_process(images.model, some)
    assert len(expected) == 1000
    assert predictions(container, some) == expected
    assert predictions(container, some, at_once=50) == expected


def test_it_says_which_model_it_has(images: Images, container: Container) -> None:
    digest = json.loads((images.model / "model.json").read_text(encoding="utf-8"))["digest"]
    labels = images.builder.config(IN_IMAGE)["Labels"]
    assert labels["workbench.model.digest"] == digest
    assert f'digest="{digest}"' in container.asked("GET", "/metrics")[2].decode()
    assert labels["org.opencontainers.image.base.name"] == images.base


def test_wrong_requests_are_answered_as_by_serve(container: Container, some: list[dict[str, Any]]) -> None:
    status, told = container.scored(request({**some[0], "carrier": 5, "distance": "far", "speed": 1}))
    assert status == 400
    assert [one["column"] for one in told["error"]["problems"]] == ["carrier", "distance", "speed"]
    assert container.scored(request(some[0]), Authorization="Bearer wrong")[0] == 401
    assert container.asked("GET", "/score")[0] == 405
    assert container.scored(b"x" * 100_001)[0] == 413
    assert container.scored(request(*some[:51]))[0] == 400
    assert container.asked("GET", "/nowhere")[0] == 404
    assert container.asked("GET", "/") == (200, container.asked("GET", "/")[1], b"Healthy")
    assert container.asked("GET", "/openapi.json")[0] == 200
    status, headers, _ = container.asked("POST", "/score", request(some[0]), x_request_id="mine-1")
    assert (status, headers["x-request-id"]) == (200, "mine-1")


def test_it_runs_without_rights_and_writes_only_what_is_temporary(
    container: Container,
) -> None:
    assert Path(f"/proc/{container.main}").stat().st_uid == SERVICE_USER
    assert container.inside("id", "-u").stdout == f"{SERVICE_USER}\n"
    mine = "find / -xdev -writable -not -type l -not -path '/proc/*' -not -path '/sys/*' -not -path '/dev/*'"
    found = container.inside("sh", "-c", f"{mine} 2>/dev/null").stdout.split()
    outside = [path for path in found if not path.startswith(("/tmp", "/var/tmp", "/run/lock"))]
    assert outside == []


def test_its_health_check_tells_whether_it_answers(images: Images, container: Container) -> None:
    config = images.builder.config(IN_IMAGE)
    kind, *words = config["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert container.inside(*words, SCORE_PORT=str(container.port)).returncode == 0
    assert container.inside(*words, SCORE_PORT="9").returncode == 1
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")


def test_no_layer_holds_a_secret_or_what_installs(images: Images) -> None:
    builder = images.builder
    for image in (IN_IMAGE, AT_START):
        assert images.canary not in json.dumps(builder.document(image))
        name = builder.run("from", "--pull-never", image)
        try:
            root = Path(builder.run("mount", name))
            secret = images.canary.encode()
            files = [file for file in root.rglob("*") if file.is_file() and not file.is_symlink()]
            assert [file for file in files if secret in file.read_bytes()] == []
            names = {file.relative_to(root).as_posix() for file in files}
        finally:
            builder.run("rm", name)
        service = [name for name in names if name.startswith("opt/service/")]
        assert len(service) > 1000
        installers = ("/site-packages/pip/", "/site-packages/setuptools/", "/site-packages/uv/")
        assert [name for name in service if any(one in name for one in installers)] == []
        assert [name for name in names if "pip.conf" in name or name.startswith("run/secrets/")] == []
    assert images.canary not in images.said


def test_it_stops_when_it_has_answered(images: Images, tmp_path: Path, some: list[dict[str, Any]]) -> None:
    """A request that has begun is answered, and the container is gone before an engine would kill it."""
    with running(images.builder, IN_IMAGE, tmp_path) as container:
        body = request(some[0]).encode()
        connection = container.connection()
        connection.putrequest("POST", "/score")
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Authorization", f"Bearer {KEY}")
        connection.endheaders(body[:10])
        time.sleep(0.3)
        container.signal(signal.SIGTERM)
        threading.Timer(0.5, lambda: connection.send(body[10:])).start()
        assert connection.getresponse().status == 200
        begun = time.monotonic()
        assert container.process.wait(30) == 0
        assert time.monotonic() - begun < 10


def test_without_a_key_or_with_another_model_it_does_not_start(images: Images, tmp_path: Path) -> None:
    with started(images.builder, IN_IMAGE, tmp_path, SCORE_KEY="") as container:
        assert container.process.wait(PATIENCE) == 2
        assert container.text().splitlines()[0] == (
            "error: No API key is set. Mount a file with one key per line and name it with "
            "SCORE_KEY_FILE, or set SCORE_KEY; SCORE_OPEN=yes opens the service to everyone who reaches it."
        )
    with started(images.builder, IN_IMAGE, tmp_path, SCORE_DIGEST="0" * 64) as container:
        assert container.process.wait(PATIENCE) == 1
        assert "it was not loaded, name the right model" in container.text().splitlines()[0]


def test_keys_come_from_a_file_and_a_log_of_what_was_scored_survives(
    images: Images, tmp_path: Path, some: list[dict[str, Any]]
) -> None:
    (tmp_path / "keys").write_text("first-of-the-two-keys\nsecond-of-the-two-keys\n", encoding="ascii")
    (tmp_path / "scored").mkdir()
    os.chown(tmp_path / "scored", SERVICE_USER, SERVICE_USER)
    volumes = [f"{tmp_path}/keys:/keys:ro", f"{tmp_path}/scored:/scored"]
    given = {
        "SCORE_KEY": "",
        "SCORE_KEY_FILE": "/keys",
        "SCORE_ARGUMENTS": "--log /scored --log-most-bytes 9000 --log-sync-seconds 0.1",
    }
    with running(images.builder, IN_IMAGE, tmp_path, volumes, **given) as container:
        container.key = "second-of-the-two-keys"
        assert len(predictions(container, some[:7])) == 7
        # a full one is closed, another begun
        wait_until(lambda: bool([*(tmp_path / "scored").glob("*[0-9].jsonl")]), container.text)
        assert len(predictions(container, some[7:9])) == 2
        assert container.scored(request(some[0]), Authorization=f"Bearer {KEY}")[0] == 401
        container.signal(signal.SIGTERM)
        container.process.wait(30)
        assert container.text().count("\n") == 1, container.text()
    logs = [log.read_text(encoding="utf-8").splitlines() for log in (tmp_path / "scored").glob("*.jsonl")]
    assert len(logs) > 1
    assert sum(len(lines) - 1 for lines in logs) == 9  # the first line of each tells the features


def _version(container: Container) -> str:
    return container.asked("GET", "/metrics")[2].decode().partition(',version="')[2].partition('"')[0]


def test_the_model_is_fetched_from_the_registry_when_it_starts(
    images: Images, registry: Server, tmp_path: Path, some: list[dict[str, Any]]
) -> None:
    assert "model" not in (images.builder.config(AT_START)["Labels"].get("workbench.model.digest") or "")
    uri = {"MLFLOW_TRACKING_URI": registry.uri}
    with running(images.builder, AT_START, tmp_path, **uri) as container:
        # it may answer before it has said so
        wait_until(lambda: "serving flights version 1 (" in container.text(), container.text)
        assert predictions(container, some[:50]) == in_process(images.model, some[:50])
        # another version becomes the champion: it is served without a gap
        registry.register_again()
        container.signal(signal.SIGHUP)
        wait_until(
            lambda: len(predictions(container, some[:1])) == 1 and _version(container) == "2", container.text
        )
        # and one whose bytes are others than its digest says is not
        registry.register_changed()
        container.signal(signal.SIGHUP)
        refused = "Rejected the new champion; still serving flights version 2 ("
        wait_until(lambda: refused in container.text(), container.text)
        assert _version(container) == "2"
    with started(images.builder, AT_START, tmp_path, **uri) as container:
        assert container.process.wait(PATIENCE) == 1
        assert container.text().splitlines()[0].startswith("error: ")
        assert "is not the expected model: its digest is" in container.text()
