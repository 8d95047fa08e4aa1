"""Explain: importances and plots of what was evaluated."""

from __future__ import annotations

import struct
from pathlib import Path

import pandas as pd

from tabular import tables
from tests.src.running import Trained, child, contents, error_of, left_over, run

OTHER = (
    "--report: its predictions are not those of --model for --holdout: "
    "name the report that evaluate wrote of this model and these rows"
)
COMMON = {"importance.parquet", "importance.png"}


def inputs_of(trained: Trained, folder: Path, *evaluate: object) -> list[object]:
    """Evaluate a model; return the words that name the inputs of explain."""
    words = ["--model", trained.model, "--training", trained.training, "--holdout", trained.holdout]
    run("evaluate", *words, "--report", folder / "report", *evaluate)
    return [*words, "--report", folder / "report"]


def explain(inputs: list[object], folder: Path, *words: object) -> set[str]:
    """Return the names of all that is written."""
    run("explain", *inputs, "--explanation", folder / "explanation", *words)
    return set(left_over(folder / "explanation"))


def test_two_classes(binary: Trained, tmp_path: Path) -> None:
    plots = {"roc.png", "precision-recall.png", "calibration.png", "confusion.png", "scores.png"}
    inputs = inputs_of(binary, tmp_path, "--slices", "size")
    assert explain(inputs, tmp_path) == COMMON | plots | {"slices-01.png"}


def test_numbers_and_nothing_of_when_they_were_plotted(regression: Trained, tmp_path: Path) -> None:
    assert explain(inputs_of(regression, tmp_path), tmp_path) == COMMON | {"residuals.png", "predicted.png"}
    for file in (tmp_path / "explanation").glob("*.png"):
        assert chunks(file.read_bytes()) <= {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def chunks(png: bytes) -> set[bytes]:
    names, place = set(), 8
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        names.add(name)
        place += 12 + length
    return names


def test_three_classes_without_importances(multiclass: Trained, tmp_path: Path) -> None:
    inputs = inputs_of(multiclass, tmp_path)
    classes = {"confusion.png", "slices-01.png"}  # how many rows of each class were predicted right
    assert explain(inputs, tmp_path, "--importance-rows", "0") == {"importance.parquet"} | classes
    assert pd.read_parquet(tmp_path / "explanation/importance.parquet").empty


def test_the_column_that_matters_most_comes_first(binary: Trained, tmp_path: Path) -> None:
    explain(inputs_of(binary, tmp_path), tmp_path, "--importance-rows", "144")
    ranked = pd.read_parquet(tmp_path / "explanation/importance.parquet")
    assert set(ranked["feature"]) == {"radius", "texture", "size", "day"}
    assert ranked["feature"][0] == "radius"
    assert ranked["importance"].is_monotonic_decreasing


def test_a_process_with_other_threads_writes_the_same_bytes(binary: Trained, tmp_path: Path) -> None:
    inputs = inputs_of(binary, tmp_path, "--slices", "size")
    explain(inputs, tmp_path)
    variables = {"OMP_NUM_THREADS": "3", "PYTHONHASHSEED": "5", "MPLBACKEND": "svg"}
    done = child("explain", *inputs, "--explanation", tmp_path / "there", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "explanation") == contents(tmp_path / "there")


def test_a_report_of_other_rows_or_of_another_model(binary: Trained, tmp_path: Path) -> None:
    inputs = inputs_of(binary, tmp_path)
    other_rows = [binary.training if word == binary.holdout else word for word in inputs]
    assert error_of(explain, other_rows, tmp_path) == OTHER
    predictions = pd.read_parquet(tmp_path / "report/predictions.parquet")
    tables.write_table(predictions.assign(predicted=0.5), tmp_path / "report/predictions.parquet")
    assert error_of(explain, inputs, tmp_path) == OTHER
    assert left_over(tmp_path) == ["report"]
