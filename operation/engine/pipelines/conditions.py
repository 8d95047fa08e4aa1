"""Conditions in words: the same for both systems where they mean the same."""

from __future__ import annotations

from operation.engine.pipelines.expressions import (
    AZURE,
    GITHUB,
    Call,
    Expression,
    ExpressionError,
    Literal,
    parse,
    path_of,
    walk,
)
from operation.engine.pipelines.functions import STATUS, spelling

_WORDS = {
    **{"eq": "is", "==": "is", "ne": "is not", "!=": "is not", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
    **{sign: sign for sign in ("<", "<=", ">", ">=")},
    **{"&&": "and", "||": "or", "and": "and", "or": "or"},
}
_STATUS = {
    **dict.fromkeys(("succeeded", "success"), ""),  # what holds without a condition
    **dict.fromkeys(("failed", "failure"), "something failed"),
    **dict.fromkeys(("canceled", "cancelled"), "it was cancelled"),
    "always": "whatever happened",
    "succeededOrFailed": "it was not cancelled",
}


def describe(condition: str, dialect: str) -> str:
    """Return a condition in words, empty where it is the default: nothing before it failed."""
    if not condition:
        return ""
    try:
        return _words(parse(condition, dialect), dialect)
    except ExpressionError:
        return condition


def asks_status(expression: Expression, dialect: str) -> bool:
    """Return whether a condition asks how what ran before ended: without, GitHub adds ``success()``."""
    calls = [part for part in walk(expression) if isinstance(part, Call)]
    return any(spelling(call.name, dialect) in STATUS[dialect] for call in calls)


def effective(condition: str, dialect: str) -> str:
    """Return the condition that holds where a file has this one, or none."""
    if dialect == AZURE:
        return condition or "succeeded()"
    if not condition:
        return "success()"
    return condition if asks_status(parse(condition, GITHUB), GITHUB) else f"success() && ({condition})"


def _words(expression: Expression, dialect: str) -> str:
    if isinstance(expression, Call):
        return _call_words(expression, dialect)
    path = path_of(expression)
    if path:
        return _path_words(path)
    return str(expression.value) if isinstance(expression, Literal) else "a part of the context"


def _call_words(expression: Call, dialect: str) -> str:
    name = spelling(expression.name, dialect)
    if name in STATUS[dialect]:
        return _STATUS[name]
    parts = [_words(argument, dialect) for argument in expression.arguments]
    if name in {"not", "!"}:
        return "it was not cancelled" if parts == ["it was cancelled"] else f"not {parts[0]}"
    if name in _WORDS:
        return f" {_WORDS[name]} ".join(part for part in parts if part)
    return f"{expression.name}({', '.join(parts)})"


def _path_words(path: tuple[str, ...]) -> str:
    """Return ``decision of DEV`` for an output, however deep the system writes it."""
    root, *rest = path
    if root.lower() in {"dependencies", "needs"} and len(rest) > 1:
        what = rest[-1].rpartition(".")[2] if "outputs" in rest else rest[-1]
        return f"{what} of {rest[0]}"
    if root.lower() == "stagedependencies" and len(rest) > 2:
        return f"{rest[-1].rpartition('.')[2]} of {rest[0]}"
    return ".".join(path)
