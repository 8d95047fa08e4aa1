"""nbconvert with templates of our own: made once, kept, since its imports take longer than many renders."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from operation.engine.evidence.reports import pages
from operation.engine.evidence.reports.outputs import PRIORITY
from operation.engine.foundation.quick_imports import without

LONG = 24  # lines of a text output that are shown unfolded
_SERVER = ("nbconvert.postprocessors.serve",)  # shows slides, with a web server of its own


@cache
def exporter() -> Any:
    """Return nbconvert's template exporter with the templates of this package.

    Its preprocessors are off: each one would validate the notebook again, and none is needed.
    """
    from jinja2 import FileSystemLoader
    from traitlets.config import Config

    with without(_SERVER):
        from nbconvert.exporters.templateexporter import TemplateExporter

    made = TemplateExporter(  # type: ignore[no-untyped-call]
        config=Config({"NbConvertBase": {"display_data_priority": list(PRIORITY)}}),
        default_preprocessors=[],
        file_extension=".html",
        template_file="notebook.html.j2",
        extra_loaders=[FileSystemLoader(pages.TEMPLATES)],
        filters={
            "code": _code,
            "terminal": _terminal,
            "long": lambda text: str(text).count("\n") >= LONG,
            "html": _as_markup,
            "latex": _latex,
        },
    )
    pages.configure(made.environment)
    return made


def _as_markup(html: str) -> Any:
    from markupsafe import Markup

    return Markup(html)  # noqa: S704  (cleaned by `Fragments.clean` before)


def _code(source: str) -> Any:
    """Return Python as a notebook holds it, coloured."""
    from ipython_pygments_lexers import IPython3Lexer
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return _as_markup(highlight(source, IPython3Lexer(), HtmlFormatter()))


def _terminal(text: str) -> Any:
    """Return what was written for a terminal, its colours as classes."""
    from nbconvert.filters import ansi2html

    plain = re.sub(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", "", text)  # terminal titles and links
    return _as_markup(ansi2html(plain))  # type: ignore[no-untyped-call]


def _latex(source: str) -> Any:
    """Return an output in LaTeX: one formula, or text with formulas in it."""
    from operation.engine.evidence.reports.markup import Fragments
    from operation.engine.evidence.reports.prose import as_mathml, render

    tex = source.strip()
    formula = re.fullmatch(r"(\$\$?)([^$]*)\1", tex)
    if formula or "$" not in tex:
        return _as_markup(as_mathml(formula[2].strip() if formula else tex, display=True))
    return _as_markup(render(tex, Fragments(), headings=False))
