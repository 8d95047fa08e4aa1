"""Detect drift: what it says of logs, batches and tables, and of what it cannot tell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import score
from comparing import drift
from tabular import tables
from tests.src.requesting import request
from tests.src.running import Trained, contents, error_of, left_over, run

ROWS = 1_600
PREPARE = [
    *("--task", "classification", "--target", "late", "--positive", "yes"),
    *("--split", "time", "--time-column", "day", "--holdout-from", "2020-02-10"),
    *("--numeric", "size", "wind", "--categorical", "shop", "--keep", "region"),
]
PLOTS = ["before-after.png", "effects.png", "over-time.png", "together.png"]
WRITTEN = sorted(
    ["comparisons.parquet", "metrics.json", "over-time.parquet", "together.parquet", "verdict.json", *PLOTS]
)


def deliveries(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Return rows of eighty days."""
    random = np.random.default_rng(seed)
    size, wind = random.standard_normal(rows), random.gamma(2, size=rows)
    return pd.DataFrame(
        {
            "day": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(np.sort(random.integers(0, 80, rows)), unit="D"),
            "size": size,
            "wind": np.where(random.random(rows) < 0.05, np.nan, wind),
            "shop": random.choice(["a", "b", "c"], rows),
            "region": random.choice(["north", "south"], rows),
            "late": np.where(size + random.standard_normal(rows) > 0.5, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two classes, with a reference of outputs, whole and by region."""
    folder = tmp_path_factory.mktemp("deliveries")
    words = ["--estimator", "linear", "--holdout", str(folder / "h"), "--slices", "region"]
    return Trained(folder, deliveries(), PREPARE, words)


def detect(model: Path, rows: Path, folder: Path, *words: object) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return verdict and comparisons."""
    run("detect_drift", "--model", model, "--rows", rows, "--report", folder / "report", *words)
    verdict = json.loads((folder / "report" / "verdict.json").read_text(encoding="utf-8"))
    return verdict, tables.read_table(folder / "report" / "comparisons.parquet")


def write(table: pd.DataFrame, file: Path) -> Path:
    table.to_parquet(file)
    return file


@pytest.fixture(scope="module")
def moved(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows whose size grew in March, with their label."""
    table = tables.read_table(trained.holdout)
    grown = table["size"] + 2 * (table["day"] >= pd.Timestamp("2020-03-01"))
    return write(table.assign(size=grown), tmp_path_factory.mktemp("moved") / "rows.parquet")


def test_the_holdout_does_not_drift_from_itself(trained: Trained, tmp_path: Path) -> None:
    verdict, table = detect(trained.model, trained.holdout, tmp_path)
    assert verdict["verdict"] != drift.DRIFT
    outputs = table[table["part"].isin(["output", "label"])]
    assert outputs["effect"].max() == pytest.approx(0, abs=1e-9)
    assert left_over(tmp_path / "report") == [name for name in WRITTEN if name not in PLOTS[2:]]


def test_the_last_month_is_judged_and_those_before_it_are_shown(
    trained: Trained, moved: Path, tmp_path: Path
) -> None:
    month = ("--time-column", "day", "--period", "M", "--training", trained.training, "--most", 3)
    verdict, table = detect(trained.model, moved, tmp_path, *month)
    assert (verdict["verdict"], verdict["period"]) == (drift.DRIFT, "2020-03")
    assert verdict["parts"] == {"output": "drift", "label": "drift", "together": "drift", "feature": "drift"}
    assert {"output probability", "feature size", "together all features"} <= set(verdict["drifted"])
    assert not {"feature shop", "feature wind"} & set(verdict["drifted"])
    assert verdict["changed_together"][0] == "size"
    assert table["part"].tolist()[:1] == ["output"]
    assert set(table["slice"]) == {"", "region=north", "region=south"}
    course = tables.read_table(tmp_path / "report" / "over-time.parquet")
    sizes = course[course["name"].eq("size")].set_index("period")["verdict"]
    assert sizes["2020-03"] == drift.DRIFT != sizes["2020-02"]
    assert left_over(tmp_path / "report") == WRITTEN
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["drift"] == len(verdict["drifted"])
    assert metrics["output_low"] > 0.3


def test_the_same_rows_give_the_same_bytes(trained: Trained, moved: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        detect(trained.model, moved, tmp_path / name, "--training", trained.training)
    assert contents(tmp_path / "first" / "report") == contents(tmp_path / "second" / "report")


def test_a_week_is_named_by_its_first_day(trained: Trained, moved: Path, tmp_path: Path) -> None:
    verdict, _ = detect(trained.model, moved, tmp_path, "--time-column", "day", "--period", "W")
    assert (verdict["period"], verdict["verdict"]) == ("2020-03-16", drift.TOO_FEW)
    course = tables.read_table(tmp_path / "report" / "over-time.parquet")
    assert course["period"].nunique() == 6


def test_a_threshold_above_the_effect_keeps_silent(trained: Trained, moved: Path, tmp_path: Path) -> None:
    words = ("--number-threshold", 4, "--category-threshold", 0.9)
    assert detect(trained.model, moved, tmp_path, *words)[0]["verdict"] == drift.NONE


def test_few_rows_have_no_verdict_and_no_picture(trained: Trained, moved: Path, tmp_path: Path) -> None:
    few = write(tables.read_table(moved).tail(199), tmp_path / "few.parquet")
    verdict, table = detect(trained.model, few, tmp_path, "--training", trained.training)
    assert verdict["verdict"] == drift.TOO_FEW
    assert set(table["verdict"]) == {drift.TOO_FEW}
    assert not set(PLOTS) & set(left_over(tmp_path / "report"))
    assert detect(trained.model, few, tmp_path, "--min-rows", 100)[0]["verdict"] == drift.DRIFT


def batch(trained: Trained, rows: Path, folder: Path, *words: str) -> Path:
    run("batch_score", "--model", trained.model, "--table", rows, "--scores", folder / "scores", *words)
    return folder / "scores"


def test_scores_of_a_batch_are_compared_without_its_features(
    trained: Trained, moved: Path, tmp_path: Path
) -> None:
    verdict, table = detect(trained.model, batch(trained, moved, tmp_path, "--keep", "day"), tmp_path)
    assert set(table["part"]) == {"output"}
    assert verdict["notes"] == [
        "features were not compared: the rows have no column 'size'",
        "slices by 'region' were not compared: the rows have no such column",
    ]


def test_the_log_of_a_batch_gives_what_its_table_gives(trained: Trained, moved: Path, tmp_path: Path) -> None:
    _, of_table = detect(trained.model, moved, tmp_path)
    _, of_log = detect(trained.model, batch(trained, moved, tmp_path, "--log"), tmp_path)
    common = of_table[of_table["part"].isin(["output", "feature"]) & of_table["slice"].eq("")]
    other = of_log[of_log["part"].isin(["output", "feature"]) & of_log["slice"].eq("")]
    names = ["name", "measure", "effect", "before", "after"]
    pd.testing.assert_frame_equal(
        common[names].sort_values(["name", "measure"], ignore_index=True),
        other[names].sort_values(["name", "measure"], ignore_index=True),
    )


def test_a_services_log_and_its_labels(trained: Trained, tmp_path: Path) -> None:
    score.init(["--model", str(trained.model), "--log", str(tmp_path / "log")])
    rows = tables.read_table(trained.holdout).head(300)[["size", "wind", "shop"]]
    score.run(
        request(*rows.astype(object).where(rows.notna(), None).to_dict("records")), {"x-request-id": "all"}
    )
    opened = score.ready().log
    assert opened is not None
    opened.close()
    verdict, table = detect(trained.model, tmp_path / "log", tmp_path, "--period", "W")
    assert verdict["rows"] == 300
    assert set(table["part"]) == {"output", "feature"}

    labels = pd.DataFrame({"request_id": "all", "row": range(250), "label": "yes"})
    files = ("--log", tmp_path / "log", "--labels", write(labels, tmp_path / "labels.parquet"))
    run("join_outcomes", *files, "--joined", tmp_path / "joined")
    _, table = detect(trained.model, tmp_path / "joined", tmp_path)
    label = table.set_index("name").loc["label"]
    assert (label["rows"], label["verdict"], label["statistic"]) == (250, drift.DRIFT, "share of no")
    assert label["after"] == 0


def test_rows_of_another_model_are_left_out(trained: Trained, moved: Path, tmp_path: Path) -> None:
    log = tables.read_table(batch(trained, moved, tmp_path, "--log") / "log")
    both = pd.concat([log, log.assign(model_digest="f" * 64)], ignore_index=True)
    verdict, _ = detect(trained.model, write(both, tmp_path / "both.parquet"), tmp_path)
    assert verdict["rows"] == len(log)
    assert f"{len(log)} rows of other models were left out" in verdict["notes"]
    other = write(log.assign(model_digest="f" * 64), tmp_path / "other.parquet")
    digest = log["model_digest"].iloc[0][:12]
    assert error_of(detect, trained.model, other, tmp_path) == (
        f"--rows: no row was scored by model {digest}, but by ffffffffffff"
    )


def test_without_a_holdout_outputs_have_no_reference(binary: Trained, tmp_path: Path) -> None:
    verdict, table = detect(binary.model, binary.training, tmp_path, "--min-rows", 100)
    assert set(table["part"]) == {"feature"}
    assert verdict["notes"] == [
        "outputs were not compared: without --holdout, train had no reference for them"
    ]


def test_a_model_of_another_step_has_its_training_rows_as_reference(
    trained: Trained, moved: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(trained.model, tmp_path / "model")
    (model / "profile.parquet").unlink()
    facts = json.loads((model / "model.json").read_text(encoding="utf-8"))
    del facts["profile"]
    (model / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    assert error_of(detect, model, moved, tmp_path) == (
        f"{model} holds no profile.parquet: retrain the model, save one in the step that wrote it "
        "(comparing.profiles), or give --training to compare its features with"
    )
    verdict, table = detect(model, moved, tmp_path, "--training", trained.training)
    assert verdict["notes"] == [
        "outputs and labels were not compared: the step that wrote the model saved no profile"
    ]
    assert set(table["part"]) == {"together", "feature"}
    assert "feature size" in verdict["drifted"]


def test_private_columns_are_not_profiled(trained: Trained, tmp_path: Path) -> None:
    schema = tmp_path / "schema.yml"
    columns = "\n".join(f"  {name}: {{dtype: null}}" for name in ("size", "shop", "region"))
    schema.write_text(f"columns:\n{columns}\nprivate: [size, region]\n", encoding="utf-8")
    run("train", *trained.trained_into(tmp_path / "m"), "--schema", schema)
    verdict, table = detect(tmp_path / "m", trained.holdout, tmp_path)
    assert set(table["name"][table["part"] == "feature"]) == {"wind", "shop"}
    assert set(table["slice"]) == {""}
    assert verdict["notes"] == ["features of private columns were not compared: size"]


@pytest.mark.parametrize("name", ["multiclass", "regression"])
def test_other_tasks(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    trained: Trained = request.getfixturevalue(name)
    run("train", *trained.trained_into(tmp_path / "m"), "--holdout", trained.training)
    verdict, table = detect(tmp_path / "m", trained.training, tmp_path, "--min-rows", 100)
    assert verdict["verdict"] != drift.DRIFT
    outputs = {"regression": {"prediction"}}.get(
        name, {"probability_setosa", "probability_versicolor", "probability_virginica"}
    )
    assert set(table["name"][table["part"] == "output"]) == outputs
    assert set(table["name"][table["part"] == "label"]) == {"label", "loss"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--number-threshold", -1), "--number-threshold: -1.0 is out of range: give 0 or more"),
        (("--error-rate", 1), "--error-rate: 1.0 is out of range: give a number between 0 and 1"),
        (
            ("--min-rows", 5),
            "--min-rows: 5 is out of range: give 30 or more: intervals of fewer rows say nothing",
        ),
        (("--classifier-rows", 10), "--classifier-rows: 10 is out of range: give --min-rows or more"),
        (("--period", "M"), "--period needs the time of each row: name its column with --time-column"),
        (
            ("--period", "fortnight", "--time-column", "day"),
            "--period: 'fortnight' is no length of time such as M, W or D",
        ),
    ],
)
def test_what_cannot_be(trained: Trained, tmp_path: Path, words: tuple[object, ...], message: str) -> None:
    assert error_of(detect, trained.model, trained.holdout, tmp_path, *words) == message


def test_a_label_that_is_no_class(trained: Trained, moved: Path, tmp_path: Path) -> None:
    log = tables.read_table(batch(trained, moved, tmp_path, "--log") / "log").assign(label="perhaps")
    assert error_of(detect, trained.model, write(log, tmp_path / "log.parquet"), tmp_path) == (
        "column 'label' holds 'perhaps', none of the model's classes: no, yes"
    )
