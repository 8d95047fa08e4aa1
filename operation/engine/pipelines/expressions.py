"""Expressions of Azure Pipelines and of GitHub Actions, read into one tree.

Sources: learn.microsoft.com/azure/devops/pipelines/process/expressions and
docs.github.com/actions/reference/workflows-and-actions/expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

AZURE, GITHUB = "azure", "github"

Scalar: TypeAlias = str | float | int | bool | None


class ExpressionError(Exception):
    """An expression cannot be read or evaluated; ``str(error)`` says why."""


@dataclass(frozen=True)
class Literal:
    """A text, a number, true, false or null."""

    value: Scalar


@dataclass(frozen=True)
class Name:
    """A context, such as ``variables`` or ``needs``."""

    name: str


@dataclass(frozen=True)
class Member:
    """A member of what stands before it: ``.name`` or ``[key]``; ``*`` stands for all."""

    target: Expression
    key: Expression


@dataclass(frozen=True)
class Call:
    """A function with its arguments; GitHub's operators too, by their signs."""

    name: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Literal | Name | Member | Call

_COMMON = r"""
    (?P<space>\s+)
  | (?P<text>'(?:[^']|'')*')
  | (?P<number>[-+]?(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))
  | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
"""
_TOKENS = {
    AZURE: re.compile(rf"{_COMMON} | (?P<sign>[][().,*])", re.VERBOSE),
    GITHUB: re.compile(rf"{_COMMON} | (?P<sign>==|!=|<=|>=|&&|\|\||[][().,*<>!])", re.VERBOSE),
}
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
# GitHub's, the loosest first
_OPERATORS = [{"||"}, {"&&"}, {"==", "!=", "<", "<=", ">", ">="}]


def parse(text: str, dialect: str) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
        Without the signs around it, such as ``${{ }}`` and ``$[ ]``.
    dialect : str
        ``azure`` or ``github``; only GitHub has operators.

    Raises
    ------
    ExpressionError
        With the position, from 1, of what does not belong there.
    """
    return _Parser(text, dialect).whole()


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield every part of an expression, the whole first."""
    yield expression
    if isinstance(expression, Member):
        yield from walk(expression.target)
        yield from walk(expression.key)
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from walk(argument)


def path_of(expression: Expression) -> tuple[str, ...] | None:
    """Return the names of ``a.b['c']``; None for what is no such path."""
    if isinstance(expression, Name):
        return (expression.name,)
    if isinstance(expression, Member) and isinstance(expression.key, Literal):
        before = path_of(expression.target)
        return None if before is None else (*before, str(expression.key.value))
    return None


class _Parser:
    def __init__(self, text: str, dialect: str) -> None:
        self._text, self._dialect, self._at = text, dialect, 0
        self._tokens = list(self._split())

    def _split(self) -> Iterator[tuple[str, str, int]]:
        position = 0
        while position < len(self._text):
            match = _TOKENS[self._dialect].match(self._text, position)
            if match is None:
                self._fail(position, f"{self._text[position]!r} does not belong there")
            if match.lastgroup != "space":
                yield str(match.lastgroup), match[0], position
            position = match.end()
        yield "end", "", position

    def _fail(self, position: int, what: str) -> NoReturn:
        raise ExpressionError(f"'{self._text.strip()}': {what}, at position {position + 1}")

    def _next(self) -> tuple[str, str, int]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, *signs: str) -> str:
        """Return the sign that comes next where it is one of these, and go on behind it."""
        kind, text, _ = self._tokens[self._at]
        return self._next()[1] if kind == "sign" and text in signs else ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            _, text, position = self._tokens[self._at]
            self._fail(position, f"expected {sign!r}, {f'found {text!r}' if text else 'the expression ends'}")

    def whole(self) -> Expression:
        expression = self._operation(0)
        kind, text, position = self._next()
        if kind != "end":
            self._fail(position, f"{text!r} does not belong there")
        return expression

    def _operation(self, level: int) -> Expression:
        if self._dialect == AZURE or level == len(_OPERATORS):
            return Call("!", (self._operation(level),)) if self._take("!") else self._members(self._primary())
        left = self._operation(level + 1)
        while sign := self._take(*_OPERATORS[level]):
            left = Call(sign, (left, self._operation(level + 1)))
        return left

    def _members(self, target: Expression) -> Expression:
        while sign := self._take(".", "["):
            if sign == "[":
                key: Expression = Literal("*") if self._take("*") else self._operation(0)
                self._expect("]")
            else:
                kind, text, position = self._next()
                if kind != "name" and text != "*":
                    self._fail(position, "expected a name behind '.'")
                key = Literal(text)
            target = Member(target, key)
        return target

    def _primary(self) -> Expression:
        kind, text, position = self._next()
        if kind == "text":
            return Literal(text[1:-1].replace("''", "'"))
        if kind == "number":
            return Literal(_number(text))
        if kind == "name":
            return self._named(text)
        if text != "(" or self._dialect == AZURE:
            what = f"{text!r} does not belong there" if text else "the expression ends too early"
            self._fail(position, what)
        inner = self._operation(0)
        self._expect(")")
        return inner

    def _named(self, name: str) -> Expression:
        if not self._take("("):
            return Literal(_WORDS[name.lower()]) if name.lower() in _WORDS else Name(name)
        arguments: list[Expression] = []
        while not self._take(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._operation(0))
        return Call(name, tuple(arguments))


def _number(text: str) -> float | int:
    if "0x" in text.lower():
        return int(text, 16)
    value = float(text)
    return int(value) if value.is_integer() and "e" not in text.lower() else value
