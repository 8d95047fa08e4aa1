"""An executed notebook as one HTML file that needs nothing else: nbconvert with a template of our own."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports import pages
from operation.engine.evidence.reports.cards import cards
from operation.engine.evidence.reports.run_record import NotebookRecord, run_record
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import project
from operation.engine.foundation.quick_imports import without, without_iri_grammar

LONG = 24  # lines of a text output that are shown unfolded
_SERVER = ("nbconvert.postprocessors.serve",)  # shows slides, with a web server of its own
_PAGES = ("run.html.j2", "gallery.html.j2")


def render_notebook(executed: Path, target: Path, run: Mapping[str, object]) -> None:
    """Write the report of an executed notebook: self-contained HTML, replaced in one step.

    Parameters
    ----------
    executed : Path
        The executed notebook; a failed or interrupted one too.
    target : Path
        The report. Its folder exists; an older report is replaced.
    run : mapping
        The run's manifest. The notebook's entry is the one whose name is the stem of `executed`;
        without an entry the report says only what the notebook itself knows.

    Raises
    ------
    WorkbenchError
        `executed` is missing or is not a notebook.
    """
    folders = (executed.parent, project().notebooks)
    pages.write_page(target, as_html(_read(executed), executed.stem, run, folders))


def as_html(notebook: Any, name: str, run: Mapping[str, object], folders: tuple[Path, ...] = ()) -> str:
    """Return the report of a notebook, which is changed.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook.
    name : str
        Of its entry in the manifest.
    run : mapping
        The manifest.
    folders : tuple of Path
        Where pictures that its markdown names are looked for.
    """
    with without_iri_grammar():
        from operation.engine.evidence.reports.cells import prepare

        exporter()
    record = run_record(run)
    unknown = NotebookRecord(name=name, title=name, status="unfinished")
    entry = next((book for book in record.notebooks if book.name == name), unknown)
    steps = record.steps_of(entry)
    resources = {
        "run": record,
        "notebook": entry,
        "outline": prepare(notebook, entry, folders),
        "executed": entry.notebook or f"{name}.ipynb",
        "steps": steps,
        "cards": cards(metric for step in steps for metric in step.measured),
    }
    html, _ = exporter().from_notebook_node(notebook, resources)
    return str(html)


def warm_up() -> None:
    """Import and compile what pages need, while the process waits for a notebook: it takes half a second."""
    with without_iri_grammar():
        import nbformat
    code = {"cell_type": "code", "metadata": {}, "source": "import this", "execution_count": 1}
    table = {"text/html": "<table><tr><td style='width: calc(1px)'>1</td></tr></table>"}
    code["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred"},
        {"output_type": "display_data", "metadata": {}, "data": table},
    ]
    prose = {"cell_type": "markdown", "metadata": {}, "source": "# One\n\n$x$"}
    notebook = nbformat.from_dict({"cells": [prose, code], "metadata": {}})  # type: ignore[no-untyped-call]
    as_html(notebook, "warm", {"status": "running"})
    for name in _PAGES:
        pages.environment().get_template(name)
    from PIL import Image

    Image.init()


@cache
def exporter() -> Any:
    """Return nbconvert's template exporter with the templates of this package.

    It is kept: its imports take longer than many renders. Its preprocessors are off: each would validate the
    notebook again, and none is needed.
    """
    from jinja2 import FileSystemLoader
    from traitlets.config import Config

    from operation.engine.evidence.reports.outputs import PRIORITY

    with without(_SERVER):
        from nbconvert.exporters.templateexporter import TemplateExporter

    own = TemplateExporter(  # type: ignore[no-untyped-call]
        config=Config({"NbConvertBase": {"display_data_priority": list(PRIORITY)}}),
        default_preprocessors=[],
        file_extension=".html",
        template_file="notebook.html.j2",
        extra_loaders=[FileSystemLoader(pages.TEMPLATES)],
        filters={
            "code": _code,
            "terminal": _terminal,
            "long": lambda text: str(text).count("\n") >= LONG,
            "html": pages.as_markup,
            "latex": _latex,
        },
    )
    pages.configure(own.environment)
    return own


def _code(source: str) -> Any:
    """Return Python as a notebook holds it, coloured."""
    from ipython_pygments_lexers import IPython3Lexer
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return pages.as_markup(highlight(source, IPython3Lexer(), HtmlFormatter()))


def _terminal(text: str) -> Any:
    """Return what was written for a terminal, its colours as classes."""
    from nbconvert.filters import ansi2html

    plain = re.sub(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", "", text)  # terminal titles and links
    return pages.as_markup(ansi2html(plain))  # type: ignore[no-untyped-call]


def _latex(source: str) -> Any:
    """Return an output in LaTeX: one formula, or text with formulas in it."""
    from operation.engine.evidence.reports.markup import Fragments
    from operation.engine.evidence.reports.prose import as_mathml, render

    tex = source.strip()
    formula = re.fullmatch(r"(\$\$?)([^$]*)\1", tex)
    if formula or "$" not in tex:
        return pages.as_markup(as_mathml(formula[2].strip() if formula else tex, display=True))
    return pages.as_markup(render(tex, Fragments(), headings=False))


def _read(executed: Path) -> Any:
    import nbformat

    try:
        text = executed.read_text(encoding="utf-8")
        return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise WorkbenchError(f"{executed}: cannot be read: {error.strerror}. Rerun the notebook.") from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise WorkbenchError(f"{executed}: not a notebook ({error}). Rerun the notebook.") from error
