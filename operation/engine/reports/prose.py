"""Markdown as HTML, offline: what Jupyter understands, without MathJax.

Importing this module imports nbconvert's markdown: only the exporter does it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import cache, partial
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from operation.engine.reports.markup import Anchors, self_contained
from operation.engine.reports.mathematics import as_mathml

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
LARGEST_PICTURE = 2_000_000  # bytes; a larger one is named, not embedded

_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z0-9\"'(])")


def render(
    source: str,
    anchors: Anchors,
    attachments: Mapping[str, Mapping[str, str]] | None = None,
    folders: tuple[Path, ...] = (),
) -> str:
    """Return markdown as self-contained HTML.

    Parameters
    ----------
    source : str
        The markdown, with ``$...$`` and ``$$...$$`` for mathematics.
    anchors : Anchors
        Where headings are noted.
    attachments : mapping, optional
        Pictures that the cell carries: name to media type to base64.
    folders : tuple of Path, default none
        Where pictures named by a relative path are looked for.
    """
    return self_contained(
        str(_markdown().render(source)),
        alt="Picture without a description",
        locate=partial(_picture, attachments or {}, folders),
        anchors=anchors,
    )


def last_sentence(html: str) -> str:
    """Return the last sentence of rendered markdown, without markup.

    >>> last_sentence("<p>We look. Late orders cluster in the <em>evening</em>.</p>")
    'Late orders cluster in the evening.'
    """
    blocks = re.findall(r"<(?:p|li|h[1-6])\b[^>]*>(.*?)</(?:p|li|h[1-6])>", html, re.DOTALL)
    words = " ".join(unescape(re.sub(r"<[^>]*>", "", blocks[-1])).split()) if blocks else ""
    return _SENTENCE.split(words)[-1]


@cache
def _markdown() -> Any:
    from mistune import HTMLRenderer
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """Jupyter's renderer, its mathematics as MathML, its pictures left for `self_contained`."""

        image = HTMLRenderer.image

        def inline_math(self, body: str) -> str:
            priced = body != body.strip()  # "$5 and $6" are prices
            return f"${escape(body)}$" if priced else as_mathml(body, display=False)

        def block_math(self, body: str) -> str:
            return _block(body)

        def multiline_math(self, text: str) -> str:
            return _block(text)

        def latex_environment(self, name: str, body: str) -> str:
            return as_mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True))


def _block(body: str) -> str:
    return as_mathml(body.strip().strip("$").strip(), display=True)


def _picture(
    attachments: Mapping[str, Mapping[str, str]], folders: tuple[Path, ...], source: str
) -> str | None:
    if source.startswith("attachment:"):
        for media, content in attachments.get(source.removeprefix("attachment:"), {}).items():
            return f"data:{media};base64,{content}"
    media = PICTURES.get(Path(source).suffix.lower(), "")
    if not media or "://" in source:
        return None
    for folder in folders:
        path = folder / unquote(source)
        if path.is_file() and path.stat().st_size <= LARGEST_PICTURE:
            return f"data:{media};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    return None
