"""Deliveries before they are read: files of a folder, blobs under a prefix, periods of one table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import pandas as pd

from support import step
from tabular import raw_columns, raw_table, remote_data, tables


@dataclass(frozen=True, order=True)
class Source:
    """A delivery: since when it is known, name, digest or version of its content, how to read it."""

    known_since: datetime
    name: str
    content: str
    # returns the normalised rows and their kinds
    read: Callable[[], tuple[pd.DataFrame, dict[str, str]]] = field(compare=False)


def of_files(path: Path, event_time: str, since: datetime | None) -> list[Source]:
    """Return a delivery for each CSV or Parquet file of a folder.

    Parameters
    ----------
    path : Path
        A folder, or one file.
    event_time : str
        Column with the time of a row.
    since : datetime, optional
        Since when they are known; by default the end of the period in each file's name.

    Raises
    ------
    StepError
        When there is no file, or no period in a name.
    """

    def read(file: Path) -> tuple[pd.DataFrame, dict[str, str]]:
        return raw_columns.normalise(tables.read_table(file), event_time, f"delivery {file.name}")

    files = tables.table_files(path)
    return [
        Source(_since(file.name, since), file.name, remote_data.digest(file), partial(read, file))
        for file in files
    ]


def of_blobs(remote: remote_data.Remote, event_time: str, since: datetime | None) -> list[Source]:
    """Return a delivery for each blob that is a table, named from `remote` on; see `of_files`."""

    def read(address: str, name: str) -> tuple[pd.DataFrame, dict[str, str]]:
        with remote_data.fetched(remote_data.Remote(address, remote.workspace, remote.secret)) as path:
            return raw_columns.normalise(tables.read_table(path), event_time, f"delivery {name}")

    found = []
    for address, version in remote_data.blobs(remote).items():
        name = address.removeprefix(remote.source).strip("/") or address.rsplit("/", 1)[-1]
        if name.lower().endswith(tables.SUFFIXES):
            found.append(Source(_since(name, since), name, version, partial(read, address, name)))
    if not found:
        raise step.StepError(f"--remote {remote.source}: there is no .csv or .parquet blob")
    return found


def of_periods(table: pd.DataFrame, event_time: str, period: str, since: datetime | None) -> list[Source]:
    """Cut a table into a delivery for each day, month or year of its event time; see `of_files`."""
    tables.require_columns(table, [event_time], "--event-time")
    times, _ = raw_columns.normalise(table[[event_time]], event_time, "--event-time")
    found = []
    for part, rows in table.groupby(times[event_time].dt.to_period(period[0].upper())):
        normal = raw_columns.normalise(rows.reset_index(drop=True), event_time, f"delivery {part}")
        content = hashlib.sha256(raw_columns.row_digests(normal[0]).tobytes()).hexdigest()
        found.append(Source(_since(str(part), since), str(part), content, partial(tuple, normal)))
    return found


def _since(name: str, since: datetime | None) -> datetime:
    for period in [] if since else raw_table.PERIOD.finditer(name):
        with suppress(ValueError):
            return raw_table.period_end(period)
    if since is None:
        problem = f"delivery {name}: its name has no period such as 2013-07 or 2013-07-31"
        raise step.StepError(f"{problem}: say by --delivery-time since when it is known")
    return since
