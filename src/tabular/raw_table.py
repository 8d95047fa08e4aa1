"""One raw table of deliveries: a Delta table that keeps every version of a row and since when it is known.

All rows of a delivery become visible in one commit, or none; a commit is refused when another process has
committed since the table was read, and then done again on what is there now. Column statistics are off: the
log names no value, so that forgetting a row leaves nothing of it there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from support import step

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable

FORMAT = "1"
RECORD = "workbench"  # under this name a commit holds what it did
PROPERTIES = {
    "delta.dataSkippingNumIndexedCols": "0",  # no smallest and largest values in the log
    "delta.logRetentionDuration": "interval 36500 days",  # the log is the list of deliveries
}
ATTEMPTS = 200
PERIOD = re.compile(r"(?<!\d)(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?!\d)")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Location:
    """Where a raw table is: its address as a person writes it, as Delta takes it, and what opens it."""

    address: str
    uri: str
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()  # texts that no message may show


def locate(address: str, workspace: str | None = None, secret: str | None = None) -> Location:
    """Return the location of a folder, or of ``blob:<account>/<container>/<path>`` with its credential."""
    if not address.startswith("blob:"):
        return Location(address, str(Path(address).absolute()))
    from tabular import remote_data

    uri, options = remote_data.delta_storage(remote_data.Remote(address, workspace, secret))
    return Location(address, uri, options, tuple(remote_data.secret_values(options)))


def moment(text: str, argument: str) -> datetime:
    """Return a time without a zone (UTC); a day, a month or a year stands for its end.

    >>> moment("2013-07", "--as-of"), moment("2013-08-01T02:00+02:00", "--as-of")
    (datetime.datetime(2013, 8, 1, 0, 0), datetime.datetime(2013, 8, 1, 0, 0))

    Raises
    ------
    StepError
        When it is not a time; names the `argument`.
    """
    try:
        if period := PERIOD.fullmatch(text):
            return period_end(period)
        read = datetime.fromisoformat(text)
    except ValueError as error:
        expected = "a time such as 2013-07, 2013-07-31 or 2013-07-31T06:00"
        raise step.StepError(f"{argument}: {text!r} is not {expected}") from error
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def period_end(period: re.Match[str]) -> datetime:
    """Return the end of the year, month or day that `PERIOD` has found; raise ValueError if there is none."""
    year, month, day = (int(part) if part else None for part in period.groups())
    if year and month and day:
        return datetime(year, month, day) + timedelta(days=1)
    start = datetime(year or 0, month or 12, 1)
    return (start + timedelta(days=31)).replace(day=1)


@dataclass(frozen=True)
class Policy:
    """What becomes of columns that are new, missing or of another kind.

    Parameters
    ----------
    new : {"accept", "drop", "refuse"}
    missing, changed : {"accept", "default", "refuse"}
    defaults : mapping
        Column -> value for `default`; a column without one gets a missing value.
    """

    new: str = "accept"
    missing: str = "accept"
    changed: str = "accept"
    defaults: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def errors_of(location: Location) -> Iterator[None]:
    """Turn what goes wrong with the table into one message without a credential."""
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    try:
        yield
    except TableNotFoundError as error:
        raise step.StepError(
            f"there is no raw table at {location.address}: collect a delivery first"
        ) from error
    except CommitFailedError:
        raise
    except (DeltaError, OSError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())
        for secret in location.secrets:
            text = text.replace(secret, "***")
        raise step.StepError(f"cannot use the raw table at {location.address}: {text[:400]}") from error


class RawTable:
    """A raw table as it is now; `existing` reads it."""

    def __init__(self, location: Location, delta: DeltaTable) -> None:
        self.location = location
        self.delta = delta
        self.properties = delta.metadata().configuration
        if RECORD not in self.properties:
            foreign = f"{location.address} is a Delta table that collect did not make"
            raise step.StepError(f"{foreign}: name another folder or prefix for the raw table")
        facts = json.loads(self.properties[RECORD])
        if facts["format"] != FORMAT:
            other = f"the raw table at {location.address} has format {facts['format']}, not {FORMAT}"
            raise step.StepError(f"{other}: use the version of the workbench that wrote it")
        self.key: list[str] = facts["key"]
        self.event_time: str = facts["event_time"]

    @classmethod
    def existing(cls, location: Location) -> RawTable:
        """Open the table; raise a StepError when it is missing, foreign or cannot be read."""
        from deltalake import DeltaTable

        with errors_of(location):
            return cls(location, DeltaTable(location.uri, storage_options=dict(location.options)))

    @classmethod
    def create(cls, location: Location, key: Sequence[str], event_time: str) -> RawTable:
        """Open the table, creating it where there is none; raise a StepError if its key is another."""
        import pyarrow as pa
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        options = dict(location.options)
        with errors_of(location):
            exists = DeltaTable.is_deltatable(location.uri, options)
        if not exists:
            _check_empty(location)
            facts = json.dumps({"format": FORMAT, "key": list(key), "event_time": event_time})
            configuration: dict[str, str | None] = {**PROPERTIES, RECORD: facts}
            with errors_of(location):
                try:
                    DeltaTable.create(
                        location.uri,
                        pa.schema(_bookkeeping()),
                        storage_options=options,
                        configuration=configuration,
                        raise_if_key_not_exists=False,
                    )
                except DeltaError:  # perhaps another process has just created it
                    if not DeltaTable.is_deltatable(location.uri, options):
                        raise
        table = cls.existing(location)
        for name, known, wanted in (
            ("key", table.key, list(key)),
            ("event-time", table.event_time, event_time),
        ):
            if known != wanted:
                made = f"the raw table at {location.address} was made with --{name} {_words(known)}"
                raise step.StepError(f"{made}, not {_words(wanted)}: name another table")
        return table

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """What each commit of ours did, newest first; read once, since every entry of the log is a file."""
        with errors_of(self.location):
            history = self.delta.history()
        return [json.loads(commit[RECORD]) for commit in history if RECORD in commit]

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the records of deliveries by the time since when they are known, then by name."""
        records = [record for record in self.records if "delivery" in record]
        return sorted(records, key=lambda record: (record["known_since"], record["delivery"]))

    @property
    def schema(self) -> pa.Schema:
        """The columns as they are stored."""
        import pyarrow as pa

        return pa.schema(self.delta.schema().to_arrow())

    def batches(self, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """Return the stored columns of all versions of all rows, read bit by bit."""
        import pyarrow as pa

        # not as a dataset of Arrow, whose threads may still hold a file when the process ends
        reader = self.delta.scan(columns=None if columns is None else list(columns))
        return pa.RecordBatchReader.from_stream(reader)

    def arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the stored columns of all versions of all rows."""
        import pyarrow as pa

        with errors_of(self.location):
            rows = self.batches(columns).read_all()
        return rows.cast(pa.schema([self.schema.field(name) for name in rows.column_names]))

    def valid_rows(self) -> int:
        """Return the number of rows that are valid now."""
        return int(self.arrow(["known_until"])["known_until"].null_count)

    def commit(self, record: Mapping[str, Any]) -> CommitProperties:
        """Return what makes a commit fail when another process has committed since this table was opened."""
        from deltalake import CommitProperties

        return CommitProperties(custom_metadata={RECORD: json.dumps(record)}, max_commit_retries=0)


def _check_empty(location: Location) -> None:
    folder = Path(location.uri)
    if not location.options and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        foreign = f"{location.address} holds files that are not a raw table"
        raise step.StepError(f"{foreign}: name another folder for --raw-table")


@contextmanager
def committing(table: RawTable) -> Iterator[None]:
    """Raise CommitFailedError where another process has committed meanwhile, whatever Delta says of it."""
    from deltalake.exceptions import CommitFailedError

    try:
        with errors_of(table.location):
            yield
    except step.StepError as error:
        if RawTable.existing(table.location).delta.version() > table.delta.version():
            raise CommitFailedError(str(error)) from error
        raise


def known_at(table: RawTable, as_of: datetime | None) -> list[dict[str, Any]]:
    """Return the deliveries that are known at `as_of` (default: all); raise a StepError if there is none."""
    deliveries = table.deliveries()
    chosen = [record for record in deliveries if as_of is None or record["known_since"] <= as_of.isoformat()]
    if not deliveries:
        raise step.StepError(f"the raw table at {table.location.address} is empty: collect a delivery first")
    if not chosen:
        first = deliveries[0]["known_since"]
        problem = f"nothing was known at {as_of}: the first delivery is known since {first}"
        raise step.StepError(f"--as-of: {problem}; name a later time")
    return chosen


def recorded_digest(location: Location, as_of: datetime | None) -> str:
    """Return the digest of the rows that are known at `as_of`, with their history, as it was recorded."""
    table = RawTable.existing(location)
    last = known_at(table, as_of)[-1]["known_since"]
    return recorded(table, last)


def recorded(table: RawTable, since: str) -> str:
    """Return the digest of what is known at the time of a delivery, as the last such commit says."""
    digests = (record.get("digests", {}) for record in table.records)
    return next(str(of_commit[since]) for of_commit in digests if since in of_commit)


def again_while_others_commit(attempt: Callable[[], Result]) -> Result:
    """Return what `attempt` gives, calling it again while other processes commit in between."""
    from deltalake.exceptions import CommitFailedError

    for number in range(ATTEMPTS):
        try:
            return attempt()
        except CommitFailedError:
            time.sleep(min(0.02 * (number + 1), 1))
    raise step.StepError(f"the raw table was changed by others {ATTEMPTS} times meanwhile: try again later")


def _bookkeeping() -> dict[str, pa.DataType]:
    import pyarrow as pa

    times = pa.timestamp("us")
    return {
        "known_since": times,
        "known_until": times,
        "known_again": pa.list_(times),
        "row_digest": pa.binary(),
    }


def _words(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)
