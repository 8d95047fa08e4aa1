"""Forget rows of a raw table: out of every version, without a trace of the value."""

from contextlib import suppress

import pandas as pd
import pyarrow as pa

from tabular import raw_rows
from tabular.columns import as_array, category_texts
from tabular.raw_files import compact, remove_old_files
from tabular.raw_location import Location
from tabular.raw_table import RawTable, again_while_others_commit, noticing_commits
from tabular.raw_versions import BOOKKEEPING, DIGEST, SINCE
from tabular.tables import require_columns


def forget(location: Location, column: str, value: str) -> int:
    """Delete all versions of the rows whose `column` is `value`, and the files that still hold them.

    The files of earlier Delta versions and of killed deliveries go too; what was known at a time stays
    readable for all other rows. The record names the column and the number of versions, not the value.

    Returns
    -------
    int
        Versions of rows that were deleted.
    """
    deleted = again_while_others_commit(lambda: _delete(location, column, value))
    if not compact(location, most=1):
        remove_old_files(location)
    return deleted


def _delete(location: Location, column: str, value: str) -> int:
    table = RawTable.existing(location)
    rows = table.arrow()
    known = [name for name in rows.column_names if name not in BOOKKEEPING]
    require_columns(dict.fromkeys(known), [column], "--forget")
    matches = _matches(raw_rows.to_frame(rows.select([column]))[column], value)
    if not matches.any():
        return 0
    mask = pa.array(matches.to_numpy())
    gone = rows.filter(mask).select([*table.key, SINCE])
    rest = rows.filter(pa.compute.invert(mask)).select([DIGEST, SINCE])
    digests = raw_rows.recorded_digests(rest, table.deliveries(), "")
    properties = table.commit({"forgotten": {"column": column, "versions": len(gone)}, "digests": digests})
    same = " AND ".join(f'target."{name}" = source."{name}"' for name in [*table.key, SINCE])
    with noticing_commits(table):
        # a merge: a delete would write its condition, and so the value, into the log
        merge = table.delta.merge(
            gone, same, source_alias="source", target_alias="target", commit_properties=properties
        )
        merge.when_matched_delete().execute()
    return len(gone)


def _matches(column: pd.Series, value: str) -> pd.Series:
    """Tell which values are `value`, compared as text: 1, 1.0 and "1" are one."""
    wanted = {value}
    with suppress(ValueError):
        wanted |= {str(text) for text in category_texts(as_array(pd.Series([float(value)])))}
    codes, values = pd.factorize(column)
    texts = category_texts(as_array(pd.Series(values)))
    return pd.Series(codes).isin([code for code, text in enumerate(texts) if text in wanted])
