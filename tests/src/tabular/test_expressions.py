"""A compiled rule says of rows what ``DataFrame.eval`` says of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tabular import checking
from tabular.expressions import RowRule, is_plain
from tabular.schemas import TableSchema, read_schema, rule_columns
from tests.src.running import SRC, Trained

NUMBERS = st.sampled_from([np.nan, -1.0, 0.0, 0.5, 2.0, 12.0, 1e9])
TIMES = st.sampled_from([None, "2013-01-31T05:07:09", "1969-12-31T23:59:59", "2020-02-29"])
TEXTS = st.sampled_from([None, "UA12", "AA", ""])
PARTS = st.sampled_from(
    [
        *("a < b", "a + 1 >= b / 2", "abs(a - b) != floor(b)", "-a <= b ** 2", "a % 12 == when.dt.month"),
        *(
            "when.dt.hour * 60 + when.dt.minute > a",
            "0 < a <= b",
            "~(a > b)",
            "~(a > b)",
            "sqrt(abs(a)) > b",
        ),
        *("a.isna()", "when.notnull()", "text.isna()", "text == 'AA'", "text.str.slice(0, 2) == 'UA'"),
        *(
            "when.dt.second == 9",
            "when.dt.weekday + when.dt.day > 4",
            "when.dt.year > 2000",
            "log1p(abs(b)) < 3",
        ),
    ]
)
RULES = st.recursive(
    PARTS, lambda inner: st.tuples(inner, st.sampled_from("&|"), inner).map(" ".join), max_leaves=4
)


def failing(rule: str, table: pd.DataFrame) -> list[int]:
    """Return the rows that fail a rule, as a table is checked."""
    columns = rule_columns("schema", "rule", rule)
    return list(checking.breaking(table[columns], rule, "rule"))


def compiled(rule: str, table: pd.DataFrame) -> list[int]:
    columns = {name: table[name].to_numpy() for name in rule_columns("schema", "rule", rule)}
    return list(np.flatnonzero(RowRule(rule).fails(columns)))


@example("when.dt.hour * 60 + when.dt.minute > a | a.isna()", [(-1.0, 0.0, None, None)])
@given(RULES, st.lists(st.tuples(NUMBERS, NUMBERS, TIMES, TEXTS), min_size=1, max_size=5))
def test_a_compiled_rule_fails_the_same_rows(rule: str, rows: list[tuple[object, ...]]) -> None:
    table = pd.DataFrame(rows, columns=["a", "b", "when", "text"])
    table["when"] = pd.to_datetime(table["when"], format="ISO8601")
    table["text"] = table["text"].astype(object)
    assert compiled(rule, table) == failing(rule, table)


@pytest.fixture(scope="module")
def schema() -> TableSchema:
    return read_schema(SRC.parent / "configuration" / "schemas" / "flights.yml")


def test_the_rules_of_the_flights_fail_the_same_rows(schema: TableSchema, flights: Trained) -> None:
    table = pd.read_parquet(flights.table)
    rules = schema.extras.rules
    assert all(is_plain(rule) for rule in rules.values())
    judged = [rule for rule in rules.values() if set(rule_columns("schema", "rule", rule)) <= set(table)]
    assert len(judged) > len(rules) / 2
    assert [compiled(rule, table) for rule in judged] == [failing(rule, table) for rule in judged]


@pytest.mark.parametrize("rule", ["a in [1, 2]", "a > b[0]", "a if b else 1", "a.clip(lower=0) > 1"])
def test_what_needs_more_than_plain_expressions_is_not_compiled(rule: str) -> None:
    assert not is_plain(rule)
