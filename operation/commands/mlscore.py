"""The command ``mlscore``: the ML Test Score, with a link to the evidence of each point."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from operation.commands.options import add_json, quiet
from operation.engine.evidence.ml_test_score import (
    FILE,
    Evidence,
    Point,
    as_json,
    judge,
    passed,
    read_evidence,
    sums,
)
from operation.engine.foundation.children import child
from operation.engine.foundation.layout import Layout, project

SIGNS = {1.0: "1  ", 0.5: "0.5", 0.0: "0  "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``mlscore``."""
    parser.description = (
        f"Run the tests and look at the records that configuration/{FILE} names as evidence, and count: "
        "a point for what passes, half a point for what is documented. The score is the least of four sums."
    )
    parser.epilog = "examples:\n  python3 -m operation mlscore\n  python3 -m operation mlscore --last --json"
    parser.add_argument("--last", action="store_true", help="take the results of the last time, run no test")
    add_json(parser, "points, links and what is missing")


def run(args: argparse.Namespace) -> int:
    """Run the tests, count, print."""
    layout = project()
    evidence = read_evidence(layout)
    junit = layout.runs / "mlscore" / "tests.xml"
    if not args.last:
        with quiet(args.json):
            _run_tests(layout, evidence, junit)
    points = judge(layout, evidence, passed(junit))
    print(as_json(points) if args.json else "\n".join(lines(points)))
    return 0


def _run_tests(layout: Layout, evidence: dict[str, Evidence], junit: Path) -> None:
    """Run all tests that are named, once; whether each passed stands in `junit`."""
    tests = sorted({test for found in evidence.values() for test in found.tests})
    junit.unlink(missing_ok=True)
    junit.parent.mkdir(parents=True, exist_ok=True)
    options = ["-q", "-p", "no:cacheprovider", f"--junitxml={junit}"]
    with child([sys.executable, "-m", "pytest", *tests, *options], cwd=layout.root) as process:
        process.wait()


def lines(points: Sequence[Point]) -> list[str]:
    """Return the 28 tests as text: points, evidence, what is missing; then the sums and the score."""
    text = []
    for point in points:
        text.append(f"{SIGNS[point.points]} {point.name:16} {point.text}")
        text += [f"      {link}" for link in point.links]
        text += [f"      missing: {point.missing}"] * bool(point.missing)
    total = sums(points)
    text += [", ".join(f"{section} {value:g}" for section, value in total.items())]
    return [*text, f"ML Test Score: {min(total.values()):g} of 7"]
