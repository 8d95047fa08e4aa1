"""``configuration/schemas/<use case>.yml``: what the data hold today, with some slack."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from operation.engine.inference.columns import Column
from operation.engine.inference.target import Target
from operation.engine.inference.yaml_text import written, written_list

if TYPE_CHECKING:
    import pandas as pd

SLACK = 0.5  # of the range seen, on either side: tomorrow's rows are not today's


def schema_text(
    name: str, table: pd.DataFrame, columns: Sequence[Column], target: Target, time: str | None
) -> str:
    """Return the schema of the columns that are used, as text.

    Parameters
    ----------
    name : str
        The use case.
    table : DataFrame of shape (rows, columns)
        What it is inferred from.
    columns : Sequence of Column
        The guesses; dropped columns are left out.
    target : Target
        The target: the only column whose labels are listed.
    time : str or None
        The time column, never missing.
    """
    kept = [one.name for one in columns if one.kind != "dropped" or one.name == time]
    lines = [
        f"# What a table of {name} must hold (pandera's YAML; https://pandera.readthedocs.io).",
        f"# Inferred from {len(table)} rows: ranges are those seen and half as much again on either side.",
        "# nullable: values may be missing; coerce: values are read as dtype where they can be.",
        "schema_type: dataframe",
        f"name: {written(name)}",
        "columns:",
    ]
    for column in table.columns:
        if column in kept or column == target.name:
            labels = target.classes if column == target.name else ()
            lines += [f"  {line}" for line in _column(table[column], labels, is_time=column == time)]
    lines += [
        "coerce: false        # whole table: columns say for themselves",
        "strict: false        # other columns are allowed",
        "ordered: false",
    ]
    return "\n".join(lines) + "\n"


def _column(values: pd.Series, labels: Sequence[str], *, is_time: bool) -> Iterator[str]:
    yield f"{written(str(values.name))}:"
    dtype = _dtype(values, is_time=is_time)
    if dtype:
        yield f"  dtype: {dtype}"
    if dtype in {"int64", "float64"}:
        low, high = bounds(values)
        yield f"  in_range: {{min_value: {written(low)}, max_value: {written(high)}}}"
    elif labels and dtype == "str":
        yield f"  isin:{written_list(labels, indent=6)}"
    if values.isna().any():
        yield "  nullable: true"
    yield "  coerce: true"


def _dtype(values: pd.Series, *, is_time: bool) -> str | None:
    """Return the type to hold the column to, or None where any will do."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(values) or is_time:
        return "datetime64[ns]"  # ingest reads the time column as a time without zone
    if types.is_bool_dtype(values):
        return "bool"
    if types.is_integer_dtype(values):
        return "float64" if values.isna().any() else "int64"
    if types.is_float_dtype(values):
        return "float64"
    kind = types.infer_dtype(values, skipna=True)
    return {"string": "str", "decimal": "float64"}.get(kind)


def bounds(values: pd.Series) -> tuple[float, float]:
    """Return the range to hold numbers to: that seen, widened, never below 0 when nothing was."""
    low, high = float(values.min()), float(values.max())
    margin = SLACK * (high - low) or max(abs(high), 1.0)
    widened_low = 0.0 if low >= 0 else _round(low - margin, math.floor)
    return _shortest(widened_low), _shortest(_round(high + margin, math.ceil))


def _round(value: float, towards: object) -> float:
    """Return `value` with three digits, rounded outwards."""
    if value == 0 or not math.isfinite(value):
        return value
    scale = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    rounded = math.floor(value / scale) if towards is math.floor else math.ceil(value / scale)
    return float(f"{rounded * scale:.3g}")


def _shortest(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
