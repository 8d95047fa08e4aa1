"""Processor time: of the contenders, and of everything else on the machine meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

_STAT = Path("/proc/stat")
_IDLE = (3, 4)  # columns of /proc/stat: idle, and waiting for a disk (proc_stat(5))
_GUEST = 8  # from here on counted in user and nice already


def children() -> float:
    """Return the seconds of all children that have ended, and of theirs; 0 on Windows."""
    times = os.times()
    return times.children_user + times.children_system


def own() -> float:
    """Return the seconds of this process."""
    times = os.times()
    return times.user + times.system


def machine() -> float | None:
    """Return the seconds of all processes since the machine started; None where Linux's /proc is not."""
    try:
        first = _STAT.read_text(encoding="ascii").splitlines()[0].split()[1:]
    except OSError:
        return None
    ticks = sum(int(one) for column, one in enumerate(first[:_GUEST]) if column not in _IDLE)
    return ticks / os.sysconf("SC_CLK_TCK")


def share_of_others(busy: float | None, ours: float, seconds: float) -> float | None:
    """Return which share of the cores others took, from 0 to 1.

    Parameters
    ----------
    busy : float or None
        Seconds of processor time of the whole machine.
    ours : float
        Seconds of it that were this process's and the contender's.
    seconds : float
        How long it took.
    """
    if busy is None or seconds <= 0:
        return None
    return min(1.0, max(0.0, busy - ours) / (seconds * (os.cpu_count() or 1)))
