"""Times in the forms that people write."""

from __future__ import annotations

import pandas as pd
import pytest

from tabular.times import parse_forms, read_times, with_times
from tests.src.running import error_of


@pytest.mark.parametrize(
    ("form", "value", "time"),
    [
        ("epoch-seconds", 1_700_000_000, "2023-11-14T22:13:20"),
        ("epoch-milliseconds", 1_700_000_000_500, "2023-11-14T22:13:20.5"),
        ("year", 2000, "2000-01-01"),
        ("year", 2001.5, "2001-07-02T12:00"),
        ("quarter", "2020Q3", "2020-07-01"),
        ("quarter", "Q1 2021", "2021-01-01"),
        ("%Y%m%d", 19580329, "1958-03-29"),
        ("%Y/%m/%d", "2012/01/01", "2012-01-01"),
        ("%b %d %Y", "Jan 1 2000", "2000-01-01"),
        ("%d.%m.%Y %H:%M", "31.12.2020 23:59", "2020-12-31T23:59"),
        ("ISO8601", "2020-01-01T01:00+01:00", "2020-01-01"),
    ],
)
def test_forms(form: str, value: object, time: str) -> None:
    assert read_times(pd.Series([value], name="t"), form).tolist() == [pd.Timestamp(time)]


def test_words_are_missing_and_other_values_are_told_with_their_row() -> None:
    column = pd.Series(["2012/01/01", "NA", None, "soon"], name="day")
    assert read_times(column[:3], "%Y/%m/%d").isna().tolist() == [False, True, True]
    assert error_of(read_times, column, "%Y/%m/%d") == (
        "column 'day': 1 of 4 values are not times of the form %Y/%m/%d: soon (row 3); "
        "name another form, or fix them"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["day"], "--times: 'day' is not column=form, e.g. day=%d.%m.%Y"),
        (
            ["day=epoch"],
            "--times: 'day=epoch': unknown form 'epoch'; the forms are: epoch-seconds, epoch-milliseconds, "
            "epoch-microseconds, epoch-nanoseconds, year, quarter, ISO8601, or codes such as %d.%m.%Y",
        ),
    ],
)
def test_what_is_no_form(values: list[str], message: str) -> None:
    assert error_of(parse_forms, values) == message


def test_a_time_that_nanoseconds_do_not_reach_is_missing_and_told() -> None:
    table = pd.DataFrame({"until": ["31.12.2020", "31.12.9999", "01.01.0001", "NA"]})
    told: list[str] = []
    read = with_times(table, {"until": "%d.%m.%Y"}, told.append)
    assert read["until"].isna().tolist() == [False, True, True, True]
    assert told == ["column 'until': 01.01.0001, 31.12.9999, NA counts as missing (row 1, 2, 3)"]


def test_a_column_that_is_not_there() -> None:
    expected = "--times: there is no column 'dya' (did you mean 'day'?)"
    assert error_of(with_times, pd.DataFrame({"day": [2000]}), {"dya": "year"}) == expected
