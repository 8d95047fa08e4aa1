"""Point-in-time join: for each request the newest row of its entity that was known at its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tabular.columns import Array

if TYPE_CHECKING:
    import pyarrow as pa

# Rows are sorted by entity, event time and known since, so that of two rows of an entity the later is the
# newer. A row is visible once it has happened and is known. What becomes visible after a newer row never
# counts: without it one time is left to compare, and the join is DuckDB's ASOF.
VISIBLE = """
    SELECT {entity}, greatest(event, known) AS visible, position FROM facts
    QUALIFY max(position) OVER (PARTITION BY {entity} ORDER BY greatest(event, known)) = position
"""
HAPPENED = "SELECT {entity}, event AS visible, position FROM facts"
JOIN = """
    SELECT requests.position AS request, newest.position AS row FROM requests
    ASOF JOIN ({newest}) AS newest ON {same} AND requests.time >= newest.visible
"""


def newest_known(
    entity: Sequence[pa.Array],
    event_times: pa.Array,
    known_since: pa.Array | None,
    requested: Sequence[pa.Array],
    times: pa.Array,
) -> Array:
    """Return for each request the position of the newest row that had happened and was known at its time.

    Parameters
    ----------
    entity : sequence of Array of shape (rows,)
        The columns that name the entity of a row. Rows are sorted by them, event time and known since.
    event_times : Array of shape (rows,)
        Times as whole numbers, none missing.
    known_since : Array of shape (rows,), optional
        The same; by default a row is known when it happens.
    requested : sequence of Array of shape (requests,)
        The entity of each request, of the same types.
    times : Array of shape (requests,)
        The time of each request.

    Returns
    -------
    ndarray of shape (requests,)
        Positions from 0, or -1 where there is no such row, or the request lacks its time or entity.
    """
    import duckdb
    import pyarrow as pa

    names = [f"entity{number}" for number in range(len(entity))]
    facts = dict(zip(names, entity, strict=True)) | {"event": event_times}
    facts |= {} if known_since is None else {"known": known_since}
    requests = dict(zip(names, requested, strict=True)) | {"time": times}
    newest = (HAPPENED if known_since is None else VISIBLE).format(entity=", ".join(names))
    same = " AND ".join(f"requests.{name} = newest.{name}" for name in names)
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, columns in (("facts", facts), ("requests", requests)):
            rows = pa.array(np.arange(len(next(iter(columns.values())))))
            connection.register(name, pa.table({**columns, "position": rows}))
        found = connection.sql(JOIN.format(newest=newest, same=same)).to_arrow_table()
    positions = np.full(len(times), -1, dtype="int64")
    positions[found["request"].to_numpy()] = found["row"].to_numpy()
    return positions
