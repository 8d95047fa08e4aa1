"""The little of OData that the SDK filters lists with."""

import operator as operators
import re
from collections.abc import Callable, Mapping
from typing import Any

from operation.emulator.http import Call, HttpError

Document = Mapping[str, Any]
Test = Callable[[Document], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<join>and|or)\b
    |(?P<field>(?:Tags|Properties)/.+?|[\w./:@-]+)\s+(?P<operator>eq|ne|ge|gt|le|lt)\s+(?P<value>"[^"]*"|'[^']*'|.+?)(?=\s+(?:and|or)\s|\)|$))""",
    re.VERBOSE | re.IGNORECASE,
)


def matches(expression: str | None) -> Test:
    """Return the test that `expression` asks for; nothing asked for is always true."""
    if not expression:
        return lambda _: True
    tokens, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if not token:
            raise HttpError(f"the filter cannot be read from here on: {text[at:]}")
        tokens.append(token)
        at = token.end()
    return _any(tokens[::-1])


def _any(tokens: list[re.Match[str]]) -> Test:
    tests = [_all(tokens)]
    while tokens and (tokens[-1]["join"] or "").lower() == "or":
        tokens.pop()
        tests.append(_all(tokens))
    return lambda document: any(test(document) for test in tests)


def _all(tokens: list[re.Match[str]]) -> Test:
    tests = [_one(tokens)]
    while tokens and (tokens[-1]["join"] or "").lower() == "and":
        tokens.pop()
        tests.append(_one(tokens))
    return lambda document: all(test(document) for test in tests)


def _one(tokens: list[re.Match[str]]) -> Test:
    if not tokens or not (tokens[-1]["open"] or tokens[-1]["field"]):
        raise HttpError("the filter ends where a condition is expected")
    token = tokens.pop()
    if token["open"]:
        inside = _any(tokens)
        if tokens:
            tokens.pop()  # the closing one
        return inside
    return _condition(token["field"], token["operator"].lower(), token["value"])


def _condition(field: str, operator: str, literal: str) -> Test:
    value = None if literal == "null" else literal.strip("\"'")
    if operator == "ne" and value is None:  # "exists", which the SDK writes as "ne null or eq null"
        return lambda document: _has(document, field)
    if operator == "eq" and value is None:
        return lambda document: field_value(document, field) is None and "/" not in field

    def test(document: Document) -> bool:
        current = field_value(document, field)
        return current is not None and _compared(str(current), operator, str(value))

    return test


def _has(document: Document, field: str) -> bool:
    """Return whether there is such a field; a tag without a value is there too."""
    head, _, rest = field.partition("/")
    return rest in (field_value(document, head) or {}) if rest else field_value(document, head) is not None


def _compared(current: str, operator: str, value: str) -> bool:
    if "T" in current and re.match(r"\d{4}-\d\d-\d\d \d", value):
        value = value.replace(" ", "T", 1)
    return bool(getattr(operators, operator)(current, value))


def field_value(document: Document, field: str) -> Any:
    """Return what `document` holds under ``Field`` or ``Field/name``; the field counts in any case."""
    head, _, rest = field.partition("/")
    values = {name.lower(): value for name, value in document.items()}
    value = values.get(head.lower())
    return (value or {}).get(rest) if rest else value


def page(call: Call, documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what of `documents` the query asks for, the newest first unless it says otherwise."""
    query = call.parameters
    test = matches(query.get("filter") or query.get("$filter"))
    matching = [document for document in documents if test(document)][::-1]
    start = int(query.get("continuationToken") or query.get("$continuationToken") or 0)
    top = int(query.get("top") or query.get("$top") or 100)
    token = str(start + top) if start + top < len(matching) else None
    return {"value": matching[start : start + top], "continuationToken": token, "nextLink": None}


def names(body: Any) -> list[str]:
    """Return the names that a request to delete tags lists."""
    return list((body.get("tags") if isinstance(body, dict) else body) or [])
