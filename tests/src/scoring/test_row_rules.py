"""Rules and references of a table's schema hold for requests, as far as one row tells."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from scoring.request_reader import MAX_LISTED, RequestReader
from scoring.row_rules import RowRules
from scoring.row_schema import Column
from tabular.request_rules import request_rules
from tabular.schemas import read_schema

TEXT = """
columns:
  low: {dtype: float64, nullable: true}
  high: {dtype: float64, nullable: true}
  shop: {dtype: int64, unique: true}
  city: {dtype: str, nullable: true}
  note: {dtype: str, nullable: true}
unique: [shop, city]
thresholds:
  in order: {warn: 0, fail: 0}
  near: {warn: 0, fail: 0.1}
  known shop: {warn: 0.1, fail: 0.2}
rules:
  in order: low <= high
  near: high - low < 10
  noted: note.notna()
  one of two: low in [1, 2]
references:
  known shop: {columns: [shop, city], table: shops, key: [number, city]}
  known city: {columns: [city], table: cities}
"""
SCHEMA = {
    "low": Column("number", has_missing=True),
    "high": Column("number", has_missing=True),
    "shop": Column("code", has_missing=False),
    "city": Column("text", has_missing=True),
}
SHOPS = pd.DataFrame({"number": [1.0, 2.0], "city": ["Oslo", "Rome"], "since": 2000})
ROW = {"low": 1, "high": 2, "shop": 1, "city": "Oslo"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> tuple[RequestReader, list[str]]:
    """A reader of requests, and the names of what it does not check."""
    file = tmp_path_factory.mktemp("schema") / "schema.yml"
    file.write_text(TEXT, encoding="utf-8")
    kinds = {name: column.kind for name, column in SCHEMA.items()}
    rules, others = request_rules(read_schema(file), kinds, {"shops": SHOPS})
    return RequestReader(SCHEMA, rules=RowRules(json.loads(json.dumps({"rules": rules})))), others


Found = list[tuple[int | None, str | None, str]]


def read(reader: RequestReader, *rows: object) -> tuple[Found, Found]:
    """Return problems and warnings."""
    found = reader.read(json.dumps({"data": list(rows)}))
    problems, warnings = (
        [(one.row, one.column, one.problem) for one in part] for part in (found.problems, found.warnings)
    )
    assert found.count == len(problems)
    return problems, warnings


def test_what_one_row_does_not_tell_is_named(described: tuple[RequestReader, list[str]]) -> None:
    assert described[1] == ["unique", "shop.unique", "noted", "one of two", "known city"]


def test_a_rule_that_tolerates_no_row_refuses_a_request(described: tuple[RequestReader, list[str]]) -> None:
    broken = {**ROW, "low": 3}
    assert read(described[0], ROW, broken) == ([(1, "low, high", "fails low <= high")], [])
    assert read(described[0], {**ROW, "low": None, "high": -1}) == ([], [])


def test_a_rule_that_tolerates_some_rows_warns(described: tuple[RequestReader, list[str]]) -> None:
    assert read(described[0], {**ROW, "high": 20}) == ([], [(0, "high, low", "fails high - low < 10")])
    rows = [{**ROW, "shop": "2"}, {**ROW, "city": None}, {**ROW, "shop": 2, "city": "Rome"}]
    assert read(described[0], *rows) == ([], [(0, "shop, city", "is not in shops")])


def test_many_rows_that_warn_are_counted(described: tuple[RequestReader, list[str]]) -> None:
    warnings = read(described[0], *[{**ROW, "high": 20}] * (MAX_LISTED + 5))[1]
    assert len(warnings) == MAX_LISTED + 1
    assert warnings[-1] == (None, None, "and 5 more of this kind")


def test_a_model_without_rules_has_none(tmp_path: Path) -> None:
    assert list(RowRules({}).broken({})) == []
