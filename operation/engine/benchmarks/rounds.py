"""Interleaved rounds: each contender is measured as often, at the same times, on the same machine."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from operation.engine.benchmarks.contender import Comparison, Contender, Measured
from operation.engine.benchmarks.measuring import measure
from operation.engine.benchmarks.voice import Voice


def rounds(
    comparison: Comparison, count: int, voice: Voice, *, warm_up: bool = True
) -> dict[str, list[Measured]]:
    """Measure each contender once a round, every round in another order.

    Every process starts cold in every round; the round before the first, which is not kept, only brings
    the files of all contenders into the disk's cache.

    Parameters
    ----------
    count : int
        Rounds that are kept, 1 or more.
    voice : Voice
        Told what was measured and about how long the rest takes.
    warm_up : bool, default=True
        Whether there is a round before the first.

    Returns
    -------
    dict
        Contender -> what was measured in each round, in the order of the rounds.
    """
    found: dict[str, list[Measured]] = {one.name: [] for one in comparison.contenders}
    seen: dict[str, list[float]] = {one.name: [] for one in comparison.contenders}
    last = count if warm_up else count - 1
    for number in range(last + 1):
        for position, one in enumerate(order(comparison.contenders, number)):
            title = f"{_title(number, count, warm_up)}: {one.name}"
            voice.now(f"{title} ... about {duration(seconds_left([one], seen, [one], 0))}")
            measured = measure(one, comparison.place(one))
            seen[one.name].append(measured.seconds)
            left = order(comparison.contenders, number)[position + 1 :]
            waiting = seconds_left(comparison.contenders, seen, left, last - number)
            voice.say(f"{title} {_told(measured.seconds)}, {duration(waiting)} left")
            if number or not warm_up:
                found[one.name].append(measured)
    return found


def order(contenders: Sequence[Contender], number: int) -> list[Contender]:
    """Return the contenders as round `number` begins with another one each."""
    shift = number % len(contenders)
    return [*contenders[shift:], *contenders[:shift]]


def seconds_left(
    contenders: Sequence[Contender],
    seen: Mapping[str, Sequence[float]],
    now: Sequence[Contender],
    after: int,
) -> float:
    """Return about how many seconds are left: those of `now`, then `after` whole rounds.

    A contender takes the median of what it took, or what it says that it takes.
    """
    about = {one.name: statistics.median(seen.get(one.name) or [one.about]) for one in contenders}
    return sum(about[one.name] for one in now) + after * sum(about.values())


def duration(seconds: float) -> str:
    """Return a time as a person says it: ``40 s``, ``12 min``."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def several(count: int, thing: str) -> str:
    """Return ``1 round`` or ``5 rounds``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _title(number: int, count: int, warm_up: bool) -> str:
    if warm_up and number == 0:
        return "  warm-up"
    return f"  round {number if warm_up else number + 1} of {count}"


def _told(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
