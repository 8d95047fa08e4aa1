"""Guesses of columns."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.delivery.scaffolding.columns import guess_column, guess_columns

ROWS = 40
TIMES = pd.Series(pd.date_range("2020-01-01", periods=ROWS, freq="5h"))


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("size", np.arange(ROWS) * 1.5, "numeric"),
        ("rooms", np.arange(ROWS) % 5, "numeric"),
        ("Price\n(EUR)", np.arange(ROWS) % 5, "numeric"),
        ("gaps", [None, 1.0] * (ROWS // 2) + [2.0], "numeric"),
        ("amount", [decimal.Decimal(number) / 3 for number in range(ROWS)], "numeric"),
        ("city", ["Rome", "Oslo", None, "Bern"] * (ROWS // 4), "categorical"),
        ("active", [True, False] * (ROWS // 2), "categorical"),
        ("active", [True, False, None, True] * (ROWS // 4), "categorical"),
        ("when", TIMES, "datetime"),
        ("begin: local", TIMES, "datetime"),
        ("when", TIMES.dt.strftime("%Y-%m-%dT%H:%M:%S"), "datetime"),
        ("day", list(TIMES.dt.date), "datetime"),
        ("row_id", np.arange(ROWS) * 7 % 41, "dropped"),
        ("customerId", np.arange(ROWS) * 7 % 41, "dropped"),
        ("anything", np.arange(ROWS) + 17, "dropped"),
        ("note", [f"note {number}" for number in range(ROWS)], "dropped"),
        ("constant", ["x"] * ROWS, "dropped"),
        ("empty", [None] * ROWS, "dropped"),
        ("nested", [[1], [2]] * (ROWS // 2), "dropped"),
        ("day", ["31/12/2020", "1/1/2021"] * (ROWS // 2), "dropped"),
        ("$(NAME)", np.arange(ROWS) * 1.5, "dropped"),
        ("-x", np.arange(ROWS) * 1.5, "dropped"),
        ("target", np.arange(ROWS) * 1.5, "dropped"),
        ("wait", pd.Series(pd.to_timedelta(range(ROWS), unit="h")), "dropped"),
    ],
)  # fmt: skip
def test_kinds(name: str, values: object, kind: str) -> None:
    found = guess_column(pd.Series(values, name=name))
    assert found.kind == kind, found.reason


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("${:.2f}", "40 texts in 40 rows: numbers with signs or units, such as '$0.50' (row 0)"),
        ("{:.1f} %", "40 texts in 40 rows: numbers with signs or units, such as '0.5 %' (row 0)"),
        ("{:.1f} kg", "40 texts in 40 rows: numbers with signs or units, such as '0.5 kg' (row 0)"),
        ("({:.1f})", "40 texts in 40 rows: numbers with signs or units, such as '(0.5)' (row 0)"),
        ("A{:.0f}B{:.1f}", "40 texts in 40 rows: they identify rows"),
        ("1:{:04.1f}", "40 texts in 40 rows: they identify rows"),
    ],
)
def test_texts_are_named_as_what_they_are(form: str, reason: str) -> None:
    texts = [form.format(number + 0.5, number) for number in range(ROWS)]
    assert guess_column(pd.Series(texts, name="x")).reason == reason


def test_times_of_day_and_numbers_too_large_to_be_squared_are_left_out() -> None:
    clock = pd.Series([f"{number % 24}:{number:02d} PM" for number in range(ROWS)], name="x")
    assert guess_column(clock).reason == "40 texts in 40 rows: times of day"
    large = pd.Series([1.5] * (ROWS - 1) + [1e300], name="x")
    assert guess_column(large).reason == "beyond 1e+100 in 1 rows, the first of them 39"


def test_parts_of_a_time_are_those_that_vary() -> None:
    years = pd.Series(pd.date_range("2015-01-01", periods=60, freq="30D"), name="day")
    assert guess_column(years).parts == ("weekday", "month")
    assert guess_column(TIMES.rename("when")).declaration == "when:hour+weekday"
    weeks = pd.Series(pd.date_range("2019-01-05", periods=200, freq="7D"), name="day")
    assert guess_column(weeks).parts == ("month",)
    centuries = pd.Series(pd.to_datetime(["1700-01-01", "2008-01-01"] * 9), name="year")
    assert guess_column(centuries).kind == "dropped"


def test_the_target_by_another_name_is_left_out() -> None:
    table = pd.DataFrame(
        {"cents": np.arange(ROWS) * 100.0, "size": np.arange(ROWS) % 7, "price": np.arange(ROWS)}
    )
    found = guess_columns(table, "price")
    assert [(one.name, one.kind) for one in found] == [("cents", "dropped"), ("size", "numeric")]
    assert found[0].reason == "its correlation with the target is 1.000: probably known only afterwards"


@given(st.lists(st.one_of(st.none(), st.integers(-9, 9), st.floats(), st.text(max_size=5), st.booleans())))
def test_any_column_is_guessed(values: list[object]) -> None:
    found = guess_column(pd.Series(values, name="any", dtype=object).infer_objects())
    assert found.kind in {"numeric", "categorical", "datetime", "dropped"}
