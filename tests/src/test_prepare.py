"""Prepare: target, split, features."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from support import step
from tabular import tables
from tests.src import demand
from tests.src.running import Trained, child, contents, error_of, left_over, run

File = Callable[[pd.DataFrame], Path]


def prepare(
    folder: Path, table: Path, *words: object
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, object]]:
    outputs = ["--training", folder / "t", "--holdout", folder / "h", "--features", folder / "f"]
    run("prepare", "--table", table, *words, *outputs)
    features = json.loads((folder / "f/features.json").read_text(encoding="utf-8"))
    return tables.read_table(folder / "t"), tables.read_table(folder / "h"), features


def test_later_rows_are_the_holdout(binary: Trained) -> None:
    training, holdout = tables.read_table(binary.training), tables.read_table(binary.holdout)
    assert training["day"].max() < pd.Timestamp("2021-03-01") == holdout["day"].min()
    assert len(training) + len(holdout) == 569


def test_tables_hold_columns_of_features_time_and_target_only(binary: Trained) -> None:
    assert list(tables.read_table(binary.holdout).columns) == ["radius", "texture", "size", "day", "target"]


def test_features_are_fitted_on_training_rows_only(tmp_path: Path, file: File, tumours: pd.DataFrame) -> None:
    table = file(tumours.assign(size=["early"] * 500 + ["late"] * 69))
    words = ["--task", "classification", "--target", "diagnosis", "--categorical", "size"]
    split = ["--split", "time", "--time-column", "day", "--holdout-fraction", 69 / 569]
    training, holdout, features = prepare(tmp_path, table, *words, *split)
    assert (len(training), len(holdout)) == (500, 69)
    assert features["features"]["categories"] == {"size": ["early"]}  # type: ignore[index]


def test_a_random_split_has_its_share_and_is_repeated(
    tmp_path: Path, file: File, patients: pd.DataFrame
) -> None:
    words = ["--task", "regression", "--target", "progression", "--numeric", "bmi"]
    words += ["--holdout-fraction", "0.25"]
    made = [prepare(tmp_path, file(patients), *words, "--random-state", seed) for seed in (0, 0, 1)]
    assert [len(table) for table in made[0][:2]] == [332, 110]
    assert made[0][1].equals(made[1][1])
    assert not made[0][1].equals(made[2][1])


def test_what_is_known_of_the_target_is_written(binary: Trained, regression: Trained) -> None:
    features = step.read_json(binary.features / "features.json")
    assert (features["task"], features["target"]) == ("classification", "diagnosis")
    assert features["classes"] == ["benign", "malignant"]
    assert step.read_json(regression.features / "features.json")["classes"] == []


SPLIT = "check --holdout-from and --holdout-fraction, or give more rows"
MISTAKES = {
    "": "no feature is declared: give --numeric, --categorical, --cyclic, --datetime or --pairs",
    "--numeric diagnosis": "column 'diagnosis' is the target and cannot be a feature: remove it",
    "--pairs size:target": "column name 'target' is reserved for the target: rename the column in the source",
    "--numeric radius --known-afterwards texture radius": "column 'radius' is known only afterwards "
    "(--known-afterwards): it cannot be a feature, remove it",
    "--datetime day:hour --known-afterwards day": "column 'day' is known only afterwards "
    "(--known-afterwards): it cannot be a feature, remove it",
    "--numeric size": "features: column 'size' is declared numeric but holds 'large': "
    "declare it categorical, or fix the value",
    "--numeric raduis": "features and --keep: there is no column 'raduis' (did you mean 'radius'?); "
    "the columns are: radius, texture, smoothness, size, day, diagnosis, target",
    "--numeric radius --split time": "--split time needs --time-column: name the column of times",
    "--numeric radius --split time --time-column day --holdout-from 2031-01-01": "the split leaves no row "
    f"for the holdout: {SPLIT}",
    "--numeric radius --split time --time-column day --holdout-from 2011-01-01": "the split leaves no row "
    f"for training: {SPLIT}",
    "--numeric radius --split group": "--split group needs --group-column: "
    "name the column whose values belong together",
    "--numeric radius --lags 1": "--lags: earlier values, 1 or more rows back, need --task regression",
    "--numeric radius --holdout-fraction 1.5": "--holdout-fraction: 1.5 is not between 0 and 1",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_what_cannot_be_prepared(tmp_path: Path, file: File, tumours: pd.DataFrame, words: str) -> None:
    table, task = file(tumours), ["--task", "classification", "--target", "diagnosis"]
    assert error_of(prepare, tmp_path, table, *task, *words.split()) == MISTAKES[words]
    assert left_over(tmp_path) == [table.name]


def test_a_process_writes_the_same_bytes(binary: Trained, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("t", "h", "f")]
    done = child("prepare", "--table", binary.table, *binary.prepared_into(*folders), PYTHONHASHSEED="3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "prepared 425 training rows, 144 holdout rows\n"
    for folder, here in zip(folders, (binary.training, binary.holdout, binary.features), strict=True):
        assert contents(folder) == contents(here)


def test_groups_are_whole_and_classes_have_their_share(
    tmp_path: Path, file: File, tumours: pd.DataFrame
) -> None:
    table = file(tumours.assign(patient=[row // 4 for row in range(len(tumours))]))
    words = ["--task", "classification", "--target", "diagnosis", "--numeric", "radius", "--keep", "patient"]
    training, holdout, _ = prepare(tmp_path, table, *words, "--split", "group", "--group-column", "patient")
    assert set(training["patient"]).isdisjoint(holdout["patient"])
    assert len(holdout) == pytest.approx(569 / 5, abs=4)
    training, holdout, _ = prepare(tmp_path, table, *words, "--split", "stratified")
    assert holdout["target"].mean() == pytest.approx(training["target"].mean(), abs=0.005)


def test_a_series_brings_its_earlier_values(tmp_path: Path, file: File) -> None:
    table = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=40), "sales": range(40)})
    words = ["--task", "regression", "--target", "sales", "--split", "time", "--time-column", "day"]
    shuffled = file(table.sample(frac=1, random_state=0).reset_index(drop=True))
    _, holdout, features = prepare(tmp_path, shuffled, *words, "--lags", 1, 7)
    assert features["features"]["numeric"] == ["sales lag 1", "sales lag 7"]  # type: ignore[index]
    assert (holdout["target"] - holdout["sales lag 7"]).tolist() == [7.0] * 8


def test_classes_that_a_side_hardly_has_are_told(
    tmp_path: Path, file: File, capsys: pytest.CaptureFixture[str]
) -> None:
    table = file(pd.DataFrame({"x": range(60), "y": ["no"] * 57 + ["yes"] * 3}))
    prepare(
        tmp_path,
        table,
        *["--task", "classification", "--target", "y", "--numeric", "x", "--split", "stratified"],
    )
    assert capsys.readouterr().out.splitlines()[:2] == [
        "warning: fewer than 5 rows of a class in training rows: 'yes' 2",
        "warning: fewer than 5 rows of a class in the holdout: 'yes' 1",
    ]


def test_series_of_several_columns_have_windows_that_look_far_enough_back(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    demand.sales().sample(frac=1, random_state=0).to_parquet(table)
    training, holdout, features = prepare(tmp_path, table, *demand.PREPARE)
    assert features["horizon"] == 7
    assert list(features["features"]["numeric"]) == [  # type: ignore[index]
        "promotion",
        *("sold lag 7", "sold lag 14", "sold mean 7 14 21 28"),
    ]
    rows = pd.concat([training, holdout]).set_index(["shop", "product", "date"])["target"]
    last = holdout[holdout["date"] == "2019-07-19"].set_index(["shop", "product"])["sold lag 7"]
    for (shop, product), value in last.items():
        assert value == rows[shop, product, pd.Timestamp("2019-07-12")]


def test_what_is_not_known_at_the_horizon_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    demand.sales().to_parquet(table)
    assert error_of(prepare, tmp_path, table, *demand.PREPARE, "--lags", 6) == (
        "lag 6: 6 back is not yet known 7 ahead: look back 7 or more, or lower --horizon"
    )
    assert error_of(prepare, tmp_path, table, *demand.PREPARE, "--numeric", "rain") == (
        "column 'rain' is known only afterwards (--known-afterwards): it cannot be a feature, remove it"
    )


def test_a_table_in_parts_is_prepared_as_the_whole(tmp_path: Path) -> None:
    table, folders = tmp_path / "table.parquet", [tmp_path / "whole", tmp_path / "parts"]
    demand.sales().to_parquet(table)
    found = []
    for folder, words in zip(folders, ([], ["--part-rows", 500]), strict=True):
        folder.mkdir()
        found.append(prepare(folder, table, *demand.PREPARE, *words))
    for whole, parts in zip(found[0][:2], found[1][:2], strict=True):
        pd.testing.assert_frame_equal(whole, parts)
    assert found[0][2] == found[1][2]
    assert error_of(prepare, tmp_path, table, *demand.PREPARE, "--part-rows", 9, "--split", "random") == (
        "--part-rows needs --task regression, --split time with --holdout-from, and --group-column: "
        "a part does not tell where others are split"
    )
