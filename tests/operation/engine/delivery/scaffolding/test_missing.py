"""Words that say that there is no value."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from operation.engine.delivery.scaffolding.missing import missing_words, without


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
