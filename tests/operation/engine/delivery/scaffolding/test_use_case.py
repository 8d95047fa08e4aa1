"""What `new use-case` writes goes through every Core Script as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from operation.engine.configuration import load
from operation.engine.delivery.scaffolding.reading import Request
from operation.engine.delivery.scaffolding.use_case import write_use_case
from operation.engine.foundation.layout import Layout
from operation.engine.steps import runners
from operation.engine.steps.session import Session

ROWS = 120
RANDOM = np.random.default_rng(0)
SCORE = RANDOM.normal(size=ROWS)


def customers() -> pd.DataFrame:
    """Two classes, text categories, missing values, columns that name rows or say nothing."""
    size = RANDOM.normal(80, 20, ROWS).round(1)
    size[::17] = np.nan
    return pd.DataFrame({
        "customer_id": np.arange(ROWS) + 1000,
        "city": RANDOM.choice(np.array(["Rome", "Oslo", None], dtype=object), ROWS),
        "plan": RANDOM.choice(["gold", "yes", "no"], ROWS),
        "size (m2)": size,
        "constant": "x",
        "score": SCORE,
        "churned": np.where(SCORE + RANDOM.normal(size=ROWS) > 0.5, "yes", "no"),
    })  # fmt: skip


def houses() -> pd.DataFrame:
    """A number, no time, a target that is missing here and there."""
    rooms = RANDOM.integers(1, 6, ROWS)
    price = rooms * 50 + RANDOM.normal(0, 20, ROWS)
    price[5] = np.nan
    return pd.DataFrame({"rooms": rooms, "quality": RANDOM.choice(list("abc"), ROWS), "price": price})


def flowers() -> pd.DataFrame:
    """Three classes."""
    kinds = RANDOM.choice(["setosa", "versicolor", "virginica"], ROWS)
    length = pd.Series(kinds).map({"setosa": 1.0, "versicolor": 4.0, "virginica": 5.5}).to_numpy()
    return pd.DataFrame({"length": length + RANDOM.normal(0, 0.5, ROWS), "width": SCORE, "species": kinds})


def loads() -> pd.DataFrame:
    """A number over time."""
    hours = pd.date_range("2020-01-01", periods=ROWS, freq="6h")
    load_ = np.sin(np.arange(ROWS) / 4) * 10 + RANDOM.normal(size=ROWS)
    return pd.DataFrame({"when": hours.astype(str), "temperature": SCORE, "load": load_})


@pytest.mark.parametrize(
    ("table", "target", "metric"),
    [
        (customers, "churned", "log_loss"),
        (houses, "price", "rmse"),
        (flowers, "species", "accuracy"),
        (loads, "load", "rmse"),
    ],
)  # fmt: skip
def test_every_step_runs(table: object, target: str, metric: str, real_project: Layout) -> None:
    data = real_project.root / "train.csv"
    table().to_csv(data, index=False)  # type: ignore[operator]
    write_use_case(Request("unseen", data, target), real_project)
    session = Session(load(use_case="unseen", layout=real_project), real_project, runners.in_process)
    assert metric in session.step("evaluate").metrics
    assert session.step("explain", {"importance-rows": 0}).entry.output("explanation").is_dir()
    assert session.step("batch_score").entry.output("scores").is_dir()
    assert session.step("compare_variants").metrics["observations"] > 0
    assert session.step("detect_drift").metrics["rows"] > 0


def test_a_series_is_continued_by_a_linear_model_as_trees_continue_no_trend(real_project: Layout) -> None:
    data = real_project.root / "loads.csv"
    loads().to_csv(data, index=False)
    write_use_case(Request("loads", data, "load"), real_project)
    steps = load(use_case="loads", layout=real_project).steps
    assert steps["train"].arguments["estimator"] == "linear"
    assert steps["train_simple"].arguments["estimator"] == "constant"


def sales() -> pd.DataFrame:
    """What three shops sold each day."""
    days = pd.date_range("2020-01-01", periods=ROWS // 3).astype(str)
    table = pd.DataFrame({"day": np.repeat(days, 3), "shop": ["a", "b", "c"] * (ROWS // 3)})
    return table.assign(price=SCORE, sold=RANDOM.normal(size=ROWS))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda table: table, "[day, shop]"),
        (lambda table: table.assign(sale_id=range(ROWS)), "[sale_id]"),
        (lambda table: table[table["shop"] == "a"], "[day]"),
        (lambda table: table.assign(shop="a"), None),
        (lambda table: table.drop(columns="day"), None),
    ],
)
def test_files_of_a_folder_become_deliveries_where_something_identifies_a_row(
    change: Callable[[pd.DataFrame], pd.DataFrame], key: str | None, real_project: Layout
) -> None:
    table, folder = change(sales()), real_project.root / "arrived"
    folder.mkdir()
    for name, part in {"2020-01": table[: len(table) // 2], "2020-02": table[len(table) // 2 :]}.items():
        part.to_csv(folder / f"sold-{name}.csv", index=False)
    write_use_case(Request("sales", folder, "sold"), real_project)
    text = (real_project.configuration / "configuration-sales.yml").read_text(encoding="utf-8")
    assert (f"key: {key}" in text) == ("deliveries:" in text) == (key is not None)
    configured = load(use_case="sales", layout=real_project)
    assert (configured.deliveries is not None) == (key is not None)
