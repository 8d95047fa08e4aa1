"""What values are meant to be."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from operation.engine.delivery.scaffolding.meanings import is_year, missing_words, time_form, without

ROWS = 30
DAYS = pd.Series(pd.date_range("2019-11-28", periods=ROWS, freq="11D"))


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (DAYS.dt.strftime("%Y/%m/%d"), "%Y/%m/%d"),
        (DAYS.dt.strftime("%d.%m.%Y %H:%M"), "%d.%m.%Y %H:%M"),
        (DAYS.dt.strftime("%b %-d %Y"), "%b %d %Y"),
        (DAYS.dt.strftime("%m/%d/%Y"), "%m/%d/%Y"),
        (DAYS.dt.strftime("%d/%m/%Y"), "%d/%m/%Y"),
        (["01/02/2020", "01/03/2020", "01/04/2020"], "%m/%d/%Y"),  # in the order of time
        (["02/01/2020", "03/01/2020", "01/04/2020"], "%d/%m/%Y"),
        (["05/04/2020", "03/07/2020", "01/02/2020"], "%m/%d/%Y|%d/%m/%Y"),
        (DAYS.dt.strftime("%Y%m%d").astype(int), "%Y%m%d"),
        (DAYS.dt.strftime("%Y%m%d"), "%Y%m%d"),
        (DAYS.astype("int64") // 10**9, "epoch-seconds"),
        (DAYS.astype("int64") // 10**6, "epoch-milliseconds"),
        (["2020Q1", "2020Q2"], "quarter"),
        (["Q1 2020", "NA"], "quarter"),
        (DAYS.dt.strftime("%Y-%m-%d"), None),  # as it should be
        (DAYS, None),
        (["a", "b"], None),
        ([1.5, 2.5], None),
        (np.arange(ROWS), None),
        ([True, False], None),
        (["1.2.3", "4.5.6"], None),
    ],
)
def test_forms_of_times(values: object, form: str | None) -> None:
    assert time_form(pd.Series(values, name="when")) == form


def test_years() -> None:
    years = pd.Series(np.arange(1950, 1980))
    assert is_year(years.rename("year"))
    assert is_year((years + 0.5).rename("time"))
    assert not is_year(years.rename("yr_built"))
    assert not is_year((years % 3 + 2007).rename("year"))


@pytest.mark.parametrize(
    ("values", "words", "rows"),
    [
        ([1.5, np.inf, 2.0, -np.inf], ("-inf", "inf"), (1, 3)),
        (["1", "2", "?", "4", "5.5"], ("?",), (2,)),
        (["2020-01-01", "9999-12-31", "9999-12-31", "2020-01-02"], ("9999-12-31",), (1, 2)),
        (
            [datetime.date(2020, 1, 1), datetime.date(9999, 12, 31), datetime.date(2020, 1, 3)],
            ("9999-12-31",),
            (1,),
        ),
        (np.array(["2020-01-01", "9999-12-31", "2020-01-02"], "M8[us]"), ("9999-12-31",), (1,)),
    ],
)
def test_values_that_say_there_is_none(values: object, words: tuple[str, ...], rows: tuple[int, ...]) -> None:
    table = pd.DataFrame({"x": values})
    found = missing_words(table, ["x"])
    assert (found["x"].words, found["x"].rows) == (words, rows)
    assert without(table, found)["x"].isna().to_numpy().nonzero()[0].tolist() == list(rows)


@pytest.mark.parametrize("values", [["a", "b", "1"], [1.0, 2.0], ["01067", "10115"], ["x"] * 5, [np.inf] * 3])
def test_values_that_are_what_they_are(values: object) -> None:
    assert missing_words(pd.DataFrame({"x": values}), ["x"]) == {}
