"""Which model a service in an image serves, and what it says when there is none."""

from __future__ import annotations

import functools
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from operation.engine.delivery.image.runtime.finder import Finder
from operation.engine.delivery.image.runtime.variables import settings_from
from operation.engine.delivery.image.runtime.web import Web
from operation.engine.delivery.serving.settings import ServedModel
from operation.engine.foundation.errors import StepFailed, UsageError
from tests.operation.engine.delivery.image.registry import Server
from tests.src.running import Trained

KEY = "a-key-of-the-tests"


def found(state: Path, **environment: str) -> ServedModel:
    """Return what a service with these variables would serve."""
    given = {"SCORE_KEY": KEY, "SCORE_STATE": str(state), "SCORE_PATIENCE": "0.1", **environment}
    return Finder(given, settings_from(given))()


def digest(model: Path) -> str:
    """Return a model's digest."""
    return str(json.loads((model / "model.json").read_text(encoding="utf-8"))["digest"])


def test_a_registry_gives_the_model_of_an_alias_and_of_a_version(
    registry: Server, flights: Trained, tmp_path: Path
) -> None:
    for named in ("models:/delays@champion", "models:/delays/1"):
        one = found(tmp_path, SCORE_MODEL=named, MLFLOW_TRACKING_URI=registry.uri)
        assert (one.name, one.version, one.digest) == ("delays", "1", digest(flights.model))
        for file in ("model.json", "model.pickle"):
            assert (one.folder / file).read_bytes() == (flights.model / file).read_bytes()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (
            "delays@champoin",
            "delays has no alias 'champoin' in URI. Did you mean 'champion'? There is: champion",
        ),
        (
            "delasy@champion",
            "there is no model 'delasy' in URI. Did you mean 'delays'? There is: delays and flights",
        ),
        ("delays/9", "delays has no version 9 in URI"),
    ],
)
def test_what_a_registry_has_not_is_told_with_what_it_has(
    registry: Server, tmp_path: Path, named: str, said: str
) -> None:
    with pytest.raises(StepFailed) as caught:
        found(tmp_path, SCORE_MODEL=f"models:/{named}", MLFLOW_TRACKING_URI=registry.uri)
    assert str(caught.value) == said.replace("URI", registry.uri)


def test_another_digest_than_the_one_asked_for_is_not_fetched(registry: Server, tmp_path: Path) -> None:
    given = {"SCORE_MODEL": "models:/delays@champion", "MLFLOW_TRACKING_URI": registry.uri}
    with pytest.raises(StepFailed, match="delays version 1 is not the expected model"):
        found(tmp_path, **given, SCORE_DIGEST="0" * 64)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "SCORE_MODEL is not set: name a folder, the URL of one, or models:/<name>@<alias>"),
        (
            {"SCORE_MODEL": "models:/flights"},
            "SCORE_MODEL: 'models:/flights' is not models:/<name>@<alias> or models:/<name>/<version>",
        ),
        (
            {"SCORE_MODEL": "/model"},
            "SCORE_DIGEST is not set: only a digest from elsewhere proves that /model is the expected model. "
            "Copy it from model.json where the model was trained.",
        ),
        (
            {"SCORE_MODEL": "/model", "SCORE_DIGEST": "abc"},
            "SCORE_DIGEST: expected a whole SHA-256, 64 hexadecimal digits, got 'abc'",
        ),
        (
            {"SCORE_MODEL": "/model", "SCORE_DIGEST": ""},
            "SCORE_DIGEST: expected a whole SHA-256, 64 hexadecimal digits, got ''",
        ),
        (
            {"SCORE_MODEL": "models:/flights@champion"},
            "MLFLOW_TRACKING_URI is not set: name an MLflow tracking server, as https://mlflow.example.com",
        ),
        (
            {"SCORE_MODEL": "models:/flights@champion", "MLFLOW_TRACKING_URI": "sqlite:///runs/mlflow.db"},
            "MLFLOW_TRACKING_URI is sqlite:///runs/mlflow.db: name an MLflow tracking server, as "
            "https://mlflow.example.com",
        ),
        (
            {"SCORE_KEY": "short"},
            "SCORE_KEY must hold one API key per line, each of at least 16 ",
        ),
        ({"SCORE_PORT": "http"}, "SCORE_PORT: 'http' is not a number above 0. Leave it out for 5001."),
        (
            {"SCORE_PORT": "70000"},
            "SCORE_PORT: '70000' is not a whole number up to 65535. Leave it out for 5001.",
        ),
        ({"SCORE_SECONDS": "-1"}, "SCORE_SECONDS: '-1' is not a number above 0. Leave it out for 30."),
    ],
)
def test_what_is_wrong_with_the_variables_is_told(tmp_path: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        found(tmp_path, **given)
    assert str(caught.value).startswith(said)


def test_nobody_there_is_waited_for_and_then_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = {"SCORE_MODEL": "models:/flights@champion", "MLFLOW_TRACKING_URI": "http://me:secret@127.0.0.1:9"}
    with pytest.raises(StepFailed) as caught:
        found(tmp_path, **given, SCORE_PATIENCE="3")
    said = "http://127.0.0.1:9/api/2.0/mlflow/registered-models/alias?... does not answer: "
    assert str(caught.value).startswith(said)
    assert capfd.readouterr().err.startswith(f"waiting: {said}")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a folder over HTTP; yield its address and itself."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    ) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", folder
        listening.shutdown()


def test_a_url_gives_the_model_whose_digest_was_told_and_no_other(
    place: tuple[str, Path], flights: Trained, tmp_path: Path
) -> None:
    address, folder = place
    shutil.copytree(flights.model, folder / "model")
    given = {"SCORE_MODEL": f"{address}/model?sig=secret", "SCORE_DIGEST": digest(flights.model)}
    one = found(tmp_path, **given)
    assert (one.folder / "model.pickle").read_bytes() == (flights.model / "model.pickle").read_bytes()
    shutil.rmtree(tmp_path / "models")
    content = (flights.model / "model.pickle").read_bytes()
    (folder / "model" / "model.pickle").write_bytes(content[:-1] + b"!")
    with pytest.raises(StepFailed) as caught:
        found(tmp_path, **given)
    assert str(caught.value).startswith(
        f"{address}/model/model.pickle?... is not the expected model: its digest is "
    )
    assert list((tmp_path / "models").iterdir()) == []
    (folder / "model" / "model.pickle").unlink()
    with pytest.raises(StepFailed, match=r"/model/model.pickle\?\.\.\. answers 404 File not found"):
        found(tmp_path, **given)


def test_credentials_go_to_the_registry_and_to_nobody_else() -> None:
    environment = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "mine"}
    signed = Web(environment, signed=True)._request("https://registry.example/x")
    assert signed.unredirected_hdrs == {"Authorization": "Basic bWU6bWluZQ=="}
    assert Web(environment)._request("https://blob.example/x").unredirected_hdrs == {}
    token = Web({"MLFLOW_TRACKING_TOKEN": "t"}, signed=True)._request("https://registry.example/x")
    assert token.unredirected_hdrs == {"Authorization": "Bearer t"}
