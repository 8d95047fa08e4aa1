"""nbconvert with templates of our own: made once, kept, since its imports take longer than many renders."""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from operation.engine.reports import pages
from operation.engine.reports.cells import LONG
from operation.engine.reports.quick_imports import without

_SERVER = ("nbconvert.postprocessors.serve",)  # shows slides, with a web server of its own
_LEXERS = "IPython.lib.lexers"
PRIORITY = (
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/latex",
    "text/plain",
)


@cache
def exporter() -> Any:
    """Return nbconvert's template exporter with the templates of this package.

    Its preprocessors are off: each one would validate the notebook again, and none is needed.
    """
    from jinja2 import FileSystemLoader
    from traitlets.config import Config

    with without(_SERVER):
        from nbconvert.exporters.templateexporter import TemplateExporter
        from nbconvert.filters import Highlight2HTML

    highlight = Highlight2HTML(pygments_lexer="ipython3")  # type: ignore[no-untyped-call]
    made = TemplateExporter(  # type: ignore[no-untyped-call]
        config=Config({"NbConvertBase": {"display_data_priority": list(PRIORITY)}}),
        default_preprocessors=[],
        file_extension=".html",
        template_file="notebook.html.j2",
        extra_loaders=[FileSystemLoader(pages.TEMPLATES)],
        filters={
            "code": _marked(highlight),
            "terminal": _terminal,
            "long": lambda text: str(text).count("\n") >= LONG,
            "svg_address": _svg_address,
            "html": _as_markup,
            "formula": _formula,
        },
    )
    pages.furnish(made.environment)
    return made


def _as_markup(html: str) -> Any:
    from markupsafe import Markup

    return Markup(html)  # noqa: S704  (rewritten by `markup.self_contained` before)


def _marked(highlight: Any) -> Any:
    def marked(source: str) -> Any:
        with _lexers_alone():
            return _as_markup(highlight(source))

    return marked


@contextmanager
def _lexers_alone() -> Iterator[None]:
    """Find IPython's lexers where IPython takes them from: all of it would be imported for two classes."""
    import importlib

    if "IPython" in sys.modules:
        yield
        return
    sys.modules[_LEXERS] = importlib.import_module("ipython_pygments_lexers")
    try:
        yield
    finally:
        del sys.modules[_LEXERS]


def _terminal(text: str) -> Any:
    """Return what was written for a terminal, its colours as classes."""
    from nbconvert.filters import ansi2html

    plain = re.sub(r"\x1b\][^\x07]*\x07", "", text)  # terminal titles and links
    return _as_markup(ansi2html(plain))  # type: ignore[no-untyped-call]


def _svg_address(svg: str) -> str:
    return "data:image/svg+xml;base64," + b64encode(svg.encode("utf-8", "replace")).decode("ascii")


def _formula(tex: str) -> Any:
    from operation.engine.reports.mathematics import as_mathml

    return _as_markup(as_mathml(tex.strip().strip("$").strip(), display=True))
