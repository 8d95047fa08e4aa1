"""Values read as the types of a schema: those that cannot be read are told, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tabular.columns import are_zoned
from tabular.schemas import MISSING, TYPE
from tabular.violations import Violations

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema


def read_types(table: pd.DataFrame, schema: DataFrameSchema, found: Violations) -> pd.DataFrame:
    """Return the rows of `table` that can be read, with the types of `schema`; add the others to `found`."""
    from pandera.errors import SchemaErrors

    for name in [name for name in schema.columns if name in table]:
        table = _read(table, name, schema.columns[name], found)
    try:
        return lenient(schema, table).coerce_dtype(table)
    except SchemaErrors as errors:
        cases = errors.failure_cases.dropna(subset="index").astype({"index": "int64"})
        others = errors.failure_cases.loc[errors.failure_cases["index"].isna(), "column"]
    for column, part in cases.groupby("column", sort=False):
        rows = pd.Index(part["index"].unique())
        missing = found.table.loc[rows, column].isna().to_numpy()
        found.add(rows[missing], [column], MISSING, "is missing")
        found.add(rows[~missing], [column], TYPE, f"cannot be read as {schema.columns[column].dtype}")
    readable = table.drop(index=cases["index"].unique())
    # a column that cannot be read as a whole keeps its type: checking its type tells it
    return lenient(schema, readable, others).coerce_dtype(readable)


def lenient(schema: DataFrameSchema, table: pd.DataFrame, read: Iterable[str] = ()) -> DataFrameSchema:
    """Return `schema` without work that is done: columns in `read`, or of the right type, are not read again.

    pandera also looks at each text in a loop of Python, which takes fifty times as long as pandas' own look.
    """
    columns = {name: column for name, column in schema.columns.items() if name in table}
    texts = [name for name, column in columns.items() if str(column.dtype) == "str" and is_text(table[name])]
    typed = [name for name, column in columns.items() if str(column.dtype) == str(table[name].dtype)]
    done = {name: {"coerce": False} for name in [*typed, *read]}
    return schema.update_columns(done | {name: {"dtype": None, "coerce": False} for name in texts})


def is_text(column: pd.Series) -> bool:
    """Return whether all values are text, or missing."""
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty")


def _read(table: pd.DataFrame, name: str, column: Any, found: Violations) -> pd.DataFrame:
    """Read one column where pandera would be too kind; return the rows that can be read."""
    reader = _READERS.get(str(column.dtype)) if column.coerce else None
    if reader is None:
        return table
    values, problems = reader(table[name])
    for reason, rows in problems.items():
        found.add(rows, [name], TYPE, reason)
    table = table if values is table[name] else table.assign(**{name: values})
    unread = [rows for rows in problems.values() if len(rows)]
    return table.drop(index=np.unique(np.concatenate(unread))) if unread else table


def _read_times(column: pd.Series) -> tuple[pd.Series, dict[str, pd.Index]]:
    """Read text as times in ISO 8601; one with a zone among others without is ambiguous."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None), {}
    if column.dtype != object or column.isna().all():
        return column, {}
    times = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
    known, zoned = times.notna(), times.notna() & are_zoned(column)
    unread = {"cannot be read as datetime64[ns]": column.index[~known & column.notna()]}
    mixed = column.index[zoned if zoned.sum() < known.sum() else []]
    return times, {**unread, "has a time zone where others have none": mixed}


def _read_whole(column: pd.Series) -> tuple[pd.Series, dict[str, pd.Index]]:
    """Tell numbers with a fraction: pandera would cut it off."""
    if column.dtype.kind != "f":
        return column, {}
    return column, {"cannot be read as int64": column.index[np.isfinite(column) & (column % 1 != 0)]}


Reader = Callable[[pd.Series], tuple[pd.Series, dict[str, pd.Index]]]
_READERS: dict[str, Reader] = {"datetime64[ns]": _read_times, "int64": _read_whole}
