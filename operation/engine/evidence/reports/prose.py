"""Markdown as HTML, offline: what Jupyter understands, its formulas as MathML, which browsers draw.

Importing this module imports nbconvert's markdown: only the exporter does it.
"""

import base64
import mimetypes
import re
from collections.abc import Mapping
from functools import cache, partial
from html import escape, unescape
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from operation.engine.evidence.reports.markup import Fragments, plain_text

PICTURES = {"image/png", "image/jpeg", "image/gif", "image/svg+xml", "image/webp"}
LARGEST_PICTURE = 2_000_000  # bytes; a larger one is named, not embedded
LARGEST_FORMULA = 10_000  # characters; a longer one is shown as it was written

# latex2mathml knows one environment for aligned lines, and numbers each unless it is starred.
_ALIGNED = re.compile(r"(?<={)(?:align|aligned|gather|gathered|eqnarray|multline)\*?(?=})")
_ENVIRONMENTS = frozenset(
    {"align", "array", "cases", "equation", "split", "smallmatrix"}
    | {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix"}
)
_FUNCTION = re.compile(r"\\(arg)(?![A-Za-z])")  # the one of the usual ones that it does not know
_MACROS = re.compile(r"\\(?:def|newcommand|newenvironment|DeclareMathOperator)\b")
_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z0-9\"'(])")
_TEX = re.compile(r'<code class="tex( display)?">(.*?)</code>', re.DOTALL)


def render(
    source: str,
    fragments: Fragments,
    attachments: Mapping[str, Mapping[str, str]] | None = None,
    folders: tuple[Path, ...] = (),
    headings: bool = True,
) -> str:
    """Return markdown, with ``$...$`` and ``$$...$$`` for mathematics, as self-contained HTML.

    Parameters
    ----------
    source : str
        The markdown.
    fragments : Fragments
        Of the page that it will stand on.
    attachments : mapping, optional
        Pictures that the cell carries: name to media type to base64.
    folders : tuple of Path, default none
        Where pictures named by a relative path are looked for.
    headings : bool, default True
        Whether its headings belong to the contents of the page.
    """
    html = fragments.clean(
        str(_markdown().render(source)),
        alt="Picture without a description",
        locate=partial(_picture, attachments or {}, folders),
        headings=headings,
    )
    return _TEX.sub(lambda tex: as_mathml(unescape(tex[2]), display=bool(tex[1])), html)


def last_sentence(html: str) -> str:
    """Return the last sentence of rendered markdown, without markup.

    >>> last_sentence("<p>We look. Late orders cluster in the <em>evening</em>.</p>")
    'Late orders cluster in the evening.'
    """
    blocks = re.findall(r"<(?:p|li|h[1-6])\b[^<>]*>(.*?)</(?:p|li|h[1-6])>", html, re.DOTALL)
    return _SENTENCE.split(plain_text(blocks[-1]))[-1] if blocks else ""


def as_mathml(tex: str, display: bool) -> str:
    """Return a formula, without its dollar signs, as a ``math`` element; on a line of its own for `display`.

    One that is not fully understood stays TeX, in code style.
    """
    from xml.etree.ElementTree import tostring

    formula = _formula(tex, "block" if display else "inline")
    if formula is None:
        return _tex(tex, display)
    return tostring(formula, encoding="unicode", short_empty_elements=False)


def _formula(tex: str, display: str) -> Any:
    """Return the formula's element, None where a part of it would be lost or wrong."""
    from latex2mathml.converter import convert_to_element

    plain = _FUNCTION.sub(r"\\operatorname{\1}", _ALIGNED.sub("align*", tex))
    environments = set(re.findall(r"\\begin\{(.*?)\}", plain))
    unknown = {name.removesuffix("*") for name in environments} - _ENVIRONMENTS
    braces = re.sub(r"\\.", "", plain, flags=re.DOTALL)
    if unknown or _MACROS.search(plain) or len(plain) > LARGEST_FORMULA or not _balanced(braces):
        return None
    try:
        formula = convert_to_element(plain, display=display)
    except Exception:  # noqa: BLE001  (its errors have no class in common; the formula is shown as it is)
        return None
    for element in formula.iter():
        element.text = unescape(element.text or "")  # it writes signs as character references
        if element.text == "&" or (element.text.startswith("\\") and element.tag != "mtext"):
            return None
        if element.tag in {"mi", "mo"} and re.fullmatch(r"[a-z]{2,}", element.text):  # log x, not logx
            element.tag = "mo"
            element.attrib.update(lspace="0", rspace="0.167em")
        for name in ("href", "style", "class", "id"):
            element.attrib.pop(name, None)
    return formula


def _balanced(tex: str) -> bool:
    depths = list(accumulate(1 if brace == "{" else -1 for brace in re.findall(r"[{}]", tex)))
    return not depths or (min(depths) >= 0 and depths[-1] == 0)


def _tex(tex: str, display: bool) -> str:
    """Write a formula so that it passes the sanitiser; `render` then draws it."""
    return f'<code class="tex{" display" if display else ""}">{escape(tex)}</code>'


@cache
def _markdown() -> Any:
    from mistune import HTMLRenderer
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """Jupyter's renderer, its formulas marked and its pictures left for `render`."""

        image = HTMLRenderer.image

        def inline_math(self, body: str) -> str:
            priced = body != body.strip()  # "$5 and $6" are prices
            return f"${escape(body)}$" if priced else _tex(body, display=False)

        def block_math(self, body: str) -> str:
            return _tex(body.strip(), display=True)

        def latex_environment(self, name: str, body: str) -> str:
            return _tex(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True))


def _picture(
    attachments: Mapping[str, Mapping[str, str]], folders: tuple[Path, ...], source: str
) -> str | None:
    if source.startswith("attachment:"):
        for media, content in attachments.get(source.removeprefix("attachment:"), {}).items():
            return f"data:{media};base64,{content}"
    media_type, _ = mimetypes.guess_type(source)
    if media_type not in PICTURES or "://" in source:
        return None
    for folder in folders:
        path = folder / unquote(source)
        if path.is_file() and path.stat().st_size <= LARGEST_PICTURE:
            return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    return None
