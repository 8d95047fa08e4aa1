"""Collect: append deliveries to a raw table that keeps what was known when; or forget rows of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from support import step
from tabular import deliveries, raw_quarantine, remote_data, tables
from tabular.consequences import read_related
from tabular.moments import moment
from tabular.raw_columns import normalise
from tabular.raw_delivery import Delivery, deliver
from tabular.raw_files import compact
from tabular.raw_location import Location, locate
from tabular.raw_policy import Policy
from tabular.raw_table import RawTable, again_while_others_commit, recorded
from tabular.schemas import read_schema


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
    schema = "pandera schema, a YAML file, that each delivery is checked against"
    add("--schema", type=step.input_path, help=f"{schema}; it then gives the types of its columns")
    related = "folder of the tables, named by their files, that the schema's references name"
    add("--related", type=step.input_path, help=related)
    ways = ["continue", "quarantine", "stop"]
    warning = "what to do when a check warns: keep the rows that fail it, put them aside, or stop"
    add("--on-warning", choices=ways, default="continue", help=f"{warning} (default: continue)")
    failure = "the same when more rows fail a check than its threshold"
    add("--on-failure", choices=ways, default="stop", help=f"{failure} (default: stop)")
    add("--forget", help="COLUMN=VALUE: delete the rows with this value from every version; collect nothing")
    add("--deliveries", type=step.output_path, required=True, help="output folder: deliveries.json")
    parser.set_defaults(effects_stand=effects_stand)
    return parser


def effects_stand(_: argparse.Namespace) -> bool:
    """Return that the source must be looked at each time: what is in the table already adds nothing."""
    return False


def find(args: argparse.Namespace, stack: ExitStack) -> list[deliveries.Source]:
    """Return the deliveries of the source that was chosen; what is downloaded stays as long as `stack`."""
    since = moment(args.delivery_time, "--delivery-time") if args.delivery_time else None
    if args.remote:
        remote = remote_data.Remote(args.remote, args.workspace, args.credential_secret)
        if args.remote.startswith("blob:"):
            return deliveries.of_blobs(remote, since)
        return deliveries.of_files(stack.enter_context(remote_data.fetched(remote)), since)
    if args.data and not args.period:
        return deliveries.of_files(args.data, since)
    if not args.data and not args.sample:
        raise step.StepError("there is nothing to collect: give --sample, --data or --remote")
    if not args.period:
        raise step.StepError("--sample needs --period: it is one table, to be cut into deliveries")
    if args.data:
        table = tables.read_table(args.data)
    else:
        from examples import sources  # here: a project of one's own has none

        table = sources.read_sample(args.sample)
    return deliveries.of_periods(table, args.event_time, args.period, since)


def collect(args: argparse.Namespace, location: Location) -> None:
    """Put what is new into the table, and print what each delivery brought."""
    if not args.key or not args.event_time:
        raise step.StepError(
            "--key and --event-time are needed: the columns that identify a row, and its time"
        )
    until = moment(args.until, "--until") if args.until else datetime.max
    defaults = dict(_assigned(text, "--defaults") for text in args.defaults)
    policy = Policy(args.new_columns, args.missing_columns, args.changed_types, defaults)
    rules = rules_of(args)
    with ExitStack() as stack:
        found = sorted(source for source in find(args, stack) if source.known_since <= until)
        table = RawTable.create(location, args.key, args.event_time)
        known = {(record["delivery"], record["content"]) for record in table.deliveries()}
        new = [source for source in found if (source.name, source.content) not in known]
        for source in new:
            delivery = read(source, args.event_time, location, rules)
            if record := deliver(location, delivery, args.key, args.event_time, policy):
                print(_describe(record), flush=True)
    print(f"{len(new)} of {len(found)} deliveries were new")
    if new and (files := compact(location)):
        print(f"the rows of {files} files were written into fewer")


def rules_of(args: argparse.Namespace) -> raw_quarantine.Rules | None:
    """Return what deliveries are checked against, if anything."""
    if args.schema is None:
        return None
    schema, related = read_schema(args.schema), read_related(args.related)
    return raw_quarantine.Rules(schema, related, args.on_warning, args.on_failure)


def read(
    source: deliveries.Source, event_time: str, location: Location, rules: raw_quarantine.Rules | None
) -> Delivery:
    """Return a delivery without the rows that `rules` leave out, which are kept beside the raw table."""
    rows, subject, found = source.read(), f"delivery {source.name}", {}
    if rules:
        judged = raw_quarantine.judged(rows, rules, subject)
        for line in judged.warnings:
            print(f"warning: {subject}: {line}", flush=True)
        if len(judged.quarantined):
            names = (source.name, source.content, source.known_since)
            raw_quarantine.keep(location, *names, judged.quarantined)
        rows, found = judged.rows, judged.found
    normal, kinds = normalise(rows, event_time, subject)
    return Delivery(source.name, source.known_since, source.content, normal, kinds, found)


def _describe(record: dict[str, Any]) -> str:
    counts = f"{record['new']} new, {record['duplicate']} duplicate, {record['corrected']} corrected"
    aside = f", {record['quarantined']} quarantined" if record.get("quarantined") else ""
    changes = "".join(f"; {change}" for change in record["changes"])
    return f"{record['delivery']}: {record['rows']} rows: {counts}{aside}{changes}"


def _assigned(text: str, argument: str) -> tuple[str, str]:
    """Return column and value of ``COLUMN=VALUE``."""
    column, sign, value = text.partition("=")
    if not column or not sign:
        raise step.StepError(f"{argument}: expected COLUMN=VALUE, such as customer=4711")
    return column, value


def summary(table: RawTable) -> dict[str, Any]:
    """Return what is in a raw table: its deliveries in the order of their times, and what was forgotten."""
    known, beside = table.deliveries(), table.location.beside(raw_quarantine.SUFFIX)
    return {
        "raw_table": table.location.address,
        "quarantine": beside.address if RawTable.exists(beside) else None,
        "key": table.key,
        "event_time": table.event_time,
        "rows": table.valid_rows(),
        "digest": recorded(table, known[-1]["known_since"]) if known else None,
        "deliveries": [{k: v for k, v in record.items() if k != "digests"} for record in known],
        "forgotten": [record["forgotten"] for record in reversed(table.records) if "forgotten" in record],
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Collect or forget, then say what the table holds."""
    args = build_parser().parse_args(argv)

    location = locate(args.raw_table, args.workspace, args.credential_secret)
    if args.forget:
        column, value = _assigned(args.forget, "--forget")
        deleted = raw_quarantine.forget_all(location, column, value)
        print(f"forgot {deleted} versions of rows by their column {column}")
    else:
        collect(args, location)
    content = again_while_others_commit(lambda: summary(RawTable.existing(location)))
    known = content["deliveries"]
    counts = {"rows": content["rows"], "deliveries": len(known)}
    counts |= {name: sum(one.get(name, 0) for one in known) for name in ("violations", "quarantined")}
    with step.new_folder(args.deliveries) as folder:
        step.write_json(content, folder / "deliveries.json")
        step.log_metrics(folder, counts)


if __name__ == "__main__":
    step.run_script(main)
