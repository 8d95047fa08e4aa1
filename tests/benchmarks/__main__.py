"""``python -m tests.benchmarks run --rounds 5``: measure the workbench beside plain scripts and other tools.

Everybody works in a copy of the project, in turn and from a cold start, everything counted. On a busy machine
only the ratios within a round tell something.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyperf

from operation.engine.foundation.children import interrupt_at_signals
from operation.engine.foundation.layout import project
from tests.benchmarks import peers
from tests.benchmarks.project import Project
from tests.benchmarks.rounds import as_pyperf, measure, table
from tests.benchmarks.subjects import GRID, SUBJECTS, Options


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="+", choices=SUBJECTS, metavar="subject", help=", ".join(SUBJECTS))
    parser.add_argument("--rounds", type=int, default=5, help="rounds that are kept (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one round, no warm-up: whether it works")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="install other tools into runs/benchmark-peers: doit and DVC for noop; papermill and nbconvert "
        "without JupyterLab beside them, which makes them quicker",
    )
    parser.add_argument("--notebook", default="03-train-model", help="of notebook, sweep and render")
    parser.add_argument(
        "--grid", action="append", metavar="NAME=V,V", help=f"of the sweep (default: {' '.join(GRID)})"
    )
    parser.add_argument(
        "--workers", type=int, default=2, help="points, and plain scripts, at once (default: 2)"
    )
    parser.add_argument("--json", type=Path, help="keep all times there, for `python -m pyperf stats`")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table of each comparison."""
    args = build_parser().parse_args(argv)
    layout = project()
    tools = peers.programs(layout) if args.peers else Path(sys.executable).parent
    values = 1 if args.quick else 5
    options = Options(args.notebook, args.grid or GRID, args.workers, values, args.peers)
    kept: list[pyperf.Benchmark] = []
    layout.runs.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=layout.runs, prefix="benchmark-") as folder:
        for subject in dict.fromkeys(args.subjects):
            print(f"{subject}: preparing", flush=True)
            copy = Project(layout, Path(folder) / subject, tools)
            for comparison in SUBJECTS[subject](copy, options):
                rounds = 1 if args.quick else args.rounds
                times, cores = measure(comparison, rounds, warm_up=not args.quick)
                print(f"\n{subject}: {comparison.title}\n{table(times, cores)}\n", flush=True)
                kept += as_pyperf(comparison.title, times)
    if args.json:
        pyperf.BenchmarkSuite(kept).dump(str(args.json), replace=True)


if __name__ == "__main__":
    interrupt_at_signals()
    main()
