"""What rendering needs, made ready before there is anything to render."""

from __future__ import annotations

from operation.engine.reports.notebook import as_html
from operation.engine.reports.pages import environment
from operation.engine.reports.quick_imports import without_iri_grammar

_RUN = {"id": "", "status": "running"}
_PAGES = ("run.html.j2", "gallery.html.j2")


def warm_up() -> None:
    """Import and compile what a notebook's report, a run's page and the gallery need.

    It takes half a second, which a process that waits for a notebook has.
    """
    with without_iri_grammar():
        import nbformat.v4 as format4
    code = format4.new_code_cell("import this", execution_count=1)  # type: ignore[no-untyped-call]
    table = {"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1"}
    code.outputs = [
        format4.new_output("stream", text="\x1b[31mred"),  # type: ignore[no-untyped-call]
        format4.new_output("execute_result", table, execution_count=1),  # type: ignore[no-untyped-call]
    ]
    prose = format4.new_markdown_cell("# One\n\nTwo.")  # type: ignore[no-untyped-call]
    notebook = format4.new_notebook(cells=[prose, code])  # type: ignore[no-untyped-call]
    as_html(notebook, "warm", _RUN)
    for name in _PAGES:
        environment().get_template(name)
    from PIL import Image

    Image.init()
