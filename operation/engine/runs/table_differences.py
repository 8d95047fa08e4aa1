"""What differs between two tables: rows, columns, missing values, ranges and categories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.foundation.files import read_parquet

if TYPE_CHECKING:
    import pandas as pd

_MOST = 5  # columns that are described; the other ones are named


def table_differences(before: Path, after: Path) -> list[str]:
    """Compare two tables, each a Parquet or CSV file or a folder of Parquet files.

    Returns at most one sentence for the rows, two for the set of columns, those of five columns that differ
    and the names of the others; none when one of them is no table.
    """
    old, new = _read(before), _read(after)
    if old is None or new is None:
        return []
    common = {str(name): list(_column(old[name], new[name])) for name in old.columns if name in new}
    differing = {name: sentences for name, sentences in common.items() if sentences}
    described, named = list(differing)[:_MOST], list(differing)[_MOST:]
    columns = [f"{name}: {sentence}" for name in described for sentence in differing[name]]
    return [*_shape(old, new), *columns, *([f"also differing: {', '.join(named)}"] if named else [])]


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
    gone, added = ([str(name) for name in a if name not in b] for a, b in ((old, new), (new, old)))
    if gone:
        yield f"without column {', '.join(gone)}"
    if added:
        yield f"with new column {', '.join(added)}"


def _column(old: pd.Series[object], new: pd.Series[object]) -> Iterator[str]:
    import pandas as pd

    if old.dtype != new.dtype:
        yield f"type {old.dtype} -> {new.dtype}"
        return
    missing = old.isna().mean(), new.isna().mean()
    if abs(missing[0] - missing[1]) > 0.01:
        yield f"missing {missing[0]:.1%} -> {missing[1]:.1%}"
    if pd.api.types.is_numeric_dtype(old) and not pd.api.types.is_bool_dtype(old):
        ends = [(column.min(), column.max()) for column in (old, new)]
        if ends[1][0] < ends[0][0] or ends[1][1] > ends[0][1]:
            yield f"range {ends[0][0]:g} to {ends[0][1]:g} -> {ends[1][0]:g} to {ends[1][1]:g}"
    elif pd.api.types.is_object_dtype(old) and old.nunique() <= 100:
        added = sorted(map(str, set(new.dropna()) - set(old.dropna())))
        if added:
            rest = f" and {len(added) - 3} more" if len(added) > 3 else ""
            yield f"new category {', '.join(added[:3])}{rest}"
