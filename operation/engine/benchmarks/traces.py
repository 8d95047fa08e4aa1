"""What executed notebooks and reports tell of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def cell_seconds(files: Iterable[Path]) -> float | None:
    """Return the seconds that the notebooks among `files` spent in their cells; None when none says it."""
    found = [
        float(cell["metadata"]["papermill"]["duration"])
        for path in _distinct(files, ".ipynb")
        for cell in _cells(path)
        if cell.get("metadata", {}).get("papermill", {}).get("duration") is not None
    ]
    return sum(found) if found else None


def page_kilobytes(files: Iterable[Path]) -> float | None:
    """Return the size of the pages among `files` in 1000 bytes; None without any."""
    pages = _distinct(files, ".html")
    return sum(path.stat().st_size for path in pages) / 1000 if pages else None


def _distinct(files: Iterable[Path], suffix: str) -> list[Path]:
    return sorted({path.resolve() for path in files if path.suffix == suffix})


def _cells(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return list(content.get("cells", []))
