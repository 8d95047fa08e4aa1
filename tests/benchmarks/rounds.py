"""Interleaved rounds: every contender once a round, each round begun by another; pyperf keeps the times."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import pyperf

from operation.engine.foundation.children import end

FIGURE = "figure.json"  # where a contender has pyperf measure for it: the median in there counts
_LAST_LINES = 12
_STEERING = ("WORKBENCH_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "LOKY_", "MPLBACKEND")


@dataclass(frozen=True)
class Command:
    """A program with its arguments, its folder, and environment variables beside those of this process."""

    words: Sequence[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """Something that is measured: from the start of its first command to the end of the last.

    Parameters
    ----------
    name : str
        As the table says it.
    commands : callable
        Given an empty folder, returns what is executed.
    at_once : int, default=1
        Commands executed at the same time.
    proof : str, default=""
        Part of the last command's output; without it something else was measured than was meant.
    """

    name: str
    commands: Callable[[Path], Sequence[Command]]
    at_once: int = 1
    proof: str = ""


@dataclass(frozen=True)
class Comparison:
    """Contenders that do the same work; ratios are of the first.

    Parameters
    ----------
    title : str
        What is done.
    contenders : sequence of Contender
        Two or more.
    place : callable
        Undoes what contenders did, and returns an empty folder for the next.
    """

    title: str
    contenders: Sequence[Contender]
    place: Callable[[], Path]


Times = dict[str, list[float]]  # contender -> seconds in each round


class Failed(SystemExit):
    """A contender did not do what is measured: the message says which, and the end of its output."""


def measure(comparison: Comparison, rounds: int, *, warm_up: bool = True) -> tuple[Times, Times]:
    """Return the time that each took, and that of all cores; a round before, not kept, warms the disk."""
    every = comparison.contenders
    times: Times = {contender.name: [] for contender in every}
    cores: Times = {contender.name: [] for contender in every}
    for number in range(rounds + warm_up):
        name = "warm-up" if number < warm_up else f"round {number + 1 - warm_up} of {rounds}"
        first = number % len(every)
        for contender in (*every[first:], *every[:first]):
            folder, before = comparison.place(), _cpu_seconds()
            seconds = _seconds(contender, folder)
            print(f"  {name}: {contender.name} {_written(seconds)}", flush=True)
            times[contender.name] += [seconds] if number >= warm_up else []
            cores[contender.name] += [_cpu_seconds() - before] if number >= warm_up else []
    return times, cores


def _cpu_seconds() -> float:
    """Return the time of all cores that children have taken which have ended."""
    return os.times().children_user + os.times().children_system


def _seconds(contender: Contender, folder: Path) -> float:
    commands, begun = contender.commands(folder), time.perf_counter()
    output = execute(commands, contender.name, contender.at_once)
    seconds = time.perf_counter() - begun
    if contender.proof not in output:
        raise Failed(f"{contender.name}: expected '{contender.proof}' in its output:\n{_end(output)}")
    figure = folder / FIGURE
    return float(pyperf.Benchmark.load(str(figure)).median()) if figure.exists() else seconds


def execute(commands: Sequence[Command], title: str, at_once: int = 1) -> str:
    """Execute commands to their ends and return the last one's output; a failure or an interrupt ends all."""
    processes: list[subprocess.Popen[str]] = []

    def finish(command: Command) -> str:
        with _started(command) as process:
            processes.append(process)
            output, _ = process.communicate()
        if process.returncode:
            words = " ".join(command.words)
            raise Failed(f"{title}: exit code {process.returncode} of: {words}\n{_end(output)}")
        return output

    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(finish, command) for command in commands]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                end(process)
            raise
    return futures[-1].result()


def _started(command: Command) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}
    return subprocess.Popen(
        command.words,
        cwd=command.folder,
        env={**kept, **command.variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def _end(output: str) -> str:
    return "\n".join(f"    {line}" for line in output.strip().splitlines()[-_LAST_LINES:])


def table(times: Times, cores: Times) -> str:
    """Return least, median and most of each contender, the ratio of the medians, and that of each round.

    Before the ratio stands the median of the time of all cores.
    """
    reference, width = next(iter(times.values())), max(map(len, times))
    heads = "".join(f"{head:>11}" for head in ("min", "median", "max", "of CPU", "ratio"))
    lines = [f"{'':<{width}}{heads}   ratio of each round"]
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        shown = (min(seconds), middle, max(seconds), statistics.median(cores[name]))
        each = " ".join(f"{one / other:.2f}" for one, other in zip(seconds, reference, strict=True))
        ratio = middle / statistics.median(reference)
        cells = "".join(f"{_written(value):>11}" for value in shown)
        lines.append(f"{name:<{width}}{cells}{ratio:>11.2f}   {each}")
    return "\n".join(lines)


def _written(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.2f} {unit}"
    return f"{seconds * 1e6:.1f} us"


def as_pyperf(title: str, times: Times) -> list[pyperf.Benchmark]:
    """Return the times as pyperf keeps them: ``python -m pyperf stats`` reads the file, machine included."""
    return [
        pyperf.Benchmark([pyperf.Run([one], metadata={"name": f"{title}: {name}"}) for one in seconds])
        for name, seconds in times.items()
    ]
