"""Executed notebooks and manifests made on the spot."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

RUN_ID = "20261122-134501-flights-DEV-3f2a"


def png(width: int = 8, height: int = 6) -> str:
    """Return a PNG of one colour as base64."""
    content = io.BytesIO()
    Image.new("RGB", (width, height), "#17656e").save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode("ascii")


def markdown(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def code(
    source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = (), count: int | None = 1
) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags), "papermill": {"duration": 1.25}},
        "source": source,
        "outputs": list(outputs),
        "execution_count": count,
    }


def shown(data: dict[str, str], **metadata: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def raised(name: str = "KeyError", value: str = "'carrier'") -> dict[str, Any]:
    traceback = [f"\x1b[31m{name}\x1b[0m  Traceback", f"\x1b[0;31m{name}\x1b[0m: {value}"]
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": traceback}


TABLE = """<div>
<style scoped>.dataframe tbody tr th { vertical-align: top; }</style>
<table border="1" class="dataframe">
<thead><tr style="text-align: right;"><th></th><th>late</th></tr></thead>
<tbody><tr><th>UA</th><td>0.196</td></tr></tbody></table><p>1 rows × 1 columns</p></div>"""


def example_cells() -> list[dict[str, Any]]:
    return [
        markdown("# How late?\n\nBefore modelling we look."),
        code("rows: int = 10", tags=("parameters",)),
        code("rows = 5", tags=("injected-parameters",)),
        markdown("## By hour\n\nDelays build up. In the evening one in three is late."),
        code("draw()", shown({"image/png": png(), "text/plain": "<Figure size 640x480 with 1 Axes>"})),
        markdown("### By carrier"),
        code("table", shown({"text/html": TABLE, "text/plain": "late"})),
        code("talk()", stream("line\n" * 40), stream("careful\n", "stderr")),
        markdown("## Conclusions\n\nThe hour says most: $\\hat{p} = \\frac{1}{2}$."),
    ]


FAILURE = {
    "type": "KeyError",
    "message": "'carrier'",
    "file": "src/evaluate.py",
    "line": 41,
    "notebook": "01-explore-data",
    "cell": 9,
    "execution_count": 7,
    "traceback": "Traceback (most recent call last)",
}


def manifest(**changes: Any) -> dict[str, Any]:
    """Return the manifest of a run of one notebook and two steps."""
    step: dict[str, Any] = {
        "script": "src/x.py",
        "argv": [],
        "outputs": {},
        "error": None,
        "notebook": "01-explore-data",
    }
    scores = {"roc_auc": 0.7012, "roc_auc_low": 0.68, "roc_auc_high": 0.72, "baseline_roc_auc": 0.62}
    return {
        "schema": 1,
        "kind": "run",
        "id": RUN_ID,
        "status": "succeeded",
        "use_case": "flights",
        "environment": "DEV",
        "description": "Will a flight arrive 15 or more minutes late?",
        "commit": "4e06e32c0ffee0123456789abcdef0123456789a",
        "dirty": False,
        "configuration_digest": "c" * 64,
        "lock_digest": "d" * 64,
        "python": "3.11.9",
        "platform": "Linux",
        "host": "build-7",
        "command": "python3 -m operation run",
        "started": "2026-11-22T13:45:01+00:00",
        "ended": "2026-11-22T13:45:48+00:00",
        "seconds": 47.2,
        "notebooks": [
            {
                "name": "01-explore-data",
                "title": "How late?",
                "status": "succeeded",
                "notebook": "notebooks/01-explore-data.ipynb",
                "report": "01-explore-data.html",
                "parameters": {"rows": 5},
                "started": "2026-11-22T13:45:02+00:00",
                "seconds": 11.4,
                "cells": [{"index": 4, "seconds": 0.5}],
                "steps": ["ingest", "evaluate"],
                "error": None,
            }
        ],
        "steps": [
            {
                **step,
                "step": "ingest",
                "key": "a" * 64,
                "how": "reused",
                "seconds": 0.1,
                "metrics": {"rows": 5},
            },
            {
                **step,
                "step": "evaluate",
                "key": "b" * 64,
                "how": "executed",
                "seconds": 3.1,
                "metrics": scores,
            },
        ],
        "metrics": {"ingest.rows": 5, **{f"evaluate.{name}": value for name, value in scores.items()}},
        "error": None,
        **changes,
    }


def failed_manifest() -> dict[str, Any]:
    """Return the manifest of a run whose only notebook failed in its tenth cell."""
    failed = manifest(status="failed", error=FAILURE)
    failed["notebooks"][0] |= {"status": "failed", "error": FAILURE}
    return failed


def failed_cells() -> list[dict[str, Any]]:
    return [
        *example_cells(),
        code("slices(by='carrier')", raised(), count=7),
        code("print('never')", count=None),
    ]


@dataclass(frozen=True)
class Run:
    """A run's folder with its executed notebook."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def notebook(self) -> Path:
        return self.folder / "notebooks" / "01-explore-data.ipynb"


def write_notebook(path: Path, cells: list[dict[str, Any]]) -> Path:
    named = [{"id": f"c{index}", **cell} for index, cell in enumerate(cells)]
    document = {"cells": named, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
