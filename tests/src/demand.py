"""Small series of daily sales: six groups, prepared for models of groups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tabular import tables
from tests.src.running import run

DAYS = 200
GROUPS = ["a & x", "a & y", "b & x", "b & y", "c & x", "c & y"]
PREPARE = [
    *("--task", "regression", "--target", "sold", "--split", "time", "--time-column", "date"),
    *("--holdout-from", "2019-06-22", "--group-column", "shop", "product", "--frequency", "D"),
    *("--horizon", "7", "--lags", "7", "14", "--windows", "mean:7:14:21:28", "--numeric", "promotion"),
    *("--categorical", "shop", "product", "weekday", "--known-afterwards", "rain"),
]
MODELS = ["--group-columns", "shop", "product", "--time-column", "date", "--minimum", "0"]
LINEAR: list[object] = [
    *MODELS,
    "--estimator",
    "linear",
    "--pooled-estimator",
    "constant",
    "--calibration",
    "28",
]


def sales() -> pd.DataFrame:
    """Return 200 days of two products in three shops; shops differ in level, one is closed on Sundays."""
    random = np.random.default_rng(0)
    days = pd.date_range("2019-01-01", periods=DAYS)
    parts = []
    for shop, level in (("a", 20.0), ("b", 60.0), ("c", 200.0)):
        for product, share in (("x", 1.0), ("y", 0.3)):
            promotion = (random.random(DAYS) < 0.1).astype("int64")
            sold = level * share * (1 + 0.1 * days.dayofweek + 0.5 * promotion) + random.normal(0, 2, DAYS)
            sold = np.where((shop == "b") & (days.dayofweek == 6), 0, np.maximum(sold, 0)).round()
            table = pd.DataFrame({"date": days, "shop": shop, "product": product, "sold": sold})
            weekday = days.dayofweek.astype(str)
            parts.append(table.assign(promotion=promotion, weekday=weekday, rain=random.random(DAYS)))
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Prepared:
    """Folders that prepare wrote."""

    folder: Path

    @property
    def training(self) -> Path:
        return self.folder / "t"

    @property
    def holdout(self) -> Path:
        return self.folder / "h"

    @property
    def features(self) -> Path:
        return self.folder / "f"

    def train(self, model: Path, *words: object, training: Path | None = None) -> Path:
        rows = ["--training", training or self.training, "--features", self.features]
        run("train_many", *rows, *words, "--model", model)
        return model

    def changed(self, folder: Path, table: pd.DataFrame) -> Path:
        """Write training rows that were changed into a folder of their own."""
        folder.mkdir()
        tables.write_table(table, folder / "table.parquet")
        return folder


def prepare(folder: Path, table: pd.DataFrame) -> Prepared:
    prepared = Prepared(folder)
    table.to_parquet(folder / "table.parquet")
    outputs = [
        "--training",
        prepared.training,
        "--holdout",
        prepared.holdout,
        "--features",
        prepared.features,
    ]
    run("prepare", "--table", folder / "table.parquet", *PREPARE, *outputs)
    return prepared
