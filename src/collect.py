"""Collect: append deliveries to a raw table that keeps what was known when; or forget rows of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from examples import sources
from support import step
from tabular import deliveries, raw_table, remote_data, tables
from tabular.raw_delivery import Delivery, deliver
from tabular.raw_forget import forget


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Append deliveries to a raw table, or forget rows of it.")
    add = parser.add_argument
    add("--raw-table", required=True, help="folder, or blob:<account>/<container>/<path>, of the raw table")
    source = parser.add_mutually_exclusive_group().add_argument
    source("--sample", help="data set that an installed package brings, one of those that ingest knows")
    source("--data", type=step.input_path, help="CSV or Parquet file, or a folder of them: each a delivery")
    source("--remote", help="the same elsewhere: blob:<account>/<container>/<path>, datastore: or dataset:")
    add("--workspace", help="Azure ML workspace as <resource group>/<name>; default: that of config.json")
    add("--credential-secret", help="key vault secret that opens the blobs; default: AZURE_STORAGE_...")
    add("--key", nargs="+", default=[], help="columns that identify a row")
    add("--event-time", help="column with the time of a row")
    periods = ["day", "month", "year"]
    add("--period", choices=periods, help="cut the source into a delivery for each period of --event-time")
    time = "since when deliveries are known; default: the end of their period, or of that in the file's name"
    add("--delivery-time", help=f"{time}; a day, month or year stands for its end")
    add("--until", help="collect no delivery that is known only after this, e.g. 2013-07")
    add("--new-columns", choices=["accept", "drop", "refuse"], default="accept", help="default: accept")
    choices = ["accept", "default", "refuse"]
    add("--missing-columns", choices=choices, default="accept", help="accept: missing values (default)")
    add("--changed-types", choices=choices, default="accept", help="accept: store what holds both (default)")
    add(
        "--defaults",
        nargs="*",
        default=[],
        help="COLUMN=VALUE for columns that are missing or of another type",
    )
    add("--forget", help="COLUMN=VALUE: delete the rows with this value from every version; collect nothing")
    add("--deliveries", type=step.output_path, required=True, help="output folder: deliveries.json")
    parser.set_defaults(effects_stand=effects_stand)
    return parser


def effects_stand(_: argparse.Namespace) -> bool:
    """Return that the source must be looked at each time: what is in the table already adds nothing."""
    return False


def find(args: argparse.Namespace, stack: ExitStack) -> list[deliveries.Source]:
    """Return the deliveries of the source that was chosen; what is downloaded stays as long as `stack`."""
    since = raw_table.moment(args.delivery_time, "--delivery-time") if args.delivery_time else None
    if args.remote:
        remote = remote_data.Remote(args.remote, args.workspace, args.credential_secret)
        if args.remote.startswith("blob:"):
            return deliveries.of_blobs(remote, args.event_time, since)
        return deliveries.of_files(stack.enter_context(remote_data.fetched(remote)), args.event_time, since)
    if args.data and not args.period:
        return deliveries.of_files(args.data, args.event_time, since)
    if not args.data and not args.sample:
        raise step.StepError("there is nothing to collect: give --sample, --data or --remote")
    if not args.period:
        raise step.StepError("--sample needs --period: it is one table, to be cut into deliveries")
    if args.sample and args.sample not in sources.READERS:
        raise step.StepError(
            f"--sample: there is no {args.sample!r}{step.nearest(args.sample, sources.READERS)}"
        )
    table = tables.read_table(args.data) if args.data else sources.read_sample(args.sample)
    return deliveries.of_periods(table, args.event_time, args.period, since)


def collect(args: argparse.Namespace, location: raw_table.Location) -> None:
    """Put what is new into the table, and print what each delivery brought."""
    if not args.key or not args.event_time:
        raise step.StepError(
            "--key and --event-time are needed: the columns that identify a row, and its time"
        )
    until = raw_table.moment(args.until, "--until") if args.until else datetime.max
    defaults = dict(_assigned(text, "--defaults") for text in args.defaults)
    policy = raw_table.Policy(args.new_columns, args.missing_columns, args.changed_types, defaults)
    with ExitStack() as stack:
        found = sorted(source for source in find(args, stack) if source.known_since <= until)
        table = raw_table.RawTable.create(location, args.key, args.event_time)
        known = {(record["delivery"], record["content"]) for record in table.deliveries()}
        new = [source for source in found if (source.name, source.content) not in known]
        for source in new:
            delivery = Delivery(source.name, source.known_since, source.content, *source.read())
            if record := deliver(location, delivery, args.key, args.event_time, policy):
                print(_describe(record), flush=True)
    print(f"{len(new)} of {len(found)} deliveries were new")


def _describe(record: dict[str, Any]) -> str:
    counts = f"{record['new']} new, {record['duplicate']} duplicate, {record['corrected']} corrected"
    changes = "".join(f"; {change}" for change in record["changes"])
    return f"{record['delivery']}: {record['rows']} rows: {counts}{changes}"


def _assigned(text: str, argument: str) -> tuple[str, str]:
    """Return column and value of ``COLUMN=VALUE``."""
    column, sign, value = text.partition("=")
    if not column or not sign:
        raise step.StepError(f"{argument}: expected COLUMN=VALUE, such as customer=4711")
    return column, value


def summary(table: raw_table.RawTable) -> dict[str, Any]:
    """Return what is in a raw table: its deliveries in the order of their times, and what was forgotten."""
    known = table.deliveries()
    return {
        "raw_table": table.location.address,
        "key": table.key,
        "event_time": table.event_time,
        "rows": table.valid_rows(),
        "digest": raw_table.recorded(table, known[-1]["known_since"]) if known else None,
        "deliveries": [{k: v for k, v in record.items() if k != "digests"} for record in known],
        "forgotten": [record["forgotten"] for record in reversed(table.records) if "forgotten" in record],
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Collect or forget, then say what the table holds."""
    args = build_parser().parse_args(argv)

    location = raw_table.locate(args.raw_table, args.workspace, args.credential_secret)
    if args.forget:
        column, value = _assigned(args.forget, "--forget")
        print(f"forgot {forget(location, column, value)} versions of rows by their column {column}")
    else:
        collect(args, location)
    content = summary(raw_table.RawTable.existing(location))
    with step.new_folder(args.deliveries) as folder:
        step.write_json(content, folder / "deliveries.json")
        step.log_metrics(folder, {"rows": content["rows"], "deliveries": len(content["deliveries"])})


if __name__ == "__main__":
    step.run_script(main)
