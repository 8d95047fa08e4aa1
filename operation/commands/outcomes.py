"""The command ``outcomes``: labels that arrive later are kept, and joined with what was scored."""

import argparse
import shutil
from datetime import UTC, datetime
from pathlib import Path

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import project
from operation.engine.steps.runners import run_script

SUFFIXES = (".csv", ".parquet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``outcomes``."""
    parser.description = (
        "Add true labels that have arrived, and join all labels with the log of scored rows. "
        "A label for the same row replaces the earlier one."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation outcomes add labels.csv\n"
        "  python3 -m operation outcomes add arrivals.csv --key flight scheduled_departure --label arr_delay"
    )
    add = parser.add_argument
    add("action", choices=["add"], help="add: store a file of labels, and join")
    add(
        "labels", type=Path, help="CSV or Parquet: request_id (and row), or the columns of --key, and a label"
    )
    add("--log", type=Path, metavar="PATH", help="log of scored rows (default: runs/scored)")
    add(
        "--key",
        nargs="+",
        action="extend",
        default=[],
        metavar="COLUMN",
        help="columns that identify a row (default: request_id)",
    )
    add("--label", default="label", metavar="COLUMN", help="column with the label (default: label)")


def run(args: argparse.Namespace) -> int:
    """Store the labels and join all of them."""
    layout = project()
    log = (args.log or layout.runs / "scored").resolve()
    if not log.is_dir():
        raise UsageError(f"--log: there is no folder {log}. Name the one that serve or batch_score wrote")
    stored = _store(args.labels, log / "labels")
    argv = ["--log", log, "--labels", stored.parent, "--label", args.label, "--joined", log / "joined"]
    argv += ["--key", *args.key] if args.key else []
    try:
        run_script(layout.src / "join_outcomes.py", list(map(str, argv)))
    except BaseException:
        stored.unlink()  # or they would make every later join fail too
        raise
    print(f"joined: {layout.relative(log / 'joined' / 'table.parquet')}")
    return 0


def _store(labels: Path, folder: Path) -> Path:
    """Copy a file of labels into the folder, with a name that sorts behind all earlier ones."""
    if labels.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{labels} is no {' or '.join(SUFFIXES)} file. Name a file of labels")
    if not labels.is_file():
        raise UsageError(f"there is no file {labels}. Name a file of labels")
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    stored = folder / f"{stamp}{labels.suffix.lower()}"
    shutil.copyfile(labels, stored)
    return stored
