"""One measurement: prepare, tell how long it will take, measure, write down."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from operation.engine import manifest
from operation.engine.benchmarks import figures
from operation.engine.benchmarks.contender import Comparison, Contender
from operation.engine.benchmarks.machine import unquiet
from operation.engine.benchmarks.options import Options
from operation.engine.benchmarks.page import write_benchmark
from operation.engine.benchmarks.peers import Peers
from operation.engine.benchmarks.plot import write_plots
from operation.engine.benchmarks.rounds import duration, rounds, seconds_left, several
from operation.engine.benchmarks.subjects import SUBJECTS
from operation.engine.benchmarks.table import table
from operation.engine.benchmarks.tools import Tools
from operation.engine.benchmarks.voice import Voice
from operation.engine.benchmarks.workplace import Workplace
from operation.engine.errors import StepFailed, UsageError
from operation.engine.layout import Layout
from operation.engine.nearest import did_you_mean, listed

_DAY = 86_400.0


@dataclass(frozen=True)
class Wish:
    """What is measured, and how.

    Parameters
    ----------
    subjects : sequence of str
        Names of `SUBJECTS`.
    count : int
        Rounds that are kept, 1 or more.
    peers : bool, default=True
        Whether other tools take part.
    warm_up : bool, default=True
        Whether there is a round before, which is not kept.
    only : sequence of str, default=()
        Beginnings of names of contenders; the reference takes part in any case. Empty: all.
    options : Options
        Of the subjects.
    command : str
        The command line, for the record.
    """

    subjects: Sequence[str]
    count: int
    command: str
    peers: bool = True
    warm_up: bool = True
    only: Sequence[str] = ()
    options: Options = field(default_factory=Options)


def benchmark(layout: Layout, wish: Wish, folder: Path, voice: Voice) -> dict[str, Any]:
    """Measure, say what was found, and leave figures, plots and a page in `folder`.

    Returns
    -------
    dict
        The record, as in ``figures.json``; it and the page are written anew after each comparison.

    Raises
    ------
    WorkbenchError
        A contender failed, the peers cannot be installed, or no contender is called so.
    """
    record = {**figures.begin(wish.command, peers=wish.peers), **_commit(layout)}
    record |= {"warm_up": wish.warm_up, "warning": unquiet(record["load_before"])}
    if record["warning"]:
        voice.say(f"warning: {record['warning']}")
    tools_of = _tools(layout, wish, voice)
    with _work(layout) as work:
        for name in wish.subjects:
            subject = SUBJECTS[name]
            voice.say(f"{name}: {subject.summary}")
            if subject.preparation:
                voice.say(f"  preparing, about {duration(subject.preparation)}")
            tools = tools_of(Workplace(layout, work / name))
            for comparison in _chosen(subject.prepare(tools, wish.options), wish):
                _compare(record, comparison, wish, folder, voice)
    return record


def _compare(record: dict[str, Any], comparison: Comparison, wish: Wish, folder: Path, voice: Voice) -> None:
    whole = wish.count + wish.warm_up
    waiting = seconds_left(comparison.contenders, {}, [], whole)
    size = f"{several(wish.count, 'round')} of {several(len(comparison.contenders), 'contender')}"
    voice.say(f"  {comparison.title}: {size}, about {duration(waiting)}")
    found = rounds(comparison, wish.count, voice, warm_up=wish.warm_up)
    figures.add(record, comparison, found)
    latest = record["comparisons"][-1]
    write_plots(folder, latest)
    figures.write_figures(folder / "figures.json", record)
    write_benchmark(folder, record)
    voice.say(f"\n{comparison.title}\n{table(latest['rows'])}\n")


def _tools(layout: Layout, wish: Wish, voice: Voice) -> Callable[[Workplace], Tools]:
    peers = Peers(layout)
    if wish.peers:
        peers.make(voice.say)
    return lambda workplace: Tools(workplace, peers.tools if wish.peers else None)


def _chosen(comparisons: Sequence[Comparison], wish: Wish) -> list[Comparison]:
    """Return the comparisons with the contenders wished for; of several subjects each has its own."""
    if not wish.only:
        return list(comparisons)
    names = list(dict.fromkeys(one.name for each in comparisons for one in each.contenders))
    unknown = [word for word in wish.only if not any(name.startswith(word) for name in names)]
    if unknown and (len(wish.subjects) == 1 or len(unknown) == len(wish.only)):
        raise UsageError(
            f"--only {' '.join(unknown)}: no contender's name begins so.{did_you_mean(unknown[0], names)} "
            f"There are {listed(names, 'and')}."
        )
    return [replace(one, contenders=_kept(one.contenders, tuple(wish.only))) for one in comparisons]


def _kept(contenders: Sequence[Contender], only: tuple[str, ...]) -> list[Contender]:
    return [contenders[0], *(one for one in contenders[1:] if one.name.startswith(only))]


def _commit(layout: Layout) -> Mapping[str, Any]:
    return manifest.commit(layout.root)


@contextmanager
def _work(layout: Layout) -> Iterator[Path]:
    """Make a folder for copies of the project; it stays for a look where a contender failed."""
    folder = Path(tempfile.mkdtemp(dir=_base(layout), prefix="work-"))
    try:
        yield folder
    except StepFailed as error:
        raise StepFailed(f"{error}\n  The project as it was then: {layout.relative(folder)}") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _base(layout: Layout) -> Path:
    """Return where copies of the project are made; those of long ago that failed go."""
    folder = layout.runs / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("work-*"):
        if left.stat().st_mtime < time.time() - _DAY:
            shutil.rmtree(left, ignore_errors=True)
    return folder
