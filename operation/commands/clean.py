"""Free space under runs/: old runs, and what no run that is kept refers to."""

import argparse
from collections import Counter

from operation.engine.foundation.layout import Layout, project
from operation.engine.runs.cleaning import Cleaning, Removable, human, plan_cleaning, remove

_PLURALS = {"store entry": "store entries"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``clean``."""
    parser.description = (
        "Delete old runs, certificates and replays, stored outputs that no remaining run refers to, and "
        "leftovers of killed processes. Kept: younger runs, the newest run, the newest successful run of "
        "each use case and environment, and everything that these refer to."
    )
    parser.epilog = "example: python3 -m operation clean --older-than 7 --dry-run"
    add = parser.add_argument
    add("--older-than", metavar="DAYS", type=_not_negative, default=30.0, help="age in days (default: 30)")
    add(
        "--larger-than",
        metavar="GB",
        type=_not_negative,
        help="target size of the store: beyond it, delete the oldest outputs that no remaining run uses",
    )
    add("--dry-run", action="store_true", help="list what would be deleted, delete nothing")


def run(args: argparse.Namespace) -> int:
    """Say what is deleted, and delete it."""
    layout = project()
    limit = None if args.larger_than is None else args.larger_than * 1e9
    cleaning = plan_cleaning(layout, args.older_than, limit)
    print("\n".join(_lines(layout, cleaning, args.dry_run)), flush=True)
    if cleaning.removable and not args.dry_run:
        remove(layout, cleaning)
        if any(item.kind == "run" for item in cleaning.removable):
            _write_gallery(layout)
    return 0


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {text}")
    return value


def _lines(layout: Layout, cleaning: Cleaning, dry: bool) -> list[str]:
    kept = f"kept: {_counted('run', cleaning.runs)} and everything they refer to."
    if not cleaning.removable:
        return [f"nothing to remove; {kept}"]
    items = [
        f"  {human(item.bytes):>10}  {item.kind} {layout.relative(item.path)}" for item in cleaning.removable
    ]
    return [*items, f"{'would free' if dry else 'freeing'} {_summary(cleaning.removable)}; {kept}"]


def _summary(removable: list[Removable]) -> str:
    counts = Counter(one.kind for one in removable)
    words = ", ".join(_counted(kind, number) for kind, number in counts.items())
    return f"{human(sum(item.bytes for item in removable))}: {words}"


def _counted(kind: str, number: int) -> str:
    return f"{number} {kind if number == 1 else _PLURALS.get(kind, f'{kind}s')}"


def _write_gallery(layout: Layout) -> None:
    from operation.engine.evidence.reports.gallery import write_gallery

    write_gallery(layout.runs)
