"""Rows of a raw table between Delta and pandas: what was known at a time, and digests of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from support import step
from tabular.columns import Array
from tabular.raw_columns import arrow_type, as_read, digest_of, join_all
from tabular.raw_location import Location
from tabular.raw_table import RawTable, again_while_others_commit, known_at, recorded
from tabular.raw_versions import AGAIN, BOOKKEEPING, DIGEST, MATCH, SINCE, UNTIL

TIMES = pa.timestamp("us")
_KINDS = {arrow_type(kind): kind for kind in ("integer", "float", "boolean", "text", "time")}
_DTYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def stored_kinds(schema: pa.Schema) -> dict[str, str]:
    """Return column -> kind as it is stored, without the bookkeeping; zoned times are stored as times."""
    return {field.name: _KINDS[field.type] for field in schema if field.name not in BOOKKEEPING}


def to_frame(rows: pa.Table) -> pd.DataFrame:
    """Return stored rows as a normalised table; whole numbers stay whole where values are missing."""
    return rows.to_pandas(types_mapper=_DTYPES.get, coerce_temporal_nanoseconds=False)


def to_arrow(versions: pd.DataFrame, kinds: Mapping[str, str]) -> pa.Table:
    """Return versions of rows as they are stored, with `match_since` where it is there."""
    types = {name: arrow_type(kind) for name, kind in kinds.items()}
    types |= {SINCE: TIMES, UNTIL: TIMES, AGAIN: pa.list_(TIMES), DIGEST: pa.binary(), MATCH: TIMES}
    return pa.table({name: pa.array(versions[name], types[name], from_pandas=True) for name in versions})


def binary_digests(digests: Array) -> list[bytes]:
    """Return row digests, an array of shape (rows, 2), as bytes."""
    blocks = digests.astype(">u8").tobytes()
    return [blocks[start : start + 16] for start in range(0, len(blocks), 16)]


def digests_and_times(rows: pa.Table) -> tuple[Array, Array]:
    """Return the digests, shape (rows, 2), and microseconds of `known_since`, shape (rows,), of versions."""
    blocks = b"".join(rows[DIGEST].to_pylist())
    digests = np.frombuffer(blocks, dtype=">u8").reshape(-1, 2).astype("uint64")
    return digests, rows[SINCE].cast(pa.int64()).to_numpy()


def recorded_digests(rows: pa.Table, deliveries: Sequence[Mapping[str, Any]], since: str) -> dict[str, str]:
    """Return time -> digest of what is known then, for each time of `deliveries` from `since` on."""
    digests, times = digests_and_times(rows)
    result = {}
    for moment in sorted({record["known_since"] for record in deliveries if record["known_since"] >= since}):
        kinds = join_all(record["kinds"] for record in deliveries if record["known_since"] <= moment)
        is_known = times <= np.datetime64(moment, "us").astype("int64")
        result[moment] = digest_of(digests[is_known], times[is_known], kinds)
    return result


def read_known(location: Location, as_of: datetime | None = None, *, versions: bool = False) -> pd.DataFrame:
    """Read the rows as they were known at a time.

    Parameters
    ----------
    location : Location
        The raw table.
    as_of : datetime, optional
        Time without a zone (UTC); by default everything that is known.
    versions : bool, default False
        Return every version known by then, with `known_since` and `known_until` (missing: valid), instead of
        the valid version of each row.

    Returns
    -------
    DataFrame of shape (rows, columns)
        Sorted by event time, key and `known_since`; columns in the order of the deliveries. The same for the
        same deliveries in whatever order they were collected.

    Raises
    ------
    StepError
        When there is no table, it is foreign, nothing was known then, or its rows are not those recorded.
    """
    return again_while_others_commit(lambda: _read_known(RawTable.existing(location), as_of, versions))


def _read_known(table: RawTable, as_of: datetime | None, versions: bool) -> pd.DataFrame:
    deliveries = known_at(table, as_of)
    last = pd.Timestamp(deliveries[-1]["known_since"])
    kinds = join_all(record["kinds"] for record in deliveries)
    rows = table.arrow()
    rows = rows.filter(pc.less_equal(rows[SINCE], pa.scalar(last, TIMES)))
    if digest_of(*digests_and_times(rows), kinds) != recorded(table, deliveries[-1]["known_since"]):
        changed = f"the rows at {table.location.address} are not those that collect recorded"
        raise step.StepError(f"{changed}: something else wrote there; collect into a new table")
    frame = to_frame(rows.drop_columns([AGAIN, DIGEST]))
    frame[UNTIL] = frame[UNTIL].where(frame[UNTIL] <= last)
    if not versions:
        frame = frame[frame[UNTIL].isna()]
    missing = pd.Series(np.nan, frame.index, dtype=object)
    columns = {name: as_read(frame.get(name, missing), kind) for name, kind in kinds.items()}
    if versions:
        columns |= {name: frame[name].astype("datetime64[ns]") for name in (SINCE, UNTIL)}
    order = [table.event_time, *table.key, *([SINCE] if versions else [])]
    return pd.DataFrame(columns).sort_values(list(dict.fromkeys(order)), kind="stable", ignore_index=True)
