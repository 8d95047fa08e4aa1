"""The page of a raw table: its deliveries, what each brought, and what differed in its columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.pages import render


def write_deliveries_page(folder: Path, content: Mapping[str, Any], use_case: str) -> Path:
    """Write ``index.html`` from what collect wrote to ``deliveries.json``."""
    totals = {
        name: sum(record[name] for record in content["deliveries"])
        for name in ("rows", "new", "duplicate", "corrected")
    }
    return render(
        "deliveries.html.j2", folder / "index.html", table=content, use_case=use_case, totals=totals
    )
