"""Parquet larger than memory: read in parts of equal length, each of which can be done alone."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from support import step
from tabular import tables

FOOTER = 65_536  # bytes at the end of a Parquet file: offsets, sizes and ranges of its contents
BATCH_ROWS = 65_536
KEY_FILE = "parts.json"


@dataclass(frozen=True)
class Source:
    """A table in Parquet files, read in parts."""

    files: tuple[Path, ...]  # the files, sorted
    columns: tuple[str, ...]  # the columns to read
    part_rows: int  # rows per part, 1 or more; the last part may have fewer

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(_open(file).metadata.num_rows for file in self.files)

    def parts(self, first: int = 0) -> Iterator[tuple[int, pa.Table]]:
        """Yield number and rows of each part, from the part `first` on; one part at a time is in memory."""
        pieces: list[pa.Table] = []
        number, rows = first, 0
        for rest in self._pieces(first * self.part_rows):
            while rows + rest.num_rows >= self.part_rows:
                head, rest = rest.slice(0, self.part_rows - rows), rest.slice(self.part_rows - rows)  # noqa: PLW2901
                yield number, _concat([*pieces, head])
                number, pieces, rows = number + 1, [], 0
            pieces, rows = [*pieces, rest] if rest.num_rows else pieces, rows + rest.num_rows
        if rows:
            yield number, _concat(pieces)

    def _pieces(self, skip: int) -> Iterator[pa.Table]:
        """Yield the rows in order, without the first `skip`; row groups of those alone are not read."""
        for file in self.files:
            parquet = _open(file)
            sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
            first = 0
            while first < len(sizes) and skip >= sizes[first]:
                skip, first = skip - sizes[first], first + 1
            groups, size = list(range(first, len(sizes))), min(self.part_rows, BATCH_ROWS)
            for batch in parquet.iter_batches(size, row_groups=groups, columns=list(self.columns)):
                if skip < batch.num_rows:
                    yield pa.Table.from_batches([batch.slice(skip)])
                skip = max(0, skip - batch.num_rows)

    def key(self, *others: object) -> str:
        """Return a digest of the source and of `others`, without reading the rows."""
        digest = hashlib.sha256(json.dumps([self.columns, self.part_rows, *others]).encode())
        for file in self.files:
            with file.open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - FOOTER))
                digest.update(f"{size}".encode() + stream.read())
        return digest.hexdigest()


def source(path: Path, columns: Sequence[str], part_rows: int) -> Source | None:
    """Return the table as a source of parts, or None where it fits into one or is not Parquet.

    Raises
    ------
    StepError
        When a file is unreadable, or lacks one of `columns`.
    """
    files = tables.table_files(path)
    if any(file.suffix.lower() != ".parquet" for file in files):
        return None
    parts = Source(tuple(files), tuple(dict.fromkeys(columns)), part_rows)
    if parts.rows <= part_rows:
        return None
    for file in files:
        empty = _open(file).schema_arrow.empty_table().to_pandas()
        tables.require_columns(empty, columns, str(file))
    return parts


def columns(path: Path) -> list[str]:
    """Return the names of the columns of a table; none where it is no Parquet, which is read whole."""
    file = tables.table_files(path)[0]
    return list(_open(file).schema_arrow.names) if file.suffix.lower() == ".parquet" else []


def row_count(path: Path) -> int:
    """Return the number of rows of a table; 0 where it is no Parquet, which is read whole."""
    files = tables.table_files(path)
    return sum(_open(file).metadata.num_rows for file in files if file.suffix.lower() == ".parquet")


def _concat(pieces: list[pa.Table]) -> pa.Table:
    # the file's description of an index is of the whole table, not of the columns that were read
    return pa.concat_tables(pieces, promote_options="permissive").replace_schema_metadata(None)


def _open(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise tables.unreadable(file, error) from error


class Parts:
    """Finished parts in a folder: the next attempt with the same key continues after them.

    Parameters
    ----------
    folder : Path
        Created if missing.
    key : str
        Digest of everything that the parts depend on; parts of another key are removed.

    Raises
    ------
    StepError
        When the folder holds files that are not parts.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        key_file = folder / KEY_FILE
        if folder.exists() and (not key_file.is_file() or step.read_json(key_file) != {"key": key}):
            foreign = [file.name for file in folder.iterdir() if not _is_own(file)]
            if foreign:
                content = f"{folder} holds {foreign[0]!r}, which this step does not write"
                raise step.StepError(f"--resume: {content}: name another folder")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        step.write_json({"key": key}, key_file)

    @property
    def done(self) -> int:
        """Number of complete parts."""
        number = 0
        while self.file(number).exists():
            number += 1
        return number

    def file(self, number: int) -> Path:
        """Return the file of a part's scores."""
        return self.folder / f"part-{number:05d}.parquet"

    def log_file(self, number: int) -> Path:
        """Return the file of a part's scored rows."""
        return self.folder / f"log-{number:05d}.parquet"

    def write(self, number: int, scores: pa.Table, log: pa.Table | None = None) -> None:
        """Write a part whole or not at all: it is complete when its scores are there."""
        for table, file in ((log, self.log_file(number)), (scores, self.file(number))):
            if table is not None:
                partial = file.with_suffix(".partial")
                pq.write_table(table, partial, compression="zstd")
                partial.replace(file)

    def copy_into(self, folder: Path) -> list[Path]:
        """Copy all parts into `folder`, scored rows into its ``log``; return the files of the scores."""
        copies = [folder / self.file(number).name for number in range(self.done)]
        for number, copy in enumerate(copies):
            _copy(self.file(number), copy)
            if self.log_file(number).exists():
                (folder / "log").mkdir(exist_ok=True)
                _copy(self.log_file(number), folder / "log" / copy.name)
        return copies

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _copy(file: Path, target: Path) -> None:
    """Copy a file, as a hard link where the disk allows it."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _is_own(file: Path) -> bool:
    is_part = file.name.startswith(("part-", "log-")) and file.suffix in (".parquet", ".partial")
    return is_part or file.name == KEY_FILE


def total(files: Sequence[Path], column: str) -> float:
    """Return the exactly rounded sum of a column over parts."""
    sums: list[Any] = [pq.read_table(file, columns=[column])[column].to_numpy() for file in files]
    return math.fsum(float(values.sum()) for values in sums)
