"""HTML that others wrote, made fit for a page that stands alone and runs no script but its own.

nh3 (the allow-list sanitiser ammonia) decides what stays and closes every tag; style sheets go through
tinycss2. What is done to the result afterwards rests on one property of what nh3 writes: neither a text nor
an attribute's value holds a bare ``<`` or ``>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from html import escape, unescape
from typing import TYPE_CHECKING

from operation.engine.evidence.reports.styles import clean_declarations, clean_sheet

if TYPE_CHECKING:
    from nh3 import Cleaner

# What nh3 allows by itself, and besides:
_HTML = "address font input label meter progress section tfoot"
_SVG = """svg g path rect circle ellipse line polyline polygon text tspan defs use symbol marker pattern
clipPath linearGradient radialGradient stop"""
_ANYWHERE = """id class style title role lang dir align valign width height color hidden alt
aria-label aria-hidden aria-labelledby"""
_SVG_ATTRIBUTES = """viewBox preserveAspectRatio x y x1 x2 y1 y2 dx dy cx cy r rx ry d points transform fill
fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-dasharray
stroke-miterlimit opacity font-size font-family font-weight text-anchor dominant-baseline offset stop-color
stop-opacity gradientUnits gradientTransform clip-path clip-rule patternUnits markerWidth markerHeight refX
refY orient href xlink:href"""
_ATTRIBUTES = {
    "input": {"type", "checked", "disabled"},
    "label": {"for"},
    "details": {"open"},
    "li": {"value"},
    "font": {"size"},
    "meter": {"value", "min", "max"},
    "progress": {"value", "max"},
}
# Left out with all that they hold; of any other unknown element the text stays.
_WITH_CONTENT = """script style template noscript noembed noframes iframe object textarea select title xmp
plaintext math foreignObject"""

_PAINTED = frozenset({"fill", "stroke", "clip-path"})

_SHEET = re.compile(r"<(/?)style\b([^<>]*)>", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"<(iframe|embed|object|video|audio)\b[^<>]*?\s(?:src|data)\s*=\s*[\"']?([^\"'\s<>]+)", re.IGNORECASE
)
_TAG = re.compile(r"<(/?)(h[1-6]|table|tbody|th|img|input)((?: [^<>]*)?)>")
_ATTRIBUTE = re.compile(r' ([^\s="]+)="([^"]*)"')
_HEADING = re.compile(r"<h([2-6])([^<>]*)>(.*?)</h\1>", re.DOTALL)
_ID = re.compile(r'(<[^<>]*) id="([^"]*)"')

Locate = Callable[[str], str | None]


@dataclass(frozen=True)
class Heading:
    """A heading of the report: where its anchor is and what it says."""

    level: int
    anchor: str
    text: str


@dataclass
class Fragments:
    """What the fragments of one page share: anchors, headings in reading order, style sheets."""

    anchors: set[str] = field(default_factory=set)
    headings: list[Heading] = field(default_factory=list)
    sheets: dict[str, None] = field(default_factory=dict)

    def clean(self, html: str, alt: str = "", locate: Locate = lambda _: None, headings: bool = False) -> str:
        """Return a fragment of any quality as HTML in which nothing acts or loads, every tag closed.

        Parameters
        ----------
        html : str
            The fragment. Its style sheets are kept aside, restricted to outputs and prose.
        alt : str, default ""
            What a picture shows where it does not say so itself.
        locate : callable, default finds nothing
            Gives the ``data:`` address of a picture named by its source, or None.
        headings : bool, default False
            Whether its headings belong to the contents of the page.
        """
        text = html.encode("utf-8", "replace").decode("utf-8")  # half a character pair is no text
        named = _ELSEWHERE.sub(_name_what_is_left_out, self._without_sheets(text))
        fitted = _Fitting(alt, locate).fit(_cleaner().clean(named))
        fitted = _ID.sub(self._without_taken_id, fitted) if ' id="' in fitted else fitted
        return _HEADING.sub(self._anchored, fitted) if headings else fitted

    def _without_sheets(self, html: str) -> str:
        if "<style" not in html.lower():
            return html
        parts, at, opened = [], 0, None
        for tag in _SHEET.finditer(html):
            if not tag[1] and opened is None:
                parts.append(html[at : tag.start()])
                opened = tag
            elif tag[1] and opened is not None:
                if "scoped" not in opened[2]:  # pandas says with it what the page's own style says
                    self.sheets[clean_sheet(html[opened.end() : tag.start()])] = None
                at, opened = tag.end(), None
        return "".join(parts) + ("" if opened else html[at:])

    def _without_taken_id(self, tag: re.Match[str]) -> str:
        taken = tag[2] in self.anchors or tag[2].startswith(("s-", "cell-"))
        return tag[1] if taken else tag[0]

    def _anchored(self, heading: re.Match[str]) -> str:
        text = plain_text(heading[3])
        base = "-".join(re.findall(r"\w+", text.casefold()))[:60] or "section"
        anchor, count = f"s-{base}", 1
        while anchor in self.anchors:
            count += 1
            anchor = f"s-{base}-{count}"
        self.anchors.add(anchor)
        self.headings.append(Heading(int(heading[1]), anchor, text))
        attributes = _ATTRIBUTE.sub(lambda pair: "" if pair[1] == "id" else pair[0], heading[2])
        return f'<h{heading[1]} id="{escape(anchor)}"{attributes}>{heading[3]}</h{heading[1]}>'


def plain_text(html: str) -> str:
    """Return what cleaned HTML says, without its markup.

    >>> plain_text("Late <em>orders</em> &amp; others")
    'Late orders & others'
    """
    return " ".join(unescape(re.sub(r"<[^<>]*>", "", html)).split())


@cache
def _cleaner() -> Cleaner:
    import nh3

    drawing = {name: set(_SVG_ATTRIBUTES.split()) for name in _SVG.split()}
    return nh3.Cleaner(
        tags=(nh3.ALLOWED_TAGS - {"area", "map"}) | {*_HTML.split(), *_SVG.split()},
        attributes={**nh3.ALLOWED_ATTRIBUTES, **drawing, **_ATTRIBUTES, "*": set(_ANYWHERE.split())},
        clean_content_tags=set(_WITH_CONTENT.split()),
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data", "attachment"},
        link_rel=None,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value as it may stay; None drops it."""
    if name == "style":
        return clean_declarations(value)
    address = re.sub(r"[\x00-\x20]", "", value[:40]).lower()
    if name in {"href", "xlink:href"}:
        allowed = not address.startswith(("data:", "attachment:")) if tag == "a" else value.startswith("#")
        return value if allowed else None
    if name == "src" and address.startswith("data:"):
        return value if address.startswith("data:image/") else ""
    if name in _PAINTED and not value.startswith("url(#"):
        return None if "(" in value and not value.startswith("rgb") else value
    return value


