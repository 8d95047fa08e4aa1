"""All notebooks of a use case in this process, cell by cell: what they compute and draw, without kernels.

What a kernel adds (magics, messages, its own working folder, saving) is tested elsewhere; the service of
06-score-realtime is `score.run`, called as the web application calls it.
"""

from __future__ import annotations

import ast
import base64
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from matplotlib.figure import Figure

from operation.engine import configuration
from operation.engine.delivery.serving.local import LocalService
from operation.engine.foundation.layout import Layout
from operation.engine.identity import loading, parser_slice, refusals
from operation.engine.identity.contract import Contract
from operation.engine.identity.notebook_parameters import code_cells
from operation.engine.identity.state import ProjectState
from operation.engine.steps import session
from operation.engine.steps.step import Done, Plan, execute

_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


class CalledService(LocalService):
    """A service without a socket."""

    def __init__(self, model: Any, layout: Layout) -> None:
        self.model = Path(model)
        self._score = loading.load_module(layout.src / "score.py")
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


@contextmanager
def unchanging_code() -> Iterator[None]:
    """Look at the code once: many tables by the same code cost a fifth of what looking each time does.

    What `new use-case` reads, it reads in this process too.
    """
    loaded, scripts = cache(loading.load_module), dict[Path, Any]()

    def called(script: Path, argv: Sequence[str]) -> None:
        loaded(script).main(argv)

    def state(layout: Layout) -> ProjectState:
        made = ProjectState(layout)
        made.script = scripts.setdefault(layout.root, made.script)
        return made

    excluded: dict[Any, set[str]] = {}

    def excluded_by_name(contract: Contract, given: Any, configured: Any) -> set[str]:
        names = (contract.script, *sorted(given), "", *sorted(configured))
        if names not in excluded:
            excluded[names] = refusals.excluded(contract, given, configured)
        return excluded[names]

    steps, identity = "operation.engine.steps", "operation.engine.identity"
    with ExitStack() as stack:
        for name, replacement in {
            f"{identity}.loading.load_module": loaded,
            f"{steps}.runners.load_module": loaded,
            f"{steps}.step.ProjectState": state,
            f"{steps}.session.ProjectState": state,
            f"{steps}.session.excluded": excluded_by_name,
            f"{identity}.state.digests_elsewhere": lambda script, values: {},
            f"{identity}.parser_slice.build_parser": cache(parser_slice.build_parser),
            f"{identity}.loading.refresh_bytecode": lambda folder: None,
            "operation.engine.delivery.scaffolding.reading.run_script": called,
        }.items():
            stack.enter_context(mock.patch(name, replacement))
        yield


@contextmanager
def small_pictures(*, drawn: bool) -> Iterator[None]:
    """Draw pictures of few pixels, or only make the figures and draw nothing: half of the time goes there."""
    savefig = Figure.savefig

    def small(figure: Figure, file: Path | BytesIO, **_: Any) -> None:
        if drawn:
            savefig(figure, file, dpi=20)
        elif isinstance(file, Path):
            file.write_bytes(_PICTURE)
        else:
            file.write(_PICTURE)

    with mock.patch.object(Figure, "savefig", small):
        yield


def run_notebooks(layout: Layout, use_case: str, names: list[str] | None = None) -> None:
    """Execute every cell of the notebooks `names`, of all that the use case has.

    The configuration and what steps gave are looked up once.
    """
    configured = [entry.name for entry in configuration.load("DEV", use_case, layout).notebooks]
    done: dict[str, Done] = {}

    def executed(layout: Layout, planned: Plan, *others: Any) -> Done:
        if planned.fresh or planned.key not in done:
            done[planned.key] = execute(layout, planned, *others)
        return done[planned.key]

    with ExitStack() as stack:
        stack.enter_context(_as_in_a_kernel(layout))
        stack.enter_context(redirect_stdout(StringIO()))
        stack.enter_context(mock.patch.object(configuration, "load", cache(configuration.load)))
        stack.enter_context(mock.patch.multiple(session, execute=executed))
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
