"""What every Core Script shares: paths, errors, tables and metrics; light to import."""

from __future__ import annotations

import difflib
import errno
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

TABLE_SUFFIXES = (".csv", ".parquet")


class StepError(Exception):
    """The step cannot do its work; ``str(error)`` says what, where and how to mend it."""

    exit_code = 1


class GateRejected(StepError):
    """The step worked and the gate said no."""

    exit_code = 3


def input_path(value: str) -> Path:
    """Mark an argument as an input: a file or folder that the script reads."""
    return Path(value)


def output_path(value: str) -> Path:
    """Mark an argument as an output: a folder that the script creates."""
    return Path(value)


def run_script(main: Callable[[], None]) -> None:
    """Run `main`; a StepError becomes one message on stderr and an exit code."""
    try:
        main()
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest name in `known`, else an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all.

    Parameters
    ----------
    path : Path
        The folder to create. One that exists is replaced, if it holds nothing but files that the
        new one has too.

    Yields
    ------
    Path
        The folder to write into; it takes the name `path` when the block ends well.

    Raises
    ------
    StepError
        When the disk is full, the place cannot be written, or `path` holds foreign files.
    """
    target = Path(path).absolute()
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        _replace(target, partial)
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace(target: Path, partial: Path) -> None:
    """Give `partial` the name `target`, after making sure that nothing foreign is lost."""
    if target.is_dir():
        foreign = sorted(
            {entry.name for entry in target.iterdir()} - {entry.name for entry in partial.iterdir()}
        )
        if foreign:
            found = f"{target} holds {foreign[0]!r}, which this step does not write"
            raise StepError(f"{found}: name another folder, or remove it")
        shutil.rmtree(target)
    partial.replace(target)


def _write_error(target: Path, error: OSError) -> StepError:
    """Return what a person can do about an output that could not be written."""
    if error.errno == errno.ENOSPC:
        return StepError(f"no space left for {target}: free some, or name a folder on another disk")
    return StepError(f"cannot write {target}: {error.strerror or error}")


def table_files(path: Path) -> list[Path]:
    """Return the CSV and Parquet files that `path`, a file or a folder, stands for, sorted."""
    if not path.exists():
        raise StepError(f"{path} does not exist: name a CSV or Parquet file, or a folder of them")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    tables = [file for file in files if file.suffix.lower() in TABLE_SUFFIXES]
    if not tables:
        raise StepError(
            f"{path} holds no table: name a {' or '.join(TABLE_SUFFIXES)} file, or a folder of them"
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
    import pandas as pd

    files = table_files(Path(path))
    parts = [_read_file(file) for file in files]
    for file, part in zip(files, parts, strict=True):
        _check_same_columns(files[0], list(parts[0].columns), file, list(part.columns))
    table = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    if table.empty and not allow_empty:
        raise StepError(f"{path} has no rows: give a table with at least one")
    return table.reset_index(drop=True)


def _read_file(file: Path) -> pd.DataFrame:
    """Read one file, or say why it cannot be read."""
    import pandas as pd
    import pyarrow as pa

    try:
        if file.suffix.lower() == ".parquet":
            return _named(pd.read_parquet(file), file)
        return pd.read_csv(file, sep=_separator(file), encoding="utf-8-sig", low_memory=False)
    except (pa.ArrowException, ValueError, OSError) as error:
        kind = file.suffix.lower().lstrip(".").replace("csv", "CSV").replace("parquet", "Parquet")
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise StepError(
            f"cannot read {file} as {kind}: {reason}; write the file again or name another"
        ) from error


def _named(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return a table with text as names of columns; an index with a name is a column too."""
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    table.columns = [str(name) for name in table.columns]
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise StepError(f"{file}: column {twice[0]!r} is there twice: rename one of them")
    return table


def _separator(file: Path) -> str:
    """Return the commonest of comma, semicolon, tab and bar in the first line of a CSV file."""
    with file.open(encoding="utf-8-sig") as lines:
        header = lines.readline().rstrip("\r\n")
    separator = max(",;\t|", key=header.count)
    names = [name.strip().strip('"') for name in header.split(separator)]
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise StepError(f"{file}:1: column {twice[0]!r} is there twice: rename one of them")
    return separator


def _check_same_columns(first: Path, expected: list[str], file: Path, found: list[str]) -> None:
    """Refuse parts of one table that don't have the same columns."""
    differing = sorted(set(map(str, expected)) ^ set(map(str, found)))
    if differing:
        raise StepError(
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


def require_columns(table: pd.DataFrame, names: Iterable[str], where: str) -> None:
    """Raise a StepError that names those of `names` that `table` lacks, and the nearest that it has."""
    known = [str(name) for name in table.columns]
    missing = [f"{name!r}{nearest(name, known)}" for name in dict.fromkeys(names) if name not in known]
    if missing:
        there_are = f"the columns are: {listing(known, most=60)}"
        raise StepError(f"{where}: there is no column {', no column '.join(missing)}; {there_are}")


def write_json(value: object, file: Path) -> None:
    """Write `value` as JSON, keys sorted, one line a value, so that equal values give equal bytes."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(file: Path) -> Any:
    """Read JSON, or say which file is missing or broken."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StepError(f"cannot read {file}: {error.strerror}; run the step that writes it") from error
    except ValueError as error:
        raise StepError(f"{file} is not JSON: {error}; run the step that writes it again") from error


def log_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Add `metrics` to ``folder/metrics.json``; only finite numbers are metrics.

    Raises
    ------
    StepError
        When a value is not a finite number.
    """
    file = folder / "metrics.json"
    known: dict[str, float] = read_json(file) if file.exists() else {}
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise StepError(f"metric {name} is {value}: only finite numbers are metrics")
        known[name] = float(value)
    write_json(known, file)


def shown(value: object) -> str:
    """Return a value as a message shows it: text in quotation marks, anything else bare."""
    return repr(value) if isinstance(value, str) else str(value)


def listing(values: Sequence[object], most: int = 5) -> str:
    """Return the first `most` values, separated by commas, and how many were left off."""
    shown = ", ".join(str(value) for value in values[:most])
    return f"{shown} and {len(values) - most} more" if len(values) > most else shown
