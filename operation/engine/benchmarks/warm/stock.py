"""``python stock.py NOTEBOOK COUNT``: nbconvert's own exporter, kept between renders."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[4])
    from nbconvert import HTMLExporter

    from operation.engine.benchmarks.warm.timing import median_seconds

    notebook = Path(sys.argv[1])
    exporter = HTMLExporter()  # type: ignore[no-untyped-call]

    def render() -> None:
        """Read, render and write, as nbconvert's command line does for each of its notebooks."""
        body, _ = exporter.from_filename(str(notebook))
        notebook.with_suffix(".html").write_text(body, encoding="utf-8")

    print(median_seconds(render, int(sys.argv[2])))
