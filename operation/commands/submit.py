"""Send a step, or the whole use case, to Azure ML; or to its emulator on this machine."""

import argparse
import json
import sys

from operation.commands.options import (
    add_choice,
    add_ci,
    add_compute,
    add_emulator,
    add_include_secrets,
    add_json,
    emulated,
    quiet,
)
from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.configuration.targets import chosen_compute
from operation.engine.evidence.ci import REJECTED, choice_of
from operation.engine.evidence.reports.decision_page import conclude_run
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout, project
from operation.execution.routes import SubmitOptions, send
from operation.execution.submission_record import record_submission

ALL = "pipeline"
ROUTES = ("script", "estimator", "automl", "pipeline", "spark", "parallel")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``submit``."""
    parser.description = (
        "Execute a step, or with 'pipeline' all steps of a use case, in Azure ML: the same Core Scripts with "
        "the same arguments. Logs are printed here, outputs are downloaded into the store under "
        "the keys of a local run, and what the store has is reused."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation submit pipeline --emulator\n"
        "  python3 -m operation submit train --as script --environment PROD --compute cpu-cluster\n"
        "  python3 -m operation submit train_many --as parallel --use-case demand --emulator"
    )
    add = parser.add_argument
    add("what", help=f"a step of the use case, or '{ALL}' for all steps")
    add("--as", dest="route", choices=ROUTES, help=f"kind of job (default: script; for '{ALL}': pipeline)")
    add_choice(parser)
    add_emulator(parser)
    add_compute(parser)
    add("--fresh", action="store_true", help="execute everything, reuse nothing from the store or Azure ML")
    add(
        "--publish",
        action="store_true",
        help="publish a successful pipeline as a new version of its endpoint",
    )
    add("--schedule", action="store_true", help="publish, and schedule as the use case says")
    add_ci(parser)
    add_include_secrets(parser)
    add_json(parser, "the run's manifest")


def run(args: argparse.Namespace) -> int:
    """Submit, follow, and print where the results are."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    options = _options(layout, configured, args)
    secrets = args.include_secrets
    recorded = record_submission(layout, configured, args.what, _argv(args), include_secrets=secrets)
    code = 0
    try:
        with emulated(layout, args.emulator), quiet(args.json), recorded as submission:
            print(f"run: {layout.relative(submission.folder.path)}", flush=True)
            send(options, submission, lambda line: print(line, flush=True))
    except StepFailed as error:
        if error.exit_code != REJECTED:
            raise
        print(f"error: {error}", file=sys.stderr)
        code = REJECTED
    if args.json:
        print(json.dumps(submission.manifest, indent=1))
    return conclude_run(layout, choice_of(args.ci, as_json=args.json), code, submission.folder.path)


def _options(layout: Layout, configured: Configuration, args: argparse.Namespace) -> SubmitOptions:
    route = args.route or ("pipeline" if args.what == ALL else "script")
    if (args.publish or args.schedule) and route != "pipeline":
        raise UsageError(f"--publish and --schedule are for a pipeline, not for --as {route}.")
    spark = route == "spark"
    return SubmitOptions(
        route,
        _steps(configured, args.what),
        chosen_compute(layout, configured, args.compute, "SPARKCOMPUTE" if spark else "COMPUTE"),
        upstream_compute=chosen_compute(layout, configured) if spark else None,
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
        raise UsageError(f"{error} Or '{ALL}' for all steps.") from None


def _argv(args: argparse.Namespace) -> list[str]:
    """Return the command line that repeats this one."""
    values = {"as": args.route, "environment": args.environment, "use-case": args.use_case}
    values["compute"] = args.compute
    flags = [f"--{name}" for name in ("emulator", "fresh", "publish", "schedule") if getattr(args, name)]
    return [
        args.what,
        *(word for name, value in values.items() if value for word in (f"--{name}", value)),
        *flags,
    ]
