"""Thirty kinds of faults are named by column and rows; rows without faults raise no alarm."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from comparing.references import differences
from tabular import feature_store, tables
from tabular.checking import check
from tabular.schemas import TableSchema, read_schema
from tabular.violations import TOLERATED, judge
from tests.src.running import FEATURE_TABLES, SRC, Trained
from tests.src.tabular.faults import FAULTS

SCHEMAS = SRC.parent / "configuration" / "schemas"
BOOTSTRAPS = int(os.environ.get("WORKBENCH_BOOTSTRAPS", "5"))


@pytest.fixture(scope="module")
def schema() -> TableSchema:
    return read_schema(SCHEMAS / "flights.yml")


@pytest.fixture(scope="module")
def related() -> dict[str, pd.DataFrame]:
    return {file.stem: tables.read_table(file) for file in (SCHEMAS / "flights").iterdir()}


@pytest.fixture(scope="module")
def delivery(flights: Trained) -> pd.DataFrame:
    """Flights that took place, in good order."""
    table = tables.read_table(flights.table)
    columns = read_schema(SCHEMAS / "flights.yml").frame.columns
    folder = flights.table.parent / FEATURE_TABLES
    table, _ = feature_store.add_known(table, folder, "scheduled_departure", list(columns))
    return table.dropna(subset=["arr_delay", "tailnum", "temp", "seats"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def known_faults(delivery: pd.DataFrame, schema: TableSchema, related: dict[str, pd.DataFrame]) -> set[int]:
    """Rows that are wrong in the real data, too few to tell."""
    return set(check(delivery, schema, related)[1]["row"])


def named(
    table: pd.DataFrame, schema: TableSchema, related: dict[str, pd.DataFrame], column: str
) -> set[int]:
    """Return the rows that a check of the column names, in which more than tolerated fail."""
    _, violations = check(table, schema, related)
    checks = judge(violations, len(table), schema)
    alarms = checks.loc[checks["verdict"] != TOLERATED, ["column", "check", "reason"]]
    violations = violations.merge(alarms, on=["column", "check", "reason"])
    return set(violations.loc[violations["column"].str.split(", ").map(lambda names: column in names), "row"])


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_in_one_percent_of_the_rows_is_named(
    kind: str,
    delivery: pd.DataFrame,
    schema: TableSchema,
    related: dict[str, pd.DataFrame],
    known_faults: set[int],
) -> None:
    column, change = FAULTS[kind]
    rows = np.random.default_rng(0).choice(np.arange(1, len(delivery)), len(delivery) // 100, replace=False)
    faulty = named(change(delivery, rows), schema, related, column)
    # of rows delivered twice, both are named
    twice = {*(rows - 1)} if kind == "delivered twice" else set()
    assert len({*rows} & faulty) >= 0.9 * len(rows)
    assert faulty - known_faults <= {*rows} | twice


def test_rows_without_faults_raise_no_alarm(
    delivery: pd.DataFrame, schema: TableSchema, related: dict[str, pd.DataFrame]
) -> None:
    """A row drawn twice would be a duplicate, and rightly so: it is drawn once."""
    random, alarms = np.random.default_rng(0), 0
    for _ in range(BOOTSTRAPS):
        rows = np.unique(random.integers(len(delivery), size=len(delivery)))
        sample = delivery.iloc[rows].reset_index(drop=True)
        checks = judge(check(sample, schema, related)[1], len(sample), schema)
        unlike = differences(sample, delivery)["low"] > 0.1
        alarms += bool((checks["verdict"] != TOLERATED).any() or unlike.any())
    assert alarms <= 0.01 * BOOTSTRAPS
