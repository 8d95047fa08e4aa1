"""Execute one notebook at many points of its parameters."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from operation.commands.options import (
    add_choice,
    add_include_secrets,
    add_json,
    add_limits,
    add_parameters,
    chosen_limits,
    one_or_more,
    quiet,
)
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.sweeps.request import RAY, SweepRequest

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer
    from operation.engine.notebooks.pools import KernelPool
    from operation.engine.sweeps.plan import Sweep
    from operation.engine.sweeps.sweep_manifest import SweepManifest

_EXIT_CODES = {"succeeded": 0, "interrupted": 130}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``sweep``."""
    parser.description = (
        "Execute one notebook with every combination of parameter values (a point), several in parallel. "
        "Each point has its executed notebook and report; the sweep's page ranks them. Rerun the command to "
        "continue an interrupted sweep; failed points are executed again only with --retry-failed."
    )
    example = "  python3 -m operation sweep 03-train-model --grid"
    parser.epilog = (
        f"examples:\n{example} learning_rate=0.05,0.1,0.2 --grid max_leaf_nodes=15,31\n"
        f"{example} learning_rate=log:0.01..0.3 --random 20 --metric roc_auc"
    )
    add = parser.add_argument
    add("notebook", help="notebook of the use case, such as 03-train-model")
    add(
        "--grid",
        action="append",
        required=True,
        metavar="NAME=VALUES",
        help="a parameter of the notebook, or step.argument, and its values separated by commas; with "
        "--random also low..high or log:low..high; may be repeated",
    )
    add_parameters(parser, "one value of a parameter for all points")
    _add_choices(parser)
    add_choice(parser)
    add_limits(parser)
    add_include_secrets(parser)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--random", type=one_or_more, metavar="K", help="draw K random points instead of executing all")
    add("--seed", type=int, default=0, metavar="N", help="seed of --random (default: 0)")
    add("--workers", type=one_or_more, metavar="N", help="points in parallel (default: number of cores)")
    add("--metric", metavar="NAME", help="metric to rank points by, such as roc_auc")
    add(
        "--engine",
        choices=["workbench", "nbclient", RAY],
        default="workbench",
        help="nbclient is papermill's stock engine, slower; ray uses a cluster (default: workbench)",
    )
    add("--address", metavar="HOST:PORT", help="Ray cluster: auto, host:port or ray://host:port")
    add("--retry-failed", action="store_true", help="execute points again that failed before")
    add("--fresh", action="store_true", help="execute everything, reuse nothing")
    add("--dry-run", action="store_true", help="list the points, execute nothing")
    add_json(parser, "the sweep's manifest")


def run(args: argparse.Namespace) -> int:
    """Sweep, and print the best points."""
    if args.address and args.engine != RAY:
        raise UsageError(f"--address {args.address}: only --engine ray spreads points over a cluster.")
    layout, request = project().absolute(), _request(args)
    if args.dry_run:
        return _plan_only(layout, request, args.json)
    from operation.engine.notebooks.fork_server.source import for_all, fork_source

    workers = request.limits.at_once(args.workers)
    with fork_source(request.engine, for_all(workers)) as fork_server:  # its imports outlast the checks
        from operation.engine.sweeps.plan import plan_sweep

        sweep = plan_sweep(layout, request)
        with _pool(layout, sweep, fork_server, args) as pool:
            record = _execute(layout, sweep, pool, args)
    return _tell(layout, record, args.json)


def _request(args: argparse.Namespace) -> SweepRequest:
    return SweepRequest(
        args.notebook.removesuffix(".ipynb"),
        args.grid,
        args.assignments,
        args.random,
        args.seed,
        args.environment,
        args.use_case,
        args.engine,
        args.fresh,
        chosen_limits(args),
        args.metric,
        args.include_secrets,
    )


def _plan_only(layout: Layout, request: SweepRequest, as_json: bool) -> int:
    from operation.engine.sweeps.plan import known, plan_sweep
    from operation.engine.sweeps.summary import plan_lines

    sweep = plan_sweep(layout, request)
    recalled = known(layout, sweep)
    if as_json:
        points = [
            {"number": point.number, "values": point.values, "known": point.number in recalled}
            for point in sweep.points
        ]
        print(json.dumps({"id": sweep.name, "points": points}, indent=1, default=str))
    else:
        print("\n".join(plan_lines(sweep, recalled)))
    return 0


def _pool(
    layout: Layout, sweep: Sweep, fork_server: ForkServer | None, args: argparse.Namespace
) -> AbstractContextManager[KernelPool]:
    if args.engine == RAY:
        from operation.engine.sweeps.cluster import Cluster

        return Cluster(layout, sweep, args.address, args.workers)
    from operation.engine.notebooks.pools import kernel_pool, why_stock

    reason = why_stock(sweep.request.engine)
    if reason:
        print(f"executed by the stock engine: {reason}", file=sys.stderr)
    scripts = {name: step.script for name, step in sweep.prepared.configured.steps.items()}
    workers = sweep.request.limits.at_once(args.workers)
    return nullcontext(kernel_pool(fork_server, workers, [sweep.source], scripts, len(sweep.points)))


def _execute(layout: Layout, sweep: Sweep, pool: KernelPool, args: argparse.Namespace) -> SweepManifest:
    from operation.engine.sweeps.progress import SweepProgress
    from operation.engine.sweeps.runner import SweepRunner
    from operation.engine.sweeps.summary import opening_line

    if not args.json:
        print(opening_line(sweep, pool.workers), flush=True)
    with quiet(args.json), SweepProgress(len(sweep.points), pool.workers, silent=args.json) as progress:
        return SweepRunner(layout, pool, progress.say, args.retry_failed).run(sweep)


def _tell(layout: Layout, record: SweepManifest, as_json: bool) -> int:
    from operation.engine.sweeps.summary import summary_lines

    if as_json:
        print(json.dumps(record.content, indent=1, default=str))
    else:
        print("\n".join(summary_lines(layout, record.content)))
    if record.wrong_metric:
        raise record.wrong_metric
    return _EXIT_CODES.get(record.status, 1)
