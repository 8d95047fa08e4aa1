"""The command ``play``: past deliveries one by one, with every decision; a page with a column for each."""

import argparse
import json
from typing import Any

from operation.commands.options import add_choice, add_json
from operation.engine import configuration
from operation.engine.evidence.reports.year_page import write_year_page
from operation.engine.foundation.layout import project
from operation.engine.monitoring.backtest import lines
from operation.engine.monitoring.playing import folder_of, play


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``play``."""
    parser.description = (
        "Play past deliveries of a use case one by one, in a folder of its own: collect, validate, score, "
        "join outcomes, detect drift, decide whether to train, judge, promote or reject. Writes a page with "
        "one column for each, and says what retraining would have gained. Twice gives the same ledger."
    )
    parser.epilog = "examples:\n  python3 -m operation play\n  python3 -m operation play --until 2013-06"
    parser.add_argument("--until", metavar="PERIOD", help="the last one to play, e.g. 2013-06 (default: all)")
    add_json(parser, "the columns of the page")
    add_choice(parser)


def run(args: argparse.Namespace) -> int:
    """Play, print a line for each delivery, and write the page."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    year = play(configured, layout, args.until, (lambda _: None) if args.json else _tell)
    page = write_year_page(layout.runs / folder_of(configured.use_case), year)
    if args.json:
        print(json.dumps(year, indent=1))
        return 0
    for line in lines(year["summary"]):
        print(line)
    print(f"ledger: {year['ledger']}\npage: {layout.relative(page)}")
    return 0


def _tell(period: dict[str, Any]) -> None:
    outcome = "" if period["outcome"] == "waited" else f" -> {period['outcome']}"
    print(f"{period['period']}: {period['rows']} rows; {period['decision']}{outcome}", flush=True)
