"""Files of a raw table: many small ones become few, and those that it no longer has are removed."""

from contextlib import suppress

from deltalake.exceptions import CommitFailedError
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs

from tabular.raw_location import Location, errors_of
from tabular.raw_table import RawTable, noticing_commits

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
