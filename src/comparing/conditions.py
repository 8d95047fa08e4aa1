"""Conditions: limits that a model's own metrics must meet, such as ``roc_auc>=0.6``."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from support import step

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
CONDITION = re.compile(r"\s*([\w.-]+)\s*(>=|<=|>|<)\s*([\w.+-]+)\s*")


def judge(condition: str, metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return what a condition such as ``roc_auc>=0.6`` compares, and whether it holds.

    Raises
    ------
    StepError
        When the condition cannot be read, or names an unknown metric.
    """
    match = CONDITION.fullmatch(condition)
    if not match:
        raise step.StepError(
            f"--conditions: {condition!r} is not a condition, e.g. roc_auc>=0.6 or rmse<baseline_rmse"
        )
    name, sign, limit = match.groups()
    value, bound = _value(name, metrics, condition), _value(limit, metrics, condition)
    return {"condition": condition, "value": value, "limit": bound, "passed": COMPARISONS[sign](value, bound)}


def _value(word: str, metrics: Mapping[str, float], condition: str) -> float:
    """Return the metric that `word` names, or the number that it is."""
    if word in metrics:
        return metrics[word]
    try:
        return float(word)
    except ValueError:
        known = f"{step.nearest(word, metrics)}; the metrics are: {', '.join(sorted(metrics))}"
        raise step.StepError(f"--conditions: {condition!r}: there is no metric {word!r}{known}") from None