def _name_what_is_left_out(tag: re.Match[str]) -> str:
    return _note(tag[1].lower(), unescape(tag[2]), "") + tag[0]


def _note(what: str, source: str, alt: str) -> str:
    words = f"{what} not included" + (f" ({alt})" if alt else "")
    if source.startswith(("http://", "https://")):
        return f'<a class="absent" href="{escape(source)}">{escape(words)}</a>'
    return f'<span class="absent">{escape(f"{words}: {source[:120]}" if source else words)}</span>'


class _Fitting:
    """Fits cleaned HTML into the page: under its ``h1``, readable by a screen reader, pictures embedded."""

    def __init__(self, alt: str, locate: Locate) -> None:
        self.alt, self.locate, self.in_body = alt, locate, False

    def fit(self, html: str) -> str:
        return _TAG.sub(self._tag, html)

    def _tag(self, tag: re.Match[str]) -> str:
        closing, name, attributes = tag.groups()
        if name == "table":
            around = '<div class="scroll" role="group" aria-label="Table" tabindex="0">'
            return f"{tag[0]}</div>" if closing else f"{around}{tag[0]}"
        if name == "h1":
            return f"<{closing}h2{attributes}>"
        if name == "tbody":
            self.in_body = not closing
        elif name == "th" and not closing and ' scope="' not in attributes:
            return f'<th{attributes} scope="{"row" if self.in_body else "col"}">'
        elif name == "img":
            return self._image(dict(_ATTRIBUTE.findall(attributes)))
        elif name == "input":
            return tag[0] if ' type="checkbox"' in attributes else ""
        return tag[0]

    def _image(self, attributes: dict[str, str]) -> str:
        source, own_alt = unescape(attributes.get("src", "")), unescape(attributes.get("alt", ""))
        address = source if source.startswith("data:image/") else self.locate(source)
        if address is None:
            return _note("picture", source, own_alt)
        more = "".join(
            f' {name}="{value}"' for name, value in attributes.items() if name not in {"src", "alt"}
        )
        described = own_alt or ("" if "alt" in attributes else self.alt or "Picture without a description")
        return f'<img src="{escape(address)}" alt="{escape(described)}"{more}>'
