"""Say why a step was executed or reused, and what exactly differs now."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.commands.options import add_choice
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
        "package differs now from then, or from a named run. Nothing is executed."
    )
    parser.epilog = "example: python3 -m operation why train --run latest"
    add = parser.add_argument
    add("step", help="name in the use case")
    add("--run", metavar="RUN", help="compare with this run: its name, latest, or a manifest.json")
    add_choice(parser)
    add("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Explain and print."""
    layout = project()
    named = _named_run(layout, args.run) if args.run else None
    chosen = (
        args.environment or (named or {}).get("environment"),
        args.use_case or (named or {}).get("use_case"),
    )
    configured = configuration.load(*chosen, layout)
    configured.step(args.step)
    record = _record(named, args.step, args.run) if named else None
    explanation = explain(layout, configured, args.step, record)
    print(json.dumps(asdict(explanation), default=str) if args.json else "\n".join(_lines(explanation)))
    return 0


def _named_run(layout: Layout, name: str) -> dict[str, Any]:
    path = Path(name) if name.endswith(".json") else layout.runs / name / "manifest.json"
    found = manifest.read(path)
    if found is None:
        runs = [one.parent.name for one in layout.runs.glob("*/manifest.json")]
        raise UsageError(f"--run {name}: {layout.relative(path)} is no manifest.{did_you_mean(name, runs)}")
    return found


def _record(named: Mapping[str, Any], step: str, name: str) -> dict[str, Any]:
    records = [one for one in named["steps"] if one["step"] == step]
    if not records:
        raise UsageError(f"--run {name}: the run did not come to the step '{step}'.")
    if not all("components" in one for one in records):
        raise UsageError(f"--run {name}: the run was recorded before keys kept their components.")
    return dict(next((one for one in records if one["as_configured"]), records[0]))


def _lines(explanation: Explanation) -> list[str]:
    last = explanation.last
    if last is None:
        return [f"{explanation.step}: never executed here. {_now(explanation)}"]
    where = f" in run {last['run']}" if last.get("run") else ""
    when = f" at {last['at'][:19].replace('T', ' ')} UTC" if last.get("at") else ""
    lines = [f"{explanation.step}: {last['how']}{when}{where}, key {last['key'][:12]}"]
    lines += [f"  because {one}" for one in explanation.was] if last["how"] != "reused" else []
    return [*lines, f"now: {_now(explanation)}", *(f"  because {one}" for one in explanation.differs)]


def _now(explanation: Explanation) -> str:
    if explanation.now == "unknown":
        step = explanation.waiting_for
        return f"{step} must be executed first (see `why {step}`); what it gives decides."
    if explanation.now == "executed":
        gone = (
            ""
            if explanation.differs or explanation.last is None
            else ": its outputs are not in the store, or damaged"
        )
        return f"it would be executed{gone}."
    return "its outputs are in the store and would be reused."
