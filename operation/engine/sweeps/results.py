"""What the points gave: metrics, the best of them, and tables of both for other programs."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.cards import Card, cards
from operation.engine.evidence.reports.step_record import Metric
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.files import replacing
from operation.engine.foundation.nearest import did_you_mean, nearest
from operation.engine.foundation.secrets import masked

Steps = Sequence[Mapping[str, Any]]

# names of what is better the smaller it is; all other metrics are better the larger they are
_LOWER = re.compile(
    r"(^|_)(error|errors|loss|brier|mae|mse|rmse|mape|smape|rmsle|msle|deviance|seconds|latency|crps|pinball)($|_)"
)


def metrics_of(points: Mapping[int, Steps]) -> dict[int, dict[str, Any]]:
    """Return ``step.metric`` -> value for each point, given the records of its steps.

    A notebook may call a step twice, say for the model and for one to compare it with. The first call
    counts, but one whose key no other point shares counts before those that all of them share.
    """
    keys = [{step["key"] for step in steps} for steps in points.values()]
    shared = set.intersection(*keys) if len(keys) > 1 else set()
    return {number: _metrics(steps, shared) for number, steps in points.items()}


def _metrics(steps: Steps, shared: set[str]) -> dict[str, Any]:
    chosen: dict[str, Mapping[str, Any]] = {}
    for step in sorted(steps, key=lambda step: step["key"] in shared):
        if step["how"] != "failed":
            chosen.setdefault(step["step"], step)
    order = list(dict.fromkeys(step["step"] for step in steps))
    return {
        f"{name}.{metric}": value
        for name in order
        if name in chosen
        for metric, value in chosen[name]["metrics"].items()
    }


def ranking(entries: Sequence[Mapping[str, Any]], requested: str | None) -> dict[str, Any]:
    """Return the metric by which points are ranked, its direction, and the number of the best point.

    `requested` is ``roc_auc`` or ``evaluate.roc_auc``; by default the metric that a report shows first among
    those that differ between the points.
    """
    done = [entry for entry in entries if entry["status"] == "succeeded" and entry["metrics"]]
    metric = _named(done, requested) if requested else _default(done)
    if metric is None:
        return {"metric": None, "lower_is_better": None, "best": None}
    lower = is_lower_better(metric)
    ranked = ordered(done, metric, lower)
    best = ranked[0]["number"] if ranked else None
    return {"metric": metric, "lower_is_better": lower, "best": best}


def ordered(entries: Sequence[Mapping[str, Any]], metric: str, lower: bool) -> list[Mapping[str, Any]]:
    """Return the entries that have `metric`, the best first; of equal ones that with the lower number."""
    having = [entry for entry in entries if is_number(entry["metrics"].get(metric))]
    sign = 1 if lower else -1
    return sorted(having, key=lambda entry: (sign * entry["metrics"][metric], entry["number"]))


def is_lower_better(metric: str) -> bool:
    """Tell by its name whether a metric is better the smaller it is.

    >>> is_lower_better("evaluate.log_loss"), is_lower_better("evaluate.roc_auc")
    (True, False)
    """
    return _LOWER.search(metric.rpartition(".")[2]) is not None


def is_number(value: object) -> bool:
    """Tell whether a metric can be ranked and drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _named(done: Sequence[Mapping[str, Any]], requested: str) -> str | None:
    known = {name for entry in done for name in entry["metrics"]}
    return next((name for name in sorted(known) if requested in (name, name.partition(".")[2])), None)


def unknown_metric(entries: Sequence[Mapping[str, Any]], requested: str) -> UsageError | None:
    """Return the error for when no point that succeeded has the metric `requested`."""
    done = [entry for entry in entries if entry["metrics"]]
    if not done or _named(done, requested):
        return None
    known = sorted({name for entry in done for name in entry["metrics"]})
    close = nearest(requested, [name.partition(".")[2] for name in known])
    hint = f" Did you mean '{close}'?" if close else did_you_mean(requested, known)
    return UsageError(f"--metric {requested}: no point has this metric.{hint} There are: {', '.join(known)}.")


def _default(done: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the metric that is given with an interval, else a score of the last step that measured one.

    One that is the same at all points ranks none of them, and is the last choice.
    """
    if not done:
        return None
    first = done[0]["metrics"]
    measured = [Metric(*_split(name), value) for name, value in first.items()]
    candidates = [card for card in cards(measured) if is_number(card.value)]
    steps = list(dict.fromkeys(metric.step for metric in measured))

    def rank(card: Card) -> tuple[bool, bool, bool, int]:
        same = len({entry["metrics"].get(card.full_name) for entry in done}) == 1
        count = float(card.value or 0).is_integer()
        return same, f"{card.full_name}_low" not in first, count, -steps.index(card.step)

    return min(candidates, key=rank).full_name if candidates else None


def _split(name: str) -> tuple[str, str]:
    step, _, metric = name.partition(".")
    return step, metric


def shown_metrics(content: Mapping[str, Any]) -> list[str]:
    """Return the metrics of a sweep's manifest that are numbers: its own first, then those that differ."""
    points = [entry["metrics"] for entry in content["points"] if entry["metrics"]]
    names = dict.fromkeys(name for metrics in points for name in metrics if is_number(metrics[name]))
    differ = {name for name in names if len({metrics.get(name) for metrics in points}) > 1}
    own = content["metric"]
    step = own.partition(".")[0] if own else ""
    return sorted(names, key=lambda name: (name != own, name not in differ, name.partition(".")[0] != step))


def write_results(folder: Path, content: Mapping[str, Any]) -> None:
    """Write ``results.csv`` and ``results.json``: one row for each point of a sweep's manifest."""
    rows = as_rows(content)
    manifest.write(folder / "results.json", {"id": content["id"], "rows": rows})
    with replacing(folder / "results.csv") as partial:
        partial.write_text(masked(as_csv(rows)), encoding="utf-8", newline="")


def as_rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one flat row for each point of a sweep's manifest: values, status, seconds, metrics, report."""
    metrics = list(dict.fromkeys(name for entry in content["points"] for name in entry["metrics"]))
    return [
        {
            "point": entry["number"],
            **{f"parameter.{name}": value for name, value in entry["values"].items()},
            "status": entry["status"],
            "seconds": entry["seconds"],
            **{name: entry["metrics"].get(name) for name in metrics},
            "report": entry["report"],
        }
        for entry in content["points"]
    ]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows with the same names as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
