"""The functions of both systems' expressions, by the names and with the arguments of their documentation."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from operation.engine.pipelines.expressions import AZURE, GITHUB, ExpressionError
from operation.engine.pipelines.values import Value, compare, equal, text_of, truth

Function: TypeAlias = Callable[..., Value]
ANY = 99  # arguments


def _shared(dialect: str) -> dict[str, Function]:
    def text(value: Value) -> str:
        return text_of(value, dialect)

    def folded(test: Callable[[str, str], bool]) -> Function:
        return lambda where, what: test(text(where).casefold(), text(what).casefold())

    def contains(where: Value, what: Value) -> bool:
        if isinstance(where, list):
            return dialect == GITHUB and any(equal(member, what, dialect) for member in where)
        return text(what).casefold() in text(where).casefold()

    def filled(pattern: Value, *parts: Value) -> str:
        def part(match: re.Match[str]) -> str:
            if match[0] in {"{{", "}}"}:
                return match[0][0]
            if int(match[1]) >= len(parts):
                raise ExpressionError(f"format: {{{match[1]}}} has no argument")
            return text(parts[int(match[1])])

        return re.sub(r"\{\{|\}\}|\{(\d+)(?::[^}]*)?\}", part, text(pattern))

    return {
        "contains": contains,
        "startsWith": folded(str.startswith),
        "endsWith": folded(str.endswith),
        "format": filled,
    }


def _comparisons(dialect: str, names: str) -> dict[str, Function]:
    """Return what compares two values, by the names of a dialect: eq, ne, lt, le, gt, ge in this order."""

    def ordered(test: Callable[[int], bool]) -> Function:
        def call(left: Value, right: Value) -> bool:
            order = compare(left, right, dialect)
            return order is not None and test(order)

        return call

    functions: list[Function] = [
        lambda left, right: equal(left, right, dialect),
        lambda left, right: not equal(left, right, dialect),
        ordered(lambda order: order < 0),
        ordered(lambda order: order <= 0),
        ordered(lambda order: order > 0),
        ordered(lambda order: order >= 0),
    ]
    return dict(zip(names.split(), functions, strict=True))


def _text(value: Value) -> str:
    return text_of(value, AZURE)


def _is_in(value: Value, first: Value, *more: Value) -> bool:
    return any(equal(value, other, AZURE) for other in (first, *more))


def _contains_value(where: Value, what: Value) -> bool:
    members = where.values() if isinstance(where, Mapping) else where if isinstance(where, list) else ()
    return any(equal(member, what, AZURE) for member in members)


def _join(sign: str, parts: Value, dialect: str) -> str:
    return sign.join(text_of(part, dialect) for part in (parts if isinstance(parts, list) else [parts]))


def _replace(value: Value, old: Value, new: Value) -> str:
    return _text(value).replace(_text(old), _text(new)) if _text(old) else _text(value)


def _split(value: Value, separators: Value) -> list[str]:
    signs = _text(separators)
    return re.split(f"[{re.escape(signs)}]", _text(value)) if signs else [_text(value)]


def _json(value: Value) -> str:
    return json.dumps(value, indent=2)


def _from_json(text: Value) -> Value:
    try:
        return json.loads(text_of(text, GITHUB))
    except ValueError as error:
        raise ExpressionError(f"fromJSON: {error}") from error


FUNCTIONS: dict[str, dict[str, Function]] = {
    AZURE: {
        **_shared(AZURE),
        **_comparisons(AZURE, "eq ne lt le gt ge"),
        "not": lambda value: not truth(value),
        "and": lambda first, second, *more: all(map(truth, (first, second, *more))),
        "or": lambda first, second, *more: any(map(truth, (first, second, *more))),
        "xor": lambda left, right: truth(left) != truth(right),
        "in": _is_in,
        "notIn": lambda value, first, *more: not _is_in(value, first, *more),
        "containsValue": _contains_value,
        "coalesce": lambda first, second, *more: next(
            (value for value in (first, second, *more) if value not in (None, "")), None
        ),
        "iif": lambda condition, yes, no: yes if truth(condition) else no,
        "join": lambda sign, parts: _join(_text(sign), parts, AZURE),
        "split": _split,
        "length": lambda value: len(value if isinstance(value, list | dict) else _text(value)),
        "lower": lambda value: _text(value).lower(),
        "upper": lambda value: _text(value).upper(),
        "trim": lambda value: _text(value).strip(),
        "replace": _replace,
        "convertToJson": _json,
    },
    GITHUB: {
        **_shared(GITHUB),
        **_comparisons(GITHUB, "== != < <= > >="),
        "!": lambda value: not truth(value),
        # they give one of their operands, not true or false
        "&&": lambda left, right: right if truth(left) else left,
        "||": lambda left, right: left if truth(left) else right,
        "join": lambda parts, sign=",": _join(text_of(sign, GITHUB), parts, GITHUB),
        "toJSON": _json,
        "fromJSON": _from_json,
    },
}
# they ask for results of what ran before: whoever evaluates brings them along
STATUS = {
    AZURE: {"always": 0, "canceled": 0, "failed": ANY, "succeeded": ANY, "succeededOrFailed": ANY},
    GITHUB: {"always": 0, "cancelled": 0, "failure": 0, "success": 0},
}
# they exist, and only the real system can answer them
UNCOVERED = {AZURE: ["counter"], GITHUB: ["hashFiles", "case"]}
_SPELLING = {
    dialect: {name.lower(): name for name in (*FUNCTIONS[dialect], *STATUS[dialect], *UNCOVERED[dialect])}
    for dialect in FUNCTIONS
}


def spelling(name: str, dialect: str) -> str:
    """Return the name of a function as its documentation spells it; letter case does not count."""
    return _SPELLING[dialect].get(name.lower(), name)


def arguments_of(name: str, dialect: str) -> tuple[int, int]:
    """Return how many arguments a function takes: at least, and at most (`ANY`)."""
    if name in STATUS[dialect]:
        return 0, STATUS[dialect][name]
    parameters = inspect.signature(FUNCTIONS[dialect][name]).parameters.values()
    is_open = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    least = sum(one.default is one.empty for one in parameters) - is_open
    return least, ANY if is_open else len(parameters)
