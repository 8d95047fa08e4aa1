"""What is wrong with a table, value by value; what follows from it, check by check."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from tabular.schemas import DISTRIBUTION, PRESENT, TableSchema

FIELDS = ["row", "column", "check", "value", "reason"]
MOST_SHOWN = 60  # characters of a value
EXAMPLES = 3
PRIVATE = "***"
TOLERATED, WARNING, FAILURE = "tolerated", "warning", "failure"
PLURAL = {"is a duplicate": "are duplicates", "is ": "are ", "has ": "have ", "fails ": "fail "}


class Violations:
    """What is wrong with a table.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        As it was delivered; its index is 0..rows-1.
    private : sequence of str
        Columns whose values are not shown.
    """

    def __init__(self, table: pd.DataFrame, private: Sequence[str] = ()) -> None:
        self.table, self.private = table, set(private)
        self._parts = [pd.DataFrame(columns=FIELDS, dtype=object).astype({"row": "Int64"})]

    def add(self, rows: pd.Index, columns: Sequence[str], check: str, reason: str) -> None:
        """Add what `columns` hold, together, in `rows`."""
        if len(rows):
            texts = [self._texts(rows, name) for name in columns if name in self.table]
            value = texts[0].str.cat(texts[1:], sep=", ") if texts[1:] else texts[0]
            fields = {"row": rows, "column": ", ".join(columns), "check": check, "value": value.to_numpy()}
            self._parts.append(pd.DataFrame({**fields, "reason": reason}).astype({"row": "Int64"}))

    def add_column(self, column: str, check: str, value: str, reason: str) -> None:
        """Add a column that is wrong as a whole."""
        part = pd.DataFrame([[pd.NA, column, check, value, reason]], columns=FIELDS)
        self._parts.append(part.astype({"row": "Int64"}))

    def _texts(self, rows: pd.Index, name: str) -> pd.Series:
        if name in self.private:
            return pd.Series(PRIVATE, rows, dtype=object)
        return self.table.loc[rows, name].astype(str).str.slice(0, MOST_SHOWN)

    def frame(self) -> pd.DataFrame:
        """Return all of them.

        Returns
        -------
        DataFrame of shape (violations, 5)
            ``row`` (position; missing: the column as a whole), ``column`` (of several, their names),
            ``check``, ``value`` as text, and ``reason``.
        """
        return pd.concat(self._parts, ignore_index=True)


def judge(violations: pd.DataFrame, rows: int, schema: TableSchema) -> pd.DataFrame:
    """Return what the shares of failing rows mean.

    Parameters
    ----------
    violations : DataFrame of shape (violations, 5)
        As `Violations.frame` returns them.
    rows : int
        Of the table.
    schema : TableSchema
        Has the thresholds.

    Returns
    -------
    DataFrame of shape (failing checks, 8)
        ``column``, ``check``, ``reason``, ``rows`` (failing ones), ``share`` (of all rows; 1 for a column
        as a whole, the least effect for a distribution), ``warn`` and ``fail`` (the thresholds), ``verdict``
        (tolerated, warning or failure).
    """
    kinds = violations.groupby(["column", "check", "reason"], sort=False, as_index=False)
    checks = kinds.agg(rows=("row", "nunique"), share=("value", "first"))
    limits = [schema.threshold(*names) for names in zip(checks["column"], checks["check"], strict=True)]
    effects = pd.to_numeric(checks["share"].where(checks["check"] == DISTRIBUTION))
    checks["share"] = (checks["rows"] / rows).where(checks["rows"] > 0, effects.fillna(1.0))
    checks["warn"] = pd.Series([limit.warn for limit in limits], dtype="float64")
    checks["fail"] = pd.Series([limit.fail for limit in limits], dtype="float64")
    checks["verdict"] = TOLERATED
    checks.loc[checks["share"] > checks["warn"], "verdict"] = WARNING
    checks.loc[checks["share"] > checks["fail"], "verdict"] = FAILURE
    return checks


def lines(checks: pd.DataFrame, violations: pd.DataFrame, rows: int) -> list[str]:
    """Return a line for each of `checks`, with the first values that fail it."""
    return [_line(check, violations, rows) for check in checks.itertuples()]


def _line(check: Any, violations: pd.DataFrame, rows: int) -> str:
    same = (violations["column"] == check.column) & (violations["check"] == check.check)
    part = violations[same & (violations["reason"] == check.reason)].head(EXAMPLES)
    names = check.column.split(", ")
    subject = f"column {check.column!r}" if len(names) == 1 else f"columns {', '.join(map(repr, names))}"
    if not check.rows:
        values = f"{subject}: the values {_plural(check.reason)}: {part['value'].iloc[0]}"
        return f"{subject} {check.reason}" if check.check in (PRESENT, DISTRIBUTION) else values
    if check.reason == "is a duplicate" and len(names) > 1:
        return f"{check.rows} of {rows} rows are duplicates: no two may have the same {check.column}"
    examples = ", ".join(f"{one.value} (row {one.row})" for one in part.itertuples())
    limit = f", more than {check.fail:.2%} of the rows" if 0 < check.fail < check.share else ""
    return f"{subject}: {check.rows} of {rows} values {_plural(check.reason)}{limit}: {examples}"


def _plural(reason: str) -> str:
    return next((many + reason[len(one) :] for one, many in PLURAL.items() if reason.startswith(one)), reason)


def left_out(violations: pd.DataFrame, checks: Iterable[tuple[str, str, str]]) -> pd.Index:
    """Return the rows that fail one of `checks`, each named by column, check and reason."""
    keys = pd.MultiIndex.from_frame(violations[["column", "check", "reason"]])
    rows = violations.loc[keys.isin(list(checks)), "row"].dropna()
    return pd.Index(rows.astype("int64").unique()).sort_values()
