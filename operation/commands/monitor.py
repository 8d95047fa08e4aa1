"""The command ``monitor``: whether a new model is due, by a table of reasons; ``--act`` trains it."""

import argparse
import json
import shlex
import subprocess
from datetime import UTC, datetime
from typing import Any

from operation.commands.options import add_choice, add_ci, add_json, quiet
from operation.engine import configuration
from operation.engine.evidence.ci import REJECTED, choice_of, conclude, rejection
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import GateRejected, StepFailed, UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.monitoring.backtest import lines
from operation.engine.monitoring.monitoring import monitor
from operation.engine.monitoring.playing import folder_of
from operation.engine.monitoring.training import NOT_PROMOTED

MARKS = {"for": "+", "against": "-", "neither": "·"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``monitor``."""
    parser.description = (
        "Say whether a new model is due: new data, drift, decay, age and schedule speak for it; cooldown, "
        "budget and quiet hours against, as `monitor:` of the use case says. The ledger keeps the decision."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation monitor\n"
        "  python3 -m operation monitor --act --notify 'mail -s monitor team@example.org'"
    )
    add = parser.add_argument
    add("--act", action="store_true", help="train if a model is due, judge it, and promote or reject it")
    add("--notify", metavar="COMMAND", help="command that gets the summary on its standard input")
    add("--at", metavar="TIME", help="time of the decision, ISO 8601 with its zone (default: now)")
    backtest = "decide nothing: say what the trigger did when the past was played, and whether it helped"
    add("--backtest", action="store_true", help=backtest)
    add_json(parser, "the decision")
    add_choice(parser)
    add_ci(parser)


def run(args: argparse.Namespace) -> int:
    """Decide, print the table of reasons, notify; raise GateRejected where the gate said no, but in CI."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    if args.backtest:
        return _print_backtest(layout, configured.use_case)
    with quiet(args.json):
        record = monitor(configured, layout, _time(args.at), act=args.act)
    text = "\n".join(summary(record, f"{configured.use_case} in {configured.environment}"))
    print(json.dumps(record, indent=1) if args.json else text)
    if args.notify:
        _notify(args.notify, f"{text}\n")
    training = record.get("training", {})
    if training.get("outcome") == NOT_PROMOTED:
        decided = [rejection(configured.use_case, training["text"])]
        choice = choice_of(args.ci, as_json=args.json)
        if conclude(choice, REJECTED, decided, layout.runs / "decisions"):
            raise GateRejected(training["text"])
    return 0


def summary(record: dict[str, Any], title: str) -> list[str]:
    """Return a decision as lines of text: its reasons, the sentence that argues, what training came to."""
    width = max(len(reason["name"]) for reason in record["reasons"]) if record["reasons"] else 0
    table = [f"{MARKS[row['side']]} {row['name']:{width}}  {row['text']}" for row in record["reasons"]]
    training = record.get("training")
    outcome = [f"{training['outcome']}: {training['text']}"] if training else []
    return [f"{title}, {record['time']}", *table, record["reason"], *outcome]


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--at: {text!r} is no time such as 2026-01-31T12:00+00:00.") from error
    if time.tzinfo is None:
        raise UsageError(f"--at: {text!r} has no zone. Give one, as in 2026-01-31T12:00+00:00.")
    return time.astimezone(UTC)


def _notify(command: str, text: str) -> None:
    """Hand the summary to a command; what it says of a failure is our message."""
    try:
        done = subprocess.run(
            shlex.split(command),
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except (OSError, ValueError) as error:
        raise StepFailed(
            f"--notify: {command!r} cannot be started: {error}. The decision is recorded."
        ) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise StepFailed(f"--notify: {command!r} failed: {said[-1]}. The decision is recorded.")


def _print_backtest(layout: Layout, use_case: str) -> int:
    year = manifest.read(layout.runs / folder_of(use_case) / "year.json")
    if year is None:
        raise UsageError(f"the past of '{use_case}' was not played yet. Run: python3 -m operation play")
    for period in year["periods"]:
        print(f"{period['period']}: {period['decision']} {period['outcome']}; {period['judged']}")
    for line in lines(year["summary"]):
        print(line)
    return 0
