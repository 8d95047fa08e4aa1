"""What an image is built from: the same bytes for the same things, and nothing that is not needed."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from operation.engine.delivery.image.contents import engine_files, locked_packages, script_files
from operation.engine.delivery.image.context import Recipe, read_manifest, write_context
from operation.engine.delivery.image.dockerfile import BASE, dockerfile
from operation.engine.delivery.serving.settings import ServedModel
from operation.engine.foundation.children import free_port
from operation.engine.foundation.errors import StepFailed, WorkbenchError
from operation.engine.foundation.layout import Layout, project
from operation.setup import lockfile
from operation.setup.lockfile import read_pins
from tests.src.conftest import PATIENTS, patients  # noqa: F401 - fixture
from tests.src.running import Trained

ROOT = project().root
SCORING = ROOT / "configuration" / "environments" / "scoring.yml"
SCORED_LOG = SCORING.with_name("scored-log.yml")
PINNED = "registry.example/python@sha256:" + "0" * 64


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, patients: object) -> Trained:  # noqa: F811
    """A small model."""
    import pandas as pd

    assert isinstance(patients, pd.DataFrame)
    words = ["--estimator", "linear"]
    return Trained(tmp_path_factory.mktemp("small"), patients, PATIENTS, words)


def served(folder: Path) -> ServedModel:
    """Return the model in a folder, as a registry would name it."""
    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return ServedModel(folder, "patients", "3", str(facts["digest"]))


@pytest.fixture
def recipe(trained: Trained) -> Recipe:
    """An image with a model."""
    return Recipe(PINNED, served(trained.model), {"SCORE_MODEL": "/model"})


def contents(folder: Path) -> dict[str, tuple[bytes, float, int]]:
    """Return bytes, time and mode of every file in a folder."""
    return {
        file.relative_to(folder).as_posix(): (
            file.read_bytes(),
            file.stat().st_mtime,
            file.stat().st_mode & 0o777,
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_same_things_give_the_same_bytes(recipe: Recipe, tmp_path: Path) -> None:
    first = write_context(project(), recipe, tmp_path / "first")
    elsewhere = tmp_path / "copy"
    for part in ("src", "configuration", "operation"):
        ignored = shutil.ignore_patterns("__pycache__", "runs")
        shutil.copytree(ROOT / part, elsewhere / part, ignore=ignored, copy_function=shutil.copyfile)
    shutil.copyfile(ROOT / "requirements.lock", elsewhere / "requirements.lock")
    second = write_context(Layout(elsewhere), recipe)
    assert contents(first) == contents(second)
    assert second == elsewhere / "runs" / "packages" / read_manifest(second)["key"]
    assert write_context(Layout(elsewhere), recipe) == second


def test_the_manifest_tells_what_it_is_made_of(recipe: Recipe, tmp_path: Path) -> None:
    folder = write_context(project(), recipe, tmp_path / "image")
    manifest = read_manifest(folder)
    assert recipe.model
    assert manifest["model"] == {"name": "patients", "version": "3", "digest": recipe.model.digest}
    assert (manifest["base"], manifest["base_is_pinned"]) == (PINNED, True)
    there = {name: hashlib.sha256(file[0]).hexdigest() for name, file in contents(folder).items()}
    there.pop("manifest.json")
    assert manifest["files"] == there


def test_another_model_base_or_source_is_another_image(recipe: Recipe, tmp_path: Path) -> None:
    keys = set()
    for number, one in enumerate(
        [
            recipe,
            replace(recipe, base=BASE),
            replace(recipe, model=None),
            replace(recipe, variables={}),
            replace(recipe, keeps_log=True),
        ]
    ):
        keys.add(read_manifest(write_context(project(), one, tmp_path / str(number)))["key"])
    assert len(keys) == 5


def test_a_folder_of_something_else_stays(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(WorkbenchError) as caught:
        write_context(project(), recipe, tmp_path)
    assert (
        str(caught.value) == f"{tmp_path} is not an image's build context. Name an empty folder with --into."
    )
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_model_with_another_byte_is_not_packaged(recipe: Recipe, tmp_path: Path) -> None:
    assert recipe.model
    changed = tmp_path / "changed"
    shutil.copytree(recipe.model.folder, changed)
    content = (changed / "model.pickle").read_bytes()
    (changed / "model.pickle").write_bytes(content[:-1] + b"!")
    found = hashlib.sha256(content[:-1] + b"!").hexdigest()
    with pytest.raises(StepFailed) as caught:
        write_context(project(), replace(recipe, model=served(changed)), tmp_path / "image")
    assert str(caught.value) == (
        f"{changed / 'model.pickle'} is not the model that was trained: its digest is {found[:12]}, "
        f"expected {recipe.model.digest[:12]}. It was not packaged; retrain the model."
    )
    assert not (tmp_path / "image").exists()


def test_a_model_of_other_packages_is_not_packaged(recipe: Recipe, tmp_path: Path) -> None:
    assert recipe.model
    old = tmp_path / "old"
    shutil.copytree(recipe.model.folder, old)
    facts = json.loads((old / "model.json").read_text(encoding="utf-8"))
    facts["packages"]["scikit-learn"] = "1.0.0"
    (old / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(
        WorkbenchError, match=r"was trained with scikit-learn 1\.0\.0 but requirements\.lock has "
    ):
        write_context(project(), replace(recipe, model=served(old)), tmp_path / "image")


@pytest.mark.parametrize("files", [[SCORING], [SCORING, SCORED_LOG]], ids=["scoring", "scored-log"])
def test_what_is_installed_is_the_lock_s_own(files: list[Path]) -> None:
    chosen = locked_packages(files, ROOT / "requirements.lock")
    whole = [entry.text for entry in lockfile.entries(ROOT / "requirements.lock")]
    assert set(chosen) <= set(whole)
    assert all("--hash=sha256:" in entry for entry in chosen)
    names = {entry.partition("==")[0] for entry in chosen}
    assert {"numpy", "pandas", "scikit-learn", "scipy", "joblib", "granian", "prometheus-client"} <= names
    assert ("pyarrow" in names) == (SCORED_LOG in files)
    assert names.isdisjoint({"mlflow", "azureml-core", "matplotlib", "jupyterlab", "pip", "setuptools"})


@pytest.mark.parametrize("file", [SCORING, SCORED_LOG], ids=lambda file: file.name)
def test_environment_files_of_images_pin_what_is_locked(file: Path) -> None:
    pins = {name: version for name, version in read_pins(file).items() if name != "python"}
    locked = lockfile.versions(ROOT / "requirements.lock")
    assert {name: version for name, version in pins.items() if version not in locked.get(name, set())} == {}
    direct = read_pins(ROOT / "environment.yml")
    assert [name for name in pins if name in direct and direct[name] != pins[name]] == []


def test_a_pin_that_is_not_locked_is_told(tmp_path: Path) -> None:
    file = tmp_path / "scoring.yml"
    file.write_text("dependencies:\n  - pip:\n      - numpy==1.0\n", encoding="utf-8")
    with pytest.raises(WorkbenchError) as caught:
        locked_packages([file], ROOT / "requirements.lock")
    there = " and ".join(lockfile.versions(ROOT / "requirements.lock")["numpy"])
    assert str(caught.value) == (
        f"scoring.yml pins numpy 1.0; requirements.lock has {there}. Pin that one, or name the package in "
        "environment.yml and run `python3 -m operation lock`."
    )


def test_the_code_is_what_is_imported_and_started() -> None:
    scripts = {file.name for file in script_files(ROOT / "src" / "score.py")}
    assert {"score.py", "features.py", "scored_parts.py", "tables.py"} <= scripts
    assert scripts.isdisjoint({"train.py", "ingest.py", "evaluate.py", "plots.py", "remote_data.py"})
    engine = {file.relative_to(ROOT / "operation").as_posix() for file in engine_files(project())}
    assert {
        f"engine/delivery/{name}"
        for name in ("serving/app.py", "serving/openapi.json", "image/runtime/service.py")
    } <= engine
    assert not any(name.startswith(("commands", "engine/configuration", "setup")) for name in engine)


def test_the_code_imports_nothing_that_is_not_installed() -> None:
    """At its top level: what is imported inside functions is for those who call them elsewhere."""
    names = {"numpy", "pandas", "sklearn", "pydantic", "pydantic_core", "typing_extensions"}
    names |= {"granian", "prometheus_client"}
    own = {"operation"} | {file.stem for file in (ROOT / "src").iterdir()}
    for file in [*script_files(ROOT / "src" / "score.py"), *engine_files(project())]:
        if file.suffix != ".py":
            continue
        for node in ast.parse(file.read_bytes()).body:
            told = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            told += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.partition(".")[0] for name in told} - set(sys.stdlib_module_names) - own
            assert roots <= names, file


def test_no_file_of_the_image_names_this_machine(recipe: Recipe, tmp_path: Path) -> None:
    folder = write_context(project(), recipe, tmp_path / "image")
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix != ".pickle":
            assert str(ROOT).encode() not in file.read_bytes(), file
            assert str(Path.home()).encode() + os.sep.encode() not in file.read_bytes(), file


def test_the_dockerfile_says_how_to_pin_a_base_that_is_not_pinned() -> None:
    loose = dockerfile("python:3.11-slim", {}, {}, model_in_image=False)
    pinned = dockerfile(PINNED, {}, {}, model_in_image=False)
    assert "# python:3.11-slim is a tag, which may come to mean another image. Its digest:" in loose
    assert "is a tag" not in pinned
    assert f"ARG BASE={PINNED}\n" in pinned
    assert "COPY model" not in pinned
    assert "COPY model /model\n" in dockerfile(PINNED, {}, {}, model_in_image=True)


def test_values_in_the_dockerfile_mean_themselves() -> None:
    text = dockerfile(PINNED, {"a.b": 'say "no" for $HOME'}, {"X": "a b"}, model_in_image=False)
    assert 'a.b="say \\"no\\" for \\$HOME"' in text
    assert 'X="a b"' in text


def test_the_written_code_alone_serves(recipe: Recipe, tmp_path: Path) -> None:
    """With its own folder as the only source: nothing of the checkout is needed."""
    folder = write_context(project(), recipe, tmp_path / "image")
    environment = {
        "PYTHONPATH": str(folder / "app"),
        "PATH": os.environ["PATH"],
        "SCORE_MODEL": str(folder / "model"),
        "SCORE_DIGEST": "0" * 64,
        "SCORE_OPEN": "yes",
        "SCORE_HOST": "127.0.0.1",
        "SCORE_STATE": str(tmp_path / "state"),
        "SCORE_PORT": "0.5",
    }
    words = [sys.executable, "-P", "-m", "operation.engine.delivery.image.runtime.service"]
    told = {**environment, "SCORE_PORT": str(free_port())}
    done = subprocess.run(
        words, env=told, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False, timeout=120
    )
    lines = done.stderr.splitlines()
    assert (done.returncode, lines[-1].partition(" before")[0]) == (1, "error: The server ended with code 1")
    assert lines[0].endswith("it was not loaded, name the right model")
    done = subprocess.run(
        words, env=environment, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    said = "error: SCORE_PORT: '0.5' is not a whole number up to 65535. Leave it out for 5001.\n"
    assert (done.returncode, done.stderr) == (2, said)
