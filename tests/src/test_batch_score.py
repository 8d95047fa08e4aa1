"""Batch scoring: a prediction for each row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tabular import tables
from tests.src.running import Trained, child, contents, error_of, left_over, run


def score(trained: Trained, folder: Path, table: Path, *words: object) -> pd.DataFrame:
    run("batch_score", "--model", trained.model, "--table", table, "--scores", folder / "out", *words)
    return tables.read_table(folder / "out")


def test_two_classes(binary: Trained, tmp_path: Path) -> None:
    scores = score(binary, tmp_path, binary.holdout, "--keep", "day", "--threshold", "0.4")
    assert list(scores.columns) == ["day", "prediction", "probability"]
    assert scores["probability"].between(0, 1).all()
    assert ((scores["probability"] >= 0.4) == (scores["prediction"] == "malignant")).all()


def test_three_classes(multiclass: Trained, tmp_path: Path) -> None:
    scores = score(multiclass, tmp_path, multiclass.table)
    names = ["setosa", "versicolor", "virginica"]
    assert list(scores.columns) == ["prediction", *(f"probability_{name}" for name in names)]
    assert scores.drop(columns="prediction").sum(axis=1).to_numpy() == pytest.approx(1)
    assert scores["prediction"].isin(names).all()


def test_numbers(regression: Trained, tmp_path: Path) -> None:
    scores = score(regression, tmp_path, regression.table, "--keep", "bmi")
    assert list(scores.columns) == ["bmi", "prediction"]
    assert len(scores) == 442


def test_one_row_alone_gives_what_it_gives_in_the_table(binary: Trained, tmp_path: Path) -> None:
    rows = tables.read_table(binary.holdout)
    together = score(binary, tmp_path, binary.holdout)["probability"].tolist()
    for row in (0, 7, 77):  # rows 7 and 77 of the whole have gaps
        rows.iloc[[row]].to_csv(tmp_path / "row.csv", index=False)
        assert score(binary, tmp_path, tmp_path / "row.csv")["probability"].tolist() == [together[row]]


def test_unknown_categories_and_gaps_are_scored(binary: Trained, tmp_path: Path) -> None:
    gaps = pd.DataFrame({"radius": [None], "texture": [None], "size": ["gigantic"], "day": [None]})
    gaps.to_csv(tmp_path / "gaps.csv", index=False)
    assert score(binary, tmp_path, tmp_path / "gaps.csv")["probability"].notna().all()


def test_a_column_that_is_missing(binary: Trained, tmp_path: Path) -> None:
    tables.read_table(binary.holdout).rename(columns={"radius": "raduis"}).to_parquet(
        tmp_path / "rows.parquet"
    )
    assert error_of(score, binary, tmp_path, tmp_path / "rows.parquet") == (
        "features: there is no column 'radius' (did you mean 'raduis'?); "
        "the columns are: raduis, texture, size, day, target"
    )
    assert left_over(tmp_path) == ["rows.parquet"]


def test_a_kept_column_with_a_name_of_the_scores(binary: Trained, tmp_path: Path) -> None:
    tables.read_table(binary.holdout).assign(probability=1).to_parquet(tmp_path / "rows.parquet")
    assert error_of(score, binary, tmp_path, tmp_path / "rows.parquet", "--keep", "probability") == (
        "--keep: the scores have their own column 'probability': drop it or rename it"
    )


def test_a_process_with_other_threads_writes_the_same_bytes(binary: Trained, tmp_path: Path) -> None:
    score(binary, tmp_path, binary.holdout)
    words = ["--model", binary.model, "--table", binary.holdout, "--scores", tmp_path / "there"]
    done = child("batch_score", *words, OMP_NUM_THREADS="3")
    assert (done.returncode, done.stdout) == (0, "scored 144 rows\n")
    assert contents(tmp_path / "out") == contents(tmp_path / "there")
