"""Play: the past one delivery at a time, the same twice, and nothing of it outside its folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build

SRC = Path(__file__).resolve().parents[3] / "src"
ROWS = 240  # a month
USE_CASE = """
description: Is an order returned?
steps:
  ingest: {inputs: {data: orders.parquet}}
  validate:
    inputs: {table: ingest.table, schema: configuration/schemas/orders.yml}
    arguments: {on-warning: quarantine, on-failure: quarantine}
  prepare:
    inputs: {table: validate.validated}
    arguments: {task: classification, target: returned, positive: "yes", numeric: [amount, weight]}
  train:
    inputs: {training: prepare.training, features: prepare.features, holdout: prepare.holdout}
    arguments: {max-iter: 400}
  evaluate: {inputs: {model: train.model, training: prepare.training, holdout: prepare.holdout}}
  gate:
    inputs: {model: train.model, report: evaluate.report, holdout: prepare.holdout}
    arguments:
      name: orders
      tracking-uri: sqlite:///runs/mlflow.db
      ledger: runs/ledger.jsonl
      environment: DEV
      min-rows: 100
  register:
    inputs: {model: train.model, report: evaluate.report, decision: gate.decision}
    arguments:
      name: orders
      tracking-uri: sqlite:///runs/mlflow.db
      ledger: runs/ledger.jsonl
      environment: DEV
  batch_score: {inputs: {model: train.model, table: prepare.holdout}}
  detect_drift: {inputs: {model: train.model, rows: prepare.holdout, training: prepare.training}}
deliveries:
  inputs: {data: orders.parquet}
  arguments: {raw-table: runs/raw/orders, key: [order], event-time: ordered, period: month}
monitor:
  new-share: 0.4
  debounce: 1
  min-rows: 100
  play: {train: {estimator: linear}}
"""
SCHEMA = """
schema_type: dataframe
name: orders
columns:
  order: {dtype: int64}
  ordered: {dtype: "datetime64[ns]", coerce: true}
  amount: {dtype: float64, in_range: {min_value: 0, max_value: 1000}}
  weight: {dtype: float64}
  returned: {dtype: str, isin: ["yes", "no"]}
"""


def orders() -> pd.DataFrame:
    """Return four months; in the last one what is heavy is returned, where it was what is dear."""
    random = np.random.default_rng(0)
    months = pd.period_range("2020-01", periods=4, freq="M")
    begin = np.repeat(months.start_time.to_numpy(), ROWS)
    table = pd.DataFrame(
        {
            "order": range(len(begin)),
            "ordered": begin + random.integers(0, 28 * 86400, len(begin)).astype("timedelta64[s]"),
        }
    )
    table["amount"], table["weight"] = random.uniform(0, 100, len(table)), random.normal(0, 1, len(table))
    late = np.arange(len(table)) >= 3 * ROWS
    risk = np.where(late, table["weight"] * 2, (table["amount"] - 50) / 15)
    table["returned"] = np.where(random.random(len(table)) < 1 / (1 + np.exp(-risk)), "yes", "no")
    table.loc[5, "amount"] = -1.0
    return table


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project with the real Core Scripts and four months of orders."""
    layout = build(tmp_path / "project", monkeypatch)
    shutil.rmtree(layout.src)
    shutil.copytree(SRC, layout.src, ignore=shutil.ignore_patterns("__pycache__"))
    (layout.configuration / "configuration-shop.yml").write_text(USE_CASE, encoding="utf-8")
    layout.schemas.mkdir()
    (layout.schemas / "orders.yml").write_text(SCHEMA, encoding="utf-8")
    orders().to_parquet(layout.root / "orders.parquet")
    return layout


def test_the_past_is_played_and_the_same_twice(shop: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["play", "--use-case", "shop", "--json"]) == 0
    year = json.loads(capsys.readouterr().out)
    months = {month["period"]: month for month in year["periods"]}
    assert list(months) == ["2020-01", "2020-02", "2020-03", "2020-04"]
    assert [month["known"] for month in months.values()] == [ROWS * number for number in range(1, 5)]
    assert months["2020-01"]["outcome"] == "waited"  # nothing is older than its rows
    assert months["2020-01"]["left_out"] == 1
    assert (months["2020-02"]["outcome"], months["2020-02"]["judged"]) == ("promoted", "first model")
    assert months["2020-04"]["decay"] == "drift"
    assert "decay" in {reason["name"] for reason in months["2020-04"]["reasons"] if reason["side"] == "for"}
    assert months["2020-04"]["quality"]["in service"] < 0.6 < months["2020-03"]["quality"]["in service"]
    page = (shop.runs / "play/shop/index.html").read_text(encoding="utf-8")
    assert "4 deliveries" in page
    assert {path.name for path in shop.runs.iterdir()} == {"play"}
    again = [sys.executable, "-m", "operation", "play", "--use-case", "shop", "--json"]
    done = subprocess.run(again, cwd=SRC.parent, capture_output=True, encoding="utf-8", check=True)
    assert json.loads(done.stdout) == year
    assert (shop.runs / "play/shop/index.html").read_text(encoding="utf-8") == page
    assert cli.main(["monitor", "--use-case", "shop", "--backtest"]) == 0
    assert "2020-02: Train: no model serves yet. promoted; first model" in capsys.readouterr().out


def test_a_use_case_without_deliveries_cannot_be_played(
    shop: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shop.configuration / "configuration-shop.yml"
    file.write_text(USE_CASE.partition("deliveries:")[0], encoding="utf-8")
    assert cli.main(["play", "--use-case", "shop"]) == 2
    assert capsys.readouterr().err == (
        "error: configuration/configuration-shop.yml: play needs `deliveries:` with key, event-time and "
        "period, and `monitor:`. Add them.\n"
    )
