"""A table beside an earlier one: which columns are distributed otherwise, by how much, how surely."""

import numpy as np
import pandas as pd
from pandas.api import types

from comparing.sketches import Array, Kind, Sketch

MIN_ROWS = 200  # with fewer, chance is as large as what one looks for


def differences(table: pd.DataFrame, reference: pd.DataFrame, error_rate: float = 0.05) -> pd.DataFrame:
    """Compare the columns that two tables share; times are left out, as a delivery is of its own time.

    Parameters
    ----------
    table, reference : DataFrame of shape (rows, columns)
        With 200 rows or more.
    error_rate : float, default 0.05
        Probability, between 0 and 1, that any of the intervals misses its effect (Bonferroni).

    Returns
    -------
    DataFrame of shape (comparisons, 5)
        ``column``, ``measure`` (values or missing), ``effect``, ``low`` and ``high``; see `Sketch.effect`.
    """
    compared = []
    times = {name for name in reference if types.is_datetime64_any_dtype(reference[name])}
    names = [name for name in reference if name in table and name not in times]
    for name in names if min(len(table), len(reference)) >= MIN_ROWS else []:
        before, after, kind = _codes(reference[name], table[name])
        sketch, rate = Sketch.of(before, kind), error_rate / (2 * len(names))
        compared.append((name, "missing", sketch.missing_effect(after, rate)))
        if sketch.known >= MIN_ROWS and np.count_nonzero(~np.isnan(after)) >= MIN_ROWS:
            compared.append((name, "values", sketch.effect(after, rate)))
    rows = [(name, measure, effect.size, effect.low, effect.high) for name, measure, effect in compared]
    return pd.DataFrame(rows, columns=["column", "measure", "effect", "low", "high"])


def _codes(before: pd.Series, after: pd.Series) -> tuple[Array, Array, Kind]:
    """Return numbers as they are and other values as codes, NaN where they are missing."""
    if types.is_numeric_dtype(before) and types.is_numeric_dtype(after):
        first, second = (column.to_numpy("float64", na_value=np.nan) for column in (before, after))
        return first, second, "number"
    codes, _ = pd.factorize(pd.concat([before, after]).astype("string"))
    numbers = np.where(codes < 0, np.nan, codes.astype("float64"))
    return numbers[: len(before)], numbers[len(before) :], "category"
