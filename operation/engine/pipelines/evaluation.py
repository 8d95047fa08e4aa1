"""Expressions checked before anything runs, and evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.pipelines.expressions import (
    GITHUB,
    Call,
    Expression,
    ExpressionError,
    Literal,
    Member,
    Name,
    parse,
    walk,
)
from operation.engine.pipelines.functions import (
    ANY,
    FUNCTIONS,
    STATUS,
    UNCOVERED,
    arguments_of,
    spelling,
)
from operation.engine.pipelines.tree import Node
from operation.engine.pipelines.values import Value, text_of

Result = TypeVar("Result")
Contexts: TypeAlias = Mapping[str, Any]
Statuses: TypeAlias = Mapping[str, Callable[[Sequence[str]], bool]]

_EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def evaluate(text: str, dialect: str, contexts: Contexts, statuses: Statuses | None = None) -> Value:
    """Return the value of an expression.

    Parameters
    ----------
    text : str
        Without the signs around it.
    dialect : str
        ``azure`` or ``github``.
    contexts : Mapping
        What its names stand for, such as ``variables``; letter case does not count. A member that is not
        there is null.
    statuses : Mapping, optional
        What ``succeeded`` and its like answer, for the given jobs or for all.

    Raises
    ------
    ExpressionError
        When it cannot be read, or names an unknown function or context.
    """
    return _Evaluation(dialect, contexts, statuses or {}).value(parse(text, dialect))


def guarded(node: Node, call: Callable[[], Result]) -> Result:
    """Return what `call` returns; refuse `node` where an expression in it cannot be evaluated."""
    try:
        return call()
    except ExpressionError as error:
        raise node.refuse(str(error)) from error


def interpolate(text: str, dialect: str, contexts: Contexts) -> Value:
    """Return `text` with each ``${{ }}`` replaced; one that stands alone keeps its type."""
    alone = re.fullmatch(r"\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*", text, re.DOTALL)
    if alone:
        return evaluate(alone[1], dialect, contexts)
    return _EMBEDDED.sub(lambda match: text_of(evaluate(match[1], dialect, contexts), dialect), text)


def embedded(text: str) -> list[str]:
    """Return the expressions between ``${{`` and ``}}``."""
    return _EMBEDDED.findall(text)


def mistakes(expression: Expression, dialect: str, contexts: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with an expression whatever its contexts hold: names and numbers of arguments."""
    for part in walk(expression):
        if isinstance(part, Call):
            yield from _call_mistakes(part, dialect)
        elif isinstance(part, Name) and part.name.casefold() not in map(str.casefold, contexts):
            yield _unknown(part.name, contexts)


def _unknown(name: str, contexts: Collection[str]) -> str:
    hint = did_you_mean(name, contexts)
    return f"'{name}' is not known here: expected {listed(sorted(contexts))}.{hint}"


def _call_mistakes(call: Call, dialect: str) -> Iterator[str]:
    name = spelling(call.name, dialect)
    if name in UNCOVERED[dialect]:
        yield f"function '{call.name}' is not covered by a local run: only its system can evaluate it."
    elif name not in FUNCTIONS[dialect] and name not in STATUS[dialect]:
        names = (*FUNCTIONS[dialect], *STATUS[dialect])
        yield f"there is no function '{call.name}'.{did_you_mean(call.name, names)}"
    else:
        yield from _wrong_number(call, *arguments_of(name, dialect))


def _wrong_number(call: Call, least: int, most: int) -> Iterator[str]:
    count = len(call.arguments)
    if least <= count <= most:
        return
    wanted = f"{least} or more" if most == ANY else str(least) if most == least else f"{least} to {most}"
    yield f"'{call.name}' takes {f'{wanted} arguments, found {count}' if most else 'no arguments'}."


class _Evaluation:
    def __init__(self, dialect: str, contexts: Contexts, statuses: Statuses) -> None:
        self._dialect, self._statuses = dialect, statuses
        self._contexts = {name.casefold(): value for name, value in contexts.items()}

    def value(self, expression: Expression) -> Value:
        if isinstance(expression, Literal):
            return expression.value
        if isinstance(expression, Name):
            return self._context(expression.name)
        if isinstance(expression, Member):
            return self._member(self.value(expression.target), expression.key)
        return self._call(expression)

    def _context(self, name: str) -> Value:
        if name.casefold() not in self._contexts:
            raise ExpressionError(_unknown(name, self._contexts))
        return self._contexts[name.casefold()]

    def _member(self, target: Value, key: Expression) -> Value:
        name = self.value(key)
        if name == "*" and self._dialect == GITHUB:
            return list(target.values()) if isinstance(target, Mapping) else target
        if isinstance(target, list):
            if isinstance(name, int | float) and not isinstance(name, bool):
                return target[int(name)] if 0 <= int(name) < len(target) else None
            return [self._member(member, key) for member in target if isinstance(member, Mapping)]
        if not isinstance(target, Mapping):
            return None
        wanted = text_of(name, self._dialect).casefold()
        return next((value for known, value in target.items() if str(known).casefold() == wanted), None)

    def _call(self, call: Call) -> Value:
        for mistake in _call_mistakes(call, self._dialect):
            raise ExpressionError(mistake)
        name, values = spelling(call.name, self._dialect), [*map(self.value, call.arguments)]
        if name not in STATUS[self._dialect]:
            return FUNCTIONS[self._dialect][name](*values)
        if name not in self._statuses:
            raise ExpressionError(f"'{call.name}' can only be asked in a condition.")
        return self._statuses[name]([text_of(value, self._dialect) for value in values])
