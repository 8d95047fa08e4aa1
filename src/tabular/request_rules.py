"""What a table's schema says of single rows, for requests: rules between columns, and references."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tabular.columns import as_categories
from tabular.expressions import is_plain
from tabular.schemas import TableSchema, rule_columns

MOST_KNOWN = 10_000  # rows of a table that a reference names: more would make every model large


def request_rules(
    schema: TableSchema, kinds: Mapping[str, str], related: Mapping[str, pd.DataFrame]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what one row of a request tells, and the names of what it does not tell.

    Parameters
    ----------
    schema : TableSchema
        Of the table.
    kinds : mapping of str to str
        Column of a request -> kind of its values, as `scoring.row_schema.Column` has them.
    related : mapping of str to DataFrame
        The tables that references name, as far as they are there.

    Returns
    -------
    list of dict
        Fields of `scoring.row_rules.Check`.
    list of str
        Rules and references that need other columns, other rows or more than can be compiled.
    """
    checks = [*_rules(schema, kinds), *_references(schema, kinds, related)]
    judged = {check["name"] for check in checks}
    unique = [f"{name}.unique" for name, column in schema.frame.columns.items() if column.unique]
    names = [*(["unique"] if schema.frame.unique else []), *unique]
    names += [*schema.extras.rules, *schema.extras.references]
    return checks, [name for name in names if name not in judged]


def _rules(schema: TableSchema, kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    plain = {name for name, kind in kinds.items() if kind != "code"}  # a number that is sent as text
    return [
        _check(schema, name, columns, f"fails {' '.join(rule.split())}", rule=rule)
        for name, rule in schema.extras.rules.items()
        if {*(columns := rule_columns(schema.name, name, rule))} <= plain and is_plain(rule)
    ]


def _references(
    schema: TableSchema, kinds: Mapping[str, str], related: Mapping[str, pd.DataFrame]
) -> list[dict[str, Any]]:
    checks = []
    for name, reference in schema.extras.references.items():
        if {*reference.columns} <= {*kinds} and reference.table in related:
            rows = related[reference.table][reference.key or reference.columns].drop_duplicates()
            known = [list(row) for row in zip(*(as_categories(rows[key]) for key in rows), strict=True)]
            text = f"is not in {reference.table}"
            if len(known) <= MOST_KNOWN:
                checks.append(_check(schema, name, reference.columns, text, known=known))
    return checks


def _check(schema: TableSchema, name: str, columns: list[str], text: str, **what: object) -> dict[str, Any]:
    refuses = schema.threshold("", name).fail == 0
    return {"name": name, "columns": columns, "text": text, "refuses": refuses, **what}
