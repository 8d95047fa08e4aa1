"""Deliveries against their schema: what goes on into the raw table, and what is kept in a table beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from tabular.checking import check
from tabular.columns import as_categories
from tabular.consequences import decide, rows_left_out, warnings_of
from tabular.raw_columns import normalise, row_digests
from tabular.raw_delivery import Delivery, deliver
from tabular.raw_files import forget
from tabular.raw_location import Location
from tabular.raw_policy import Policy
from tabular.raw_table import RawTable
from tabular.schemas import TableSchema
from tabular.violations import EXAMPLES, judge

SUFFIX = "-quarantine"  # of the address of the table beside a raw table
AT = "quarantined_at"
KEY = [f"quarantined_{name}" for name in ("delivery", "content", "row", "column", "check", "reason")]


@dataclass(frozen=True)
class Rules:
    """A schema, the tables that it refers to, and what follows when a check warns or fails."""

    schema: TableSchema
    related: Mapping[str, pd.DataFrame]
    on_warning: str
    on_failure: str


@dataclass(frozen=True)
class Judged:
    """A delivery that was checked."""

    rows: pd.DataFrame  # those that go on, with the types of the schema
    # a row for each reason why a row is left out: ``row``, ``column``, ``check``, ``value``, ``reason``, each
    # with the prefix ``quarantined_``, and the columns of the delivery as text
    quarantined: pd.DataFrame
    warnings: list[str]  # a line for each check that more rows fail than are tolerated
    # violations, rows left out, and the failing checks with numbers of a few rows; no value
    found: dict[str, Any]


def judged(table: pd.DataFrame, rules: Rules, subject: str) -> Judged:
    """Check a delivery, whose index is 0..rows-1; raise a StepError when it is to stop."""
    typed, violations = check(table, rules.schema, rules.related)
    checks = decide(judge(violations, len(table), rules.schema), rules.on_warning, rules.on_failure)
    out = rows_left_out(table, typed, violations, checks, f"{subject} does not match {rules.schema.name}")
    return Judged(
        typed.drop(index=out, errors="ignore").reset_index(drop=True),
        _quarantined(table, violations[violations["row"].isin(out)]),
        warnings_of(checks, violations, len(table)),
        {
            **{"violations": len(violations), "rows_with_violations": int(violations["row"].nunique())},
            **{"quarantined": len(out), "checks": _records(checks, violations)},
        },
    )


def _quarantined(table: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    rows = table.loc[reasons["row"].astype("int64")]
    texts = {name: as_categories(rows[name]).to_numpy() for name in table}
    return pd.DataFrame(texts | {f"quarantined_{name}": reasons[name].to_numpy() for name in reasons})


def _records(checks: pd.DataFrame, violations: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the failing checks with the numbers of the first rows that fail them."""
    records, names = checks.drop(columns=["warn", "fail"]).to_dict("records"), ["column", "check", "reason"]
    for record in records:
        same = violations[names].eq([record[name] for name in names]).all(axis=1)
        record["examples"] = violations.loc[same, "row"].dropna().head(EXAMPLES).astype("int64").tolist()
    return [{str(name): value for name, value in record.items()} for record in records]


def forget_all(location: Location, column: str, value: str) -> int:
    """Delete rows from a raw table and from what was left out of it; see `raw_files.forget`."""
    deleted, beside = forget(location, column, value), location.beside(SUFFIX)
    if RawTable.exists(beside) and column in RawTable.existing(beside).schema.names:
        deleted += forget(beside, column, value)
    return deleted


def keep(location: Location, name: str, content: str, known_since: datetime, rows: pd.DataFrame) -> None:
    """Put the quarantined rows of a delivery into the table beside the raw table; those that are in stay.

    It is a raw table too: whole or not at all, in any order, read and forgotten in the same way.
    """
    names = {"quarantined_delivery": name, "quarantined_content": content, AT: known_since}
    normal, kinds = normalise(rows.assign(**names), AT, f"quarantine of {name}")
    own = hashlib.sha256(content.encode() + row_digests(normal).tobytes()).hexdigest()
    deliver(location.beside(SUFFIX), Delivery(name, known_since, own, normal, kinds), KEY, AT, Policy())
