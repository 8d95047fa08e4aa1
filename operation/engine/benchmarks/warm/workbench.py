"""``python workbench.py NOTEBOOK COUNT``: the workbench's report."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[4])
    from operation.engine.benchmarks.warm.timing import median_seconds
    from operation.engine.reports import render_notebook

    notebook = Path(sys.argv[1])
    print(
        median_seconds(lambda: render_notebook(notebook, notebook.with_suffix(".html"), {}), int(sys.argv[2]))
    )
