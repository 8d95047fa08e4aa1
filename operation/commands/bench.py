"""``bench``: measure the workbench beside plain scripts and other tools."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.errors import UsageError
from operation.engine.layout import Layout, project
from operation.engine.nearest import did_you_mean, listed

if TYPE_CHECKING:
    from operation.engine.benchmarks.benchmark import Wish

ALL = "all"
_NAMES = ("notebooks", "sweep", "noop", "render", "run")
_QUICK_POINTS, _QUICK_RENDERS = 2, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``bench``."""
    parser.description = (
        "Measure the workbench beside plain scripts, papermill, nbconvert, nbclient, nbmake, doit and DVC: "
        "in turn, from a cold start, everything counted. All work in a copy of the project. The other tools "
        "go into an environment of their own, runs/bench/environment."
    )
    parser.epilog = (
        "examples:\n  python3 -m operation bench notebooks --rounds 5\n"
        "  python3 -m operation bench all --quick\n"
        "  python3 -m operation bench sweep --points 50 --only workbench"
    )
    parser.add_argument(
        "subjects", nargs="*", metavar="SUBJECT", help=f"{listed(_NAMES)}, or {ALL} (default: notebooks)"
    )
    parser.add_argument("--rounds", type=_at_least_one, metavar="N", help="rounds that are kept (default: 5)")
    parser.add_argument(
        "--into", type=Path, metavar="FOLDER", help="for the figures (default: runs/bench/<time>)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one round, no warm-up, no other tools: whether it works, no figures",
    )
    parser.add_argument("--peers", action="store_true", help="with --quick: other tools nevertheless")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="contenders whose name begins so, and the reference",
    )
    parser.add_argument(
        "--lock", action="store_true", help="resolve the other tools' versions anew, measure nothing"
    )
    _add_options(parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--notebook", metavar="NAME", help="of notebooks, sweep and render (default: 03-train-model)"
    )
    parser.add_argument("--points", type=_at_least_one, metavar="N", help="of the sweep (default: 10)")
    parser.add_argument(
        "--workers", type=_at_least_one, default=2, metavar="N", help="of the sweep (default: 2)"
    )
    parser.add_argument(
        "--grid", action="append", default=[], metavar="NAME=V,V", help="of the sweep, in place of --points"
    )
    parser.add_argument(
        "--executed",
        type=Path,
        metavar="FILE",
        help="what render renders (default: 50 kB of the project's notebooks)",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, and say where the figures are."""
    from operation.engine.benchmarks.benchmark import benchmark
    from operation.engine.benchmarks.figures import new_folder, write_figures
    from operation.engine.benchmarks.voice import Voice

    layout = project()
    if args.lock:
        return _lock(layout)
    wish = _wish(args)
    folder = args.into or new_folder(layout, wish.subjects[0] if len(wish.subjects) == 1 else ALL)
    with _made(folder), _kill_is_interrupt():
        record = benchmark(layout, wish, folder, Voice())
    if args.json:
        write_figures(args.json, record)
    print(f"figures: {layout.relative(folder / 'figures.json')}")
    print(f"report: {layout.relative(folder / 'index.html')}")
    return 0


def _wish(args: argparse.Namespace) -> Wish:
    from operation.engine.benchmarks.benchmark import Wish
    from operation.engine.benchmarks.options import NOTEBOOK, Options

    if args.peers and not args.quick:
        raise UsageError("--peers: other tools take part anyway; it only says something beside --quick.")
    if args.json and not args.json.parent.is_dir():
        raise UsageError(
            f"--json {args.json}: there is no folder {args.json.parent}. Make it, or name another."
        )
    if args.grid and args.points:
        raise UsageError("--points and --grid: give one of them; a grid has as many points as combinations.")
    options = Options(
        notebook=args.notebook or NOTEBOOK,
        points=args.points or (_QUICK_POINTS if args.quick else 10),
        workers=args.workers,
        grid=dict(map(_axis, args.grid)),
        executed=args.executed,
        renders=_QUICK_RENDERS if args.quick else 30,
    )
    return Wish(
        subjects=_subjects(args.subjects),
        count=args.rounds or (1 if args.quick else 5),
        command=shlex.join(["python3", "-m", "operation", *sys.argv[1:]]),
        peers=not args.quick or args.peers,
        warm_up=not args.quick,
        only=args.only,
        options=options,
    )


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make the folder before anything is measured; one that stays empty goes again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--into {folder}: cannot be made: {error.strerror}. Name another folder."
        ) from error
    try:
        yield
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _kill_is_interrupt() -> Iterator[None]:
    """Let SIGTERM, as CI sends it, end what was started and remove the copy, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _subjects(words: list[str]) -> list[str]:
    for word in words:
        if word not in (*_NAMES, ALL):
            known = (*_NAMES, ALL)
            raise UsageError(
                f"there is nothing called '{word}' to measure.{did_you_mean(word, known)} There are "
                f"{listed(known, 'and')}."
            )
    if ALL in words:
        return list(_NAMES)
    return list(dict.fromkeys(words)) or ["notebooks"]


def _axis(text: str) -> tuple[str, list[str]]:
    name, found, values = text.partition("=")
    if not (name and found and all(values.split(","))):
        raise UsageError(f"--grid {text}: expected NAME=VALUE,VALUE, such as --grid learning_rate=0.05,0.1.")
    return name, values.split(",")


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text}")
    return value


def _lock(layout: Layout) -> int:
    from operation.engine.benchmarks.peers import LOCK, resolve

    resolve(layout)
    print(f"wrote {layout.relative(LOCK)}")
    return 0
