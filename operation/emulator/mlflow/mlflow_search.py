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
    tests = [_test(one) for one in _conditions(text)]
    return [one for one in documents if all(test(one) for test in tests)]


def ordered(documents: list[Document], order: list[str]) -> list[Document]:
    """Return the `documents` as ``["metrics.loss ASC", ...]`` wants them, by default the newest first."""
    found = sorted(documents, key=lambda one: -(_value(one, "", "start_time") or 0))
    for clause in reversed(order):
        words = re.fullmatch(
            r"(?:(\w+)\.)?[`\"]?(.+?)[`\"]?(?:\s+(ASC|DESC))?", clause.strip(), re.IGNORECASE
        )
        kind, name, way = words.groups() if words else ("", clause, None)
        known = [one for one in found if _value(one, kind or "", name) is not None]
        rest = [one for one in found if one not in known]
        key = _key(kind or "", name)
        found = [*sorted(known, key=key, reverse=(way or "").upper() == "DESC"), *rest]
    return found


def _key(kind: str, name: str) -> Callable[[Document], Any]:
    return lambda document: _value(document, kind, name)


def _conditions(text: str) -> list[re.Match[str]]:
    found, at = [], 0
    while text[at:].strip():
        match = _CONDITION.match(text, at)
        if not match:
            raise HttpError(f"the filter cannot be read from here on: {text[at:]}", "INVALID_PARAMETER_VALUE")
        found.append(match)
        at = match.end()
        joined = re.compile(r"and\b", re.IGNORECASE).match(text, at)
        at = joined.end() if joined else at
    return found


def _test(condition: re.Match[str]) -> Callable[[Document], bool]:
    kind, name, word = condition["kind"] or "", condition["name"], condition["operator"].lower()
    written = condition["value"].strip("'\"")
    if word == "in":
        options = [one.strip().strip("'\"") for one in written.strip("()").split(",")]
        return lambda document: str(_value(document, kind, name)) in options
    if word.endswith("like"):
        flags = re.IGNORECASE if word == "ilike" else 0
        pattern = re.compile(re.escape(written).replace("%", ".*").replace("_", "."), flags)
        return lambda document: pattern.fullmatch(str(_value(document, kind, name) or "")) is not None

    def test(document: Document) -> bool:
        have = _value(document, kind, name)
        if have is None:
            return False
        return _OPERATORS[word](have, type(have)(written))

    return test


def _value(document: Document, kind: str, name: str) -> Any:
    """Return a run's metric, parameter, tag or attribute, or a field of a model; None where there is none."""
    section = _DATA.get(kind.lower().removesuffix("s"))
    if section:
        listed = (document.get("data") or document).get(section) or []
        return next((one["value"] for one in listed if one["key"] == name), None)
    fields = document.get("info") or document
    return fields.get({"created": "start_time", "Created": "start_time"}.get(name, name))
