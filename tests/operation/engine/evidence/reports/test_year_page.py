"""The page of a played year: a column for each delivery, reasons with their side, and a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.year_page import chart, write_year_page

REASONS = [
    {"name": "age", "side": "for", "text": "the champion is old"},
    {"name": "budget", "side": "against", "text": "spent"},
]
QUALITY = {"in service": 0.7, "never retrained": 0.65, "retrained each time": 0.71}


def period(name: str, **more: Any) -> dict[str, Any]:
    counts = {
        "rows": 1500,
        "known": 3000,
        "left_out": 2,
        "tolerated": 3,
        "findings": ["tailnum: str_matches, 2 rows, warning"],
    }
    drift = {"drift": "drift", "changed": ["feature temp"], "decay": "no drift"}
    decision = {"reasons": REASONS, "decision": "Wait: spent.", "outcome": "waited", "judged": "miss"}
    return {
        "quality": {},
        "gain": None,
        "gate": "",
        "after": None,
        "period": name,
        **counts,
        **drift,
        **decision,
        "had_champion": True,
        **more,
    }


def year(*periods: dict[str, Any]) -> dict[str, Any]:
    summary = {"trainings": 1, "promoted": 1, "judged": {"miss": 1}, "mean": QUALITY}
    names = {"use_case": "flights", "environment": "DEV", "length": "month", "metric": "roc_auc"}
    return {**names, "periods": periods, "summary": summary, "ledger": "c" * 64}


def test_each_delivery_has_a_column(tmp_path: Path) -> None:
    first = period("2013-01", drift="", changed=[], findings=[], had_champion=False)
    second = period("2013-02", quality=QUALITY, gain=[0.01, 0.005, 0.015], outcome="promoted", after=0.72)
    html = write_year_page(tmp_path, year(first, second)).read_text(encoding="utf-8")
    for text in ("2 deliveries, 1 trainings, 1 promoted", "cccccccccc", "feature temp", "2 rows, warning"):
        assert text in html
    assert '<li class="for">the champion is old</li><li class="against">spent</li>' in html
    assert "gain of a new model 0.01000 (0.005000 to 0.01500)" in html
    assert html.count('<th scope="col">2013-') == 2


def test_the_chart_is_to_scale() -> None:
    drawn = chart([period("2013-01"), period("2013-02", quality=QUALITY), period("2013-03", quality=QUALITY)])
    assert drawn
    lines = {line.way: line.dots for line in drawn.lines}
    assert [len(dots) for dots in lines.values()] == [2, 2, 2]
    (_, best, _), (_, worst, _) = lines["retrained each time"][0], lines["never retrained"][0]
    assert (best, worst) == (drawn.ticks[1][0], drawn.ticks[0][0])
    assert lines["in service"][0][2] == "2013-02, in service: 0.7000"
    assert chart([period("2013-01")]) is None
