"""Compare models: mean losses on equal rows, and the intervals of their differences."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabular import tables
from tests.src.running import Trained, error_of, run


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, regression: Trained) -> list[Path]:
    """Of the ridge regression, and of a constant."""
    folder = tmp_path_factory.mktemp("reports")
    rows = ["--training", regression.training, "--features", regression.features]
    run("train", *rows, "--estimator", "constant", "--model", folder / "constant")
    models = {"ridge": regression.model, "mean": folder / "constant"}
    for name, model in models.items():
        held_out = ["--training", regression.training, "--holdout", regression.holdout]
        run("evaluate", "--model", model, *held_out, "--report", folder / name)
    return [folder / name for name in models]


def compare(folder: Path, data: Trained, reports: list[Path], *words: object) -> Path:
    rows = ["--first", reports[0], "--second", reports[1], "--holdout", data.holdout, "--resamples", 500]
    run("compare_models", *rows, *words, "--comparison", folder / "c")
    return folder / "c" / "table.parquet"


def test_differences_are_those_of_the_mean_losses(
    tmp_path: Path, regression: Trained, reports: list[Path]
) -> None:
    table = tables.read_table(compare(tmp_path, regression, reports, "--names", "ridge", "mean"))
    assert table["model"].tolist() == ["ridge", "mean", "simple baseline"]
    predictions = [tables.read_table(report / "predictions.parquet") for report in reports]
    errors = [(rows["predicted"] - rows["actual"]).abs().mean() for rows in predictions]
    assert table["loss"][:2].tolist() == pytest.approx(errors)
    assert table["difference"][1] == pytest.approx(errors[1] - errors[0])
    assert 0 < table["low"][1] < table["difference"][1] < table["high"][1]
    assert table["loss"][2] == pytest.approx(errors[1])  # the baseline of regression is the mean


def test_other_rows_are_refused(tmp_path: Path, regression: Trained, reports: list[Path]) -> None:
    changed = tables.read_table(regression.holdout).iloc[1:]
    changed.to_parquet(tmp_path / "rows.parquet")
    rows = ["--first", reports[0], "--second", reports[1], "--holdout", tmp_path / "rows.parquet"]
    words = ["--names", "ridge", "mean", "--comparison", tmp_path / "c"]
    assert error_of(run, "compare_models", *rows, *words) == (
        "ridge was not measured on the rows of --holdout: rerun evaluate on them"
    )


@pytest.mark.parametrize("names", [["ridge"], ["ridge", "ridge"], ["ridge", "simple baseline"]])
def test_names_tell_the_models_apart(
    tmp_path: Path, regression: Trained, reports: list[Path], names: list[str]
) -> None:
    assert error_of(compare, tmp_path, regression, reports, "--names", *names) == (
        "--names: give each of 2 reports a name of its own"
    )


def test_probabilities_have_a_loss_of_their_own(tmp_path: Path, binary: Trained) -> None:
    held_out = ["--training", binary.training, "--holdout", binary.holdout]
    run("evaluate", "--model", binary.model, *held_out, "--report", tmp_path / "r")
    words = ["--names", "one", "other", "--loss", "brier"]
    table = tables.read_table(compare(tmp_path, binary, [tmp_path / "r"] * 2, *words))
    predictions = tables.read_table(tmp_path / "r" / "predictions.parquet")
    brier = ((predictions["predicted"] - predictions["actual"]) ** 2).mean()
    assert table["loss"][:2].tolist() == pytest.approx([brier, brier])
    assert table.loc[1, ["difference", "low", "high"]].tolist() == [0, 0, 0]
    assert table["low"][2] > 0  # the baseline is worse
