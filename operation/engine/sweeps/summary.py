"""What ``sweep`` prints: the plan, the failures and where to look, the best points."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operation.engine.foundation.layout import Layout
from operation.engine.runs.reuse import Recalled
from operation.engine.runs.summary import failure_line
from operation.engine.sweeps.plan import Sweep

_ROWS = 5  # of the table of the best
_COLUMNS = 3  # metrics in it


def opening_line(sweep: Sweep, workers: int) -> str:
    """Return what is about to happen."""
    configured = sweep.prepared.configured
    at_once = min(workers, len(sweep.points))
    count = f"{len(sweep.points)} point{'' if len(sweep.points) == 1 else 's'}"
    return (
        f"{configured.use_case} in {configured.environment}: {sweep.notebook} at {count}{_merged(sweep)}, "
        f"{at_once} at once"
    )


def plan_lines(sweep: Sweep, recalled: Mapping[int, Recalled]) -> Iterator[str]:
    """Yield the points of a sweep, and which of them were executed before."""
    for point in sweep.points:
        run = recalled[point.number].run if point.number in recalled else ""
        yield f"  {point.number:4}  {point.text}{f'  known: runs/{run}' if run else ''}"
    to_do = len(sweep.points) - len(recalled)
    yield f"{len(sweep.points)} points{_merged(sweep)}; {len(recalled)} known, {to_do} to execute"


def _merged(sweep: Sweep) -> str:
    return f" ({sweep.merged} given twice)" if sweep.merged else ""


def summary_lines(layout: Layout, content: Mapping[str, Any]) -> Iterator[str]:
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
    yield f"{entry['status']}: {_values(entry)}: {failure_line(entry['error'])}"
    report = layout.runs / entry["report"]
    yield f"  report: {layout.relative(report)}"
    if (report.parent / "capsule.zip").exists():
        yield f"  replay: python3 -m operation replay {layout.relative(report.parent / 'capsule.zip')}"
    yield f"  rerun: {entry['command']}"


def _best(content: Mapping[str, Any]) -> Iterator[str]:
    from operation.engine.evidence.reports.wording import number
    from operation.engine.sweeps.results import ordered, shown_metrics

    ranked = ordered(content["points"], content["metric"], content["lower_is_better"])
    metrics = shown_metrics(content)[:_COLUMNS]
    names = [*content["varied"], *(name.partition(".")[2] for name in metrics)]
    rows = [
        [
            *(str(entry["values"][name]) for name in content["varied"]),
            *(number(entry["metrics"].get(name)) for name in metrics),
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
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    again = f", {reused} of them reused" if reused else ""
    hint = (
        "; --retry-failed executes failed points again"
        if "failed" in states and content["status"] == "failed"
        else ""
    )
    return f"{content['status']} in {content['seconds']:.0f} s: {', '.join(counts)}{again}{hint}"
