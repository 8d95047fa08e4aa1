"""The conditions and the order in which MLflow's client asks for runs, models and versions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from operation.emulator.http import HttpError
from operation.emulator.state import Document

_CONDITION = re.compile(
    r"""\s*(?:(?P<kind>\w+)\.)?(?P<quote>[`"]?)(?P<name>[\w./ -]+?)(?P=quote)
    \s*(?P<operator>!=|>=|<=|=|>|<|\bi?like\b|\bin\b)\s*(?P<value>'[^']*'|"[^"]*"|\([^)]*\)|[^\s]+)\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_DATA = {"metric": "metrics", "param": "params", "parameter": "params", "tag": "tags"}


def selected(documents: list[Document], text: str) -> list[Document]:
    """Return the `documents` for which every condition in `text` holds."""
    tests = [_test(condition) for condition in _conditions(text)]
    return [document for document in documents if all(test(document) for test in tests)]


def ordered(documents: list[Document], order: list[str]) -> list[Document]:
    """Return the `documents` as ``["metrics.loss ASC", ...]`` wants them, by default the newest first."""
    sorted_documents = sorted(documents, key=lambda document: -(_value(document, "", "start_time") or 0))
    for clause in reversed(order):
        match = re.fullmatch(
            r"(?:(\w+)\.)?[`\"]?(.+?)[`\"]?(?:\s+(ASC|DESC))?", clause.strip(), re.IGNORECASE
        )
        kind, name, direction = match.groups() if match else ("", clause, None)
        having = [document for document in sorted_documents if _value(document, kind or "", name) is not None]
        rest = [document for document in sorted_documents if document not in having]
        key = _key(kind or "", name)
        sorted_documents = [*sorted(having, key=key, reverse=(direction or "").upper() == "DESC"), *rest]
    return sorted_documents


def _key(kind: str, name: str) -> Callable[[Document], Any]:
    return lambda document: _value(document, kind, name)


def _conditions(text: str) -> list[re.Match[str]]:
    conditions, at = [], 0
    while text[at:].strip():
        match = _CONDITION.match(text, at)
        if not match:
            raise HttpError(f"the filter cannot be read from here on: {text[at:]}", "INVALID_PARAMETER_VALUE")
        conditions.append(match)
        at = match.end()
        joined = re.compile(r"and\b", re.IGNORECASE).match(text, at)
        at = joined.end() if joined else at
    return conditions


def _test(condition: re.Match[str]) -> Callable[[Document], bool]:
    kind, name, word = condition["kind"] or "", condition["name"], condition["operator"].lower()
    literal = condition["value"].strip("'\"")
    if word == "in":
        options = [option.strip().strip("'\"") for option in literal.strip("()").split(",")]
        return lambda document: str(_value(document, kind, name)) in options
    if word.endswith("like"):
        flags = re.IGNORECASE if word == "ilike" else 0
        pattern = re.compile(re.escape(literal).replace("%", ".*").replace("_", "."), flags)
        return lambda document: pattern.fullmatch(str(_value(document, kind, name) or "")) is not None

    def test(document: Document) -> bool:
        current = _value(document, kind, name)
        if current is None:
            return False
        return _OPERATORS[word](current, type(current)(literal))

    return test


def _value(document: Document, kind: str, name: str) -> Any:
    """Return a run's metric, parameter, tag or attribute, or a field of a model; None where there is none."""
    section = _DATA.get(kind.lower().removesuffix("s"))
    if section:
        listed = (document.get("data") or document).get(section) or []
        return next((entry["value"] for entry in listed if entry["key"] == name), None)
    fields = document.get("info") or document
    return fields.get({"created": "start_time", "Created": "start_time"}.get(name, name))
