"""Columns: times without a zone, categories as text, numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import step
from tabular import columns
from tests.src.running import error_of


@pytest.mark.parametrize(
    "value", ["2013-01-31", "2013-01-31T00:00:00", "2013-01-31 00:00:00Z", "2013-01-30T19:00-05:00"]
)
def test_iso_times_lose_their_zone(value: str) -> None:
    assert columns.as_times(pd.Series([value])).tolist() == [pd.Timestamp("2013-01-31")]


def test_a_column_of_times_stays() -> None:
    column = pd.Series(pd.to_datetime(["2013-01-31", "2013-02-01"]))
    assert columns.as_times(column).tolist() == column.tolist()


def test_numbers_are_no_times() -> None:
    assert (
        error_of(columns.as_times, pd.Series([2013, 2014], name="year"))
        == "column 'year' holds numbers, not times: name a column of times"
    )


def test_values_that_are_no_times() -> None:
    assert error_of(columns.as_times, pd.Series(["2013-01-31", "31.1.2013", None], name="day")) == (
        "column 'day': 2 of 3 values are not times such as 2013-01-31T05:00:00: 31.1.2013, None; fix "
        "them, or name another column"
    )


def test_missing_times_may_be_allowed() -> None:
    made = columns.as_times(pd.Series(["2013-01-31", None]), allow_missing=True)
    assert made.isna().tolist() == [False, True]
    assert columns.as_times(pd.Series([float("nan")]), allow_missing=True).isna().all()
    with pytest.raises(step.StepError):
        columns.as_times(pd.Series(["2013-01-31", "soon"]), allow_missing=True)


def test_a_date_that_is_none() -> None:
    assert columns.as_date("2013-01-31T05:00+05:00", "--period-from") == pd.Timestamp("2013-01-31")
    assert (
        error_of(columns.as_date, "2013-13-01", "--period-from")
        == "--period-from: '2013-13-01' is not a date such as 2013-01-31"
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1.0, 2.0, 10.0, np.nan])), min_size=1
    )
)
def test_groups_are_numbered_by_their_names(rows: list[tuple[str | None, float]]) -> None:
    table = pd.DataFrame(rows, columns=["shop", "product"])
    codes, names = columns.group_codes(table)
    texts = [
        None if shop is None or product != product else f"{shop} & {product:.0f}" for shop, product in rows
    ]
    assert names == sorted({text for text in texts if text})
    assert [names[code] if code >= 0 else None for code in codes] == texts
    assert columns.joined_categories(table).tolist() == texts


def test_equal_categories_of_different_kinds_are_one_group() -> None:
    table = pd.DataFrame({"shop": np.array([1, "1", 1.0, "2"], dtype=object)})
    codes, names = columns.group_codes(table)
    assert (codes.tolist(), names) == ([0, 0, 0, 1], ["1", "2"])
