"""Reports are rendered in a thread: while the next notebook executes in its process, this one has time."""

import copy
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self


class Rendering:
    """Renders executed notebooks in the order given; its end waits for the last, and raises errors."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "rendering")
        self._pages: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def warm_up(self) -> None:
        """Make ready in the background what rendering needs, once."""
        if not self._pages:
            self._pages.append(self._thread.submit(_import))

    def render(self, executed: Path, target: Path, run: Mapping[str, Any]) -> None:
        """Render a notebook with the run's manifest as it stands now."""
        arguments = (executed.absolute(), target.absolute(), copy.deepcopy(run))
        self._pages.append(self._thread.submit(_render, *arguments))

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown()
        for page in self._pages:
            page.result()


def _import() -> None:
    from operation.engine.evidence.reports.notebook import warm_up

    warm_up()


def _render(executed: Path, target: Path, run: Mapping[str, Any]) -> None:
    from operation.engine.evidence.reports.notebook import render_notebook
    from operation.engine.evidence.reports.thumbnails import thumbnails

    render_notebook(executed, target, run)
    thumbnails([executed])  # kept for the page of the run
