"""Files of a raw table: many small ones become few; those it no longer has, or is to forget, are removed."""

from contextlib import suppress

import pandas as pd
import pyarrow as pa
from deltalake.exceptions import CommitFailedError
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs

from tabular import raw_rows
from tabular.columns import as_array, category_texts
from tabular.raw_location import Location, errors_of
from tabular.raw_table import RawTable, again_while_others_commit, noticing_commits
from tabular.raw_versions import BOOKKEEPING, DIGEST, SINCE
from tabular.tables import require_columns

MOST_FILES = 16  # that a reader opens; in a blob container each is a request


def compact(location: Location, most: int = MOST_FILES) -> int:
    """Write the rows of more than `most` files as few, and remove the old ones.

    Where another process commits meanwhile, this is left to the next time.

    Returns
    -------
    int
        Files that were replaced.
    """
    table = RawTable.existing(location)
    files = len(table.delta.file_uris())
    if files <= most:
        return 0
    with suppress(CommitFailedError), noticing_commits(table):
        table.delta.optimize.compact(commit_properties=table.commit({"compacted": files}))
        remove_old_files(location)
        return files
    return 0


def remove_old_files(location: Location) -> None:
    """Remove every data file that the table no longer has, and no delivery under way may yet add.

    A delivery that began before the last commit cannot commit any more; the files of one that began after it
    are younger than that commit. Who is reading what is removed reads again.
    """
    table = RawTable.existing(location)
    delta = table.delta
    # not wrapped as a file system of Arrow, whose threads may still hold it when the process ends
    storage = DeltaStorageHandler(location.uri, dict(location.options))
    with errors_of(location):
        current = {uri.rsplit("/", 1)[-1] for uri in delta.file_uris()}
        replaced = set(delta.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False))
        last_commit = storage.get_file_info([f"_delta_log/{delta.version():020d}.json"])[0].mtime_ns
        for file in storage.get_file_info_selector(fs.FileSelector("", recursive=True)):
            is_data = file.is_file and not file.path.startswith("_delta_log/")
            is_old = file.path in replaced or (file.mtime_ns or 0) < (last_commit or 0)
            if is_data and is_old and file.base_name not in current:
                storage.delete_file(file.path)


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
