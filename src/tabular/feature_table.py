"""A feature table: features of entities over time, written once and looked up as known at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from support import step
from tabular import tables
from tabular.columns import Array, as_times
from tabular.feature_definition import Definition, from_dict
from tabular.feature_values import (
    check_rows,
    entity_key,
    has_zone,
    read_times,
    refuse_mixed_zones,
    requested_key,
)
from tabular.point_in_time import newest_known

if TYPE_CHECKING:
    import pyarrow as pa

TABLE, DEFINITION = "table.parquet", "definition.json"


@dataclass(frozen=True)
class FeatureTable:
    """Features of entities over time."""

    definition: Definition
    # sorted by entity, event time and known since; times without a zone, in UTC where they had one
    rows: pa.Table
    has_zone: bool  # whether the times had a zone
    digest: str = ""  # SHA-256 of the rows as they are stored; empty before that

    @classmethod
    def of(cls, table: pd.DataFrame, definition: Definition) -> FeatureTable:
        """Return the feature table that `table` holds.

        Raises
        ------
        StepError
            When a column is missing, a time or an entity is, times differ in having a zone, or an entity has
            two rows of the same event time that are known since the same time.
        """
        import pyarrow as pa

        where = f"feature table {definition.name!r}"
        names = list(dict.fromkeys([*definition.order, *definition.times, *definition.columns]))
        tables.require_columns(table, names, where)
        zones = {name: has_zone(table[name]) for name in definition.times}
        if len(set(zones.values())) > 1:
            with_zone, without = (
                next(name for name in zones if zones[name] is is_so) for is_so in (True, False)
            )
            refuse_mixed_zones(f"{where}: column {with_zone!r} has times with a zone, column {without!r}")
        times = {name: read_times(table[name], name == definition.valid_until, where) for name in zones}
        keys = {name: entity_key(table[name]) for name in definition.entity}
        columns = {**keys, **times, **{name: table[name] for name in definition.columns}}
        rows = pd.DataFrame(columns)[names].sort_values(definition.order, kind="stable", ignore_index=True)
        check_rows(rows, definition, where)
        return cls(definition, pa.Table.from_pandas(rows, preserve_index=False), any(zones.values()))

    def write(self, folder: Path) -> FeatureTable:
        """Write the rows and the definition into a new folder of that name; return it with its digest."""
        folder.mkdir()
        tables.write_table(self.rows.to_pandas(), folder / TABLE)
        digest = hashlib.sha256((folder / TABLE).read_bytes()).hexdigest()
        facts = {
            "has_zone": self.has_zone,
            "kinds": self._kinds(),
            "digest": digest,
            "rows": self.rows.num_rows,
        }
        step.write_json({"definition": self.definition.to_dict(), **facts}, folder / DEFINITION)
        return FeatureTable(self.definition, self.rows, self.has_zone, digest)

    @classmethod
    def read(cls, folder: Path) -> FeatureTable:
        """Return the feature table in `folder`; raise a StepError when it is none, or was changed."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        definition, facts = read_facts(folder)
        try:
            content = (folder / TABLE).read_bytes()
            if hashlib.sha256(content).hexdigest() == facts["digest"]:
                return cls(
                    definition, pq.read_table(pa.py_buffer(content)), facts["has_zone"], facts["digest"]
                )
        except (OSError, pa.ArrowException) as error:
            raise tables.unreadable(folder / TABLE, error) from error
        raise step.StepError(f"{folder / TABLE} is not what materialise wrote: rerun the step that writes it")

    def known_at(self, requests: pd.DataFrame, time_column: str, names: Sequence[str]) -> pd.DataFrame:
        """Return the features of each request as they were known at its time.

        Parameters
        ----------
        requests : DataFrame of shape (requests, columns)
            With the entity's columns and `time_column`.
        time_column : str
            The time of each request; where it is missing, so are the features.
        names : sequence of str
            The features.

        Returns
        -------
        DataFrame of shape (requests, names)
            With the index of `requests`; missing where there is no row, or it is too old, or holds no more.

        Raises
        ------
        StepError
            When a column is missing or of another kind, or one side's times have a zone and the other's not.
        """
        import pyarrow as pa

        definition, where = self.definition, f"feature table {self.definition.name!r}"
        tables.require_columns(requests, [*definition.entity, time_column], f"{where}: the rows")
        times = as_times(requests[time_column], allow_missing=True)
        if times.notna().any() and has_zone(requests[time_column]) is not self.has_zone:
            sides = [f"column {time_column!r}", where]
            refuse_mixed_zones(
                "{} has times with a zone, {}".format(*(sides if not self.has_zone else sides[::-1]))
            )
        asked = pa.array(
            times.to_numpy().astype("datetime64[ns]").astype("int64"), mask=times.isna().to_numpy()
        )
        known = definition.known_since
        positions = newest_known(
            [self.rows[name] for name in definition.entity],
            self._nanoseconds(definition.event_time),
            self._nanoseconds(known) if known and known != definition.event_time else None,
            [
                requested_key(self.rows.schema.field(name).type, requests[name], where)
                for name in definition.entity
            ],
            asked,
        )
        kept = self._in_force(positions, asked.fill_null(0).to_numpy())
        chosen = self.rows.select(list(names)).take(pa.array(np.where(kept, positions, 0), mask=~kept))
        return chosen.to_pandas().set_axis(requests.index)

    def _in_force(self, positions: Array, times: Array) -> Array:
        """Return for each request whether its row is there, is fresh, and still holds at its time."""
        kept = positions >= 0
        newest = np.where(kept, positions, 0)
        if limit := freshness(self.definition):
            kept &= times - self._nanoseconds(self.definition.event_time).to_numpy()[newest] <= limit
        if self.definition.valid_until:
            until = self._nanoseconds(self.definition.valid_until).fill_null(np.iinfo("int64").max)
            kept &= times < until.to_numpy()[newest]
        return kept

    def _kinds(self) -> dict[str, str]:
        """Return feature -> number, text, boolean or time."""
        import pyarrow as pa

        kinds = {"boolean": pa.types.is_boolean, "time": pa.types.is_timestamp, "text": pa.types.is_string}
        types = {name: self.rows.schema.field(name).type for name in self.definition.columns}
        return {
            name: next((kind for kind, is_kind in kinds.items() if is_kind(one)), "number")
            for name, one in types.items()
        }

    def _nanoseconds(self, name: str) -> pa.ChunkedArray:
        import pyarrow as pa

        return self.rows[name].cast(pa.timestamp("ns")).cast(pa.int64())


def freshness(definition: Definition) -> int | None:
    """Return the greatest age of a row in nanoseconds, None where it is not limited."""
    return pd.Timedelta(definition.freshness).value if definition.freshness else None


def read_facts(folder: Path) -> tuple[Definition, dict[str, Any]]:
    """Return the definition of the feature table in `folder`, and all that is said of its rows."""
    facts = step.read_json(folder / DEFINITION)
    return from_dict(facts["definition"]), facts
