"""The catalogue of feature tables: what they are, what was materialised, which models use them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration, feature_tables
from operation.engine.evidence.reports.pages import render
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout

OUTPUT, MODEL = "feature-tables", "model"


def catalogue(layout: Layout, environment: str | None) -> list[dict[str, Any]]:
    """Return all feature tables: definition, where they are used, what was made of them, and models."""
    entries, cases = list(_entries(layout)), feature_tables.readable_use_cases(layout, environment)
    return [_described(layout, cases, name, entries) for name in feature_tables.names(layout)]


def write_catalogue_page(layout: Layout, tables: list[dict[str, Any]]) -> Path:
    """Write ``runs/features/index.html``."""
    return render("features.html.j2", layout.runs / "features" / "index.html", tables=tables)


def _described(
    layout: Layout, cases: list[Configuration], name: str, entries: list[tuple[Path, dict[str, Any]]]
) -> dict[str, Any]:
    made = list(_made(name, entries))
    return {
        **feature_tables.definition(layout, name),
        "file": layout.relative(layout.features / f"{name}.yml"),
        "uses": [vars(use) for use in feature_tables.uses(cases, layout, name)],
        "materialised": made[0] if made else None,
        "models": list(_models(name, entries)),
    }


def _entries(layout: Layout) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the folders of all executions in the store with their records, the latest first."""
    records = [(file.parent, manifest.read(file)) for file in layout.store.glob("*/manifest.json")]
    found = [(folder, record) for folder, record in records if record]
    yield from sorted(found, key=lambda entry: str(entry[1].get("started")), reverse=True)


def _made(name: str, entries: list[tuple[Path, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for folder, record in entries:
        facts = _read(folder / OUTPUT / name / "definition.json")
        if facts:
            started, key = record.get("started"), record.get("key")
            yield {"rows": facts["rows"], "digest": facts["digest"], "at": started, "key": key}


def _models(name: str, entries: list[tuple[Path, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield the models in the store that were trained with a feature table."""
    for folder, record in entries:
        facts = _read(folder / MODEL / "model.json") or {}
        for one in facts.get("feature_tables", {}).get("tables", []):
            if one["name"] == name:
                used = {"version": one["version"], "table": one["digest"], "columns": one["columns"]}
                yield {"step": record["step"], "model": facts["digest"], "at": record.get("started"), **used}


def _read(file: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content
