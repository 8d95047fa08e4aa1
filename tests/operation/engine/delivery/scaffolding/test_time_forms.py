"""Times in other forms than ISO 8601."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from operation.engine.delivery.scaffolding.time_forms import is_year, time_form

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
