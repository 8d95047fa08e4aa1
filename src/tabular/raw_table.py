"""One raw table of deliveries: a Delta table that keeps every version of a row and since when it is known.

All rows of a delivery become visible in one commit, or none; a commit is refused when another process has
committed since the table was read, and then done again on what is there now. Column statistics are off: the
log names no value, so that forgetting a row leaves nothing of it there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from support import step
from tabular.raw_location import Location, errors_of

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
Result = TypeVar("Result")


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

    @staticmethod
    def exists(location: Location) -> bool:
        """Tell whether there is a table, ours or not."""
        from deltalake import DeltaTable

        with errors_of(location):
            return DeltaTable.is_deltatable(location.uri, dict(location.options))

    @classmethod
    def create(cls, location: Location, key: Sequence[str], event_time: str) -> RawTable:
        """Open the table, creating it where there is none; raise a StepError if its key is another."""
        import pyarrow as pa
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        options = dict(location.options)
        if not cls.exists(location):
            location.require_empty()
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
                    if not cls.exists(location):
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

        with noticing_commits(self):
            rows = self.batches(columns).read_all()
        return rows.cast(pa.schema([self.schema.field(name) for name in rows.column_names]))

    def valid_rows(self) -> int:
        """Return the number of rows that are valid now."""
        return int(self.arrow(["known_until"])["known_until"].null_count)

    def commit(self, record: Mapping[str, Any]) -> CommitProperties:
        """Return what makes a commit fail when another process has committed since this table was opened."""
        from deltalake import CommitProperties

        return CommitProperties(custom_metadata={RECORD: json.dumps(record)}, max_commit_retries=0)


@contextmanager
def noticing_commits(table: RawTable) -> Iterator[None]:
    """Raise CommitFailedError where what goes wrong is that another process has committed meanwhile.

    A commit is refused then, whatever Delta says of it; and files that were replaced may be gone.
    """
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
