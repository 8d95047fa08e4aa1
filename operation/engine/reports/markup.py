"""HTML that others wrote, made fit for a page that stands alone.

Outputs of notebooks and raw HTML in markdown are rewritten while they are read: what would load something
from elsewhere becomes a link, tags that were left open are closed, tables and pictures get what a screen
reader needs, headings are fitted under the page's own ``h1``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

_VOID = "area base br col embed hr img input link meta param source track wbr"
VOID = frozenset(_VOID.split())
# They load, or send the reader elsewhere, by being there.
DROPPED = frozenset({"base", "embed", "frame", "frameset", "iframe", "link", "meta", "object", "portal"})
# Browsers read on as plain text after these, past the end of the fragment.
SWALLOWING = frozenset({"noembed", "noframes", "plaintext", "xmp"})
# A page that closes these too early or opens them twice is no longer the page.
DOCUMENT = frozenset({"html", "head", "body", "main"})
LOADING = frozenset({"src", "srcset", "imagesrcset", "poster", "background", "data", "xlink:href"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})

_NAME = re.compile(r"[a-z_@:][\w@:.-]*")
_IMPORT = re.compile(r"@import\b[^;]*;?", re.IGNORECASE)
_URL = re.compile(r"url\(\s*(?!['\"]?\s*(?:data:|#))[^)]*\)", re.IGNORECASE)
_IMAGE_SET = re.compile(r"(?:-webkit-)?image-set\([^;}]*", re.IGNORECASE)

Locate = Callable[[str], str | None]


@dataclass(frozen=True)
class Heading:
    """A heading of the report: where its anchor is and what it says."""

    level: int
    anchor: str
    text: str


@dataclass
class Anchors:
    """Anchors given so far, so that each is given once; and the headings in reading order."""

    taken: set[str] = field(default_factory=set)
    headings: list[Heading] = field(default_factory=list)

    def claim(self, anchor: str) -> bool:
        """Take `anchor`; False when it is taken already."""
        free = anchor not in self.taken
        self.taken.add(anchor)
        return free

    def give(self, text: str) -> str:
        """Return an anchor that reads like `text` and is not taken yet."""
        base = "-".join(re.findall(r"\w+", text.casefold()))[:60] or "section"
        anchor, count = f"s-{base}", 1
        while anchor in self.taken:
            count += 1
            anchor = f"s-{base}-{count}"
        self.taken.add(anchor)
        return anchor


def self_contained(
    html: str, alt: str = "", locate: Locate = lambda _: None, anchors: Anchors | None = None
) -> str:
    """Return `html` with nothing in it that loads from elsewhere, every tag closed.

    Parameters
    ----------
    html : str
        A fragment of HTML, of any quality.
    alt : str, default ""
        What a picture shows where it does not say so itself.
    locate : callable, default finds nothing
        Gives the ``data:`` address of a picture named by its source, or None.
    anchors : Anchors, optional
        Where headings are noted and get their anchor; without it headings get none.
    """
    rewriter = _Rewriter(alt, locate, anchors)
    rewriter.feed(html)
    rewriter.close()
    return rewriter.finished()


def quiet_style(css: str) -> str:
    """Return `css` without imports and without addresses that load."""
    return _IMAGE_SET.sub("none", _URL.sub("none", _IMPORT.sub("", css)))


class _Rewriter(HTMLParser):
    def __init__(self, alt: str, locate: Locate, anchors: Anchors | None) -> None:
        super().__init__(convert_charrefs=False)
        self.alt, self.locate, self.anchors = alt, locate, anchors
        self.out: list[str] = []
        self.open: list[str] = []
        self.heading: tuple[int, int] | None = None  # where its start tag stands in `out`, its level
        self.muted = ""  # the element whose content is left out

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.muted or tag in DOCUMENT | SWALLOWING or not _NAME.fullmatch(tag):
            return
        given = {name: value or "" for name, value in attrs}
        source = given.get("src", given.get("data", given.get("href", "")))
        if tag in DROPPED or (tag == "script" and source):
            self._drop(tag, source)
        elif tag == "style" and "scoped" in given:
            self.muted = tag  # pandas says with it what the page's own style says
        elif tag == "img":
            self._image(given)
        else:
            self._start(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.muted:
            self.muted = "" if tag == self.muted else self.muted
            return
        tag = _fitted(tag)
        if tag not in self.open:
            return
        while self._close() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.muted:
            return
        inside = self.open[-1] if self.open else ""
        if inside == "style":
            self.out.append(quiet_style(data))
        elif inside == "script":
            self.out.append(data.replace("<!--", "<\\!--"))  # a browser would look for the comment's end
        else:
            self.out.append(data.replace("<", "&lt;").replace(">", "&gt;"))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def finished(self) -> str:
        while self.open:
            self._close()
        return "".join(self.out)

    def _start(self, tag: str, given: dict[str, str]) -> None:
        level = int(tag[1]) if tag in HEADINGS else 0
        tag = _fitted(tag)
        if level:
            given.pop("id", None)
            self.heading = (len(self.out), max(level, 2))
        if given.get("id") and self.anchors and not self.anchors.claim(given["id"]):
            del given["id"]
        if tag == "table":
            given.pop("border", None)
            self.out.append('<div class="scroll" role="group" aria-label="Table" tabindex="0">')
        if tag == "th" and "scope" not in given:
            given["scope"] = "row" if "tbody" in self.open else "col"
        self.out.append(_tag(tag, _quiet(tag, given)))
        if tag not in VOID:
            self.open.append(tag)

    def _close(self) -> str:
        tag = self.open.pop()
        if tag in HEADINGS and self.heading and self.anchors:
            self._anchor(self.anchors, *self.heading)
        self.out.append(f"</{tag}></div>" if tag == "table" else f"</{tag}>")
        return tag

    def _anchor(self, anchors: Anchors, place: int, level: int) -> None:
        words = _plain(re.sub(r"<[^>]*>", "", "".join(self.out[place + 1 :])))
        anchor = anchors.give(words)
        anchors.headings.append(Heading(level, anchor, words))
        self.out[place] = self.out[place].replace(">", f' id="{escape(anchor)}">', 1)
        self.heading = None

    def _image(self, given: dict[str, str]) -> None:
        source = given.get("src", "")
        if not source.startswith("data:"):
            found = self.locate(source)
            if found is None:
                self._note("picture", source, given.get("alt", ""))
                return
            given["src"] = found
        given.setdefault("alt", self.alt or "Picture without a description")
        self.out.append(_tag("img", _quiet("img", given)))

    def _drop(self, tag: str, source: str) -> None:
        if source and tag not in {"base", "link", "meta"}:
            self._note(tag, source, "")
        if tag not in VOID:
            self.muted = tag

    def _note(self, what: str, source: str, says: str) -> None:
        words = f"{what} not part of this page" + (f" ({says})" if says else "")
        if source.startswith(("http://", "https://")):
            self.out.append(f'<a class="absent" href="{escape(source)}">{escape(words)}</a>')
        else:
            self.out.append(f'<span class="absent">{escape(words)}: {escape(source[:120])}</span>')


def _fitted(tag: str) -> str:
    return "h2" if tag == "h1" else tag


def _plain(words: str) -> str:
    return " ".join(unescape(words).split())


def _quiet(tag: str, given: dict[str, str]) -> dict[str, str]:
    return {
        name: quiet_style(value) if name == "style" else value
        for name, value in given.items()
        if _NAME.fullmatch(name) and not _loads(tag, name, value.strip().lower())
    }


def _loads(tag: str, name: str, address: str) -> bool:
    """Tell whether an attribute loads something, or acts, without being asked to."""
    if name == "href" and tag in {"a", "area"}:
        return address.startswith("javascript:")
    if name in LOADING or name == "href":
        return not address.startswith(("data:", "#"))
    return name in {"ping", "scoped", "autofocus", "http-equiv"}


def _tag(tag: str, attributes: dict[str, str]) -> str:
    words = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{words}>"
