"""Values of expressions: how each system compares them and turns one kind into another."""

from __future__ import annotations

import json
import math
from typing import Any, TypeAlias

from operation.engine.pipelines.expressions import AZURE, ExpressionError

Value: TypeAlias = Any  # a scalar, a list or a mapping by text


def truth(value: Value) -> bool:
    """Return whether a condition with this value holds: every text but the empty one does."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(value, list | dict) or bool(value)


def text_of(value: Value, dialect: str) -> str:
    """Return a value as text: Azure writes ``True``, GitHub ``true``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value) if dialect == AZURE else str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, list | dict):
        return json.dumps(value) if dialect == AZURE else "Array" if isinstance(value, list) else "Object"
    return str(value)


def equal(left: Value, right: Value, dialect: str) -> bool:
    """Return whether two values are equal; letter case does not count."""
    if dialect == AZURE:
        right = _as_kind_of(left, right)
        if right is _IMPOSSIBLE:
            return False
    elif type(left) is not type(right):
        left, right = _number(left), _number(right)
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return left is right
    return bool(left == right)


def compare(left: Value, right: Value, dialect: str) -> int | None:
    """Return a number below, at or above 0; None where two values cannot be ordered.

    Raises
    ------
    ExpressionError
        In Azure, when the right value cannot be made one of the left one's kind.
    """
    if dialect == AZURE:
        converted = _as_kind_of(left, right)
        if converted is _IMPOSSIBLE:
            raise ExpressionError(f"{right!r} cannot be compared with {left!r}")
        right = converted
    elif not (isinstance(left, str) and isinstance(right, str)):
        left, right = _number(left), _number(right)
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    if left is None or (isinstance(left, float) and math.isnan(left)):
        return None
    if isinstance(right, float) and math.isnan(right):
        return None
    return int(left > right) - int(left < right)


_IMPOSSIBLE = object()


def _as_kind_of(left: Value, right: Value) -> Value:
    """Return the right operand as the kind of the left one, by Azure's table of conversions."""
    if isinstance(left, bool):
        return truth(right)
    if isinstance(left, int | float):
        number = _number(right)
        return _IMPOSSIBLE if math.isnan(number) else number
    if isinstance(left, str):
        return _IMPOSSIBLE if isinstance(right, list | dict) else text_of(right, AZURE)
    if left is None:
        return None if right is None or right == "" else _IMPOSSIBLE
    return right


def _number(value: Value) -> float:
    if isinstance(value, bool) or value is None:
        return float(bool(value))
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return math.nan
    if not value.strip():
        return 0.0
    try:
        return float(int(value, 16)) if value.strip().lower().startswith("0x") else float(value)
    except ValueError:
        return math.nan
