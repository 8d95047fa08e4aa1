"""The command ``collect``: what has arrived becomes rows of the raw table; or rows are forgotten."""

import argparse
import json
from dataclasses import replace

from operation.commands.options import add_choice, add_include_secrets
from operation.engine import configuration
from operation.engine.evidence.reports.deliveries_page import write_deliveries_page
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import project
from operation.engine.identity.contract import read_contract
from operation.engine.steps.runners import run_script

OPTIONS = ("delivery-time", "until", "forget")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``collect``."""
    parser.description = (
        "Append new deliveries to the raw table, as `deliveries:` of the use case says, and write a page "
        "that lists all of them. A delivery is in whole or not at all, and never twice."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation collect --until 2013-07\n"
        "  python3 -m operation collect --delivery-time 2026-11-27T06:00\n"
        "  python3 -m operation collect --forget tailnum=N14228"
    )
    add = parser.add_argument
    add("--until", metavar="TIME", help="collect what is known by then, e.g. 2013-07 (its end)")
    since = "since when deliveries are known (default: the end of their period, or of that in a file's name)"
    add("--delivery-time", metavar="TIME", help=since)
    forget = (
        "delete the rows with this value from every version, and collect nothing; the value is not recorded"
    )
    add("--forget", metavar="COLUMN=VALUE", help=forget)
    add_choice(parser)
    add_include_secrets(parser)


def run(args: argparse.Namespace) -> int:
    """Collect or forget, and write the page; a failure leaves a run with its report and capsule."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    step, file = configured.deliveries, f"configuration/configuration-{configured.use_case}.yml"
    if step is None:
        example = "raw-table, key, event-time and data, sample or remote"
        raise UsageError(f"{file} has no `deliveries:`. Add it, with {example} of src/collect.py.")
    folder = layout.runs / "deliveries" / configured.use_case
    inputs = {name: layout.root / path for name, path in step.inputs.items()}
    options = {name: getattr(args, name.replace("-", "_")) for name in OPTIONS}
    chosen = {name: value for name, value in options.items() if value}
    argv = read_contract(step.script).argv(
        {**step.arguments, **inputs, **chosen, "deliveries": folder / "deliveries"}
    )
    try:
        run_script(step.script, list(map(layout.in_runs, argv)))
    except StepFailed as error:
        if not args.forget:  # its value is recorded nowhere
            from operation.execution.submission_record import record_failure

            with_step = replace(configured, steps={**configured.steps, step.name: step})
            words = [f"--{name}={value}" for name, value in chosen.items()]
            options = {"values": chosen, "include_secrets": args.include_secrets}
            record_failure(layout, with_step, step.name, words, error, verb="collect", **options)
        raise
    content = json.loads((folder / "deliveries" / "deliveries.json").read_text(encoding="utf-8"))
    print(f"page: {layout.relative(write_deliveries_page(folder, content, configured.use_case))}")
    return 0
