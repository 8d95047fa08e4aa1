"""A reader of pages that sees what a browser sees, and would fetch."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr", "circle", "polyline"})
LOADING = {"src", "srcset", "poster", "background", "data", "xlink:href", "action"}


@dataclass
class Element:
    """One start tag."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page:
    """What a page holds, in reading order, and what would load when it is opened."""

    elements: list[Element] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    styles: str = ""

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    @property
    def text(self) -> str:
        return " ".join(element.text for element in self.elements if element.tag not in {"script", "style"})

    def loading(self) -> list[str]:
        """Return every reference that a browser would fetch by itself."""
        found = [
            f"{element.tag} {name}={value[:60]}"
            for element in self.elements
            for name, value in element.attributes.items()
            if (name in LOADING or (name == "href" and element.tag not in {"a", "area"}))
            and not value.startswith(("data:", "#"))
        ]
        styles = self.styles + "".join(element.attributes.get("style", "") for element in self.elements)
        return found + [word for word in ("@import", "url(", "image-set(") if word in styles.lower()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page, self.open = Page(), list[Element]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.page.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self.page.problems.append(f"</{tag}> at {self.getpos()} closes nothing")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        if self.open and self.open[-1].tag == "style":
            self.page.styles += data


def read_page(html: str) -> Page:
    """Return what the page holds; its problems name tags that were never closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.page.problems += [f"<{element.tag}> is never closed" for element in reader.open]
    return reader.page


def read(path: Path) -> Page:
    """Return what the page in a file holds."""
    return read_page(path.read_text(encoding="utf-8"))
