"""The page of a sweep: the best point, every point in a table, and how the metric follows each parameter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.evidence.reports import pages, wording
from operation.engine.evidence.reports.charts import Panel, panels
from operation.engine.sweeps.results import as_rows, is_number, ordered, shown_metrics

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
COLUMNS = 6  # metrics with a column of their own; results.csv has all
_ENDED = {"succeeded": "succeeded", "failed": "failed", "interrupted": "interrupted"}


def write_sweep_page(runs: Path, content: Mapping[str, Any]) -> Path:
    """Write ``index.html`` of the sweep with this manifest, and return its path; `runs` holds all runs."""
    folder = runs / "sweeps" / str(content["id"])
    metrics = shown_metrics(content)
    html = (
        _environment()
        .get_template("sweep.html.j2")
        .render(
            sweep=content,
            status=_ENDED.get(str(content["status"]), "unfinished"),
            best=_best(content),
            varied=content["varied"],
            columns=metrics[:COLUMNS],
            rest=len(metrics) - COLUMNS,
            rows=[_row(folder, runs, entry, metrics[:COLUMNS]) for entry in _in_order(content)],
            failures=[
                (entry, _address(folder, runs, entry))
                for entry in content["points"]
                if entry["status"] in ("failed", "rejected")
            ],
            panels=_panels(content),
            provenance=_provenance(content),
        )
    )
    return pages.write_page(folder / "index.html", html)


def _environment() -> Environment:
    """Return the environment of all pages, which looks for templates here too."""
    from jinja2 import ChoiceLoader, FileSystemLoader

    jinja = pages.environment().overlay(
        loader=ChoiceLoader([FileSystemLoader(TEMPLATES), FileSystemLoader(pages.TEMPLATES)])
    )
    jinja.filters = {**jinja.filters, "typed": wording.text}
    jinja.globals = {**jinja.globals, "own_style": _own_style()}
    return jinja


def _own_style() -> Any:
    from markupsafe import Markup

    return Markup((TEMPLATES / "sweep.css").read_text(encoding="utf-8"))  # noqa: S704  (our own file)


def _in_order(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the points, the best first, those without the metric last."""
    ranked = ordered(content["points"], content["metric"] or "", bool(content["lower_is_better"]))
    numbers = {entry["number"] for entry in ranked}
    return [*ranked, *(entry for entry in content["points"] if entry["number"] not in numbers)]


def _best(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((entry for entry in content["points"] if entry["number"] == content["best"]), None)


def _row(folder: Path, runs: Path, entry: Mapping[str, Any], metrics: list[str]) -> dict[str, Any]:
    values = [entry["metrics"].get(name) for name in metrics]
    return {
        "entry": entry,
        "address": _address(folder, runs, entry),
        "metrics": [value if is_number(value) else None for value in values],
    }


def _address(folder: Path, runs: Path, entry: Mapping[str, Any]) -> str:
    """Return the address of a point's report, empty where it has none."""
    if not entry["report"] or not (runs / entry["report"]).is_file():
        return ""
    return Path(os.path.relpath(runs / entry["report"], folder)).as_posix()


def _panels(content: Mapping[str, Any]) -> list[Panel]:
    metric = content["metric"]
    if metric is None:
        return []
    points = [
        (entry["number"], entry["values"], float(entry["metrics"][metric]))
        for entry in content["points"]
        if is_number(entry["metrics"].get(metric))
    ]
    return panels(content["varied"], points, metric, content["best"]) if len(points) > 1 else []


def _provenance(content: Mapping[str, Any]) -> dict[str, str]:
    rows = as_rows(content)
    facts = {
        "sweep": content["id"],
        "identity": content["identity"],
        "commit": content["commit"],
        "configuration": content["configuration_digest"],
        "Python": content["python"],
        "platform": content["platform"],
        "host": content["host"],
        "engine": content["engine"],
        "points at once": content["workers"],
        "points": len(rows),
    }
    return {name: str(value) for name, value in facts.items() if value}
