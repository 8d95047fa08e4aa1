"""``configuration/schemas/<use case>.yml``: what the data hold today, with some slack."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from operation.engine.delivery.scaffolding.columns import Column
from operation.engine.delivery.scaffolding.missing import Missing
from operation.engine.delivery.scaffolding.split import Split
from operation.engine.delivery.scaffolding.target import Target

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

SLACK = 0.5  # of the range, on either side: tomorrow's rows are not today's


def schema_text(
    name: str,
    table: pd.DataFrame,
    columns: Sequence[Column],
    target: Target,
    split: Split,
    *,
    missing: Mapping[str, Missing],
) -> str:
    """Return the schema of the columns that are used, as text; only labels of the target are listed."""
    import pandera.pandas as pa

    time = split.time_column
    used = {column.name for column in columns if column.kind != "dropped"}
    used.update(name for name in (target.name, time, split.group_column) if name)
    inferred: Any = pa.infer_schema(table[[name for name in table.columns if name in used]])
    labels = {target.name: target.classes}
    relaxed = {
        name: _with_slack(column, table[name], labels.get(name, ()), is_time=name == time)
        for name, column in inferred.columns.items()
    }
    head = [
        f"# What a table of {name} must hold (pandera's YAML; https://pandera.readthedocs.io).",
        f"# Inferred from {len(table)} rows: ranges are those found, widened by half on either side.",
        "# nullable: values may be missing; coerce: values are converted to dtype where possible.",
    ]
    words = {name: list(found.words) for name, found in missing.items()}
    tail = ["# values that say that there is none", f"missing: {json.dumps(words, ensure_ascii=False)}", ""]
    return "\n".join([*head, str(pa.DataFrameSchema(relaxed, name=name).to_yaml()), *(tail if words else [])])


def _with_slack(inferred: pa.Column, values: pd.Series, labels: Sequence[str], *, is_time: bool) -> pa.Column:
    """Relax what pandera infers of a column, for rows that are to come: it holds them to those found."""
    import pandera.pandas as pa
    from pandas.api import types

    kind = types.infer_dtype(values, skipna=True)
    checks, dtype = [], str(inferred.dtype)
    if is_time or types.is_datetime64_any_dtype(values):
        dtype = "datetime64[ns]"  # ingest reads the time column as a time without zone
    elif kind in {"integer", "floating", "mixed-integer-float", "decimal"}:
        is_whole = kind == "integer" and not values.isna().any()
        dtype = ("int64" if values.max() < 2**63 else "uint64") if is_whole else "float64"
        checks = [pa.Check.in_range(*bounds(values))]
    elif kind == "string":
        dtype = "str"
        checks = [pa.Check.isin(list(labels))] if labels else []
    elif kind != "boolean":
        dtype = "object"
    return pa.Column(dtype, checks, nullable=inferred.nullable, coerce=True, name=inferred.name)


def bounds(values: pd.Series) -> tuple[float, float]:
    """Return the range of `values`, widened; it stays at or above 0 where all values are."""
    low, high = float(values.min()), float(values.max())
    margin = SLACK * (high - low) or max(abs(high), 1.0)
    widened = (0.0 if low >= 0 else rounded(low - margin, math.floor), rounded(high + margin, math.ceil))
    shortest = [int(end) if end.is_integer() and abs(end) < 1e15 else end for end in widened]
    return shortest[0], shortest[1]


def rounded(value: float, direction: Callable[[float], int], digits: int = 3) -> float:
    """Return `value` with so many digits, rounded by ``math.floor`` or ``math.ceil``."""
    if value == 0 or not math.isfinite(value):
        return value
    scale = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits)
    return float(f"{direction(value / scale) * scale:.{digits}g}")
