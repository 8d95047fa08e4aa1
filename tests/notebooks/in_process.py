"""All notebooks of a use case in this process, cell by cell: what they compute and draw, without kernels.

What a kernel adds (magics, messages, its own working folder, saving) is tested elsewhere; the service of
06-score-realtime is `score.run`, called as the web application calls it.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from operation.engine import configuration
from operation.engine.delivery.serving.local import LocalService
from operation.engine.foundation.layout import Layout
from operation.engine.identity.loading import load_module
from operation.engine.identity.notebook_parameters import code_cells


class CalledService(LocalService):
    """A service without a socket."""

    def __init__(self, model: Any, layout: Layout) -> None:
        self.model = Path(model)
        self._score = load_module(layout.src / "score.py")
        self._score.init(["--model", str(self.model)])

    def stop(self) -> None:
        """Nothing was started."""

    def _post(self, body: str) -> bytes:
        answer: bytes = self._score.run(body).body()
        return answer


def show(value: object) -> None:
    """Draw what a notebook shows, as its front end would ask for it."""
    for form in ("_repr_png_", "_repr_html_", "_repr_markdown_", "_repr_mimebundle_"):
        method = getattr(value, form, None)
        if method is not None and not isinstance(value, type):
            method()
    repr(value)


def _display(*values: object, **_: object) -> None:
    for value in values:
        show(value)


@contextmanager
def _as_in_a_kernel(layout: Layout) -> Iterator[None]:
    hidden = {name: sys.modules.pop(name) for name in ("core",) if name in sys.modules}
    path = list(sys.path)
    sys.path.insert(0, str(layout.notebooks))
    try:
        with mock.patch("IPython.display.display", _display):
            yield
    finally:
        sys.modules.pop("core", None)
        sys.modules.update(hidden)
        sys.path[:] = path


def run_notebooks(layout: Layout, use_case: str, names: list[str] | None = None) -> None:
    """Execute every cell of the notebooks `names`, of all that the use case has."""
    configured = [entry.name for entry in configuration.load("DEV", use_case, layout).notebooks]
    with _as_in_a_kernel(layout), redirect_stdout(StringIO()):
        for name in names or configured:
            _execute(layout.notebooks / f"{name}.ipynb", layout, use_case)


def _execute(path: Path, layout: Layout, use_case: str) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for index, cell, source in code_cells(path):
        tree = ast.parse(source, f"{path.stem}, cell {index}")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, tree_name(path, index), "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= {"use_case": use_case, "environment": "DEV"}
        if "core" in names:
            names["core"].serve = lambda model: CalledService(model, layout)
        if isinstance(last, ast.Expr):
            show(eval(compile(ast.Expression(last.value), tree_name(path, index), "eval"), names))


def tree_name(path: Path, index: int) -> str:
    """Return what a traceback calls a cell."""
    return f"<{path.stem}, cell {index}>"


def metrics_of(layout: Layout) -> list[float]:
    """Return every metric that a step wrote, of all executions."""
    files = layout.store.rglob("metrics.json")
    return [value for file in files for value in json.loads(file.read_text(encoding="utf-8")).values()]
