"""Style sheets, style attributes and SVG pictures that others wrote, without what acts or loads."""

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_SCOPE = ":is(.html,.prose)"  # outputs of the notebook, and its text
_NESTING = frozenset({"media", "supports", "container"})
_LOADING = re.compile(r"(?:url|image|image-set|cross-fade|element|src|expression)\(", re.IGNORECASE)
_ACTIVE = frozenset(
    {"script", "foreignobject", "set", "handler", "iframe", "object", "embed", "audio", "video"}
)


@lru_cache(64)  # a library brings the same with each of its outputs
def clean_sheet(css: str) -> str:
    """Return a style sheet restricted to outputs and prose, without imports and addresses.

    >>> clean_sheet("@import 'x'; #t td, p {color: red; background: url(x)}")
    ':is(.html,.prose) #t td,:is(.html,.prose) p{color: red;}'
    """
    from tinycss2 import parse_stylesheet

    # A "<" could end the page's own style element; in CSS its escape means the same.
    rules = parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(map(_rule, rules)).replace("<", "\\3c ")


@lru_cache(2048)
def clean_declarations(css: str) -> str:
    """Return the content of a style attribute without declarations that load something.

    >>> clean_declarations("color: red; background: url(http://a.b/c.png)")
    'color: red;'
    """
    if "(" not in css and "\\" not in css:
        return css
    from tinycss2 import parse_blocks_contents

    return _declarations(parse_blocks_contents(css, skip_comments=True, skip_whitespace=True))


def svg_address(svg: str) -> str:
    """Return a picture as a ``data:`` address, without scripts; empty where it is no SVG.

    A browser runs no script of a picture; what a reader saves or opens by itself has none to run either.
    """
    from xml.etree.ElementTree import ParseError, register_namespace, tostring

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    register_namespace("", "http://www.w3.org/2000/svg")
    register_namespace("xlink", "http://www.w3.org/1999/xlink")
    try:
        root = fromstring(svg)
    except (ParseError, DefusedXmlException, ValueError):
        return ""
    for element in root.iter():
        for child in list(element):
            if _local(child.tag) in _ACTIVE or _local(child.tag).startswith("animate"):
                element.remove(child)
        for name in [name for name in element.attrib if _acts(_local(name), element.attrib[name])]:
            del element.attrib[name]
    return "data:image/svg+xml;base64," + b64encode(tostring(root)).decode("ascii")


def _rule(rule: Any) -> str:
    from tinycss2 import parse_blocks_contents, serialize

    if rule.type == "at-rule" and rule.lower_at_keyword in _NESTING and rule.content is not None:
        inner = parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
        return f"@{rule.lower_at_keyword}{serialize(rule.prelude)}{{{''.join(map(_rule, inner))}}}"
    if rule.type != "qualified-rule" or any(token.type == "error" for token in rule.prelude):
        return ""
    selectors = ",".join(f"{_SCOPE} {selector}" for selector in _selectors(rule.prelude))
    content = _declarations(parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True))
    return f"{selectors}{{{content}}}" if content else ""


def _selectors(prelude: Iterable[Any]) -> list[str]:
    """Return the selectors of a rule, split at the commas that stand in no brackets."""
    from tinycss2 import serialize

    parts: list[list[Any]] = [[]]
    for piece in prelude:
        if piece == ",":
            parts.append([])
        else:
            parts[-1].append(piece)
    return [serialize(part).strip() for part in parts]


def _declarations(content: Iterable[Any]) -> str:
    declarations = [node.serialize().strip() for node in content if node.type == "declaration"]
    return "".join(f"{text};" for text in declarations if not _LOADING.search(text))


def _local(name: object) -> str:
    """Return a name without its namespace; a comment or an instruction has none."""
    return name.rpartition("}")[2].lower() if isinstance(name, str) else "script"


def _acts(name: str, value: str) -> bool:
    return name.startswith("on") or (name == "href" and not value.strip().startswith(("#", "data:image/")))
