"""Rolling origins: what would have been forecast at each, by models that knew only what was before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from modelling.fitted_groups import Failures
from modelling.group_rows import GroupRows
from modelling.group_training import Plan, train
from support import step

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Origins:
    """Times from which forecasts are made, in distinct times of the table.

    Parameters
    ----------
    count : int
        Number of origins, 1 or more; the last one lies `every` before the end.
    every : int
        Distance of two origins, 1 or more: from each, so many times ahead are forecast.
    refit : int
        Models are trained again at every so many origins, 1 or more.
    """

    count: int
    every: int
    refit: int

    def starts(self, times: Array) -> list[Array]:
        """Return for each training the origins that it serves, as times.

        Raises
        ------
        StepError
            When the table does not reach back so far.
        """
        distinct = np.unique(times)
        first = len(distinct) - self.count * self.every
        if first < 1:
            raise step.StepError(
                f"--origins: {self.count} origins {self.every} apart need more than {len(distinct) - first} "
                f"distinct times, the table has {len(distinct)}: lower --origins, or give earlier rows"
            )
        origins = distinct[first :: self.every]
        return [origins[begin : begin + self.refit] for begin in range(0, self.count, self.refit)]


def backtest(
    rows: GroupRows, times: Array, plan: Plan, origins: Origins
) -> tuple[pd.DataFrame, list[tuple[Any, Failures]]]:
    """Forecast each row after the first origin, by models trained on the rows before.

    Parameters
    ----------
    rows : GroupRows
    times : ndarray of shape (rows,)
        Of the rows, in their order.
    plan : Plan
    origins : Origins

    Returns
    -------
    DataFrame of shape (rows after the first origin, 10)
        row: its position in `rows`; group, time, origin, actual; predicted, low, high and source as
        forecast_many gives them; pooled: the prediction of the model of all groups.
    list of (time, failures)
        For each training, its groups without a model of their own.
    """
    parts, failed = [], []
    starts = origins.starts(times)
    ends = [start[0] for start in starts[1:]] + [None]
    for start, end in zip(starts, ends, strict=True):
        estimator, fitted = train(rows.where(times < start[0]), plan)
        failed.append((start[0], fitted.failures))
        ahead = np.flatnonzero((times >= start[0]) & (True if end is None else times < end))
        features = rows.features[ahead]
        predicted = estimator.predict(features)
        low, high = estimator.bounds(features, predicted)
        parts.append(
            pd.DataFrame(
                {
                    "row": ahead,
                    "group": np.array(rows.names, dtype=object)[rows.group_of(ahead)],
                    "time": times[ahead],
                    "origin": start[np.searchsorted(start, times[ahead], side="right") - 1],
                    "actual": rows.target[ahead],
                    "predicted": predicted,
                    "low": low,
                    "high": high,
                    "source": estimator.sources(features),
                    "pooled": estimator.predict_pooled(features),
                }
            )
        )
    return pd.concat(parts, ignore_index=True), failed


def wape(actual: Array, predicted: Array) -> float:
    """Return the sum of absolute errors over the sum of absolute actual values; 0 or more, NaN without any.

    Weighted absolute percentage error (Kolassa and Schuetz, 2007): of intermittent demand too, where the mean
    of percentages is not defined.
    """
    total = float(np.abs(actual).sum())
    return float(np.abs(actual - predicted).sum()) / total if total else float("nan")


def by_group(forecasts: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return rows, sum of actual values, coverage, and the WAPE of each column, for each group."""
    records = []
    for group, rows in forecasts.groupby("group", sort=True):
        actual = rows["actual"].to_numpy()
        errors = {f"wape_{name}": wape(actual, rows[name].to_numpy()) for name in columns}
        record: Mapping[str, Any] = {"group": group, "rows": len(rows), "actual": float(actual.sum())}
        records.append({**record, "source": rows["source"].iloc[-1], "coverage": coverage(rows), **errors})
    return pd.DataFrame(records)


def coverage(forecasts: pd.DataFrame) -> float:
    """Return the share of rows whose actual value lies in its interval; NaN where no row has one."""
    has_interval = forecasts["low"].notna()
    inside = (forecasts["actual"] >= forecasts["low"]) & (forecasts["actual"] <= forecasts["high"])
    return float(inside[has_interval].mean()) if has_interval.any() else float("nan")
