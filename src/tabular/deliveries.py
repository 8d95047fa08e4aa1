"""Deliveries before they are read: files of a folder, blobs under a prefix, periods of one table."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import pandas as pd

from support import step
from tabular import moments, raw_columns, remote_data, tables


@dataclass(frozen=True, order=True)
class Source:
    """A delivery: since when it is known, name, digest or version of its content, how to read it."""

    known_since: datetime
    name: str
    content: str
    read: Callable[[], pd.DataFrame] = field(compare=False)


def of_files(path: Path, since: datetime | None) -> list[Source]:
    """Return a delivery for each CSV or Parquet file of a folder.

    Parameters
    ----------
    path : Path
        A folder, or one file.
    since : datetime, optional
        Since when they are known; by default the end of the period in each file's name.

    Raises
    ------
    StepError
        When there is no file, or no period in a name.
    """
    return [
        Source(
            _since(file.name, since), file.name, remote_data.digest(file), partial(tables.read_table, file)
        )
        for file in tables.table_files(path)
    ]


def of_blobs(remote: remote_data.Remote, since: datetime | None) -> list[Source]:
    """Return a delivery for each blob that is a table, named from `remote` on; see `of_files`."""

    def read(address: str) -> pd.DataFrame:
        with remote_data.fetched(remote_data.Remote(address, remote.workspace, remote.secret)) as path:
            return tables.read_table(path)

    found = []
    for address, version in remote_data.blobs(remote).items():
        name = address.removeprefix(remote.source).strip("/") or address.rsplit("/", 1)[-1]
        if name.lower().endswith(tables.SUFFIXES):
            found.append(Source(_since(name, since), name, version, partial(read, address)))
    if not found:
        raise step.StepError(f"--remote {remote.source}: there is no .csv or .parquet blob")
    return found


def of_periods(table: pd.DataFrame, event_time: str, period: str, since: datetime | None) -> list[Source]:
    """Cut a table into a delivery for each day, month or year of its event time; see `of_files`."""
    tables.require_columns(table, [event_time], "--event-time")
    times, _ = raw_columns.normalise(table[[event_time]], event_time, "--event-time")
    found = []
    for part, rows in table.groupby(times[event_time].dt.to_period(period[0].upper())):
        normal, _ = raw_columns.normalise(rows, event_time, f"delivery {part}")
        content = hashlib.sha256(raw_columns.row_digests(normal).tobytes()).hexdigest()
        read = partial(rows.reset_index, drop=True)
        found.append(Source(_since(str(part), since), str(part), content, read))
    return found


def _since(name: str, since: datetime | None) -> datetime:
    for period in [] if since else moments.PERIOD.finditer(name):
        with suppress(ValueError):
            return moments.period_end(period)
    if since is None:
        problem = f"delivery {name}: its name has no period such as 2013-07 or 2013-07-31"
        raise step.StepError(f"{problem}: say by --delivery-time since when it is known")
    return since
