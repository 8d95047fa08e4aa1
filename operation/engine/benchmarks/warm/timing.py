"""Times one function many times; runs in the peers' environment too, so it imports nothing else of ours."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_seconds(render: Callable[[], object], count: int) -> float:
    """Call `render` once, to warm up, then `count` times; return the median in seconds of the latter."""
    render()
    return statistics.median(_once(render) for _ in range(count))


def _once(render: Callable[[], object]) -> float:
    begin = time.perf_counter()
    render()
    return time.perf_counter() - begin
