"""All runs on one page: sortable, filterable, with trends, and any two side by side."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from operation.engine.evidence.reports import wording
from operation.engine.evidence.reports.cards import Card, cards
from operation.engine.evidence.reports.charts import sparkline
from operation.engine.evidence.reports.pages import render
from operation.engine.evidence.reports.run_page import page_status
from operation.engine.evidence.reports.run_record import RunRecord, read_run

COLUMNS = 6  # metrics that get a column of their own
PER_USE_CASE = 4  # of these, at most so many from one use case; and so many trends for each
POINTS = 40  # runs that a trend looks back

_RUN_ID = re.compile(r"\d{8}-\d{6}-.+")


@dataclass(frozen=True)
class Trend:
    """How one metric went over the runs of one use case in one environment."""

    use_case: str
    environment: str
    metric: str
    values: tuple[float, ...]

    @property
    def change(self) -> str:
        """The last value minus the one before."""
        change = self.values[-1] - self.values[-2]
        return f"{change:+,.0f}" if abs(change) >= 100 else f"{change:+.2g}"

    @property
    def description(self) -> str:
        """What the picture shows."""
        low, high = wording.number(min(self.values)), wording.number(max(self.values))
        return f"{self.metric} over {len(self.values)} runs, between {low} and {high}"

    @property
    def picture(self) -> str:
        """The line as the points of an SVG polyline."""
        return sparkline(self.values)


def write_gallery(runs: Path) -> Path:
    """Write ``index.html`` over all runs, newest first, and return its path.

    A run whose manifest is missing or broken is listed and says so.
    """
    runs.mkdir(parents=True, exist_ok=True)
    records = all_runs(runs)
    return render(
        "gallery.html.j2",
        runs / "index.html",
        runs=[(run, page_status(run), (runs / run.id / "index.html").is_file()) for run in records],
        columns=_columns(records),
        trends=_trends(records),
        choices={
            "use case": _distinct(run.use_case for run in records),
            "environment": _distinct(run.environment for run in records),
            "status": _distinct(page_status(run) for run in records),
        },
        compared=[_compared(run) for run in records],
    )


def all_runs(runs: Path) -> list[RunRecord]:
    """Return the record of every run under `runs`, newest first.

    A folder is a run when it is named like one or its manifest says so.
    """
    folders = [
        folder
        for folder in runs.iterdir()
        if not folder.is_symlink()
        and folder.is_dir()
        and (_RUN_ID.fullmatch(folder.name) or (folder / "manifest.json").is_file())
    ]
    # Links must lead to the folder, whatever the manifest calls itself.
    records = [read_run(folder).model_copy(update={"id": folder.name}) for folder in folders]
    return sorted(records, key=lambda run: run.id, reverse=True)


def _distinct(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def _columns(records: list[RunRecord]) -> list[Card]:
    """Return the metrics worth a column: in turn, the first ones of each use case's newest run with any."""
    newest = {run.use_case: run for run in reversed(records) if run.metrics}
    ranked = [
        (rank, metric)
        for use_case in dict.fromkeys(run.use_case for run in records if run.metrics)
        for rank, metric in enumerate(cards(newest[use_case].measured)[:PER_USE_CASE])
    ]
    ranked.sort(key=lambda entry: entry[0])
    return list({metric.full_name: metric for _, metric in ranked}.values())[:COLUMNS]


def _trends(records: list[RunRecord]) -> list[Trend]:
    grouped: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    for run in reversed(records):
        if run.metrics and run.status == "succeeded":
            grouped[run.use_case, run.environment].append(run)
    trends = []
    for (use_case, environment), group in sorted(grouped.items()):
        for metric in cards(group[-1].measured)[:PER_USE_CASE]:
            values = [run.metrics.get(metric.full_name) for run in group[-POINTS:]]
            numbers = tuple(float(value) for value in values if isinstance(value, int | float))
            if len(numbers) > 1:
                trends.append(Trend(use_case, environment, metric.full_name, numbers))
    return trends


def _compared(run: RunRecord) -> dict[str, object]:
    facts = {
        "status": page_status(run),
        "use case": run.use_case,
        "environment": run.environment,
        "started": wording.moment(run.started),
        "duration": wording.duration(run.seconds),
        "commit": wording.short(run.commit) + (" with uncommitted changes" if run.dirty else ""),
        "configuration": wording.short(run.configuration_digest),
        "lock file": wording.short(run.lock_digest),
    }
    return {
        "id": run.id,
        "groups": {
            "Run": facts,
            "Metrics": {name: wording.number(value) for name, value in run.metrics.items()},
            "Parameters": {name: wording.text(value) for name, value in run.parameters.items()},
        },
    }
