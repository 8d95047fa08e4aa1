"""Send a step, or the whole use case, to Azure ML; or to its emulator on this machine."""

from __future__ import annotations

import argparse
import json

from operation.commands.options import add_choice, add_emulator, emulated, quiet
from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.configuration.targets import chosen_compute
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.execution.sending import SubmitOptions, send
from operation.execution.submission import submission

ALL = "pipeline"
WAYS = ("script", "estimator", "automl", "pipeline", "spark")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``submit``."""
    parser.description = (
        "Send a step, or with 'pipeline' all steps of a use case, to Azure ML: the same Core Scripts with "
        "the same arguments. Logs stream here, outputs come into the store under the same keys as those of "
        "a local run, and what the store holds is not sent again."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation submit pipeline --emulator\n"
        "  python3 -m operation submit train --as script --environment PROD --compute cpu-cluster"
    )
    add = parser.add_argument
    add("what", help=f"a step of the use case, or '{ALL}': all of them")
    add("--as", dest="way", choices=WAYS, help=f"how (default: script; for '{ALL}' pipeline)")
    add_choice(parser)
    add_emulator(parser)
    add("--compute", metavar="NAME", help="configuration/compute/<NAME>.yml (default: COMPUTE)")
    add("--fresh", action="store_true", help="execute even what the store or Azure ML holds")
    add(
        "--publish",
        action="store_true",
        help="publish a successful pipeline as a new version of its endpoint",
    )
    add("--schedule", action="store_true", help="publish, and run as the use case says")
    add("--json", action="store_true", help="print the run's manifest, for programs")


def run(args: argparse.Namespace) -> int:
    """Submit, follow, and say where the results are."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    options = _options(layout, configured, args)
    recorded = submission(layout, configured, args.what, _words(args))
    with emulated(layout, args.emulator), quiet(args.json), recorded as current:
        print(f"run: {layout.relative(current.folder.path)}", flush=True)
        send(options, current, lambda line: print(line, flush=True))
    if args.json:
        print(json.dumps(current.record, indent=1))
    return 0


def _options(layout: Layout, configured: Configuration, args: argparse.Namespace) -> SubmitOptions:
    way = args.way or ("pipeline" if args.what == ALL else "script")
    if (args.publish or args.schedule) and way != "pipeline":
        raise UsageError(f"--publish and --schedule are for a pipeline, not for --as {way}.")
    spark = way == "spark"
    return SubmitOptions(
        way,
        _steps(configured, args.what),
        chosen_compute(layout, configured, args.compute, "SPARKCOMPUTE" if spark else "COMPUTE"),
        before=chosen_compute(layout, configured) if spark else None,
        fresh=args.fresh,
        publish=args.publish,
        schedule=args.schedule,
    )


def _steps(configured: Configuration, what: str) -> list[str]:
    if what == ALL:
        return list(configured.steps)
    try:
        return [configured.step(what).name]
    except UsageError as error:
        raise UsageError(f"{error} Or '{ALL}': all of them.") from None


def _words(args: argparse.Namespace) -> list[str]:
    """Return the command line that asks for the same again."""
    words = [args.what]
    for name, value in (
        ("as", args.way),
        ("environment", args.environment),
        ("use-case", args.use_case),
        ("compute", args.compute),
    ):
        words += [f"--{name}", value] if value else []
    words += [f"--{name}" for name in ("emulator", "fresh", "publish", "schedule") if getattr(args, name)]
    return words
