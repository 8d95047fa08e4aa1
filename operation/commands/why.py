"""Say why a step was executed or reused, and what exactly differs now."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.commands.options import add_choice, add_json
from operation.engine import configuration
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.steps.why import Explanation, explain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``why``."""
    parser.description = (
        "Say whether a step was executed or reused the last time, and which function, argument, input or "
        "package has changed since then, or since a given run. Nothing is executed."
    )
    parser.epilog = "example: python3 -m operation why train --run latest"
    add = parser.add_argument
    add("step", help="step of the use case, such as train")
    add("--run", metavar="RUN", help="compare with this run: its id, latest, or a manifest.json")
    add_choice(parser)
    add_json(parser, "the explanation")


def run(args: argparse.Namespace) -> int:
    """Explain and print."""
    layout = project()
    run = _read_run(layout, args.run) if args.run else {}
    environment = args.environment or run.get("environment")
    configured = configuration.load(environment, args.use_case or run.get("use_case"), layout)
    configured.step(args.step)
    record = _record(run, args.step, args.run) if run else None
    explanation = explain(layout, configured, args.step, record)
    print(json.dumps(asdict(explanation), default=str) if args.json else "\n".join(_lines(explanation)))
    return 0


def _read_run(layout: Layout, name: str) -> dict[str, Any]:
    path = Path(name) if name.endswith(".json") else layout.runs / name / "manifest.json"
    content = manifest.read(path)
    if content is None:
        runs = [file.parent.name for file in layout.runs.glob("*/manifest.json")]
        raise UsageError(f"--run {name}: {layout.relative(path)} is no manifest.{did_you_mean(name, runs)}")
    return content


def _record(run: Mapping[str, Any], step: str, name: str) -> dict[str, Any]:
    records = [record for record in run["steps"] if record["step"] == step]
    if not records:
        raise UsageError(f"--run {name}: the run did not reach the step '{step}'.")
    if not all("components" in record for record in records):
        raise UsageError(f"--run {name}: an older version recorded this run, without the parts of its keys.")
    return dict(next((record for record in records if record["as_configured"]), records[0]))


def _lines(explanation: Explanation) -> list[str]:
    last = explanation.last
    if last is None:
        return [f"{explanation.step}: never executed here. {_now(explanation)}"]
    where = f" in run {last['run']}" if last.get("run") else ""
    when = f" at {last['at'][:19].replace('T', ' ')} UTC" if last.get("at") else ""
    lines = [f"{explanation.step}: {last['how']}{when}{where}, key {last['key'][:12]}"]
    lines += [f"  because {reason}" for reason in explanation.was] if last["how"] != "reused" else []
    return [*lines, f"now: {_now(explanation)}", *(f"  because {reason}" for reason in explanation.differs)]


def _now(explanation: Explanation) -> str:
    if explanation.now == "unknown":
        step = explanation.waiting_for
        return f"{step} must be executed first (see `why {step}`); its outputs decide."
    if explanation.now == "executed":
        missing = not explanation.differs and explanation.last is not None
        return (
            f"it would be executed{': its outputs are missing or damaged in the store' if missing else ''}."
        )
    return "its outputs are in the store and would be reused."
