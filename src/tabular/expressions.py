"""Rules of a schema, as ``DataFrame.eval`` reads them, compiled to judge a few rows at once.

Of a request there are few rows, and ``DataFrame.eval`` takes a millisecond for each rule: it reads the
expression anew. Here it is read once, and computed by NumPy.
"""

import ast
import re
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

import numpy as np
import pandas as pd

from tabular.columns import PARTS, Array

# those that DataFrame.eval knows
_FUNCTIONS = (
    *("abs", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "ceil", "cos", "cosh"),
    *("exp", "expm1", "floor", "log", "log10", "log1p", "sin", "sinh", "sqrt", "tan", "tanh"),
)
_TEXT_OR_SIGN = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[&|]""")
_WORDS = {"&": " and ", "|": " or "}  # DataFrame.eval gives these signs the precedence of the words
_NODES = (
    *(ast.Expression, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Name, ast.Constant, ast.Call),
    *(ast.Attribute, ast.operator, ast.unaryop, ast.boolop, ast.expr_context),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)


def asks_for_missing(rule: str) -> bool:
    """Tell whether a rule says itself what holds where a value is missing."""
    return any(f".{name}(" in rule for name in ("isna", "notna", "isnull", "notnull"))


class RowRule:
    """A rule, compiled.

    Parameters
    ----------
    rule : str
        An expression for which `is_plain` holds.
    """

    def __init__(self, rule: str) -> None:
        self._asks = asks_for_missing(rule)
        plain = _Plain().visit(_tree(rule))
        # what else has a method or a part needs a Series, which takes longer to make than to compute with
        self._needs_series = any(isinstance(node, ast.Attribute) for node in ast.walk(plain))
        self._code: CodeType = compile(ast.fix_missing_locations(plain), "rule", "eval")

    def fails(self, columns: Mapping[str, Array]) -> Array:
        """Return which rows fail the rule; those that lack a value do not, unless it asks for that.

        Parameters
        ----------
        columns : mapping of str to ndarray of shape (rows,)
            The columns that the rule names.
        """
        known = (
            np.full(len(next(iter(columns.values()))), fill_value=True)
            if self._asks
            else ~any_missing(columns)
        )
        values = columns if known.all() else {name: column[known] for name, column in columns.items()}
        if self._needs_series:
            values = {name: pd.Series(column) for name, column in values.items()}
        with np.errstate(all="ignore"):
            holds = eval(self._code, {"__builtins__": {}}, {**_NAMES, **values})  # noqa: S307 - of the project
        known[known] = ~np.asarray(holds, dtype=bool)
        return known


def any_missing(columns: Mapping[str, Array]) -> Array:
    """Return which rows lack a value of one of the columns."""
    missing: Array = np.logical_or.reduce([pd.isna(column) for column in columns.values()])
    return missing


def is_plain(rule: str) -> bool:
    """Tell whether a rule is made of what can be compiled: no lists, slices or comparisons such as ``in``."""
    return all(isinstance(node, _NODES) for node in ast.walk(_tree(rule)))


def _tree(rule: str) -> ast.Expression:
    """Return the expression, with words for signs."""
    plain = _TEXT_OR_SIGN.sub(lambda found: _WORDS.get(found[0], found[0]), " ".join(rule.split()))
    return ast.parse(plain, mode="eval")


def _part(name: str) -> Callable[[Any], Any]:
    def part(times: Any) -> Any:
        found = PARTS[name](np.asarray(times))
        missing = pd.isna(times)
        return np.where(missing, np.nan, found) if np.any(missing) else found

    return part


# what pandas calls methods and parts of a time, without making a Series of each column
_PARTS: dict[str, Callable[[Any], Any]] = {
    **{name: _part(name) for name in ("month", "day", "hour", "weekday")},
    "minute": lambda times: _part("minute-of-day")(times) % 60,
}
_METHODS = {"isna": pd.isna, "isnull": pd.isna, "notna": pd.notna, "notnull": pd.notna}
_NAMES: dict[str, Any] = {
    **{name: getattr(np, name) for name in _FUNCTIONS},
    **{f"_{name}": function for name, function in {**_PARTS, **_METHODS}.items()},
}


class _Plain(ast.NodeTransformer):
    """Writes an expression of ``DataFrame.eval`` as one of NumPy."""

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        sign: ast.operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        joined = node.values[0]
        for other in node.values[1:]:
            joined = ast.BinOp(joined, sign, other)
        return joined

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return ast.UnaryOp(ast.Invert(), node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        pairs: list[ast.expr] = [
            ast.Compare(left, [op], [right])
            for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return self.visit_BoolOp(ast.BoolOp(ast.And(), pairs)) if len(pairs) > 1 else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in _METHODS and not node.args:
            return _called(method, node.func.value)  # type: ignore[attr-defined]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        of_time = isinstance(node.value, ast.Attribute) and node.value.attr == "dt"
        return _called(node.attr, node.value.value) if of_time and node.attr in _PARTS else node  # type: ignore[attr-defined]


def _called(name: str, value: ast.expr) -> ast.AST:
    return ast.Call(ast.Name(f"_{name}", ast.Load()), [value], [])
