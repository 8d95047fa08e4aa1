"""The page of a raw table: its deliveries, what each brought, and what its schema found in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.charts import Tick, thinned
from operation.engine.evidence.reports.pages import render

LATEST = 12  # deliveries whose failing checks are listed side by side
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 170, 52, 26, 8  # of the chart of violations
LONGEST = 12  # characters of a name below the chart; else its deliveries are named by their times
VERDICTS = ("failure", "warning", "tolerated")  # the worst first
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """One delivery in the chart of violations."""

    x: float
    y: float
    width: float
    height: float
    verdict: str  # the worst of its checks
    title: str


def write_deliveries_page(folder: Path, content: Mapping[str, Any], use_case: str) -> Path:
    """Write ``index.html`` from what collect wrote to ``deliveries.json``."""
    deliveries: list[Record] = content["deliveries"]
    names = ("rows", "new", "duplicate", "corrected", "violations", "quarantined")
    checked = [record for record in deliveries if "checks" in record]
    return render(
        "deliveries.html.j2",
        folder / "index.html",
        table=content,
        use_case=use_case,
        totals={name: sum(record.get(name, 0) for record in deliveries) for name in names},
        checked=checked,
        bars=_bars(checked),
        most=max(map(_share, checked), default=0.0),
        ticks=_ticks(checked),
        latest=checked[-LATEST:],
        failing=_failing(checked[-LATEST:]),
    )


def _share(record: Record) -> float:
    """Return the share of a delivery's rows that fail a check."""
    return float(record["rows_with_violations"] / (record["rows"] + record["quarantined"]))


def _slot(count: int) -> float:
    return (WIDTH - LEFT) / max(count, 1)


def _bars(deliveries: Sequence[Record]) -> list[Bar]:
    slot, most = _slot(len(deliveries)), max(map(_share, deliveries), default=0.0)
    bars = []
    for number, record in enumerate(deliveries):
        share, found = _share(record), {check["verdict"] for check in record["checks"]}
        height = (HEIGHT - BOTTOM - TOP) * share / most if most else 0.0
        verdict = next((verdict for verdict in VERDICTS if verdict in found), "none")
        title = f"{record['delivery']}: {record['rows_with_violations']} rows ({share:.2%}), {verdict}"
        left = LEFT + slot * (number + 0.15)
        bars.append(Bar(left, HEIGHT - BOTTOM - height, 0.7 * slot, height, verdict, title))
    return bars


def _ticks(deliveries: Sequence[Record]) -> list[Tick]:
    slot = _slot(len(deliveries))
    names = [str(record["delivery"]) for record in deliveries]
    if max(map(len, names), default=0) > LONGEST:
        names = [str(record["known_since"])[:10] for record in deliveries]
    return thinned([(LEFT + slot * (number + 0.5), name) for number, name in enumerate(names)])


def _failing(deliveries: Sequence[Record]) -> list[tuple[str, str, str, list[Record | None]]]:
    """Return column, check and reason of all that fails, and of each delivery what failed it."""
    of_delivery = [
        {(check["column"], check["check"], check["reason"]): check for check in record["checks"]}
        for record in deliveries
    ]
    kinds = dict.fromkeys(kind for checks in of_delivery for kind in checks)
    return [(*kind, [checks.get(kind) for checks in of_delivery]) for kind in kinds]
