"""Real tables, small enough to be quick, and models trained on them once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from tests.src.running import Trained


@pytest.fixture(scope="session")
def patients() -> pd.DataFrame:
    """Regression: 442 patients, ten measurements, disease progression."""
    table: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    return table.rename(columns={"target": "progression"})


@pytest.fixture(scope="session")
def tumours() -> pd.DataFrame:
    """Two classes: 569 tumours with four measurements, one of them with gaps, and the day of the visit."""
    bunch = load_breast_cancer(as_frame=True)
    table = bunch.frame[["mean radius", "mean texture", "mean smoothness"]].rename(columns=lambda n: n[5:])
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(range(len(table)), unit="D")
    size = pd.cut(table["radius"], [0, 12, 15, 99], labels=["small", "medium", "large"]).astype(object)
    return table.assign(
        texture=table["texture"].where(table.index % 7 > 0),
        size=size.where(table.index % 11 > 0),
        day=days,
        diagnosis=bunch.target.map({0: "malignant", 1: "benign"}),
    )


@pytest.fixture(scope="session")
def irises() -> pd.DataFrame:
    """Three classes: 150 irises with four measurements."""
    bunch = load_iris(as_frame=True)
    table: pd.DataFrame = bunch.frame.drop(columns="target").rename(columns=lambda name: name[:-5])
    return table.assign(species=bunch.target.map(dict(enumerate(map(str, bunch.target_names)))))


@pytest.fixture
def file(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    """Write a table to a Parquet file of its own."""

    def write(table: pd.DataFrame) -> Path:
        path = tmp_path / f"table-{len(list(tmp_path.iterdir()))}.parquet"
        table.to_parquet(path)
        return path

    return write


TUMOURS = [
    *("--task", "classification", "--target", "diagnosis", "--positive", "malignant"),
    *("--split", "time", "--time-column", "day", "--holdout-from", "2021-03-01"),
    *(
        "--numeric",
        "radius",
        "texture",
        "--categorical",
        "size",
        "--datetime",
        "day:weekday",
        "--keep",
        "size",
    ),
]
PATIENTS = [
    "--task",
    "regression",
    "--target",
    "progression",
    "--numeric",
    "bmi",
    "bp",
    "age",
    "--categorical",
    "sex",
]
IRISES = ["--task", "classification", "--target", "species", "--numeric", "petal length", "sepal width"]


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory, tumours: pd.DataFrame) -> Trained:
    """Gradient boosting on two classes."""
    words = ["--max-iter", "20", "--max-leaf-nodes", "4", "--max-features", "0.5"]
    return Trained(tmp_path_factory.mktemp("binary"), tumours, TUMOURS, words)


@pytest.fixture(scope="session")
def regression(tmp_path_factory: pytest.TempPathFactory, patients: pd.DataFrame) -> Trained:
    """Ridge regression."""
    return Trained(tmp_path_factory.mktemp("regression"), patients, PATIENTS, ["--estimator", "linear"])


@pytest.fixture(scope="session")
def multiclass(tmp_path_factory: pytest.TempPathFactory, irises: pd.DataFrame) -> Trained:
    """A random forest on three classes."""
    words = ["--estimator", "random-forest", "--max-iter", "10"]
    return Trained(tmp_path_factory.mktemp("multiclass"), irises, IRISES, words)
