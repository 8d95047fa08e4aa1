"""What the process that logs to MLflow leaves in a store, as MLflow's own client and tables tell it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from operation.engine.notebooks.fork_server.client import ROOT

TRAIN, JUDGE = "a" * 64, "b" * 64


def _step(name: str, key: str, *words: str, **rest: Any) -> dict[str, Any]:
    common = {"step": name, "key": key, "how": "executed", "argv": list(words), "metrics": {}, "outputs": {}}
    return {**common, **rest}


def _manifest(runs: Path, status: str, steps: list[dict[str, Any]]) -> Path:
    folder = runs / "20260101-000000-tiny-DEV-0000"
    folder.mkdir(exist_ok=True)
    facts = {"environment": "DEV", "commit": "c0ffee", "dirty": False, "command": "run", "host": "h"}
    content = {"id": folder.name, "use_case": "tiny", "python": "3", "status": status, "steps": steps}
    path = folder / "manifest.json"
    path.write_text(json.dumps({**facts, **content}), encoding="utf-8")
    return path


def _stored(runs: Path, key: str, output: str, arguments: Mapping[str, object]) -> None:
    folder = runs / "store" / key / output
    folder.mkdir(parents=True)
    (folder / "file.txt").write_text(output, encoding="utf-8")
    record = {"components": {"arguments": arguments}}
    (folder.parent / "manifest.json").write_text(json.dumps(record), encoding="utf-8")


def _log(folder: Path, *manifests: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operation.engine.runs.mlflow_log", "sqlite:///here.db"],
        input="".join(f"{path}\n" for path in manifests),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that MLflow has made, which takes it some seconds, and nothing in it."""
    folder = tmp_path_factory.mktemp("store")
    _log(folder)
    return folder / "here.db"


@pytest.fixture
def place(tmp_path: Path, empty: Path) -> Path:
    """A folder with a store of its own."""
    shutil.copy(empty, tmp_path)
    return tmp_path


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "here.db")) as connection:
        return connection.execute(query).fetchall()


def test_a_training_and_what_is_measured_of_it_are_one_run_of_mlflow(place: Path) -> None:
    runs = place / "runs"
    many = {f"argument-{number:03d}": number for number in range(120)}  # MLflow takes 100 at once
    _stored(runs, TRAIN, "model", many)
    _stored(runs, JUDGE, "report", {})
    steps = [
        _step("train", TRAIN, outputs={"model": {}}, metrics={"rows": 5, "name": "text"}),
        _step("evaluate", JUDGE, f"--model={TRAIN}", outputs={"report": {}}, metrics={"auc": 0.5}),
        _step("failed", "c" * 64, how="failed"),
    ]
    told = _log(place, _manifest(runs, "succeeded", steps))
    assert told.stdout == ""
    assert _rows(place, "select name, status from runs") == [(TRAIN[:12], "FINISHED")]
    assert _rows(place, "select count(*) from params") == [(120,)]
    assert sorted(_rows(place, "select key, value from metrics")) == [
        ("evaluate.auc", 0.5),
        ("train.rows", 5.0),
    ]
    found = {
        path.relative_to(runs / "mlflow-artifacts").as_posix()
        for path in runs.rglob("file.txt")
        if "store" not in path.parts
    }
    assert {name.partition("/artifacts/")[2] for name in found} == {
        "train/model/file.txt",
        "evaluate/report/file.txt",
    }


def test_a_manifest_that_grows_is_logged_once_and_its_end_told(place: Path) -> None:
    runs = place / "runs"
    _stored(runs, TRAIN, "model", {"rate": 0.1})
    step = _step("train", TRAIN, outputs={"model": {}}, metrics={"rows": 5})
    path = _manifest(runs, "interrupted", [step])
    _log(place, path, path)
    assert _rows(place, "select status from runs") == [("KILLED",)]
    assert _rows(place, "select value from metrics") == [(5.0,)]
