"""Check a table against its schema: types, columns, rules between columns, references between tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from support import step
from tabular import tables
from tabular.columns import as_categories
from tabular.expressions import asks_for_missing
from tabular.schemas import (
    MISSING,
    PRESENT,
    TYPE,
    UNIQUE,
    Reference,
    TableSchema,
    rule_columns,
    without_missing,
)
from tabular.value_types import lenient, read_types
from tabular.violations import Violations

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

QUOTE = "'"
ABSENT = {"column_in_dataframe": "is missing", "column_in_schema": "is not in the schema"}


def check(
    table: pd.DataFrame, schema: TableSchema, related: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `table` with the types of `schema`, and what is wrong with it.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Its index is 0..rows-1.
    schema : TableSchema
    related : mapping of str to DataFrame
        The tables that the schema's references name.

    Returns
    -------
    DataFrame of shape (readable rows, columns)
        Without the rows of which a value cannot be read as its column's type; the index is that of `table`.
    DataFrame of shape (violations, 5)
        As `Violations.frame` returns them.

    Raises
    ------
    StepError
        When a rule cannot be computed, or a reference names a table or column that is not there.
    """
    found = Violations(table, schema.extras.private)
    table = without_missing(table, schema.extras.missing)
    typed, ill_typed = _checked(read_types(table, schema.frame, found), schema.frame, found)
    usable = typed[[name for name in typed if name not in ill_typed]] if ill_typed else typed
    for name, rule in schema.extras.rules.items():
        columns = rule_columns(schema.name, name, rule)
        if {*columns} <= {*usable}:
            rows = breaking(usable[columns], rule, f"{schema.name}: rules.{name}")
            found.add(rows, columns, name, f"fails {rule}")
    for name, reference in schema.extras.references.items():
        if {*reference.columns} <= {*usable}:
            rows = _dangling(usable, reference, related, f"{schema.name}: references.{name}")
            found.add(rows, reference.columns, name, f"is not in {reference.table}")
    return typed, found.frame()


def _checked(
    table: pd.DataFrame, schema: DataFrameSchema, found: Violations
) -> tuple[pd.DataFrame, set[str]]:
    """Return the table that pandera gives, and the columns of another type; add what fails."""
    from pandera.errors import SchemaErrors

    schema = lenient(schema, table, schema.columns)
    schema.coerce = False
    try:
        return schema.validate(table.copy(deep=False), lazy=True, inplace=True), set()
    except SchemaErrors as errors:
        cases = errors.failure_cases.astype({"check": str})
    is_type = cases["check"].str.startswith("dtype(")
    ill_typed = set(cases.loc[is_type, "column"])
    # what else a column of another type fails follows from that
    _add(cases[is_type | ~cases["column"].isin(ill_typed)], schema, found)
    return table, ill_typed


def _add(cases: pd.DataFrame, schema: DataFrameSchema, found: Violations) -> None:
    """Add pandera's failure cases, check by check."""
    is_double = cases["check"] == "multiple_fields_uniqueness"
    rows = pd.Index(cases.loc[is_double, "index"].unique())
    found.add(rows, list(schema.unique or []), UNIQUE, "is a duplicate")
    for (column, name), part in cases[~is_double].groupby(["column", "check"], sort=False, dropna=False):
        check, reason = _meaning(schema, str(column), str(name))
        rows = pd.Index(part["index"].dropna().unique())
        if name in ABSENT:
            for absent in map(str, part["failure_case"]):
                others = found.table if name == "column_in_dataframe" else schema.columns
                near = step.nearest(absent, map(str, others))
                found.add_column(absent, PRESENT, "", ABSENT[name] + near)
        elif rows.empty:
            found.add_column(str(column), check, str(part["failure_case"].iloc[0]), reason)
        else:
            found.add(rows, [str(column)], check, reason)


def _meaning(schema: DataFrameSchema, column: str, name: str) -> tuple[str, str]:
    """Return the name that thresholds have for one of pandera's checks, and why a value fails it."""
    if name == "not_nullable":
        return MISSING, "is missing"
    if name == "field_uniqueness":
        return UNIQUE, "is a duplicate"
    if name.startswith("dtype("):
        return TYPE, f"is not {name.split(QUOTE)[1]}"
    own = schema.columns[column].checks if column in schema.columns else schema.checks
    return next((str(check.name) for check in own if check.error == name), name), f"fails {name}"


def breaking(table: pd.DataFrame, rule: str, where: str) -> pd.Index:
    """Return the rows that break a rule; those that lack a value it needs don't, unless it asks for that."""
    try:
        holds = table.eval(rule.replace("\n", " "), engine="python")
        broken = ~holds.astype(bool)
    except (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise step.StepError(f"{where}: {rule!r} cannot be computed ({reason})") from None
    rows = table[broken]
    return rows.index if asks_for_missing(rule) else rows.dropna().index


def _dangling(
    table: pd.DataFrame, reference: Reference, related: Mapping[str, pd.DataFrame], where: str
) -> pd.Index:
    """Return the rows whose values, none of them missing, are in no row of the other table."""
    if reference.table not in related:
        near, known = step.nearest(reference.table, related), step.listing(sorted(related)) or "none"
        raise step.StepError(
            f"{where}: there is no table {reference.table!r} in --related{near}; its tables: {known}"
        )
    key = reference.key or reference.columns
    tables.require_columns(related[reference.table], key, f"{where}: table {reference.table}")
    known = _texts(related[reference.table][key])
    values = table[reference.columns].dropna()
    distinct = values.drop_duplicates()
    missing = distinct[~_texts(distinct).isin(known)]
    if missing.empty:
        return missing.index
    return values.index[pd.MultiIndex.from_frame(values).isin(pd.MultiIndex.from_frame(missing))]


def _texts(table: pd.DataFrame) -> pd.MultiIndex:
    """Return rows as texts: a code that is a number in one table may be text in another."""
    return pd.MultiIndex.from_arrays([as_categories(table[name]) for name in table])
