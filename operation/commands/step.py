"""Execute one Core Script as a child process, with what it needs upstream."""

import argparse
import sys
from pathlib import Path

from operation.commands.options import add_choice, add_ci, add_include_secrets
from operation.engine import configuration
from operation.engine.evidence.ci import CHOICES, REJECTED, Outcome, conclude, rejection
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.identity.contract import actions_of, require_nothing
from operation.engine.identity.parser_slice import build_parser
from operation.engine.runs.summary import metric_lines
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.engine.steps.step import Done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``step``; those of the Core Script come from its own parser."""
    parser.description = (
        "Execute one step of a use case as a plain script, after the steps that it reads from. Arguments of "
        "its Core Script may follow the step's name; the others are as configured."
    )
    parser.epilog = "example: python3 -m operation step train --learning-rate 0.05"
    add = parser.add_argument
    add("step", help="step of the use case, such as train")
    add_choice(parser)
    add("--fresh", action="store_true", help="execute it even if the store has its outputs")
    add_ci(parser)
    add_include_secrets(parser)
    add("argv", nargs=argparse.REMAINDER, metavar="...", help="arguments of the Core Script")


def run(args: argparse.Namespace) -> int:
    """Execute the step, print where its outputs are; a failure leaves a run with its report and capsule."""
    own, argv = _split(args)
    layout = project()
    configured = configuration.load(own.environment, own.use_case, layout)
    script = configured.step(args.step).script
    values = _script_values(build_parser(script), argv)
    session = Session(configured, layout, child_process)
    try:
        done = session.step(args.step, values, fresh=own.fresh)
    except StepFailed as error:
        if error.exit_code == REJECTED:
            print(f"error: {error}", file=sys.stderr)
            outcomes = _read_by(session, args.step, values) or [rejection(args.step, str(error))]
            return conclude(own.ci, REJECTED, outcomes, layout.runs / "decisions")
        from operation.execution.submission_record import record_failure

        record_failure(
            layout,
            configured,
            args.step,
            own.words,
            error,
            verb="step",
            values=values,
            fresh=own.fresh,
            include_secrets=own.include_secrets,
        )
        raise
    _tell(layout, done)
    outcomes = _outcomes(layout, done.entry.output("decision")) if _decides(done) else []
    code = REJECTED if any(outcome.decision != "accepted" for outcome in outcomes) else 0
    return conclude(own.ci, code, outcomes, layout.runs / "decisions")


def _decides(done: Done) -> bool:
    return "decision" in done.plan.contract.outputs


def _read_by(session: Session, step: str, values: dict[str, object]) -> list[Outcome]:
    """Return the decision that a step was given and that made it stop."""
    source = session.sources(step, values).get("decision")
    return _outcomes(session.layout, session.input_path(source)) if source else []


def _outcomes(layout: Layout, folder: Path) -> list[Outcome]:
    """Write the page of the decision in `folder`, and return what CI is told of it."""
    from operation.engine.evidence.reports.decision_page import outcome, read_decision, write_decision_page

    decision = read_decision(folder)
    if decision is None:
        return []
    target = layout.runs / "decisions" / f"{decision['model']}-{decision['challenger'][:10]}.html"
    page = layout.relative(write_decision_page(target, decision))
    print(f"page: {page}")
    return [outcome(decision, page)]


def _split(args: argparse.Namespace) -> tuple[argparse.Namespace, list[str]]:
    """Separate this command's own options from those of the Core Script."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("environment", "use_case"):
        parser.add_argument(f"--{name.replace('_', '-')}", default=getattr(args, name))
    parser.add_argument("--ci", choices=CHOICES, default=args.ci)
    for name in ("fresh", "include_secrets"):
        parser.add_argument(f"--{name.replace('_', '-')}", action="store_true", default=getattr(args, name))
    parser.set_defaults(step=args.step, words=[args.step, *args.argv])
    return parser.parse_known_args(args.argv)


def _script_values(parser: argparse.ArgumentParser, argv: list[str]) -> dict[str, object]:
    """Parse `argv` as the script would, and return only what it contains."""
    parser.allow_abbrev = False
    require_nothing(parser)
    actions = actions_of(parser)
    for action in actions:
        action.default = argparse.SUPPRESS
    values, unknown = parser.parse_known_args(argv)
    if unknown:
        names = [action.option_strings[0] for action in actions if action.option_strings]
        hint = did_you_mean(unknown[0].partition("=")[0], names)
        raise UsageError(f"{parser.prog}: unknown argument {unknown[0]}.{hint}")
    # a parser may hold values that no argument sets, such as the check of an effect
    return {action.dest: getattr(values, action.dest) for action in actions if hasattr(values, action.dest)}


def _tell(layout: Layout, done: Done) -> None:
    for line in metric_lines(done.metrics):
        print(line)
    for name in done.plan.contract.outputs:
        print(f"  {name}: {layout.relative(done.entry.output(name))}")
    print(f"{done.plan.step} {done.how} in {done.seconds:.1f} s, key {done.plan.key[:12]}")
