"""A trend in the space of a word."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 120, 30, 3


def sparkline(values: Sequence[float]) -> str:
    """Return `values` as the points of an SVG polyline, in a box of 120 by 30.

    Parameters
    ----------
    values : sequence of float
        Two or more numbers, oldest first. Equal ones give a level line.

    Examples
    --------
    >>> sparkline([0.0, 1.0])
    '3.0,27.0 117.0,3.0'
    """
    low, high = min(values), max(values)
    across, span = (WIDTH - 2 * MARGIN) / (len(values) - 1), high - low
    return " ".join(
        f"{MARGIN + across * at:.1f},{_height((value - low) / span if span else 0.5):.1f}"
        for at, value in enumerate(values)
    )


def _height(share: float) -> float:
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)
