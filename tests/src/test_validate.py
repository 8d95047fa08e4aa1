"""Validate: whatever is wrong with a table is said at once, by column."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import numpy as np
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
LAST = "fix the rows at their source, or the schema; --on-failure quarantine lists them all"
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


def outputs(folder: Path) -> list[object]:
    """Return the words that name the folders that validate writes."""
    return ["--validated", folder / "out", "--quarantine", folder / "bad", "--report", folder / "report"]


def validate(folder: Path, table: pd.DataFrame, *words: object) -> None:
    table.to_parquet(folder / "table.parquet")
    schema = ["--table", folder / "table.parquet", "--schema", folder / "schema.yml"]
    run("validate", *schema, *outputs(folder), *words)


def problems(folder: Path, table: pd.DataFrame) -> list[str]:
    with pytest.raises(step.StepError) as caught:
        validate(folder, table)
    assert left_over(folder) == ["schema.yml", "table.parquet"]
    first, *lines, last = str(caught.value).splitlines()
    assert first == "the table does not match schema.yml:"
    assert last == LAST
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
    assert metrics == {
        **{
            "rows": 4.0,
            "duplicate_rows": 0.0,
            "missing_share": 0.1,
            "violations": 0.0,
            "rows_with_violations": 0.0,
        },
        **{"quarantined_rows": 0.0, "checks_warning": 0.0, "checks_failing": 0.0},
    }


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


THRESHOLDS = """
    thresholds:
      "*": {warn: 0.1, fail: 0.3}
      carrier.isin: {warn: 0, fail: 0.3}
    private: [note]
    rules:
      seats by delay: seats < delay + 200
      notes in time: note.notna() | delay.isna()
    references:
      known carrier: {columns: [carrier], table: carriers, key: [code]}
