"""Send a step, or the whole use case, to Azure ML; or to its rehearsal on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

from operation.commands.choice import add_choice
from operation.commands.rehearsed import add_rehearse, rehearsed
from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.configuration.compute_file import Compute, chosen_compute
from operation.engine.errors import UsageError
from operation.engine.layout import project

if TYPE_CHECKING:
    from operation.engine.step import Done
    from operation.execution.automl import Baseline
    from operation.execution.logs import Say
    from operation.execution.submission import Submission

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
        "  python3 -m operation submit pipeline --rehearse\n"
        "  python3 -m operation submit train --as script --environment PROD --compute cpu-cluster"
    )
    parser.add_argument("what", help=f"a step of the use case, or '{ALL}': all of them")
    parser.add_argument("--as", dest="way", choices=WAYS, help=f"how (default: script; for '{ALL}' pipeline)")
    add_choice(parser)
    add_rehearse(parser)
    parser.add_argument(
        "--compute", metavar="NAME", help="configuration/compute/<NAME>.yml (default: COMPUTE)"
    )
    parser.add_argument("--fresh", action="store_true", help="execute even what the store or Azure ML holds")
    parser.add_argument("--json", action="store_true", help="print the run's manifest, for programs")


def run(args: argparse.Namespace) -> int:
    """Submit, follow, and say where the results are."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    compute = chosen_compute(layout, configured, args.compute)
    steps = _steps(configured, args.what)
    way = args.way or ("pipeline" if args.what == ALL else "script")
    with rehearsed(layout, args.rehearse):
        from operation.execution.submission import submission

        try:
            # the SDK prints: that is not the manifest that a program asked for
            quiet = redirect_stdout(sys.stderr) if args.json else nullcontext()
            with quiet, submission(layout, configured, args.what, _words(args)) as made:
                _submit(made, compute, way, steps, args)
        finally:
            if made.capsule:
                capsule = layout.relative(made.capsule)
                print(f"replay: python3 -m operation replay {capsule}", file=sys.stderr)
    if args.json:
        print(json.dumps(made.record, indent=1))
    else:
        print(f"run: {layout.relative(made.folder.path)}")
    return 0


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
    words += ["--rehearse"] if args.rehearse else []
    return words + (["--fresh"] if args.fresh else [])


def _submit(
    made: Submission, compute: Compute, way: str, steps: Sequence[str], args: argparse.Namespace
) -> None:
    from operation.execution import utils, ways
    from operation.execution.failure import told
    from operation.execution.remote import Remote, RemoteSession

    def say(line: str) -> None:
        if not args.json:
            print(line, flush=True)

    with told("credentials"):
        workspace = utils.workspace(environment=made.configured.environment)
    job = ways.AS_SCRIPTS.get(way, ways.AS_SCRIPTS["script"])
    remote = Remote(made.layout, made.configured, workspace, compute, submit=job, say=say)
    remote.logs = made.logs
    if way == "automl":
        return _compare(made, *ways.against_automl(remote, fresh=args.fresh), say)
    send = ways.as_pipeline if way == "pipeline" else ways.one_by_one
    done = []
    for one in send(remote, steps, fresh=args.fresh):
        done.append(one)
        _tell(one, say)
    session = RemoteSession(made.configured, made.layout, remote)
    ways.register_models(workspace, session, done, say)
    return None


def _compare(
    made: Submission, found: Baseline, rows: Sequence[Mapping[str, Any]], own: Done, say: Say
) -> None:
    """Say, and keep, how the use case's model does beside AutoML's best."""
    made.facts["automl"] = {"run": found.run, "algorithm": found.algorithm, "compared": list(rows)}
    heads = ["metric", f"AutoML ({found.algorithm})", own.plan.step]
    lines = [[one["metric"], f"{one['automl']:.4f}", f"{one['model']:.4f}"] for one in rows]
    made.notes.append(
        "\n".join(
            ["## The model beside AutoML's best, on the same holdout", ""]
            + [f"| {' | '.join(one)} |" for one in [heads, ["---"] * 3, *lines]]
            + ["", "AutoML chose its best on the holdout itself, which favours it."]
        )
    )
    for one in [heads, *lines]:
        say(f"  {one[0]:<20} {one[1]:>28} {one[2]:>12}")


def _tell(done: Done, say: Say) -> None:
    say(f"{done.plan.step} {done.how} in {done.seconds:.1f} s, key {done.plan.key[:12]}")
    for name, value in sorted(done.metrics.items()):
        say(f"  {name:<28} {value:.4f}" if isinstance(value, float) else f"  {name:<28} {value}")
