"""What commands print of a step, a run and a sweep: metrics, failures and where to look, the best points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.layout import Layout

if TYPE_CHECKING:
    from operation.engine.runs.reuse import Recalled
    from operation.engine.sweeps.plan import Sweep

_ROWS = 5  # of the table of the best
_COLUMNS = 3  # metrics in it


def metric_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Return a line for each metric."""
    return [f"  {name:<28} {_metric(value)}" for name, value in sorted(metrics.items())]


def _metric(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"


def failure(error: Mapping[str, Any]) -> str:
    """Return the cell that failed, the place in the sources, and what was raised."""
    count = error["execution_count"]
    cell = f"cell In [{count}]" if count else f"cell {error['cell']}"
    place = f"{error['file']}:{error['line']}" if error["line"] else str(error["file"])
    return f"{cell}, {place}: {error['type']}: {error['message']}"


def opening(sweep: Sweep, workers: int) -> str:
    """Return what is about to happen."""
    configured = sweep.prepared.configured
    at_once = min(workers, len(sweep.points))
    count = f"{len(sweep.points)} point{'' if len(sweep.points) == 1 else 's'}"
    merged = f" ({sweep.merged} asked for twice)" if sweep.merged else ""
    return (
        f"{configured.use_case} in {configured.environment}: {sweep.notebook} at {count}{merged}, "
        f"{at_once} at once"
    )


def planned(sweep: Sweep, found: Mapping[int, Recalled]) -> Iterator[str]:
    """Yield the points of a sweep, and which of them are known."""
    for point in sweep.points:
        run = found[point.number].run if point.number in found else ""
        yield f"  {point.number:4}  {point.text}{f'  known: runs/{run}' if run else ''}"
    merged = f", {sweep.merged} asked for twice" if sweep.merged else ""
    to_do = len(sweep.points) - len(found)
    yield f"{len(sweep.points)} points{merged}; {len(found)} known, {to_do} to execute"


def ending(layout: Layout, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield how a sweep ended: failures first, then the best points, then where the page is."""
    entries = content["points"]
    for entry in entries:
        if entry["status"] in ("failed", "rejected"):
            yield from _failure(layout, entry)
    if content["metric"]:
        yield from _best(content)
    yield _summary(content)
    yield f"report: {layout.relative(layout.runs / 'sweeps' / content['id'] / 'index.html')}"


def _failure(layout: Layout, entry: Mapping[str, Any]) -> Iterator[str]:
    yield f"{entry['status']}: {_values(entry)}: {failure(entry['error'])}"
    report = layout.runs / entry["report"]
    yield f"  look: {layout.relative(report)}"
    if (report.parent / "capsule.zip").exists():
        yield f"  replay: python3 -m operation replay {layout.relative(report.parent / 'capsule.zip')}"
    yield f"  again, alone: {entry['command']}"


def _best(content: Mapping[str, Any]) -> Iterator[str]:
    from operation.engine.evidence.reports.wording import number
    from operation.engine.sweeps.results import ordered, shown_metrics

    ranked = ordered(content["points"], content["metric"], content["lower_is_better"])
    metrics = shown_metrics(content)[:_COLUMNS]
    names = [*content["varied"], *(name.partition(".")[2] for name in metrics)]
    rows = [
        [
            *(str(entry["values"][name]) for name in content["varied"]),
            *(number(entry["metrics"].get(one)) for one in metrics),
        ]
        for entry in ranked[:_ROWS]
    ]
    direction = "lowest" if content["lower_is_better"] else "highest"
    yield f"best by {direction} {content['metric']}:"
    yield from _table(names, rows)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    for row in (names, *rows):
        yield "  " + "  ".join(f"{word:>{width}}" for word, width in zip(row, widths, strict=True))


def _values(entry: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in entry["values"].items())


def _summary(content: Mapping[str, Any]) -> str:
    entries = content["points"]
    states = [entry["status"] for entry in entries]
    reused = sum(entry["how"] == "reused" for entry in entries)
    counts = [f"{states.count(one)} {one}" for one in dict.fromkeys(states)]
    again = f", {reused} of them known before" if reused else ""
    hint = (
        "; --retry-failed executes again what failed"
        if "failed" in states and content["status"] == "failed"
        else ""
    )
    return f"{content['status']} in {content['seconds']:.0f} s: {', '.join(counts)}{again}{hint}"
