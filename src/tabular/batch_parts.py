"""Parquet that is larger than memory: read in parts of equal length, each of which can be done alone."""

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

FOOTER = 65_536  # bytes at the end of a Parquet file: places, sizes and ranges of all that it holds
KEY_FILE = "parts.json"


@dataclass(frozen=True)
class Source:
    """A table in Parquet files, read in parts.

    Parameters
    ----------
    files : tuple of Path
        The files, sorted.
    columns : tuple of str
        The columns that are read.
    part_rows : int
        Rows of a part; the last one may have fewer.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...]
    part_rows: int

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(_opened(file).metadata.num_rows for file in self.files)

    def parts(self, first: int = 0) -> Iterator[tuple[int, pa.Table]]:
        """Yield number and rows of each part, from the part `first` on; a part at a time is in memory."""
        held: list[pa.Table] = []
        number, there = first, 0
        for piece in self._pieces(first * self.part_rows):
            rest = piece
            while there + rest.num_rows >= self.part_rows:
                taken = self.part_rows - there
                yield number, _one([*held, rest.slice(0, taken)])
                number, held, there, rest = number + 1, [], 0, rest.slice(taken)
            if rest.num_rows:
                held, there = [*held, rest], there + rest.num_rows
        if there:
            yield number, _one(held)

    def _pieces(self, skipped: int) -> Iterator[pa.Table]:
        """Yield the rows in order, without the first `skipped`; row groups of those alone are not read."""
        for file in self.files:
            opened = _opened(file)
            groups: list[int] = []
            for group in range(opened.metadata.num_row_groups):
                rows = opened.metadata.row_group(group).num_rows
                if not groups and skipped >= rows:
                    skipped -= rows
                else:
                    groups.append(group)
            size = min(self.part_rows, 65_536)
            for batch in opened.iter_batches(size, row_groups=groups, columns=list(self.columns)):
                left, skipped = min(skipped, batch.num_rows), max(0, skipped - batch.num_rows)
                if left < batch.num_rows:
                    yield pa.Table.from_batches([batch.slice(left)])

    def key(self, *others: object) -> str:
        """Return a digest of what is read and of `others`, without reading the rows."""
        digest = hashlib.sha256(json.dumps([self.columns, self.part_rows, *others]).encode())
        for file in self.files:
            with file.open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - FOOTER))
                digest.update(f"{size}".encode() + stream.read())
        return digest.hexdigest()


def source(path: Path, columns: Sequence[str], part_rows: int) -> Source | None:
    """Return the table as a source of parts, or None where it fits into one, or is no Parquet.

    Raises
    ------
    StepError
        When a file is unreadable, or lacks one of `columns`.
    """
    files = tables.table_files(path)
    if any(file.suffix.lower() != ".parquet" for file in files):
        return None
    found = Source(tuple(files), tuple(dict.fromkeys(columns)), part_rows)
    if found.rows <= part_rows:
        return None
    for file in files:
        names = _opened(file).schema_arrow.empty_table().to_pandas()
        tables.require_columns(names, columns, str(file))
    return found


def _one(pieces: list[pa.Table]) -> pa.Table:
    # what the file says of an index is of the whole table, not of the columns that were read
    table = pa.concat_tables(pieces, promote_options="permissive")
    return table.replace_schema_metadata(None)


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise step.StepError(
            f"cannot read {file} as Parquet: {reason}; write the file again or name another"
        ) from error


class Parts:
    """Parts that are done, in a folder: whoever comes again with the same key goes on behind them.

    Parameters
    ----------
    folder : Path
        Where they are kept; it is made.
    key : str
        Digest of all that they depend on.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        known = folder / KEY_FILE
        if folder.exists() and (not known.is_file() or step.read_json(known) != {"key": key}):
            foreign = [file.name for file in folder.iterdir() if not _is_own(file)]
            if foreign:
                found = f"{folder} holds {foreign[0]!r}, which this step does not write"
                raise step.StepError(f"--resume: {found}: name another folder")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        step.write_json({"key": key}, known)

    @property
    def done(self) -> int:
        """How many parts are complete."""
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
        """Write a part whole or not at all: it is done when its scores are there."""
        for table, file in ((log, self.log_file(number)), (scores, self.file(number))):
            if table is not None:
                partial = file.with_suffix(".partial")
                pq.write_table(table, partial, compression="zstd")
                partial.replace(file)

    def put(self, folder: Path) -> list[Path]:
        """Put all parts into another folder, scored rows in ``log``; return the files of the scores."""
        for number in range(self.done):
            _copy(self.file(number), folder / self.file(number).name)
            if self.log_file(number).exists():
                (folder / "log").mkdir(exist_ok=True)
                _copy(self.log_file(number), folder / "log" / self.file(number).name)
        return [folder / self.file(number).name for number in range(self.done)]

    def remove(self) -> None:
        """Remove the folder, once its parts are elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _copy(file: Path, target: Path) -> None:
    """Put a file there too, without another copy of its bytes where the disk can do that."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _is_own(file: Path) -> bool:
    is_part = file.name.startswith(("part-", "log-")) and file.suffix in (".parquet", ".partial")
    return is_part or file.name == KEY_FILE


def total(files: Sequence[Path], column: str) -> float:
    """Return the exactly rounded sum of a column over parts, whatever their number."""
    sums: list[Any] = [pq.read_table(file, columns=[column])[column].to_numpy() for file in files]
    return math.fsum(float(values.sum()) for values in sums)
