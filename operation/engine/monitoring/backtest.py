"""Would retraining have helped? Two models on the same later rows, and the decisions that they judge."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from operation.engine.foundation.files import read_parquet

QUANTILE = 1.96  # of the normal distribution: an interval of 95 %
HELPED, HARMED, UNCLEAR, UNKNOWN = "helped", "harmed", "no difference shown", "not known yet"
JUDGED = {
    (True, HELPED): "hit",
    (True, HARMED): "harm",
    (False, HELPED): "miss",
    (False, HARMED): "rightly kept",
}


class Gain(NamedTuple):
    """By how much the mean loss of a model is smaller than another's, with its interval of 95 %."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the new model helped, as far as the rows can tell."""
        return HELPED if self.low > 0 else HARMED if self.high < 0 else UNCLEAR


def gain(old: Path, new: Path) -> Gain:
    """Return what a new model gains over an old one, from the reports that evaluate wrote on equal rows."""
    difference = _losses(old) - _losses(new)
    mean = float(difference.mean())
    half = QUANTILE * float(difference.std(ddof=1)) / math.sqrt(len(difference))
    return Gain(mean, mean - half, mean + half)


def _losses(report: Path) -> Any:
    """Return the Brier score of each row, its error for more than two classes, or its squared error."""
    import numpy as np

    table = read_parquet(report / "predictions.parquet")
    if any(str(name).startswith("probability_") for name in table):
        losses = table["predicted"].ne(table["actual"]).to_numpy("float64")
    else:
        losses = (table["predicted"] - table["actual"]).to_numpy("float64") ** 2
    return np.asarray(losses)


def judge(periods: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return of each period's decision what the rows of the next one say of it.

    A hit is a promotion that helped, harm one that made it worse; a miss is a period without a promotion
    after which a new model would have helped.
    """
    judged = []
    for decided, later in zip(periods, [*periods[1:], None], strict=True):
        known = later["gain"] if later else None
        verdict = Gain(*known).verdict if known else UNKNOWN
        promoted = decided["outcome"] == "promoted"
        first = "first model" if promoted else "no model yet"
        judged.append(JUDGED.get((promoted, verdict), verdict) if decided["had_champion"] else first)
    return judged


def summary(periods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how often was trained and promoted, what came of it, and the quality of three ways."""
    outcomes = Counter(period["outcome"] for period in periods)
    ways = {
        way: [period["quality"][way] for period in periods if len(period["quality"]) == 3]
        for way in ("in service", "never retrained", "retrained each time")
    }
    means = {way: math.fsum(values) / len(values) for way, values in ways.items() if values}
    counts = {name: outcomes[name] for name in ("promoted", "rejected", "waited")}
    counts["trainings"] = counts["promoted"] + counts["rejected"]
    return {**counts, "judged": dict(Counter(period["judged"] for period in periods)), "mean": means}


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return a summary in sentences."""
    outcomes = ", ".join(f"{found[name]} {name}" for name in ("promoted", "rejected"))
    judged = ", ".join(f"{count} {name}" for name, count in sorted(found["judged"].items()))
    means = ", ".join(f"{way} {value:.4f}" for way, value in found["mean"].items())
    return [
        f"{found['trainings']} trainings, {outcomes}; judged on the next delivery: {judged}",
        f"mean quality: {means or 'not known'}",
    ]
