"""Thirty kinds of faults that deliveries really have, put into some rows of a table of flights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

Values = np.ndarray[Any, Any]
Fault = tuple[str, Callable[[pd.DataFrame, Values], pd.DataFrame]]  # column; rows with the fault put in


def put(column: str, make: Callable[[pd.Series], Any]) -> Fault:
    """Return a fault of one column, made of the values that it replaces."""

    def change(table: pd.DataFrame, rows: Values) -> pd.DataFrame:
        values = table[column].astype(object)
        values.iloc[rows] = make(table[column].iloc[rows])
        return table.assign(**{column: values.infer_objects()})

    return column, change


def text(column: str, make: Callable[[str], str]) -> Fault:
    return put(column, lambda values: values.map(make))


def again(table: pd.DataFrame, rows: Values) -> pd.DataFrame:
    """Deliver rows again, in the place of the ones that follow them."""
    copy = table.copy()
    copy.iloc[rows] = table.iloc[rows - 1].to_numpy()
    return copy.infer_objects()


def exchanged(first: str, second: str) -> Fault:
    def change(table: pd.DataFrame, rows: Values) -> pd.DataFrame:
        copy = table.copy()
        copy.loc[copy.index[rows], [first, second]] = table.iloc[rows][[second, first]].to_numpy()
        return copy

    return first, change


FAULTS: dict[str, Fault] = {
    # missing
    "number missing": put("distance", lambda _: None),
    "text missing": put("carrier", lambda _: None),
    "time missing": put("scheduled_departure", lambda _: None),
    "empty text": text("dest", lambda _: ""),
    "one of two related values missing": put("dewp", lambda _: None),
    # of another type
    "word for a number": put("seats", lambda values: ["n/a"] * len(values)),
    "decimal comma": put("temp", lambda values: values.map(lambda number: f"{number:.2f}".replace(".", ","))),
    "word for a time": put("scheduled_departure", lambda values: ["tomorrow"] * len(values)),
    "day before month": put("scheduled_departure", lambda values: values.dt.strftime("%d/%m/%Y %H:%M")),
    "zone in some times": put(
        "scheduled_departure", lambda values: values.dt.strftime("%Y-%m-%dT%H:%M:%S-05:00")
    ),
    "fraction of a whole number": put("departures_in_hour", lambda values: values + 0.5),
    # out of range
    "sentinel": put("pressure", lambda _: 9999.0),
    "infinity": put("wind_speed", lambda _: np.inf),
    "sign": put("scheduled_minutes", lambda values: -values),
    "share for a percentage": put("humid", lambda values: values / 100),
    # categories
    "blank behind": text("carrier", lambda carrier: carrier + " "),
    "lower case": text("origin", str.lower),
    "cut off": text("dest", lambda dest: dest[:2]),
    "unknown code": text("dest", lambda _: "QQQ"),
    "broken encoding": text("airline", lambda name: name[:3] + "\ufffd" + name[4:]),
    "form of an identifier": text("tailnum", lambda tail: tail[1:] + tail[0]),
    # units and columns
    "Celsius for Fahrenheit": put("temp", lambda values: (values - 32) / 1.8),
    "kilometres for miles": put("distance", lambda values: (values * 1.609).round().astype("int64")),
    "hours for minutes": put("scheduled_minutes", lambda values: (values / 60).round().astype("int64")),
    "two columns exchanged": exchanged("origin", "dest"),
    # contradictions
    "time of another zone": put("scheduled_departure", lambda values: values - pd.Timedelta(hours=1)),
    "other month": put("month", lambda values: values % 12 + 1),
    "name of another code": text(
        "airline", lambda name: "Mesa Airlines Inc." if "Mesa" not in name else "Envoy Air"
    ),
    "arrived without departure": put("dep_time", lambda _: np.nan),
    "delivered twice": ("flight", again),
}
