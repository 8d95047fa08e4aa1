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
    add_limits,
    chosen_limits,
    one_or_more,
    quiet,
)
from operation.commands.wording import ending, opening, planned
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.sweeps.request import RAY, SweepRequest

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer
    from operation.engine.sweeps.plan import Sweep
    from operation.engine.sweeps.pools import KernelPool
    from operation.engine.sweeps.sweep_manifest import SweepManifest

_EPILOG = """\
examples:
  python3 -m operation sweep 03-train-model --grid learning_rate=0.05,0.1,0.2 --grid max_leaf_nodes=15,31
  python3 -m operation sweep 03-train-model --grid learning_rate=log:0.01..0.3 --random 20 --metric roc_auc
"""
_EXIT_CODES = {"succeeded": 0, "interrupted": 130}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``sweep``."""
    parser.description = (
        "Execute one notebook at every point of a grid of its parameters, several at once, each in a process "
        "of its own. Every point leaves its executed notebook and its report; the sweep's page ranks them. "
        "Asked for again, a sweep goes on where it stopped, and only what failed is left alone."
    )
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("notebook", help="a notebook of the use case: 03-train-model")
    add(
        "--grid",
        action="append",
        required=True,
        metavar="NAME=VALUES",
        help="a parameter of the notebook, or step.argument, with its values between commas; with --random "
        "also low..high or log:low..high; may be repeated",
    )
    add(
        "-p",
        dest="given",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for all points; may be repeated",
    )
    _add_choices(parser)
    add_choice(parser)
    add_limits(parser)
    add_include_secrets(parser)


def _add_choices(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--random", type=one_or_more, metavar="K", help="draw K points instead of all")
    add("--seed", type=int, default=0, metavar="N", help="of the drawing (default: 0)")
    add("--workers", type=one_or_more, metavar="N", help="points at once (default: cores)")
    add("--metric", metavar="NAME", help="what points are ranked by, such as roc_auc")
    add(
        "--engine",
        choices=["workbench", "nbclient", RAY],
        default="workbench",
        help="what executes the notebooks; nbclient is papermill's stock engine, ray spreads them over a "
        "cluster (default: workbench)",
    )
    add("--address", metavar="HOST:PORT", help="the Ray cluster: auto, host:port or ray://host:port")
    add("--retry-failed", action="store_true", help="execute again what failed before")
    add("--fresh", action="store_true", help="execute every step again, reuse nothing")
    add("--dry-run", action="store_true", help="say which points there are, execute nothing")
    add("--json", action="store_true", help="print the sweep's manifest, for programs")


def run(args: argparse.Namespace) -> int:
    """Sweep, and say what is best."""
    if args.address and args.engine != RAY:
        raise UsageError(f"--address {args.address}: only --engine ray spreads points over a cluster.")
    layout, request = _absolute(project()), _request(args)
    if args.dry_run:
        return _plan_only(layout, request, args.json)
    from operation.engine.foundation.children import cores
    from operation.engine.notebooks.fork_server.source import for_all, fork_source

    workers = args.workers or cores()
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
        args.given,
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


def _absolute(layout: Layout) -> Layout:
    """Return `layout` for processes that stand elsewhere."""
    return Layout(layout.root.absolute(), layout.runs.absolute())


def _plan_only(layout: Layout, request: SweepRequest, as_json: bool) -> int:
    from operation.engine.sweeps.plan import known, plan_sweep

    sweep = plan_sweep(layout, request)
    found = known(layout, sweep)
    if as_json:
        rows = [
            {"number": one.number, "values": one.values, "known": one.number in found} for one in sweep.points
        ]
        print(json.dumps({"id": sweep.name, "points": rows}, indent=1, default=str))
    else:
        print("\n".join(planned(sweep, found)))
    return 0


def _pool(
    layout: Layout, sweep: Sweep, fork_server: ForkServer | None, args: argparse.Namespace
) -> AbstractContextManager[KernelPool]:
    from operation.engine.foundation.children import cores

    if args.engine == RAY:
        from operation.engine.sweeps.cluster import Cluster

        return Cluster(layout, sweep, args.address, args.workers)
    from operation.engine.sweeps.pools import ForkPool, StockPool, why_stock

    reason = why_stock(sweep)
    if reason:
        print(f"executed by the stock engine: {reason}", file=sys.stderr)
    workers = args.workers or cores()
    return nullcontext(ForkPool(fork_server, sweep, workers) if fork_server else StockPool(workers))


def _execute(layout: Layout, sweep: Sweep, pool: KernelPool, args: argparse.Namespace) -> SweepManifest:
    from operation.commands.progress import SweepProgress
    from operation.engine.sweeps.runner import SweepRunner

    if not args.json:
        print(opening(sweep, pool.workers), flush=True)
    with quiet(args.json), SweepProgress(len(sweep.points), pool.workers, silent=args.json) as progress:
        return SweepRunner(layout, pool, progress.say, args.retry_failed).run(sweep)


def _tell(layout: Layout, record: SweepManifest, as_json: bool) -> int:
    if as_json:
        print(json.dumps(record.content, indent=1, default=str))
    else:
        print("\n".join(ending(layout, record.content)))
    wrong = record.wrong_metric
    if wrong:
        raise wrong
    return _EXIT_CODES.get(record.status, 1)
