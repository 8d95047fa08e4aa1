"""Words of a column that say that there is no value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.nearest import listed

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"\s*[+-]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
NO_VALUE = {"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "NaT", "<NA>"}
LARGEST = 1e100  # of numbers: models sum squares
# other words than numbers or times, and the share of rows that are none of them
MOST_WORDS, LEAST_SHARE = 3, 0.8


@dataclass(frozen=True)
class Missing:
    """Values of a column that say that there is none."""

    words: tuple[str, ...]
    rows: tuple[int, ...]
    numbers: bool  # whether the others are numbers

    @property
    def told(self) -> str:
        """What is said of them."""
        where = f"row {self.rows[0]}" + (f" and {len(self.rows) - 1} more" if len(self.rows) > 1 else "")
        return f"{listed([repr(word) for word in self.words], 'and')} counts as missing ({where})"


def missing_words(table: pd.DataFrame, names: Iterable[str]) -> dict[str, Missing]:
    """Return for each of the columns `names` the values that are no numbers, or no times, among such."""
    return {name: found for name in names if (found := _missing(table[name]))}


def _missing(values: pd.Series) -> Missing | None:
    import numpy as np
    import pandas as pd
    from pandas.api import types

    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(None)
    if types.is_float_dtype(values.dtype):
        infinite = values.index[np.isinf(values.to_numpy("float64", na_value=np.nan))]
        return _found(values, infinite, numbers=True)
    known = values.dropna()
    if types.is_datetime64_dtype(values):
        beyond = ~known.dt.year.between(1678, 2261)
        return _found(values, known.index[beyond].tolist(), numbers=False)
    kind = types.infer_dtype(known)
    if kind in {"date", "datetime"}:
        beyond = known.map(lambda time: not 1678 <= time.year <= 2261)
        return _found(values, known.index[beyond].tolist(), numbers=False)
    if kind != "string":
        return None
    for form, numbers in ((_NUMBER, True), (_ISO, False)):
        fits = {text: bool(form.fullmatch(text)) and (numbers or _within(text)) for text in known.unique()}
        if any(fits.values()):
            others = known.index[~known.map(fits).astype(bool)].tolist()
            if found := _found(values, others, numbers=numbers):
                return found
    return None


def _within(text: str) -> bool:
    return 1678 <= int(text[:4]) <= 2261


def _found(values: pd.Series, rows: Any, *, numbers: bool) -> Missing | None:
    words = tuple(sorted({_word(value) for value in values.loc[rows]}))
    share = 1 - len(rows) / max(int(values.notna().sum()), 1)
    if all(map(_ISO.match, words)):
        least = LEAST_SHARE / 8  # most rows may have an open end
    else:
        least = LEAST_SHARE / 2 if set(words) <= NO_VALUE | {"inf", "-inf"} else LEAST_SHARE
    if not words or len(words) > MOST_WORDS or share < least:
        return None
    return Missing(words, tuple(map(int, rows)), numbers)


def _word(value: object) -> str:
    return str(value).removesuffix(" 00:00:00")


def without(table: pd.DataFrame, missing: dict[str, Missing]) -> pd.DataFrame:
    """Return `table` with no value in the rows of `missing`."""
    import pandas as pd

    for name, found in missing.items():
        column = table[name].copy()
        column.loc[list(found.rows)] = None
        table = table.assign(**{name: pd.to_numeric(column) if found.numbers else column.infer_objects()})
    return table
