"""Evaluate: metrics beside a baseline, slices and predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tabular import tables
from tests.src.running import Trained, child, contents, error_of, left_over, run

WRITTEN = ["metrics.json", "predictions.parquet", "slices.parquet"]


def evaluate(trained: Trained, folder: Path, *words: object) -> dict[str, Any]:
    inputs = ["--model", trained.model, "--training", trained.training, "--holdout", trained.holdout]
    run("evaluate", *inputs, "--report", folder / "report", *words)
    metrics: dict[str, Any] = json.loads((folder / "report/metrics.json").read_text(encoding="utf-8"))
    return metrics


def test_two_classes(binary: Trained, tmp_path: Path) -> None:
    metrics = evaluate(binary, tmp_path, "--slices", "size", "--baseline-by", "size")
    assert metrics["roc_auc"] > metrics["baseline_roc_auc"] > 0.5
    assert metrics["log_loss"] < metrics["baseline_log_loss"]
    assert metrics["roc_auc_low"] < metrics["roc_auc"] < metrics["roc_auc_high"]
    assert metrics["prevalence"] == pytest.approx(tables.read_table(binary.holdout)["target"].mean())
    assert left_over(tmp_path / "report") == WRITTEN


def test_numbers(regression: Trained, tmp_path: Path) -> None:
    metrics = evaluate(regression, tmp_path)
    assert metrics["rmse"] < metrics["baseline_rmse"]
    assert metrics["r2"] > 0.3 > metrics["baseline_r2"]


def test_three_classes(multiclass: Trained, tmp_path: Path) -> None:
    metrics = evaluate(multiclass, tmp_path)
    assert metrics["accuracy"] > 0.8 > metrics["baseline_accuracy"]
    predictions = pd.read_parquet(tmp_path / "report/predictions.parquet")
    assert list(predictions.columns)[3:] == [
        f"probability_{name}" for name in ("setosa", "versicolor", "virginica")
    ]


def test_predictions_and_slices_say_the_same(binary: Trained, tmp_path: Path) -> None:
    evaluate(binary, tmp_path, "--slices", "size")
    predictions = pd.read_parquet(tmp_path / "report/predictions.parquet")
    slices = pd.read_parquet(tmp_path / "report/slices.parquet").set_index("category")
    assert len(predictions) == slices["rows"].sum() == 144
    large = predictions[predictions["size"] == "large"]
    assert slices.loc["large", "actual"] == pytest.approx(large["actual"].mean())


def test_a_process_with_other_threads_writes_the_same_bytes(binary: Trained, tmp_path: Path) -> None:
    evaluate(binary, tmp_path, "--slices", "size", "--baseline-by", "size")
    inputs = ["--model", binary.model, "--training", binary.training, "--holdout", binary.holdout]
    words = [*inputs, "--report", tmp_path / "there", "--slices", "size", "--baseline-by", "size"]
    done = child("evaluate", *words, OMP_NUM_THREADS="3", PYTHONHASHSEED="5")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "report") == contents(tmp_path / "there")


def test_slices_that_were_not_kept(binary: Trained, tmp_path: Path) -> None:
    assert error_of(evaluate, binary, tmp_path, "--slices", "sise", "smoothness") == (
        "--slices: there is no column 'sise' (did you mean 'size'?), no column 'smoothness'; "
        "the columns are: radius, texture, size, day, target"
    )
    assert left_over(tmp_path) == []
