"""Backtest: forecasts of the past by models that knew nothing later, beside simple ones."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support import step
from tabular import tables
from tests.src import demand
from tests.src.demand import GROUPS, LINEAR, Prepared
from tests.src.running import error_of, run

ORIGINS = ["--origins", "3", "--every", "7", "--refit", "2", "--resamples", "200"]
BASELINES = ["--baselines", "sold lag 7", "sold mean 7 14 21 28"]


def backtest(prepared: Prepared, report: Path, *words: object) -> Path:
    rows = ["--training", prepared.training, "--holdout", prepared.holdout, "--features", prepared.features]
    run("backtest", *rows, *LINEAR, *ORIGINS, *BASELINES, *words, "--report", report)
    return report


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return demand.prepare(tmp_path_factory.mktemp("sales"), demand.sales())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Path:
    return backtest(prepared, tmp_path_factory.mktemp("report") / "r")


def test_every_row_is_forecast_once_from_the_origin_before_it(report: Path) -> None:
    forecasts = tables.read_table(report / "forecasts.parquet")
    assert len(forecasts) == 6 * 3 * 7
    assert not forecasts.duplicated(["group", "time"]).any()
    assert sorted(forecasts["group"].unique()) == GROUPS
    ahead = (forecasts["time"] - forecasts["origin"]).dt.days
    assert (ahead.min(), ahead.max()) == (0, 6)
    assert forecasts["time"].max() == pd.Timestamp("2019-07-19")


def test_models_win_against_simple_forecasts(report: Path) -> None:
    metrics = step.read_json(report / "metrics.json")
    assert metrics["wape_predicted"] < metrics["wape_sold mean 7 14 21 28"] < 1
    assert metrics["gain_sold lag 7_low"] < metrics["gain_sold lag 7"] < metrics["gain_sold lag 7_high"]
    assert metrics["gain_sold lag 7"] == pytest.approx(metrics["wape_sold lag 7"] - metrics["wape_predicted"])
    assert 0.5 < metrics["coverage"] <= 1


def test_nothing_later_changes_a_forecast(tmp_path: Path, report: Path) -> None:
    table = demand.sales()
    later = table["date"] >= "2019-07-13"  # the last origin
    changed = table.assign(sold=table["sold"].where(~later, 5000.0))
    other = backtest(demand.prepare(tmp_path, changed), tmp_path / "r")
    before, after = (tables.read_table(folder / "forecasts.parquet") for folder in (report, other))
    columns = ["group", "time", "predicted", "low", "high", "sold mean 7 14 21 28"]
    assert before[columns].equals(after[columns])


def test_features_must_look_as_far_ahead(tmp_path: Path, prepared: Prepared) -> None:
    assert error_of(backtest, prepared, tmp_path / "r", "--every", "14") == (
        "--every: 14 ahead is farther than the features look: 7; prepare with --horizon 14, or lower --every"
    )


def test_more_origins_than_there_are_times(tmp_path: Path, prepared: Prepared) -> None:
    assert error_of(backtest, prepared, tmp_path / "r", "--origins", "40") == (
        "--origins: 40 origins 7 apart need more than 280 distinct times, the table has 200: "
        "lower --origins, or give earlier rows"
    )


def test_a_group_without_a_model_is_told_with_its_origin(tmp_path: Path) -> None:
    table = demand.sales()
    new = (table["shop"] == "c") & (table["product"] == "y") & (table["date"] < "2019-06-01")
    other = backtest(demand.prepare(tmp_path, table[~new]), tmp_path / "r")
    errors = tables.read_table(other / "errors.parquet")
    assert errors["group"].tolist() == ["c & y", "c & y"]
    assert errors["type"].tolist() == ["TooFewRows", "TooFewRows"]
    assert errors["origin"].tolist() == [pd.Timestamp("2019-06-29"), pd.Timestamp("2019-07-13")]
    forecasts = tables.read_table(other / "forecasts.parquet")
    assert set(forecasts.loc[forecasts["group"] == "c & y", "source"]) == {"pooled"}
