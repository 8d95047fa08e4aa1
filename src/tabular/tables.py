"""Tables: CSV and Parquet, files and folders, read with care and written with equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from support import step

SUFFIXES = (".csv", ".parquet")


def table_files(path: Path) -> list[Path]:
    """Return the CSV and Parquet files that `path`, a file or a folder, stands for, sorted."""
    if not path.exists():
        raise step.StepError(f"{path} does not exist: name a CSV or Parquet file, or a folder of them")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    tables = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not tables:
        raise step.StepError(
            f"{path} holds no table: name a {' or '.join(SUFFIXES)} file, or a folder of them"
        )
    return tables


def read_table(path: Path, *, allow_empty: bool = False) -> pd.DataFrame:
    """Read a table from a CSV or Parquet file, or from a folder of them.

    Parameters
    ----------
    path : Path
        File, or folder whose files, sorted by name, are the parts of one table.
    allow_empty : bool, default False
        Whether a table without rows is fine.

    Returns
    -------
    DataFrame of shape (rows, columns)
        With a fresh index 0..rows-1.

    Raises
    ------
    StepError
        When a file is missing, unreadable, or has other columns than the first, or no row is there.
    """
    files = table_files(Path(path))
    parts = [_read_file(file) for file in files]
    for file, part in zip(files, parts, strict=True):
        _check_same_columns(files[0], list(parts[0].columns), file, list(part.columns))
    table = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    if table.empty and not allow_empty:
        raise step.StepError(f"{path} has no rows: give a table with at least one")
    return table.reset_index(drop=True)


def read_parquet(file: Path) -> pd.DataFrame:
    """Read one Parquet file as it is."""
    from pyarrow.parquet import ParquetFile

    # pandas would hand over an open file, which Arrow's threads may still hold when the process ends: it
    # then hangs or aborts, now and then. Arrow opens what it is told the name of.
    with ParquetFile(file) as opened:
        table: pd.DataFrame = opened.read().to_pandas()
    return table


def _read_file(file: Path) -> pd.DataFrame:
    """Read one file, or say why it cannot be read."""
    from pyarrow import ArrowException  # here: a service that keeps no log reads no table, and goes without

    try:
        if file.suffix.lower() == ".parquet":
            return _named(read_parquet(file), file)
        return pd.read_csv(file, sep=_separator(file), encoding="utf-8-sig", low_memory=False)
    except (ArrowException, ValueError, OSError) as error:
        kind = file.suffix.lower().lstrip(".").replace("csv", "CSV").replace("parquet", "Parquet")
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise step.StepError(
            f"cannot read {file} as {kind}: {reason}; write the file again or name another"
        ) from error


def _named(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return a table with text as names of columns; an index with a name is a column too."""
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    table.columns = [str(name) for name in table.columns]
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise step.StepError(f"{file}: column {twice[0]!r} is there twice: rename one of them")
    return table


def _separator(file: Path) -> str:
    """Return the commonest of comma, semicolon, tab and bar in the first line of a CSV file."""
    with file.open(encoding="utf-8-sig") as lines:
        header = lines.readline().rstrip("\r\n")
    separator = max(",;\t|", key=header.count)
    names = [name.strip().strip('"') for name in header.split(separator)]
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise step.StepError(f"{file}:1: column {twice[0]!r} is there twice: rename one of them")
    return separator


def _check_same_columns(first: Path, expected: list[str], file: Path, found: list[str]) -> None:
    """Refuse parts of one table that don't have the same columns."""
    differing = sorted(set(map(str, expected)) ^ set(map(str, found)))
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
    """Raise a StepError that names those of `names` that `table` lacks, and the nearest that it has."""
    names = list(names)
    if all(name in table for name in names):
        return
    known = [str(name) for name in table]
    missing = [f"{name!r}{step.nearest(name, known)}" for name in dict.fromkeys(names) if name not in known]
    if missing:
        there_are = f"the columns are: {step.listing(known, most=60)}"
        raise step.StepError(f"{where}: there is no column {', no column '.join(missing)}; {there_are}")
