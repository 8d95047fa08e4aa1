"""``configuration/schemas/<use case>.yml``: what the data hold today, with some slack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from operation.engine.delivery.scaffolding.columns import Column
from operation.engine.delivery.scaffolding.target import Target

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

SLACK = 0.5  # of the range seen, on either side: tomorrow's rows are not today's


def schema_text(
    name: str, table: pd.DataFrame, columns: Sequence[Column], target: Target, time: str | None
) -> str:
    """Return the schema of the columns that are used, as text; only labels of the target are listed."""
    import pandera.pandas as pa

    used = {one.name for one in columns if one.kind != "dropped"} | {target.name, time}
    inferred: Any = pa.infer_schema(table[[one for one in table.columns if one in used]])
    labels = {target.name: target.classes}
    made = {
        one: _with_slack(found, table[one], labels.get(one, ()), is_time=one == time)
        for one, found in inferred.columns.items()
    }
    head = [
        f"# What a table of {name} must hold (pandera's YAML; https://pandera.readthedocs.io).",
        f"# Inferred from {len(table)} rows: ranges are those seen and half as much again on either side.",
        "# nullable: values may be missing; coerce: values are read as dtype where they can be.",
    ]
    return "\n".join([*head, str(pa.DataFrameSchema(made, name=name).to_yaml())])


def _with_slack(inferred: pa.Column, values: pd.Series, labels: Sequence[str], *, is_time: bool) -> pa.Column:
    """Return what pandera infers of a column, for rows that are to come: it holds them to those seen."""
    import pandera.pandas as pa
    from pandas.api import types

    kind = types.infer_dtype(values, skipna=True)
    checks, dtype = [], str(inferred.dtype)
    if is_time or types.is_datetime64_any_dtype(values):
        dtype = "datetime64[ns]"  # ingest reads the time column as a time without zone
    elif kind in {"integer", "floating", "mixed-integer-float", "decimal"}:
        dtype = "int64" if kind == "integer" and not values.isna().any() else "float64"
        checks = [pa.Check.in_range(*bounds(values))]
    elif kind == "string":
        dtype = "str"
        checks = [pa.Check.isin(list(labels))] if labels else []
    elif kind != "boolean":
        dtype = "object"
    return pa.Column(dtype, checks, nullable=inferred.nullable, coerce=True, name=inferred.name)


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
