"""Validate: whatever is wrong with a table is said at once, by column."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest

from support import step
from tabular import tables
from tests.src.running import child, left_over, run

SCHEMA = """
    schema_type: dataframe
    columns:
      when: {dtype: "datetime64[ns]", coerce: true}
      carrier: {dtype: str, isin: [AA, UA]}
      delay: {dtype: float64, nullable: true, coerce: true, in_range: {min_value: -90, max_value: 1500}}
      seats: {dtype: int64, unique: true, coerce: true}
    unique: [when, carrier]
"""
GOOD = pd.DataFrame(
    {
        "when": ["2013-01-01", "2013-01-02", "2013-01-03", "2013-01-04"],
        "carrier": ["AA", "UA", "AA", "UA"],
        "delay": [1.5, None, -3.0, 99.0],
        "seats": [1, 2, 3, 4],
        "note": ["", None, "x", "y"],
    }
)


@pytest.fixture
def validated(tmp_path: Path) -> Path:
    (tmp_path / "schema.yml").write_text(dedent(SCHEMA), encoding="utf-8")
    return tmp_path


def validate(folder: Path, table: pd.DataFrame) -> None:
    table.to_parquet(folder / "table.parquet")
    schema = ["--table", folder / "table.parquet", "--schema", folder / "schema.yml"]
    run("validate", *schema, "--validated", folder / "out", "--report", folder / "report")


def problems(folder: Path, table: pd.DataFrame) -> list[str]:
    with pytest.raises(step.StepError) as caught:
        validate(folder, table)
    assert left_over(folder) == ["schema.yml", "table.parquet"]
    first, *lines, last = str(caught.value).splitlines()
    assert first == "the table does not match schema.yml:"
    assert last == "fix the rows at their source, or the column in the schema"
    return [line.strip() for line in lines]


def test_a_good_table_gets_the_types_of_the_schema(validated: Path) -> None:
    validate(validated, GOOD)
    table = tables.read_table(validated / "out")
    assert str(table["when"].dtype) == "datetime64[ns]"
    assert table.drop(columns="when").equals(GOOD.drop(columns="when"))


def test_a_good_table_is_profiled(validated: Path) -> None:
    validate(validated, GOOD)
    profile = json.loads((validated / "report/profile.json").read_text(encoding="utf-8"))
    assert (profile["rows"], profile["duplicate_rows"]) == (4, 0)
    assert profile["columns"]["delay"] == {
        "type": "float64", "missing": 1, "distinct": 3, "minimum": -3.0, "mean": 32.5, "maximum": 99.0,
    }  # fmt: skip
    assert profile["columns"]["when"]["maximum"] == "2013-01-04T00:00:00"
    assert profile["columns"]["carrier"]["commonest"] == {"AA": 2, "UA": 2}
    metrics = json.loads((validated / "report/metrics.json").read_text(encoding="utf-8"))
    assert metrics == {"rows": 4.0, "duplicate_rows": 0.0, "missing_share": 0.1}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (GOOD.rename(columns={"delay": "delays"}), ["column 'delay' is missing (did you mean 'delays'?)"]),
        (
            GOOD.assign(carrier=["AA", "UA", "zz", "UA"]),
            ["column 'carrier': 1 of 4 values fail isin(['AA', 'UA']): zz (row 2)"],
        ),
        (
            GOOD.assign(carrier=["AA", "UA", None, "UA"]),
            ["column 'carrier': 1 of 4 values are missing: None (row 2)"],
        ),
        (
            GOOD.assign(delay=[1.0, -91, 1501, 2000]),
            [
                "column 'delay': 3 of 4 values fail in_range(-90, 1500): "
                "-91.0 (row 1), 1501.0 (row 2), 2000.0 (row 3)"
            ],
        ),
        (
            GOOD.assign(delay=["1", "2", "late", None]),
            ["column 'delay': 1 of 4 values cannot be read as float64: late (row 2)"],
        ),
        (
            GOOD.assign(when=["2013-01-01", "soon", "2013-01-03", "2013-01-04"]),
            ["column 'when': 1 of 4 values cannot be read as datetime64[ns]: soon (row 1)"],
        ),
        (
            GOOD.assign(carrier=[1, 2, 3, 4]),
            ["column 'carrier': 4 of 4 values are not str: 1 (row 0), 2 (row 1), 3 (row 2)"],
        ),
        (
            GOOD.assign(seats=[1, 2, 2, 4]),
            ["column 'seats': 2 of 4 values are duplicates: 2 (row 1), 2 (row 2)"],
        ),
        (
            pd.concat([GOOD, GOOD.head(1).assign(seats=5)], ignore_index=True),
            ["2 of 5 rows are duplicates: no two may have the same when, carrier"],
        ),
        (
            GOOD.drop(columns="when").assign(delay=9999.0, carrier=["AA", "UA", "zz", "zz"]),
            [
                "column 'when' is missing",
                "2 of 4 rows are duplicates: no two may have the same when, carrier",
                "column 'carrier': 2 of 4 values fail isin(['AA', 'UA']): zz (row 2), zz (row 3)",
                "column 'delay': 4 of 4 values fail in_range(-90, 1500): 9999.0 (row 0), "
                "9999.0 (row 1), 9999.0 (row 2)",
            ],
        ),
    ],
)
def test_a_bad_table_is_told_whole(validated: Path, table: pd.DataFrame, expected: list[str]) -> None:
    assert sorted(problems(validated, table)) == sorted(expected)


def test_columns_may_be_restricted_to_those_of_the_schema(validated: Path) -> None:
    (validated / "schema.yml").write_text(dedent(SCHEMA) + "strict: true\n", encoding="utf-8")
    assert problems(validated, GOOD) == ["column 'note' is not in the schema"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns: [", "schema.yml is not YAML: "),
        ("- a\n- b\n", "schema.yml is not a pandera schema (SchemaDefinitionError: "),
        ("columns: {a: {dtype: flaot}}\n", "schema.yml is not a pandera schema (TypeError: "),
        (
            "columns: {a: {dtype: int64, checks: {in_rang: 3}}}\n",
            "schema.yml is not a pandera schema (AttributeError: ",
        ),
    ],
)
def test_a_schema_that_is_none(validated: Path, text: str, message: str) -> None:
    (validated / "schema.yml").write_text(text, encoding="utf-8")
    with pytest.raises(step.StepError) as caught:
        validate(validated, GOOD)
    assert str(validated / message) in str(caught.value)


def test_a_schema_that_is_not_there(validated: Path) -> None:
    (validated / "schema.yml").unlink()
    with pytest.raises(step.StepError) as caught:
        validate(validated, GOOD)
    expected = f"{validated / 'schema.yml'} does not exist: name the YAML file of a pandera schema"
    assert str(caught.value) == expected


def test_a_process_reports_bad_rows_without_a_traceback(validated: Path) -> None:
    GOOD.assign(delay=-91.0).to_csv(validated / "table.csv", index=False)
    words = ["--table", validated / "table.csv", "--schema", validated / "schema.yml"]
    done = child("validate", *words, "--validated", validated / "out", "--report", validated / "report")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: the table does not match schema.yml:\n  column 'delay': 4 of 4 values"
    )
    assert "Traceback" not in done.stderr
    assert left_over(validated) == ["schema.yml", "table.csv"]
