"""Features of rows that come one at a time: what `FeatureSpec.transform` gives, without a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features import PAIR, FeatureSpec
from row_reading import Row
from row_schema import Column
from row_values import level

NAN = float("nan")
PARTS: dict[str, Callable[[datetime], int]] = {
    "month": lambda time: time.month,
    "day": lambda time: time.day,
    "weekday": lambda time: time.weekday(),
    "hour": lambda time: time.hour,
    "minute-of-day": lambda time: time.hour * 60 + time.minute,
    "day-of-year": lambda time: time.timetuple().tm_yday,
}


class RowFeatures:
    """Makes the features of one row.

    Parameters
    ----------
    spec : FeatureSpec
        Fitted.
    schema : mapping of str to Column
        The columns of a row, in its order.

    Attributes
    ----------
    exact : bool
        Whether a row is enough to give what a table gives. It is not where a time is a level too: its text
        depends on how the table holds it.
    """

    def __init__(self, spec: FeatureSpec, schema: Mapping[str, Column]) -> None:
        place = {name: number for number, name in enumerate(schema)}
        self.schema = dict(schema)
        self._numeric = [place[name] for name in spec.numeric]
        self._levels = [
            (name, place[name], {text: float(code) for code, text in enumerate(spec.levels[name])})
            for name in spec.categorical
        ]
        self._pairs = [
            (
                name,
                place[first],
                place[second],
                {text: float(code) for code, text in enumerate(spec.levels[name])},
            )
            for name, first, second in ((PAIR.join(pair), *pair) for pair in spec.pairs)
        ]
        self._cyclic = [(place[name], 2 * np.pi / period) for name, period in sorted(spec.cyclic.items())]
        self._times = [
            (place[name], PARTS[part]) for name, parts in sorted(spec.datetime.items()) for part in parts
        ]
        levels = {*spec.categorical, *(name for pair in spec.pairs for name in pair)}
        self.exact = levels.isdisjoint(spec.datetime)

    def vector(self, row: Row) -> tuple[list[float], list[tuple[str, str]]]:
        """Return the features of one row, and the levels that training did not know.

        Parameters
        ----------
        row : list
            Values in the order of the schema, as `RowReader` reads them.

        Returns
        -------
        features : list of float
            In the order of `FeatureSpec.transform`; NaN for missing.
        unknown : list of (str, str)
            Feature and level.
        """
        made: list[float] = [
            NAN if (value := row[place]) is None else float(value) for place in self._numeric
        ]
        unknown: list[tuple[str, str]] = []
        for name, place, codes in self._levels:
            self._add_code(made, unknown, name, row[place], codes)
        for name, first, second, codes in self._pairs:
            one, other = row[first], row[second]
            both = None if one is None or other is None else level(one) + PAIR + level(other)
            self._add_code(made, unknown, name, both, codes)
        for place, factor in self._cyclic:
            angle = NAN if (value := row[place]) is None else float(value) * factor
            made += (float(np.sin(angle)), float(np.cos(angle)))
        for place, part in self._times:
            time = row[place]
            made.append(NAN if time is None else float(part(time)))
        return made, unknown

    @staticmethod
    def _add_code(
        made: list[float],
        unknown: list[tuple[str, str]],
        name: str,
        value: Any,
        codes: Mapping[str, float],
    ) -> None:
        if value is None:
            made.append(NAN)
            return
        text = value if type(value) is str else level(value)
        code = codes.get(text)
        if code is None:
            unknown.append((name, text))
            code = NAN
        made.append(code)

    def frame(self, rows: list[Row]) -> pd.DataFrame:
        """Return rows as a table whose columns have the types that training saw."""
        columns = zip(self.schema.items(), zip(*rows, strict=True), strict=True)
        return pd.DataFrame({name: _typed(column, list(values)) for (name, column), values in columns})


def _typed(column: Column, values: list[Any]) -> Any:
    if column.kind in ("number", "integer"):
        return np.array([NAN if value is None else value for value in values], dtype="float64")
    if column.kind == "time":
        return pd.to_datetime(pd.Series(values, dtype=object))
    if column.kind == "boolean" and None not in values:
        return np.array(values, dtype=bool)
    return pd.Series(values, dtype=object)
