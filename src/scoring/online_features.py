"""Online look-up of features: the same rows as in training, from SQLite in the process of the scorer."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from support import step
from tabular.feature_store import check_version
from tabular.feature_table import freshness, read_facts
from tabular.feature_values import ZONE

if TYPE_CHECKING:
    from tabular.feature_table import FeatureTable

FILE = "online.sqlite"
NEWEST = """
    SELECT event, until, {columns} FROM rows WHERE {entity} AND event <= ? AND known <= ?
    ORDER BY event DESC, known DESC LIMIT 1
"""


def write(table: FeatureTable, folder: Path) -> None:
    """Write the rows of a feature table into ``online.sqlite``; equal tables give equal bytes."""
    definition, rows = table.definition, table.rows.to_pandas()
    entity = [f"entity{number}" for number, _ in enumerate(definition.entity)]
    kinds = ["TEXT" if rows[name].dtype == object else "NUMERIC" for name in definition.entity]
    features = sorted(definition.columns)  # a definition that was read from JSON has another order
    columns = [f"feature{number}" for number, _ in enumerate(features)]
    head = ", ".join(f"{name} {kind} NOT NULL" for name, kind in zip(entity, kinds, strict=True))
    key = ", ".join([*entity, "event", "known"])
    times = (definition.event_time, definition.known_since or definition.event_time, definition.valid_until)
    parts = [rows[name].tolist() for name in definition.entity]
    parts += [_nanoseconds(rows[name]) if name else [None] * len(rows) for name in times]
    parts += [_stored(rows[name]) for name in features]
    connection = sqlite3.connect(folder / FILE, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        body = f"{head}, event INTEGER, known INTEGER, until INTEGER, {', '.join(columns)}"
        connection.execute(f"CREATE TABLE rows ({body}, PRIMARY KEY ({key})) WITHOUT ROWID")
        connection.execute("BEGIN")
        marks = ", ".join("?" * len(parts))
        connection.executemany(f"INSERT INTO rows VALUES ({marks})", zip(*parts, strict=True))
        connection.execute("COMMIT")
    finally:
        connection.close()


class OnlineTable:
    """One feature table, as a service looks it up.

    Parameters
    ----------
    folder : Path
        What materialise wrote.
    columns : sequence of str
        The features that a model needs.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        definition, facts = read_facts(folder)
        self.name, self.entity, self.columns = definition.name, definition.entity, list(columns)
        self.has_zone: bool = facts["has_zone"]
        self._kinds = [facts["kinds"][name] for name in columns]
        self._freshness = freshness(definition)
        numbers = [sorted(definition.columns).index(name) for name in columns]
        self._query = NEWEST.format(
            columns=", ".join(f"feature{number}" for number in numbers),
            entity=" AND ".join(f"entity{number} = ?" for number, _ in enumerate(self.entity)),
        )
        try:
            address = f"{(folder / FILE).absolute().as_uri()}?mode=ro&immutable=1"
            # requests are answered by several threads; SQLite itself lets one in after the other
            self._rows = sqlite3.connect(address, uri=True, check_same_thread=False)
            self._rows.execute(self._query, [None] * (len(self.entity) + 2))
        except sqlite3.Error as error:
            raise step.StepError(f"cannot read {folder / FILE}: {error}; rerun materialise") from error

    def features(self, entity: Sequence[Any], time: Any) -> dict[str, Any] | None:
        """Return the features as they were known at `time`; None where none are, or they hold no more."""
        if time is None or None in entity:
            return None
        moment = int(np.datetime64(time, "ns").astype("int64"))
        found = self._rows.execute(self._query, [*entity, moment, moment]).fetchone()
        if found is None:
            return None
        event, until, *values = found
        if self._freshness is not None and moment - event > self._freshness:
            return None
        if until is not None and moment >= until:
            return None
        read = (_read(value, kind) for value, kind in zip(values, self._kinds, strict=True))
        return dict(zip(self.columns, read, strict=True))


class OnlineFeatures:
    """The feature tables of one model.

    Parameters
    ----------
    folder : Path
        The feature tables that materialise wrote.
    recorded : mapping
        What model.json says of those that the model was trained with.
    """

    def __init__(self, folder: Path, recorded: Mapping[str, Any]) -> None:
        self.time_column: str = recorded["time_column"]
        self.tables = [OnlineTable(check_version(folder, one), one["columns"]) for one in recorded["tables"]]

    @property
    def columns(self) -> set[str]:
        """The columns that a request may leave out."""
        return {name for table in self.tables for name in table.columns}

    def problems(self, record: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return column and reason of each value that a look-up for a request's row needs and cannot use."""
        needed = [table for table in self.tables if not record.keys() >= {*table.columns}]
        keys = {key: table.name for table in needed for key in (*table.entity, self.time_column)}
        absent = [
            (key, f"is missing: feature table {name!r} is looked up by it; send null for an unknown value")
            for key, name in keys.items()
            if key not in record
        ]
        time = record.get(self.time_column)
        with_zone = isinstance(time, str) and re.search(ZONE, time) is not None
        unlike = [table for table in needed if isinstance(time, str) and table.has_zone is not with_zone]
        text = f"{'has a zone' if with_zone else 'has no zone'}, unlike the times of feature table "
        return absent + [(self.time_column, f"{text}{table.name!r}") for table in unlike]

    def add(self, row: dict[str, Any]) -> list[str]:
        """Add to a row what it lacks; return the feature tables that had nothing for it."""
        without = []
        for table in self.tables:
            if missing := [name for name in table.columns if name not in row]:
                found = table.features([row[name] for name in table.entity], row[self.time_column])
                row.update({name: (found or {}).get(name) for name in missing})
                without += [] if found else [table.name]
        return without


def _nanoseconds(column: Any) -> list[int | None]:
    values = column.to_numpy().astype("datetime64[ns]")
    return [
        None if missing else value
        for value, missing in zip(values.astype("int64").tolist(), np.isnat(values), strict=True)
    ]


def _stored(column: Any) -> list[Any]:
    """Return features as SQLite keeps them: numbers, text, and times as nanoseconds; None where missing."""
    if column.dtype.kind == "M":
        return _nanoseconds(column)
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def _read(value: Any, kind: str) -> Any:
    if value is None or kind in ("number", "text"):
        return value
    return bool(value) if kind == "boolean" else np.datetime64(value, "ns")
