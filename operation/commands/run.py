"""Execute the notebooks of a use case headlessly and leave reports."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.commands.options import (
    add_choice,
    add_ci,
    add_include_secrets,
    add_json,
    add_limits,
    add_parameters,
    chosen_limits,
    one_or_more,
)
from operation.engine.evidence.ci import REJECTED, choice_of, system_of
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.runs.request import Request
from operation.engine.runs.reuse import answered
from operation.engine.runs.summary import failure_line, metric_lines

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer
    from operation.engine.runs.request import Prepared
    from operation.engine.runs.run_manifest import RunManifest

_EXIT_CODES = {"succeeded": 0, "rejected": REJECTED, "interrupted": 130}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``run``."""
    parser.description = (
        "Execute the notebooks of a use case with papermill, several in parallel, and write HTML reports to "
        "runs/. "
        "Steps whose sources, arguments, inputs and packages are unchanged are reused from the store."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation run\n"
        "  python3 -m operation run --environment TEST --notebook 03-train-model -p learning_rate=0.05"
    )
    add_choice(parser)
    add = parser.add_argument
    only = "only these notebooks, in this order"
    add("--notebook", nargs="+", action="extend", default=[], metavar="NAME", help=only)
    add_parameters(parser, "value for a parameter of the notebooks")
    add_json(parser, "the run's manifest")
    add("--fresh", action="store_true", help="execute everything, reuse nothing")
    add(
        "--engine",
        choices=["workbench", "nbclient"],
        default="workbench",
        help="nbclient is papermill's stock engine, slower (default: workbench)",
    )
    add("--jobs", type=one_or_more, metavar="N", help="notebooks in parallel (default: number of cores)")
    add_limits(parser)
    add_ci(parser)
    add_include_secrets(parser)


def run(args: argparse.Namespace) -> int:
    """Run, and print where the report is."""
    layout = project().absolute()
    choice = (args.environment, args.use_case, args.notebook, args.assignments)
    request = Request(*choice, args.fresh, args.engine, chosen_limits(args), args.include_secrets, args.jobs)
    before = answered(layout, request)
    folder, code = (before, 0) if before else _run(layout, request, args.json)
    if before:
        _tell_unchanged(layout, before, as_json=args.json)
    return _conclude(layout, choice_of(args.ci, as_json=args.json), code, folder)


def _conclude(layout: Layout, ci: str, code: int, folder: Path) -> int:
    """Tell CI of the run's decisions; return the exit code."""
    if system_of(ci) is None:  # a run in which nothing changed imports no templates
        return code
    from operation.engine.evidence.reports.decision_page import conclude_run

    return conclude_run(layout, ci, code, folder)


def _run(layout: Layout, request: Request, as_json: bool) -> tuple[Path, int]:
    """Run unless an earlier run is the answer; only now the configuration and its libraries are needed."""
    from operation.engine.notebooks.fork_server.source import for_all, fork_source

    variables = for_all(request.at_once)
    with fork_source(request.engine, variables) as fork_server:  # its imports take longer than all else here
        if fork_server:
            _head_start(fork_server, layout, request)
        from operation.engine.runs.request import prepare
        from operation.engine.runs.reuse import unchanged

        prepared = prepare(layout, request)
        before = unchanged(layout, prepared)
        if before:
            _tell_unchanged(layout, before, as_json=as_json)
            return before, 0
        return _start(layout, prepared, fork_server, as_json)


def _head_start(fork_server: ForkServer, layout: Layout, request: Request) -> None:
    """Import what the notebooks' own cells import, while this process reads the configuration."""
    from operation.engine.notebooks.fork_server.libraries import libraries

    names = [name.removesuffix(".ipynb") for name in request.notebooks]
    paths = [layout.notebooks / f"{name}.ipynb" for name in names] or sorted(layout.notebooks.glob("*.ipynb"))
    with suppress(UsageError):  # the checks that follow report it
        fork_server.preload(libraries([path for path in paths if path.is_file()], {}))


def _start(
    layout: Layout, prepared: Prepared, fork_server: ForkServer | None, as_json: bool
) -> tuple[Path, int]:
    from operation.engine.runs.progress import RunProgress
    from operation.engine.runs.run import start

    configured = prepared.configured
    if as_json:
        record = start(layout, prepared, lambda *_: None, fork_server)
        print(json.dumps(record.content, indent=1, default=str))
        return record.folder.path, _EXIT_CODES.get(record.status, 1)
    print(f"{configured.use_case} in {configured.environment}: {configured.description}", flush=True)
    with RunProgress([notebook.name for notebook in prepared.notebooks]) as progress:
        record = start(layout, prepared, progress.say, fork_server)
    _tell(layout, record)
    return record.folder.path, _EXIT_CODES.get(record.status, 1)


def _tell_unchanged(layout: Layout, folder: Path, *, as_json: bool) -> None:
    content = manifest.read(folder / "manifest.json") or {}
    if as_json:
        print(json.dumps({**content, "unchanged": True}, indent=1))
    else:
        print(f"nothing to do: nothing changed since run {folder.name}, and every output is intact")
        print(f"report: {layout.relative(folder / 'index.html')}")


def _tell(layout: Layout, record: RunManifest) -> None:
    content = record.content
    steps = content["steps"]
    reused = sum(step["how"] == "reused" for step in steps)
    took = f"{content['seconds']:.0f} s, {len(steps)} steps, {reused} reused"
    rejected = content["status"] == "rejected"
    if content["error"]:
        print(f"error: {content['error']['notebook']}, {failure_line(content['error'])}", file=sys.stderr)
        next_action = "The run worked: another model may pass. Rerun" if rejected else "Fix it, then rerun"
        print(f"  {next_action}; completed steps are reused: {content['command']}", file=sys.stderr)
        print("\n".join(_since(content.get("since_last_good"))), end="", file=sys.stderr)
    evaluated = {
        name.removeprefix("evaluate."): value
        for name, value in content["metrics"].items()
        if name.startswith("evaluate.") and isinstance(value, float)
    }
    for line in metric_lines(evaluated):
        print(line)
    print(f"{content['status']} ({took})")
    print(f"report: {layout.relative(record.folder.path / 'index.html')}")
    capsule = record.folder.path / "capsule.zip"
    if capsule.exists():
        print(f"replay: python3 -m operation replay {layout.relative(capsule)}")


def _since(comparison: dict[str, Any] | None) -> list[str]:
    """Return what differs from the last good run, the most likely cause first."""
    if not comparison:
        return []
    head = f"  since the last good run, {comparison['run']}:"
    differences = comparison["differences"] or [
        "No tracked source, argument, input or package changed. Check data that the code reads outside its "
        "declared inputs."
    ]
    return [head, *(f"    {difference}" for difference in differences), ""]
