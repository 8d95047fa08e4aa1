"""Execute one Core Script as a child process, with what it needs upstream."""

from __future__ import annotations

import argparse
from contextlib import suppress

from operation.commands.options import add_choice, add_include_secrets
from operation.commands.wording import metric_lines
from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.identity.contract import actions_of
from operation.engine.identity.parser_slice import build_parser
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.engine.steps.step import Done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``step``; those of the Core Script come from its own parser."""
    parser.description = (
        "Execute one step of a use case as a child process. Every argument of its Core Script may be "
        "given behind the step's name; what is not given is as configured."
    )
    parser.epilog = "example: python3 -m operation step train --learning-rate 0.05"
    add = parser.add_argument
    add("step", help="name in the use case")
    add_choice(parser)
    add("--fresh", action="store_true", help="execute it even when the store holds its outputs")
    add_include_secrets(parser)
    add("given", nargs=argparse.REMAINDER, help="arguments of the Core Script")


def run(args: argparse.Namespace) -> int:
    """Execute the step and say where its outputs are; a failure leaves a run with its report and capsule."""
    own, given = _split(args)
    layout = project()
    configured = configuration.load(own.environment, own.use_case, layout)
    script = configured.step(args.step).script
    values = _script_values(build_parser(script), given)
    try:
        done = Session(configured, layout, child_process).step(args.step, values, fresh=own.fresh)
    except StepFailed as error:
        if error.exit_code == 1:
            _record_failure(configured, layout, own, values, error)
        raise
    _tell(layout, done)
    return 0


def _record_failure(
    configured: Configuration,
    layout: Layout,
    args: argparse.Namespace,
    values: dict[str, object],
    error: StepFailed,
) -> None:
    """Leave what a failed run leaves: nothing is executed for it a second time."""
    from operation.execution.submission import submission

    def fail(*_: object) -> None:
        raise error

    recorded = submission(
        layout,
        configured,
        args.step,
        args.words,
        verb="step",
        values=values,
        include_secrets=args.include_secrets,
    )
    with suppress(StepFailed), recorded:
        Session(configured, layout, fail).step(args.step, values, fresh=args.fresh)


def _split(args: argparse.Namespace) -> tuple[argparse.Namespace, list[str]]:
    """Take this command's own options out of what stands behind the step's name."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("environment", "use_case"):
        parser.add_argument(f"--{name.replace('_', '-')}", default=getattr(args, name))
    for name in ("fresh", "include_secrets"):
        parser.add_argument(f"--{name.replace('_', '-')}", action="store_true", default=getattr(args, name))
    parser.set_defaults(step=args.step, words=[args.step, *args.given])
    return parser.parse_known_args(args.given)


def _script_values(parser: argparse.ArgumentParser, given: list[str]) -> dict[str, object]:
    """Parse `given` as the script would; only what stands there is returned."""
    parser.allow_abbrev = False
    actions = actions_of(parser)
    for action in actions:
        action.required = False
        action.default = argparse.SUPPRESS
    values, unknown = parser.parse_known_args(given)
    if unknown:
        names = [action.option_strings[0] for action in actions if action.option_strings]
        hint = did_you_mean(unknown[0].partition("=")[0], names)
        raise UsageError(f"{parser.prog}: unknown argument {unknown[0]}.{hint}")
    return vars(values)


def _tell(layout: Layout, done: Done) -> None:
    for line in metric_lines(done.metrics):
        print(line)
    for name in done.plan.contract.outputs:
        print(f"  {name}: {layout.relative(done.entry.output(name))}")
    print(f"{done.plan.step} {done.how} in {done.seconds:.1f} s, key {done.plan.key[:12]}")
