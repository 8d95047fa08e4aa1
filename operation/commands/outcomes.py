"""The command ``outcomes``: labels that arrive later are kept, and joined with what was scored."""

from __future__ import annotations

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
        "Add labels that have arrived to those of the log, and join all of them with the scored rows. "
        "A label that is added again replaces the one before."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation outcomes add labels.csv\n"
        "  python3 -m operation outcomes add arrivals.csv --key flight scheduled_departure --label arr_delay"
    )
    add = parser.add_argument
    add("action", choices=["add"], help="add: keep a file of labels, and join")
    add(
        "labels", type=Path, help="CSV or Parquet: request_id (and row), or the columns of --key, and a label"
    )
    add("--log", type=Path, metavar="PATH", help="log of scored rows (default: runs/scored)")
    add(
        "--key", nargs="+", default=[], metavar="COLUMN", help="columns that name a row (default: request_id)"
    )
    add("--label", default="label", metavar="COLUMN", help="column with the label (default: label)")


def run(args: argparse.Namespace) -> int:
    """Keep the labels and join all that are there."""
    layout = project()
    log = (args.log or layout.runs / "scored").resolve()
    if not log.is_dir():
        raise UsageError(f"--log: there is no folder {log}; name the one that serve or batch_score wrote")
    kept = _keep(args.labels, log / "labels")
    words = ["--log", log, "--labels", kept.parent, "--label", args.label, "--joined", log / "joined"]
    words += ["--key", *args.key] if args.key else []
    try:
        run_script(layout.src / "join_outcomes.py", [str(word) for word in words])
    except BaseException:
        kept.unlink()  # labels that cannot be joined must not be in the way of those that can
        raise
    print(f"joined: {layout.relative(log / 'joined' / 'table.parquet')}")
    return 0


def _keep(labels: Path, folder: Path) -> Path:
    """Copy a file of labels to those that are kept, behind all earlier ones."""
    if labels.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{labels} is no file of labels: name a {' or '.join(SUFFIXES)} file")
    if not labels.is_file():
        raise UsageError(f"{labels}: there is no such file of labels")
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    kept = folder / f"{stamp}{labels.suffix.lower()}"
    shutil.copyfile(labels, kept)
    return kept
