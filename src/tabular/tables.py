"""Tables: CSV and Parquet files and folders; equal tables are written as equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from support import step
from tabular.csv_files import Tell, read_csv

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".parquet")
DELTA_LOG = "_delta_log"  # the folder in a Delta table that says which of its files count
_MOST_DIGITS = 2**53  # above it a float64 no longer tells whole numbers apart


def table_files(path: Path) -> list[Path]:
    """Return the CSV and Parquet files of `path`, a file or a folder, sorted."""
    if not path.exists():
        raise step.StepError(f"{path} does not exist: name a CSV or Parquet file, or a folder of them")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    if (path / DELTA_LOG).is_dir():
        # its files hold all versions of rows, also deleted ones
        problem = f"{path} is a Delta table, not a folder of files"
        raise step.StepError(f"{problem}: let ingest read it by --raw-table, and name what ingest wrote")
    tables = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not tables:
        raise step.StepError(f"{path} holds no table: name a .csv or .parquet file, or a folder of them")
    return tables


def _untold(_: str) -> None:
    """Hear how a column was read, and say nothing."""


def read_table(path: Path, *, allow_empty: bool = False, tell: Tell = _untold) -> pd.DataFrame:
    """Read a table from a CSV or Parquet file, or from a folder of them.

    Parameters
    ----------
    path : Path
        A file, or a folder whose files, sorted by name, are parts of one table.
    allow_empty : bool, default False
        Whether a table without rows is valid.
    tell : callable, optional
        Hears how values of CSV files were read that can be read in more than one way.

    Returns
    -------
    DataFrame of shape (rows, columns)
        With a fresh index 0..rows-1. Decimals are numbers, categories and nullable columns what they hold.

    Raises
    ------
    StepError
        When a file is missing, unreadable, or has other columns than the first, or the table has no rows.
    """
    files = table_files(Path(path))
    parts = [_read_file(file, tell) for file in files]
    for file, part in zip(files, parts, strict=True):
        _check_same_columns(files[0], list(parts[0].columns), file, list(part.columns))
    table = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    if table.empty and not allow_empty:
        raise step.StepError(f"{path} has no rows: give a table with at least one")
    fresh = pd.RangeIndex(len(table))
    return table if table.index.equals(fresh) else table.set_axis(fresh)


def read_parquet(file: Path) -> pd.DataFrame:
    """Read one Parquet file as it is."""
    return _read_arrow(file).to_pandas()


def _read_arrow(file: Path) -> pa.Table:
    from pyarrow.parquet import ParquetFile

    # given an open file by pandas, Arrow's threads may still hold it when the process ends, which then
    # sometimes hangs or aborts; given a name, Arrow opens the file itself
    with ParquetFile(file) as opened:
        return opened.read()


def _read_file(file: Path, tell: Tell) -> pd.DataFrame:
    """Read one file."""
    from pyarrow import ArrowException  # here: an image of a service without a log has no pyarrow

    try:
        if file.suffix.lower() == ".parquet":
            return from_arrow(_read_arrow(file), file)
        return read_csv(file, tell)
    except (ArrowException, ValueError, OSError) as error:
        raise unreadable(file, error) from error


def from_arrow(table: pa.Table, file: Path) -> pd.DataFrame:
    """Return what was read of `file` as `read_table` does."""
    return _plain(_named(_without_decimals(table).to_pandas(maps_as_pydicts="lossy"), file))


def _without_decimals(table: pa.Table) -> pa.Table:
    """Return decimals as numbers: whole ones where they have no places and fit, else float64; float16 too."""
    from pyarrow import ArrowInvalid, float64, int64, types

    for place, field in enumerate(table.schema):
        if types.is_decimal(field.type):
            column = table.column(place)
            try:
                column = column.cast(int64() if field.type.scale <= 0 else float64())
            except ArrowInvalid:
                column = column.cast(float64())
            table = table.set_column(place, field.name, column)
        elif types.is_float16(field.type):  # its range is too short for sums and histograms
            table = table.set_column(place, field.name, table.column(place).cast(float64()))
    return table


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return categories, periods and nullable columns as what they hold: NumPy lacks their kinds."""
    special = {
        name: _plain_column(table[name])
        for name in table.columns
        if not isinstance(table[name].dtype, np.dtype | pd.DatetimeTZDtype)
    }
    return table.assign(**special) if special else table


def _plain_column(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.to_timestamp()
    values = column.astype(object)
    if isinstance(column.dtype, pd.IntervalDtype):
        values = values.map(str, na_action="ignore")
    is_whole = pd.api.types.is_integer_dtype(column.dtype)
    if is_whole and column.isna().any() and (column.dropna().abs() > _MOST_DIGITS).any():
        return column
    return values.where(column.notna(), np.nan if is_whole else None).infer_objects()


def unreadable(file: Path, error: Exception) -> step.StepError:
    """Return the error for a file that cannot be read as a table."""
    kind = {".csv": "CSV", ".parquet": "Parquet"}[file.suffix.lower()]
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return step.StepError(f"cannot read {file} as {kind}: {reason}; fix the file or name another")


def _named(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return a table with text as column names; a named index becomes a column."""
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    table.columns = [str(name) for name in table.columns]
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise step.StepError(f"{file}: column {twice[0]!r} is duplicated: rename one of them")
    return table


def _check_same_columns(first: Path, expected: list[str], file: Path, actual: list[str]) -> None:
    """Reject parts of one table that have different columns."""
    differing = sorted(set(map(str, expected)) ^ set(map(str, actual)))
    if differing:
        raise step.StepError(
            f"{file} and {first} are not parts of one table: column {differing[0]!r} is in one of them only; "
            "move the other file out of the folder"
        )


def write_table(table: pd.DataFrame, file: Path) -> None:
    """Write `table` to a Parquet `file`, without its index; equal tables give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), sink, compression="zstd")
    file.write_bytes(sink.getvalue())


def require_columns(table: pd.DataFrame | Mapping[str, Any], names: Iterable[str], where: str) -> None:
    """Raise a StepError that names the missing columns, and the nearest ones that `table` has."""
    names = list(names)
    if all(name in table for name in names):
        return
    known = [str(name) for name in table]
    missing = [f"{name!r}{step.nearest(name, known)}" for name in dict.fromkeys(names) if name not in known]
    if missing:
        columns = f"the columns are: {step.listing(known, most=60)}"
        raise step.StepError(f"{where}: there is no column {', no column '.join(missing)}; {columns}")
