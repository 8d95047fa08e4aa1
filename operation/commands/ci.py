"""Execute a pipeline of Azure DevOps or GitHub on this machine."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

from operation.commands.options import emulated
from operation.commands.pipelines import command_problem
from operation.engine.foundation.errors import ConfigurationError, UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.pipelines.expressions import AZURE, GITHUB
from operation.engine.pipelines.model import Kind, Pipeline
from operation.engine.pipelines.plan import plan
from operation.engine.pipelines.reading import chosen_pipeline, known_names
from operation.engine.pipelines.results import GOOD, PipelineRun, Result
from operation.engine.pipelines.runner import PipelineRunner
from operation.engine.pipelines.source import in_order
from operation.engine.pipelines.summary import record
from operation.engine.pipelines.tree import Refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ci``."""
    parser.description = (
        "Execute a pipeline on this machine as its CI system would: the same files, stages, conditions, "
        "output variables and artifacts, in this checkout, one job after the other. What would log in to "
        "Azure talks to the emulator. What is not covered is refused with file and line at the start."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation ci cd-training --dry-run\n"
        "  python3 -m operation ci cd-training --system github --approve TEST --approve PROD"
    )
    add = parser.add_argument
    add("name", help="pipeline, such as ci or cd-training")
    add("--system", choices=[AZURE, GITHUB], default=AZURE, help="whose file is executed (default: azure)")
    add(
        "--approve",
        action="append",
        default=[],
        metavar="NAME",
        help="environment whose approval is given, or all; else asked for at a terminal. May be repeated",
    )
    add(
        "--stage",
        action="append",
        default=[],
        metavar="NAME",
        help="only this stage, unconditionally; may be repeated",
    )
    add("--dry-run", action="store_true", help="only print the plan")
    add(
        "-p",
        dest="assignments",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="parameter of the pipeline",
    )


def run(args: argparse.Namespace) -> int:
    """Print the plan, execute it, and print where artifacts and summary are."""
    layout = project().absolute()
    try:
        pipeline = chosen_pipeline(
            layout,
            args.name,
            args.system,
            _parameters(args.assignments),
            known_names(layout, command_problem),
        )
        _require("--stage", args.stage, [stage.name for stage in pipeline.stages])
        _require("--approve", args.approve, [*in_order(layout), "all"])
        print("\n".join(plan(pipeline)), flush=True)
        return 0 if args.dry_run else _execute(layout, pipeline, args.approve, args.stage)
    except Refused as refused:
        raise ConfigurationError([refused.problem]) from refused


def _parameters(assignments: list[str]) -> dict[str, str]:
    for text in assignments:
        if "=" not in text:
            raise UsageError(f"-p {text}: write NAME=VALUE.")
    return {name: value for name, _, value in (text.partition("=") for text in assignments)}


def _require(option: str, names: list[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"{option} {name}: expected {listed(known)}.{did_you_mean(name, known)}")


def _execute(layout: Layout, pipeline: Pipeline, approved: list[str], only: list[str]) -> int:
    needs_azure = any(
        step.login or step.kind == Kind.LOGIN
        for stage in pipeline.stages
        for job in stage.jobs
        for step in job.steps
    )
    asks_nobody = in_order(layout)[:1]  # where development happens

    def approve(environment: str) -> bool:
        if environment in [*asks_nobody, *approved] or "all" in approved:
            return True
        if not sys.stdin or not sys.stdin.isatty():
            return False
        return input(f"   {environment} asks for approval: go on? [y/N] ").strip().lower() in {"y", "yes"}

    runner = PipelineRunner(layout, pipeline, approve, lambda line: print(line, flush=True), only)
    try:
        with emulated(layout, requested=True) if needs_azure else nullcontext():
            done = runner.run()
    finally:  # also of what was interrupted
        _tell(layout, runner.outcome)
    return 0 if done.result in {*GOOD, Result.SKIPPED} else 1


def _tell(layout: Layout, done: PipelineRun) -> None:
    """Print how each stage ended, and what to do next."""
    file = record(done)
    widths = max(map(len, done.stages)), max(len(stage.result) for stage in done.stages.values())
    print()
    for name, stage in done.stages.items():
        reason = f"  ({stage.reason})" if stage.reason else ""
        print(f"{name:{widths[0]}}  {stage.result:{widths[1]}} {stage.seconds:7.1f} s{reason}")
    print(f"\n{done.pipeline.name} ({done.pipeline.system}): {done.result} after {done.seconds:.0f} s")
    print(f"summary: {layout.relative(file)}")
    for failure in done.failures:
        print(f"error: {failure}", file=sys.stderr)
    for capsule in _capsules(done.folder):
        print(f"replay: python3 -m operation replay {layout.relative(capsule)}")
    for environment in dict.fromkeys(done.waiting):
        print(f"approve: --approve {environment}; what is done is reused", file=sys.stderr)


def _capsules(folder: Path) -> list[Path]:
    return sorted((folder / "artifacts").glob("**/capsule.zip"))