"""


@pytest.fixture
def tolerant(validated: Path) -> Path:
    note = "\n  note: {dtype: str, nullable: true, coerce: true}"
    text = dedent(SCHEMA).replace("\nunique:", f"{note}\nunique:")
    (validated / "schema.yml").write_text(text + dedent(THRESHOLDS), encoding="utf-8")
    (validated / "related").mkdir()
    (validated / "related/carriers.csv").write_text("code,name\nAA,x\nUA,y\nZZ,z\n", encoding="utf-8")
    return validated


def ten(**columns: object) -> pd.DataFrame:
    """Return ten good rows, but for `columns`."""
    days = pd.date_range("2013-01-01", periods=10)
    good = {"when": days, "carrier": "AA", "delay": 1.0, "seats": range(10), "note": "x"}
    return pd.DataFrame(good | columns)


def result(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """Return rows, violations and metrics that were written."""
    violations = tables.read_table(folder / "bad/violations.parquet", allow_empty=True)
    metrics = json.loads((folder / "report/metrics.json").read_text(encoding="utf-8"))
    return tables.read_table(folder / "out"), violations, metrics


def test_rows_that_fail_are_tolerated_tell_or_stop_by_their_share(
    tolerant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    related = ["--related", tolerant / "related"]
    validate(tolerant, ten(delay=[*[1.0] * 9, 2000]), *related)
    assert "warning" not in capsys.readouterr().out
    validate(tolerant, ten(delay=[*[1.0] * 8, 2000, 2000]), *related)
    assert "warning: column 'delay': 2 of 10 values fail in_range(-90, 1500): " in capsys.readouterr().out
    table, violations, metrics = result(tolerant)
    assert (len(table), len(violations), metrics["checks_warning"], metrics["violations"]) == (10, 2, 1, 2)
    with pytest.raises(step.StepError) as caught:
        validate(tolerant, ten(delay=[*[1.0] * 6, *[2000] * 4]), *related)
    line = "column 'delay': 4 of 10 values fail in_range(-90, 1500), more than 30.00% of the rows: 2000.0"
    assert f"{line} (row 6), " in str(caught.value)


@pytest.mark.parametrize(
    ("words", "left"), [([], 10), (["--on-warning", "quarantine"], 8), (["--on-warning", "stop"], 0)]
)
def test_a_warning_keeps_its_rows_leaves_them_out_or_stops(
    tolerant: Path, words: list[str], left: int
) -> None:
    table = ten(carrier=[*["AA"] * 8, "zz", "QQ"], seats=[*range(8), 8, 9])
    words = ["--related", str(tolerant / "related"), *words]
    if not left:
        with pytest.raises(step.StepError, match=r"column 'carrier': 2 of 10 values fail isin"):
            validate(tolerant, table, *words)
        return
    validate(tolerant, table, *words)
    written, violations, metrics = result(tolerant)
    assert (len(written), metrics["quarantined_rows"]) == (left, 10 - left)
    named = violations[violations["check"] == "isin"]
    assert named[["row", "column", "value", "reason"]].values.tolist() == [
        [8, "carrier", "zz", "fails isin(['AA', 'UA'])"],
        [9, "carrier", "QQ", "fails isin(['AA', 'UA'])"],
    ]
    rows = tables.read_table(tolerant / "bad/rows.parquet", allow_empty=True)
    assert list(rows["seats"]) == ([8, 9] if left < 10 else [])


def test_a_failure_goes_on_without_its_rows_when_told_so(tolerant: Path) -> None:
    table = ten(delay=[*[1.0] * 6, *[2000] * 4])
    validate(tolerant, table, "--related", tolerant / "related", "--on-failure", "quarantine")
    assert (len(result(tolerant)[0]), result(tolerant)[2]["checks_failing"]) == (6, 1)
    with pytest.raises(
        step.StepError, match=r"schema\.yml: all 10 rows are left out: fix the delivery, or the schema"
    ):
        validate(tolerant, ten(delay=2000.0), "--related", tolerant / "related", "--on-failure", "quarantine")


def test_no_row_can_be_left_out_for_a_column_that_is_missing(tolerant: Path) -> None:
    with pytest.raises(step.StepError, match="column 'delay' is missing"):
        validate(
            tolerant,
            ten().drop(columns="delay"),
            "--related",
            tolerant / "related",
            "--on-failure",
            "quarantine",
        )


def test_a_row_that_cannot_be_read_is_never_written(tolerant: Path) -> None:
    validate(tolerant, ten(delay=[*["1"] * 9, "soon"]), "--related", tolerant / "related")
    table, violations, metrics = result(tolerant)
    assert (len(table), str(table["delay"].dtype), metrics["quarantined_rows"]) == (9, "float64", 1)
    assert violations[["row", "column", "value", "reason"]].values.tolist() == [
        [9, "delay", "soon", "cannot be read as float64"]
    ]


def test_rules_and_references_name_all_their_columns(tolerant: Path) -> None:
    table = ten(seats=[*range(9), 250], carrier=["UA", "AA"] * 5, note=[None, *["secret"] * 9])
    validate(tolerant, table, "--related", tolerant / "related")
    assert result(tolerant)[1].drop(columns="check").values.tolist() == [
        [9, "seats, delay", "250, 1.0", "fails seats < delay + 200"],
        [0, "note, delay", "***, 1.0", "fails note.notna() | delay.isna()"],
    ]
    assert "secret" not in (tolerant / "report/profile.json").read_text(encoding="utf-8")
    (tolerant / "related/carriers.csv").write_text("code,name\nAA,x\n", encoding="utf-8")
    validate(tolerant, ten(carrier=[*["AA"] * 9, "UA"]), "--related", tolerant / "related")
    assert result(tolerant)[1].drop(columns="check").values.tolist() == [
        [9, "carrier", "UA", "is not in carriers"]
    ]


@pytest.mark.parametrize(
    ("values", "row", "reason"),
    [
        (["2013-01-01T05:00", "2013-01-02T05:00+02:00"], 1, "has a time zone where others have none"),
        (["2013-01-01", "01/02/2013"], 1, "cannot be read as datetime64[ns]"),
    ],
)
def test_times_that_could_be_read_in_two_ways(
    tolerant: Path, values: list[str], row: int, reason: str
) -> None:
    days = [*values, *(f"2013-01-{day:02}" for day in range(3, 11))]
    validate(tolerant, ten(when=days), "--related", tolerant / "related")
    assert result(tolerant)[1][["row", "column", "reason"]].values.tolist() == [[row, "when", reason]]


def test_whole_numbers_lose_no_fraction(tolerant: Path) -> None:
    validate(tolerant, ten(seats=[*range(9), 9.5]), "--related", tolerant / "related")
    assert list(result(tolerant)[1]["reason"]) == ["cannot be read as int64"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "references.known carrier: there is no table 'carriers' in --related; its tables: none"),
        (["--related", "{}/nothing"], "nothing does not exist"),
        (["--related", "{}/foreign"], "table carriers: there is no column 'code' (did you mean 'cod'?)"),
        (["--related", "{}/broken"], "cannot read"),
    ],
)
def test_related_tables_that_are_not_there(tolerant: Path, words: list[str], message: str) -> None:
    for name, content in {"foreign": b"cod\nAA\n", "broken": b"\xff\xfe\x00"}.items():
        (tolerant / name).mkdir()
        (tolerant / name / "carriers.csv").write_bytes(content)
    with pytest.raises(step.StepError) as caught:
        validate(tolerant, ten(), *(word.format(tolerant) for word in words))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("threshold: {}", "unknown key 'threshold' (did you mean 'thresholds'?)"),
        (
            "thresholds: {a.isin: {warn: 3, fail: 1}}",
            "thresholds.a.isin.warn: Input should be less than",
        ),
        ("thresholds: {a: {warn: 0.2}}", "thresholds.a.fail: Field required"),
        ("thresholds: {a: {warn: 0.2, fail: 0.1}}", "thresholds.a: warn is larger than fail"),
        ("thresholds: {b: {warn: 0, fail: 0}}", "thresholds: 'b' is no check of this schema"),
        (
            "thresholds: {a.isn: {warn: 0, fail: 0}}",
            "thresholds: 'a.isn' is no check of this schema",
        ),
        ("rules: {r: 'a <'}", "rules.r: 'a <' is not an expression"),
        ("rules: {r: aa > 1}", "rules.r: 'aa' is no column of this schema (did you mean 'a'?)"),
        ("rules: {r: a.dt.hour > 1}", "rules.r: 'a.dt.hour > 1' cannot be computed (AttributeError: "),
        ("references: {r: {columns: [c], table: t}}", "references.r: 'c' is no column of this schema"),
        ("references: {r: {columns: [a], table: t, key: [b, c]}}", "key has another number of columns"),
        ("private: [b]", "private: 'b' is no column of this schema"),
    ],
)
def test_a_schema_whose_own_part_is_wrong(validated: Path, text: str, message: str) -> None:
    columns = "columns: {a: {dtype: int64, isin: [1, 2]}}\n"
    (validated / "schema.yml").write_text(columns + text, encoding="utf-8")
    with pytest.raises(step.StepError) as caught:
        validate(validated, pd.DataFrame({"a": [1, 2]}))
    assert message in str(caught.value)
    assert "schema.yml: " in str(caught.value)


@pytest.fixture
def reference(validated: Path) -> pd.DataFrame:
    """Rows of an earlier time, and a schema that fails a column whose distribution is another one."""
    text = "columns: {size: {dtype: float64, nullable: true}, kind: {dtype: str}, at: {dtype: float64}}\n"
    text += "thresholds: {kind.distribution: {warn: 0.1, fail: 0.3}}\n"
    (validated / "schema.yml").write_text(text, encoding="utf-8")
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {"size": random.normal(size=1000), "kind": random.choice(["a", "b"], 1000), "at": 1.0}
    )
    table.to_parquet(validated / "reference.parquet")
    return table


def test_distributions_are_compared_with_the_reference(
    validated: Path, reference: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--reference", validated / "reference.parquet", "--on-warning", "quarantine"]
    validate(validated, reference.sample(frac=1, random_state=0), *words)
    assert len(result(validated)[1]) == 0
    larger = reference["size"].where(reference.index % 3 > 0) + 0.8
    validate(validated, reference.assign(size=larger), *words)
    table, violations, metrics = result(validated)
    assert (len(table), metrics["checks_warning"], metrics["quarantined_rows"]) == (1000, 2, 0)
    assert set(violations["column"]) == {"size"}
    assert "warning: column 'size' is distributed unlike the reference, by 0." in capsys.readouterr().out
    with pytest.raises(step.StepError, match=r"column 'kind' is distributed unlike the reference, by 0\."):
        validate(validated, reference.assign(kind="a"), *words)


def test_few_rows_tell_nothing_about_a_distribution(validated: Path, reference: pd.DataFrame) -> None:
    validate(validated, reference.head(199).assign(size=9.0), "--reference", validated / "reference.parquet")
    assert len(result(validated)[1]) == 0


def test_a_process_reports_bad_rows_without_a_traceback(validated: Path) -> None:
    GOOD.assign(delay=-91.0).to_csv(validated / "table.csv", index=False)
    words = ["--table", validated / "table.csv", "--schema", validated / "schema.yml"]
    done = child("validate", *words, *outputs(validated))
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: the table does not match schema.yml:\n  column 'delay': 4 of 4 values"
    )
    assert "Traceback" not in done.stderr
    assert left_over(validated) == ["schema.yml", "table.csv"]


def test_words_that_the_schema_names_are_missing(tolerant: Path) -> None:
    words = '\nmissing: {delay: ["?", inf, -inf], note: [None, "-"], when: ["9999-12-31"]}\n'
    text = (
        (tolerant / "schema.yml").read_text(encoding="utf-8").replace("\nthresholds:", f"{words}thresholds:")
    )
    (tolerant / "schema.yml").write_text(text, encoding="utf-8")
    notes = ["None", "-", "x", "None of them", *["y"] * 6]
    delays = [float("-inf"), 1.5, float("inf"), *[2.0] * 7]
    validate(
        tolerant, ten(note=notes, delay=delays), "--related", tolerant / "related", "--on-failure", "continue"
    )
    table = result(tolerant)[0]
    assert table["note"].isna().tolist() == [True, True, *[False] * 8]
    assert table["delay"].isna().tolist()[:3] == [True, False, True]
    assert table["delay"].dtype == "float64"


def test_a_profile_of_anything_is_json() -> None:
    import validate as script

    table = pd.DataFrame(
        {"nested": [[1], {"a": 2}], "numbers": [float("inf"), 1.0], "none": [float("-inf")] * 2}
    )
    columns = json.loads(json.dumps(script.profile(table), allow_nan=False))["columns"]
    assert columns["numbers"] == {
        **{"type": "float64", "missing": 0, "distinct": 2, "minimum": 1.0, "maximum": 1.0, "mean": 1.0},
        "infinite": 1,
    }
    assert columns["nested"]["distinct"] == 2
