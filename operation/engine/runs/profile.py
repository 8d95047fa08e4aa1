"""How two tables differ as a person would say it: rows, columns, gaps, ranges, new levels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.parquet import read_parquet

if TYPE_CHECKING:
    import pandas as pd

_MOST = 5  # differences of columns that are told; the rest is more of the same


def profile_differences(before: Path, after: Path) -> list[str]:
    """Compare two tables, each a Parquet or CSV file or a folder of Parquet files.

    Returns
    -------
    list of str
        At most one sentence for the rows, one for the columns, and five for single columns;
        empty when one of them is no table.
    """
    old, new = _read(before), _read(after)
    if old is None or new is None:
        return []
    columns = [words for name in old.columns if name in new for words in _column(name, old[name], new[name])]
    return [*_shape(old, new), *columns[:_MOST]]


def _read(path: Path) -> pd.DataFrame | None:
    import pandas as pd

    readers = {".csv": pd.read_csv, ".parquet": read_parquet}
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path] if path.suffix in readers else []
    try:
        return pd.concat([readers[file.suffix](file) for file in files]) if files else None
    except (OSError, ValueError):  # it cannot be read: that may be the very failure
        return None


def _shape(old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    if len(old) != len(new):
        yield f"rows {len(old):,} -> {len(new):,}"
    gone, added = [one for one in old if one not in new], [one for one in new if one not in old]
    if gone:
        yield f"without column {', '.join(map(str, gone))}"
    if added:
        yield f"with new column {', '.join(map(str, added))}"


def _column(name: str, old: pd.Series[object], new: pd.Series[object]) -> Iterator[str]:
    import pandas as pd

    if old.dtype != new.dtype:
        yield f"{name}: type {old.dtype} -> {new.dtype}"
        return
    gaps = old.isna().mean(), new.isna().mean()
    if abs(gaps[0] - gaps[1]) > 0.01:
        yield f"{name}: missing {gaps[0]:.1%} -> {gaps[1]:.1%}"
    if pd.api.types.is_numeric_dtype(old) and not pd.api.types.is_bool_dtype(old):
        ends = [(one.min(), one.max()) for one in (old, new)]
        if ends[1][0] < ends[0][0] or ends[1][1] > ends[0][1]:
            yield f"{name}: range {ends[0][0]:g} to {ends[0][1]:g} -> {ends[1][0]:g} to {ends[1][1]:g}"
    elif pd.api.types.is_object_dtype(old) and old.nunique() <= 100:
        fresh = sorted(map(str, set(new.dropna()) - set(old.dropna())))
        if fresh:
            yield f"{name}: new level {', '.join(fresh[:3])}"
