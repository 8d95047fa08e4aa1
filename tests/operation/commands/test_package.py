"""What ``package`` passes on, and what it refuses before anything is written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from operation.commands import package
from operation.engine.delivery.image import builder
from operation.engine.delivery.image.builder import local_folders, write_secrets
from operation.engine.delivery.image.context import Recipe
from operation.engine.delivery.image.dockerfile import BASE
from operation.engine.delivery.serving.settings import ServedModel
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout, project
from tests.src.conftest import patients, regression  # noqa: F401 - fixtures
from tests.src.running import Trained


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    package.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what running leaves in a folder of the test."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_it_writes_and_says_how_to_build_where_nothing_builds(
    regression: Trained,  # noqa: F811
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", "")
    assert package.run(parsed("--model", str(regression.model), "--tag", "patients:1")) == 0
    (folder,) = (elsewhere / "packages").iterdir()
    digest = json.loads((regression.model / "model.json").read_text(encoding="utf-8"))["digest"]
    shown = project().relative(folder)
    assert capsys.readouterr().out.splitlines() == [
        f"An image with a model ({digest[:12]}) is written to {shown}",
        f"{BASE} is a tag, which may move: the Dockerfile says how to pin the base by its digest",
        f"build it with docker, podman or buildah: docker build --tag patients:1 {folder}",
    ]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["variables"] == {"SCORE_MODEL": "/model", "SCORE_DIGEST": digest}


def test_a_model_that_is_fetched_is_named_by_its_alias(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert package.run(parsed("--model-at-start", "--no-build", "--base", f"x@sha256:{'0' * 64}")) == 0
    (folder,) = (elsewhere / "packages").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["variables"] == {"SCORE_MODEL": "models:/flights@champion"}
    assert manifest["model"] is None
    assert not (folder / "model").exists()
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("An image that fetches models:/flights@champion when it starts is written to ")
    assert told[1].startswith(
        "build it with docker, podman or buildah: docker build --tag workbench-flights:at"
    )


def test_a_folder_is_nothing_to_fetch(regression: Trained) -> None:  # noqa: F811
    with pytest.raises(UsageError) as caught:
        package.run(parsed("--model-at-start", "--no-build", "--model", str(regression.model)))
    assert str(caught.value) == (
        f"--model: {regression.model} is a folder, and --model-at-start fetches an alias such as champion "
        "from a registry. Use --model-in-image, or name an alias"
    )


def test_a_model_that_is_not_there_is_told(real_project: Layout) -> None:
    with pytest.raises(
        UsageError, match="there is no folder runs/nowhere/model; name one, or an alias such as"
    ):
        package.run(parsed("--no-build", "--model", "runs/nowhere/model"))
    with pytest.raises(StepFailed) as caught:
        package.run(parsed("--no-build", "--model", "champoin"))
    assert str(caught.value) == (
        "sqlite:///runs/mlflow.db has no model 'flights'; its models: none. Run register, or name a folder"
    )
    assert not (real_project.runs / "packages").exists()


@pytest.mark.parametrize("words", [("--base", "Python 3.11"), ("--tag", "--help"), ("--tag", "a b")], ids=str)
def test_names_that_no_builder_takes_are_refused(words: tuple[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        package.run(parsed(f"{words[0]}={words[1]}"))
    assert str(caught.value) == (
        f"{words[0]}: {words[1]!r} is no valid image name. Use lower-case letters, digits and ._-/, and "
        "optionally :<tag>, such as scoring:3"
    )


def test_a_builder_that_does_not_work_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert builder.find_builder() is None
    with pytest.raises(UsageError) as caught:
        package.run(parsed("--builder", "podman"))
    assert str(caught.value) == (
        "--builder: podman does not work here (`podman info` fails). Start or install it, name another of "
        "docker, podman or buildah, or give --no-build."
    )


def test_a_tracking_server_is_named_in_the_image_without_its_password() -> None:
    assert package.without_password("https://me:secret@mlflow.example/a@b") == "https://mlflow.example/a@b"
    assert package.without_password("http://mlflow.example") == "http://mlflow.example"


def test_an_image_has_a_name_of_its_own() -> None:
    model = ServedModel(Path("m"), "My Flights", "3", "d" * 64)
    variables = {"SCORE_MODEL_NAME": "My Flights", "SCORE_MODEL_VERSION": "3"}
    assert package.default_tag(Recipe("b", model, variables)) == "workbench-my-flights:3"
    unnamed = ServedModel(Path("m"), None, None, "d" * 64)
    assert package.default_tag(Recipe("b", unnamed, {})) == f"workbench-scoring:{'d' * 12}"
    assert package.default_tag(Recipe("b", None, {"SCORE_MODEL": "models:/f@x"})) == "workbench-f:at-start"


def test_pip_s_settings_become_secrets_of_the_build(tmp_path: Path) -> None:
    certificates, local = tmp_path / "ca.crt", tmp_path / "index" / "simple"
    local.mkdir(parents=True)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    settings = {
        "index-url": "https://me:secret@index.example/simple",
        "extra-index-url": f"{local.as_uri()}\nhttps://b.example",
        "find-links": str(wheels),
        "cert": str(certificates),
        "user": "yes",
    }
    secrets = write_secrets(settings, tmp_path)
    assert secrets == {"pip.conf": tmp_path / "pip.conf", "ca.pem": certificates}
    assert (tmp_path / "pip.conf").read_text(encoding="utf-8").splitlines() == [
        "[global]",
        "index-url = https://me:secret@index.example/simple",
        f"extra-index-url = {local.as_uri()} https://b.example",
        f"find-links = {wheels}",
    ]
    assert local_folders(settings) == [tmp_path / "index", wheels]
