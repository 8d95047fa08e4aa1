"""The functions of both systems' expressions: by name, with how many arguments they take."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from operation.engine.pipelines.expressions import AZURE, GITHUB, ExpressionError
from operation.engine.pipelines.values import Value, compare, equal, text_of, truth

ANY = 99  # arguments


@dataclass(frozen=True)
class Function:
    """A function of one dialect."""

    least: int
    most: int
    call: Callable[[Sequence[Value]], Value]


def _format(dialect: str) -> Callable[[Sequence[Value]], str]:
    def call(values: Sequence[Value]) -> str:
        pattern, *parts = values

        def part(match: re.Match[str]) -> str:
            if match[0] in {"{{", "}}"}:
                return match[0][0]
            number = int(match[1])
            if number >= len(parts):
                raise ExpressionError(f"format: {{{number}}} has no argument")
            return text_of(parts[number], dialect)

        return re.sub(r"\{\{|\}\}|\{(\d+)(?::[^}]*)?\}", part, text_of(pattern, dialect))

    return call


def _contains(dialect: str) -> Callable[[Sequence[Value]], bool]:
    def call(values: Sequence[Value]) -> bool:
        where, what = values
        if isinstance(where, list):
            return dialect == GITHUB and any(equal(member, what, dialect) for member in where)
        return text_of(what, dialect).casefold() in text_of(where, dialect).casefold()

    return call


def _affix(dialect: str, test: Callable[[str, str], bool]) -> Callable[[Sequence[Value]], bool]:
    return lambda values: test(*(text_of(value, dialect).casefold() for value in values))


def _ordered(dialect: str, test: Callable[[int], bool]) -> Callable[[Sequence[Value]], bool]:
    def call(values: Sequence[Value]) -> bool:
        order = compare(values[0], values[1], dialect)
        return order is not None and test(order)

    return call


def _join(values: Sequence[Value]) -> str:
    separator, parts = values
    return text_of(separator, AZURE).join(
        text_of(part, AZURE) for part in (parts if isinstance(parts, list) else [parts])
    )


def _github_join(values: Sequence[Value]) -> str:
    parts = values[0] if isinstance(values[0], list) else [values[0]]
    separator = text_of(values[1], GITHUB) if len(values) > 1 else ","
    return separator.join(text_of(part, GITHUB) for part in parts)


def _coalesce(values: Sequence[Value]) -> Value:
    return next((value for value in values if value not in (None, "")), None)


def _members(value: Value) -> list[Value]:
    return list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []


def _split(values: Sequence[Value]) -> list[str]:
    text, separators = (text_of(value, AZURE) for value in values)
    return re.split(f"[{re.escape(separators)}]", text) if separators else [text]


def _replace(values: Sequence[Value]) -> str:
    text, old, new = (text_of(value, AZURE) for value in values)
    return text.replace(old, new) if old else text


def _from_json(values: Sequence[Value]) -> Value:
    try:
        return json.loads(text_of(values[0], GITHUB))
    except ValueError as error:
        raise ExpressionError(f"fromJSON: {error}") from error


def _comparisons(dialect: str) -> dict[str, Function]:
    return {
        "eq": Function(2, 2, lambda values: equal(values[0], values[1], dialect)),
        "ne": Function(2, 2, lambda values: not equal(values[0], values[1], dialect)),
        "lt": Function(2, 2, _ordered(dialect, lambda order: order < 0)),
        "le": Function(2, 2, _ordered(dialect, lambda order: order <= 0)),
        "gt": Function(2, 2, _ordered(dialect, lambda order: order > 0)),
        "ge": Function(2, 2, _ordered(dialect, lambda order: order >= 0)),
        "not": Function(1, 1, lambda values: not truth(values[0])),
        "contains": Function(2, 2, _contains(dialect)),
        "startswith": Function(2, 2, _affix(dialect, str.startswith)),
        "endswith": Function(2, 2, _affix(dialect, str.endswith)),
        "format": Function(1, ANY, _format(dialect)),
    }


def _azure(value: Value) -> str:
    return text_of(value, AZURE)


FUNCTIONS: dict[str, dict[str, Function]] = {
    AZURE: {
        **_comparisons(AZURE),
        "and": Function(2, ANY, lambda values: all(truth(value) for value in values)),
        "or": Function(2, ANY, lambda values: any(truth(value) for value in values)),
        "xor": Function(2, 2, lambda values: truth(values[0]) != truth(values[1])),
        "in": Function(2, ANY, lambda values: any(equal(values[0], value, AZURE) for value in values[1:])),
        "notin": Function(2, ANY, lambda values: not any(equal(values[0], v, AZURE) for v in values[1:])),
        "containsvalue": Function(
            2, 2, lambda values: any(equal(member, values[1], AZURE) for member in _members(values[0]))
        ),
        "coalesce": Function(2, ANY, _coalesce),
        "iif": Function(3, 3, lambda values: values[1] if truth(values[0]) else values[2]),
        "join": Function(2, 2, _join),
        "split": Function(2, 2, _split),
        "length": Function(
            1,
            1,
            lambda values: len(values[0]) if isinstance(values[0], list | dict) else len(_azure(values[0])),
        ),
        "lower": Function(1, 1, lambda values: _azure(values[0]).lower()),
        "upper": Function(1, 1, lambda values: _azure(values[0]).upper()),
        "trim": Function(1, 1, lambda values: _azure(values[0]).strip()),
        "replace": Function(3, 3, _replace),
        "converttojson": Function(1, 1, lambda values: json.dumps(values[0], indent=2)),
    },
    GITHUB: {
        **_comparisons(GITHUB),
        # GitHub's operators give one of their operands, not true or false
        "and": Function(2, 2, lambda values: values[1] if truth(values[0]) else values[0]),
        "or": Function(2, 2, lambda values: values[0] if truth(values[0]) else values[1]),
        "join": Function(1, 2, _github_join),
        "tojson": Function(1, 1, lambda values: json.dumps(values[0], indent=2)),
        "fromjson": Function(1, 1, _from_json),
    },
}
# they ask for results of what ran before: whoever evaluates brings them along
STATUS = {
    AZURE: {"always": 0, "canceled": 0, "failed": ANY, "succeeded": ANY, "succeededorfailed": ANY},
    GITHUB: {"always": 0, "cancelled": 0, "failure": 0, "success": 0},
}
# for messages: as their documentation spells them
SPELLINGS = {
    AZURE: [
        "and",
        "or",
        "xor",
        "not",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "in",
        "notIn",
        "contains",
        "containsValue",
        "startsWith",
        "endsWith",
        "format",
        "coalesce",
        "iif",
        "join",
        "split",
        "length",
        "lower",
        "upper",
        "trim",
        "replace",
        "convertToJson",
        "always",
        "canceled",
        "failed",
        "succeeded",
        "succeededOrFailed",
    ],
    GITHUB: [
        "contains",
        "startsWith",
        "endsWith",
        "format",
        "join",
        "toJSON",
        "fromJSON",
        "always",
        "cancelled",
        "failure",
        "success",
    ],
}
# they exist, and only the real system can answer them
UNCOVERED = {AZURE: ["counter"], GITHUB: ["hashFiles", "case"]}
