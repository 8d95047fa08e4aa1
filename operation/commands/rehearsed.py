"""The option ``--rehearse``: a rehearsal is started around a command, and stopped behind it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout

from operation.engine.layout import Layout
from operation.engine.surroundings import surroundings


def add_rehearse(parser: argparse.ArgumentParser) -> None:
    """Declare ``--rehearse``."""
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="with a rehearsal of Azure ML on this machine: no subscription",
    )


@contextmanager
def rehearsed(layout: Layout, wanted: bool) -> Iterator[None]:
    """Let the SDK find the rehearsal while the block lasts; it must not have been imported before.

    Parameters
    ----------
    layout : Layout
        The rehearsal keeps its state under its runs.
    wanted : bool
        Whether ``--rehearse`` was given; without it nothing is done.
    """
    if not wanted:
        yield
        return
    from operation.rehearsal.access.workspace import SUBSCRIPTION
    from operation.rehearsal.server import started

    folder = layout.runs / "rehearsal"
    more = {"SUBSCRIPTION_ID": SUBSCRIPTION, "WORKBENCH_REHEARSAL": str(folder)}
    print("starting a rehearsal of Azure ML on this machine", file=sys.stderr, flush=True)
    with started(folder) as variables, surroundings({**variables, **more}):
        yield


def quiet(wanted: bool) -> AbstractContextManager[object]:
    """Send what is printed, by the SDK too, to the log: a program asked for JSON alone."""
    return redirect_stdout(sys.stderr) if wanted else nullcontext()
