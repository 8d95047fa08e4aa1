"""Figures of what was measured: medians, spread and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from operation.engine.benchmarks.contender import Comparison, Measured

WIDE = 1.3  # most / least beyond which the spread is worth a word
BUSY = 0.1  # share of the cores that others may take before it is worth a word


def summary(comparison: Comparison, found: Mapping[str, Sequence[Measured]]) -> list[dict[str, Any]]:
    """Return a row for each contender, in their order.

    ``ratio`` is the median's to the reference's median; ``ratios`` are those within each round, from
    ``ratio_least`` to ``ratio_most``. ``cells`` is the time inside the cells of notebooks divided by how many
    are executed at once, and ``rest`` what the median has beside it.
    """
    reference = [one.seconds for one in found[comparison.reference]]
    return [
        {
            "name": one.name,
            "note": one.note,
            **_times([measured.seconds for measured in found[one.name]], reference),
            **_more(found[one.name], one.at_once),
        }
        for one in comparison.contenders
    ]


def _times(seconds: Sequence[float], reference: Sequence[float]) -> dict[str, Any]:
    ratios = [one / other for one, other in zip(seconds, reference, strict=True)]
    return {
        "median": statistics.median(seconds),
        "least": min(seconds),
        "most": max(seconds),
        "ratio": statistics.median(seconds) / statistics.median(reference),
        "ratios": ratios,
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
        "seconds": list(seconds),
    }


def _more(measured: Sequence[Measured], at_once: int) -> dict[str, Any]:
    cells = _median([one.cells for one in measured])
    shared = cells / at_once if cells is not None else None
    middle = statistics.median(one.seconds for one in measured)
    return {
        "cpu": _median([one.cpu for one in measured]),
        "others": max((one.others for one in measured if one.others is not None), default=None),
        "cells": shared,
        "rest": middle - shared if shared is not None else None,
        "kilobytes": _median([one.kilobytes for one in measured]),
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return statistics.median(known) if known else None


def doubts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what speaks against the figures: other work meanwhile, rounds far apart."""
    others = max((row["others"] for row in rows if row["others"] is not None), default=0)
    apart = [row["name"] for row in rows if row["most"] > WIDE * row["least"]]
    found = []
    if others > BUSY:
        found.append(f"other work took up to {others:.0%} of the cores while this was measured")
    if apart:
        found.append(f"slowest round over {WIDE - 1:.0%} above the fastest: {', '.join(apart)}")
    return found
