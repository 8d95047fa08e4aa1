"""Every notebook of every use case, executed as CI executes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operation.engine import configuration
from operation.engine.foundation.layout import project
from operation.engine.identity.digests import Digests
from tests.notebooks.conftest import operation, run, surroundings

# Metrics of DEV on the holdout; a change of data, features or model moves them.
EXPECTED = {
    "flights": {"roc_auc": (0.706, 0.01), "average_precision": (0.466, 0.015), "log_loss": (0.474, 0.01)},
    "diabetes": {"r2": (0.51, 0.03), "rmse": (55.7, 2.0)},
}
CASES = list(EXPECTED)
SMALL = {
    "demand": [
        *(
            "ingest.period-from=2018-09-01",
            "backtest.max-iter=5",
            "train_many.max-iter=5",
            "train.max-iter=5",
        ),
        "train_baseline.iterations=3",
    ]
}
HEAVY = {"pandas", "numpy", "sklearn", "papermill", "mlflow", "nbconvert", "matplotlib"}


@pytest.mark.parametrize("use_case", CASES)
def test_every_notebook_succeeds_and_is_reported(
    checkout: Path, manifest: dict[str, Any], use_case: str
) -> None:
    names = [entry.name for entry in configuration.load("DEV", use_case, project()).notebooks]
    assert [(one["name"], one["status"]) for one in manifest["notebooks"]] == [
        (name, "succeeded") for name in names
    ]
    folder = checkout / "runs" / manifest["id"]
    decided = {f"decision-{one['key'][:10]}.html" for one in manifest["steps"] if one["step"] == "gate"}
    assert len(decided) == 1
    assert {f"{name}.html" for name in names} | decided | {"index.html"} == {
        path.name for path in folder.glob("*.html")
    }


def test_every_notebook_belongs_to_a_use_case() -> None:
    configured = [configuration.load("DEV", name, project()) for name in (*CASES, *SMALL)]
    listed = {entry.name for use_case in configured for entry in use_case.notebooks}
    assert listed == {path.stem for path in project().notebooks.glob("*.ipynb")}


@pytest.mark.parametrize("use_case", SMALL)
def test_notebooks_of_many_models_succeed_on_few_rows(checkout: Path, use_case: str) -> None:
    changes = [word for change in SMALL[use_case] for word in ("-p", change)]
    manifest = run(checkout, "--use-case", use_case, *changes)
    assert {entry["status"] for entry in manifest["notebooks"]} == {"succeeded"}


@pytest.mark.parametrize("use_case", CASES)
def test_metrics_are_as_expected_and_better_than_the_baseline(
    manifest: dict[str, Any], use_case: str
) -> None:
    metrics = {name.removeprefix("evaluate."): value for name, value in manifest["metrics"].items()}
    for name, (value, tolerance) in EXPECTED[use_case].items():
        assert metrics[name] == pytest.approx(value, abs=tolerance), name
    better = "log_loss" if "log_loss" in metrics else "rmse"
    assert metrics[better] < metrics[f"baseline_{better}"]


@pytest.mark.parametrize("use_case", CASES)
def test_each_training_is_in_mlflow_with_parameters_metrics_and_artifacts(
    checkout: Path, manifest: dict[str, Any], use_case: str
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{checkout / 'runs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(use_case)
    assert experiment is not None
    trained = [one["key"] for one in manifest["steps"] if one["script"] == "src/train.py"]
    found = {run.data.tags["workbench.key"]: run for run in client.search_runs([experiment.experiment_id])}
    assert set(found) == set(trained)
    run = found[trained[0]]
    assert run.info.status == "FINISHED"
    assert {"estimator", "learning-rate", "random-state"} <= set(run.data.params)
    assert run.data.metrics["evaluate.rows"] > 0
    assert "train/model/model.json" in {
        one.path for one in client.list_artifacts(run.info.run_id, "train/model")
    }


@pytest.mark.parametrize("use_case", CASES)
def test_a_second_run_has_nothing_to_do_and_imports_nothing_heavy(
    checkout: Path, manifest: dict[str, Any], use_case: str
) -> None:
    code = (
        "import sys; from operation import cli\n"
        f"cli.main(['run', '--use-case', {use_case!r}])\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=checkout, env=surroundings(), capture_output=True, text=True, check=True)
    said = "nothing to do: nothing changed since run " + manifest["id"]
    assert done.stdout.startswith(said), done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("use_case", CASES)
def test_a_step_and_the_script_alone_write_the_notebooks_bytes(
    checkout: Path, manifest: dict[str, Any], use_case: str, tmp_path: Path
) -> None:
    step = next(one for one in manifest["steps"] if one["step"] == "train")
    done = operation(checkout, "step", "train", "--use-case", use_case, "--fresh")
    assert done.returncode == 0, done.stderr
    assert f"key {step['key'][:12]}" in done.stdout
    argv = [word for word in step["argv"] if not word.startswith("--model=")]
    words = [sys.executable, str(checkout / "src" / "train.py"), *argv, f"--model={tmp_path / 'model'}"]
    subprocess.run(words, check=True, cwd=tmp_path, capture_output=True)
    assert Digests(tmp_path / "d.db").of(tmp_path / "model").digest == step["outputs"]["model"]["digest"]
