"""Series: earlier values by rows or by time, whatever the order of the rows; nothing not yet known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular.series import Window, in_order, parse_windows
from tests.src.running import error_of


def lag(table: pd.DataFrame, periods: int, frequency: str | None = None) -> list[float]:
    groups = table.get("shop")
    series = in_order(table["y"], table["t"], groups, periods, frequency)
    return np.nan_to_num(series.window(Window("lag", (periods,))), nan=-1).tolist()  # type: ignore[no-any-return]


def days(numbers: list[int]) -> pd.Series:
    return pd.Timestamp("2019-01-01") + pd.to_timedelta(pd.Series(numbers), unit="D")


def test_lags_are_those_of_the_series_whatever_the_order_of_rows() -> None:
    table = pd.DataFrame({"shop": list("abab"), "t": days([2, 1, 1, 2]), "y": [20.0, 1.0, 10.0, 2.0]})
    assert lag(table, 1) == [10.0, -1, -1, 1.0]
    alone = table.drop(columns="shop").assign(t=days([3, 0, 1, 2]))
    assert lag(alone, 1) == [2.0, -1, 1.0, 10.0]
    assert lag(alone, 2) == [10.0, -1, -1, 1.0]


def test_a_gap_is_a_missing_value_and_a_closed_day_a_zero() -> None:
    table = pd.DataFrame({"t": days([0, 1, 3, 4]), "y": [5.0, 0.0, 7.0, 8.0]})
    assert lag(table, 1) == [-1, 5.0, 0.0, 7.0]
    assert lag(table, 1, "D") == [-1, 5.0, -1, 7.0]
    assert lag(table, 3, "D") == [-1, -1, 5.0, 0.0]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=60, unique=True))
def test_lags_by_time_are_what_a_look_up_finds(rows: list[tuple[str, int]]) -> None:
    shops, numbers = zip(*rows, strict=True)
    values = {row: float(position) for position, row in enumerate(rows)}
    table = pd.DataFrame({"shop": shops, "t": days(list(numbers)), "y": list(values.values())})
    assert lag(table, 7, "D") == [values.get((shop, number - 7), -1) for shop, number in rows]


def test_windows_are_functions_of_the_values_that_are_there() -> None:
    table = pd.DataFrame({"t": days([0, 1, 3, 4]), "y": [5.0, 0.0, 7.0, 8.0]})
    series = in_order(table["y"], table["t"], None, 3, "D")
    windows = parse_windows([], ["mean:1-3", "max:2:3"], 1)
    assert list(windows) == ["mean 1-3", "max 2 3"]
    assert np.nan_to_num(series.window(windows["mean 1-3"]), nan=-1).tolist() == [-1, 5, 2.5, 3.5]
    assert np.nan_to_num(series.window(windows["max 2 3"]), nan=-1).tolist() == [-1, -1, 5, 0]


def test_two_rows_in_a_period_are_refused() -> None:
    table = pd.DataFrame({"shop": ["a", "b", "b"], "t": days([0, 1, 1]), "y": [1.0, 2.0, 3.0]})
    assert error_of(lag, table, 1, "D") == (
        "--frequency: two rows of 'b' lie in the D of 2019-01-02 00:00:00: aggregate them, name further "
        "columns in --group-column, or give a shorter frequency"
    )


@pytest.mark.parametrize("frequency", ["MS", "fortnight"])
def test_a_frequency_without_a_fixed_length(frequency: str) -> None:
    table = pd.DataFrame({"t": days([0]), "y": [1.0]})
    expected = f"--frequency: {frequency!r} is no fixed length of time such as D, h or 15min"
    assert error_of(lag, table, 1, frequency) == expected


def test_what_is_not_yet_known_at_the_horizon_is_refused() -> None:
    expected = "lag 6: 6 back is not yet known 7 ahead: look back 7 or more, or lower --horizon"
    assert error_of(parse_windows, [7, 6], [], 7) == expected
    assert "mean 1 14: 1 back is not yet known 7 ahead" in error_of(parse_windows, [], ["mean:1:14"], 7)


@pytest.mark.parametrize("window", ["mean", "mean:", "mode:1", "lag:1", "mean:a", "mean:1,2"])
def test_windows_that_cannot_be_read(window: str) -> None:
    assert error_of(parse_windows, [], [window], 1) == (
        f"--windows: {window!r} is not function:periods:periods, e.g. mean:7:14:21:28 or mean:7-34; "
        "functions are: mean, median, min, max"
    )


@pytest.mark.parametrize("window", ["mean:0", "mean:9-7"])
def test_windows_that_look_at_nothing_earlier(window: str) -> None:
    expected = f"--windows: {window!r} looks at no earlier value: give 1 or more"
    assert error_of(parse_windows, [], [window], 1) == expected
