"""Tables that people brought: what is wanted of each, said by `new use-case` and done by what it writes.

By default the notebook is executed that a table once broke, else the steps up to `prepare`;
WORKBENCH_CASES=1 executes all notebooks of every table.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from operation import cli
from operation.engine.configuration import load
from operation.engine.foundation.layout import Layout
from operation.engine.steps import runners
from operation.engine.steps.session import Session
from tests.notebooks.in_process import run_notebooks

TABLES = Path(__file__).parent / "tables"
ALL = bool(os.environ.get("WORKBENCH_CASES"))
SPLIT = "split        stratified: no column holds a time in every row"
# file, target, features, what is said
READ: list[tuple[str, str, int, list[str]]] = [
    (
        "csv-date-part/visits.csv",
        "late",
        3,
        ["numeric      signup weekday, amount", "datetime     signup:weekday"],
    ),
    (
        "csv-dates/mixed.csv",
        "late",
        3,
        [
            "left out     ended: one value only, 2024-01-01; "
            "'9999-12-31' counts as missing (row 1 and 79 more)",
        ],
    ),
    (
        "csv-decimal-comma/kunden.csv",
        "Gekündigt",
        3,
        ["column 'Umsatz': numbers with a decimal comma", "numeric      Umsatz, Alter, Größe"],
    ),
    (
        "csv-decimal-comma/preise.csv",
        "Preis",
        2,
        [
            "column 'Preis': numbers with a decimal comma",
            "task         regression: 120 different numbers",
        ],
    ),
    ("csv-few-rows/rare2.csv", "fraud", 2, [SPLIT]),
    (
        "csv-infinite/ratios.csv",
        "bought",
        3,
        ["missing      ratio: 'inf' counts as missing (row 0 and 7 more)"],
    ),
    (
        "csv-infinite/unused.csv",
        "bought",
        2,
        ["left out     always: infinite in 120 rows, the first of them 0"],
    ),
    (
        "csv-leading-zeros/shops.csv",
        "late",
        3,
        ["column 'branch' holds leading zeros: read as text", "categorical  postcode, branch"],
    ),
    (
        "csv-leakage/contracts.csv",
        "churned",
        2,
        [
            "left out     status: its values tell 100.0% of the target: probably known only afterwards",
            "left out     cancelled_on: whether it has a value tells 100.0% of the target: "
            "probably known only afterwards",
        ],
    ),
    ("csv-none-class/patients.csv", "severity", 2, ["task         classification: 3 different labels"]),
    ("csv-only-text/mushrooms.csv", "edible", 3, ["categorical  cap, odour, habitat"]),
    ("csv-only-times/calls.csv", "answered", 2, ["datetime     called:hour+weekday"]),
    *(
        (f"csv-outlier/pay{number}.csv", "fraud", 2, ["numeric      amount"])
        for number in (range(8) if ALL else [1])
    ),
    ("csv-quoted-header/offers.csv", "Bought", 3, ["numeric      Price, minimum, Price, maximum"]),
    ("csv-side/trades.csv", "filled", 3, ["categorical  side, venue"]),
    ("csv-slash-name/places.csv", "bought", 2, ["categorical  city/state"]),
    ("parquet-decimal/money.parquet", "bought", 3, ["numeric      size, price"]),
    ("parquet-decimal/target.parquet", "price", 1, ["task         regression: 149 different numbers"]),
    (
        "parquet-nested/embeddings.parquet",
        "bought",
        2,
        ["left out     embedding: its values are mixed, neither numbers nor text nor times"],
    ),
    (
        "parquet-nested/struct.parquet",
        "bought",
        2,
        ["left out     blob: its values are bytes, neither numbers nor text nor times"],
    ),
    ("parquet-times/naive.parquet", "bought", 6, ["datetime     ordered:hour+weekday, shipped:hour+weekday"]),
    (
        "parquet-times/open-end.parquet",
        "bought",
        3,
        ["missing      valid_to: '9999-12-31' counts as missing (row 2 and 61 more)"],
    ),
    (
        "parquet-times/time-of-day.parquet",
        "bought",
        3,
        ["left out     at: its values are time, neither numbers nor text nor times"],
    ),
    ("parquet-times/zones.parquet", "bought", 6, ["datetime     ordered:hour+weekday, shipped:hour+weekday"]),
]
REFUSED = [
    (
        "csv-few-rows/rare.csv",
        "fraud",
        "--target: label 'yes' of column 'fraud' is in one row (row 17): a class needs two, one to "
        "learn from and one to measure on. Give more rows of it.",
    ),
    (
        "csv-few-rows/six.csv",
        "bought",
        "--data: 6 rows have a target: at least 20 are needed, to learn from some and to compare models on "
        "the others. Give more rows.",
    ),
    (
        "csv-infinite/target.csv",
        "price",
        "--target: column 'price' holds infinity (row 5), which no model can learn: fix it.",
    ),
]
BROKEN = {  # by the notebook that showed the fault
    "trades.csv": ["02-prepare-data"],
    "mushrooms.csv": ["02-prepare-data"],
    "calls.csv": ["02-prepare-data"],
    "places.csv": ["04-evaluate-model"],
    "pay1.csv": ["06-score-realtime"],
}


def new(file: str, target: str) -> int:
    return cli.main(["new", "use-case", "brought", "--data", str(TABLES / file), "--target", target])


@pytest.mark.parametrize(("file", "target", "features", "told"), READ)
def test_a_table_is_understood_and_learnt_from(
    file: str,
    target: str,
    features: int,
    told: list[str],
    real_project: Layout,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert new(file, target) == 0
    said = capfd.readouterr().out.splitlines()
    assert [line for line in told if line not in said] == []
    prepared = Session(load(use_case="brought"), real_project, runners.in_process).step("prepare")
    assert prepared.metrics["features"] == features
    notebooks = None if ALL else BROKEN.get(Path(file).name, [])
    if notebooks is None or notebooks:
        run_notebooks(real_project, "brought", notebooks)


@pytest.mark.parametrize(("file", "target", "message"), REFUSED)
def test_a_table_of_which_nothing_can_be_learnt_is_refused(
    file: str, target: str, message: str, real_project: Layout, capfd: pytest.CaptureFixture[str]
) -> None:
    assert new(file, target) == 2
    assert capfd.readouterr().err == f"error: {message}\n"
    assert not (real_project.schemas / "brought.yml").exists()
