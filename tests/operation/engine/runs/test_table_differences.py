"""Two tables are compared by what a person would look at first."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from operation.engine.runs.table_differences import table_differences

TABLE = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "level": ["a", "b", "a", "b"]})


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (TABLE, []),
        (TABLE.head(2), ["rows 4 -> 2"]),
        (TABLE.drop(columns="x"), ["without column x"]),
        (TABLE.assign(y=1), ["with new column y"]),
        (TABLE.assign(x=[1.0, 2.0, 3.0, 9.0]), ["x: range 1 to 4 -> 1 to 9"]),
        (TABLE.assign(x=[1.0, 2.0, 4.0, None]), ["x: missing 0.0% -> 25.0%"]),
        (TABLE.assign(x=["1", "2", "3", "4"]), ["x: type float64 -> object"]),
        (TABLE.assign(level=["a", "c", "a", "b"]), ["level: new category c"]),
        (TABLE.assign(level=["c", "d", "e", "f"]), ["level: new category c, d, e and 1 more"]),
    ],
)
def test_tables_are_compared_by_rows_columns_gaps_and_ranges(
    tmp_path: Path, other: pd.DataFrame, said: list[str]
) -> None:
    for name, table in {"before": TABLE, "after": other}.items():
        (tmp_path / name).mkdir()
        table.to_parquet(tmp_path / name / "table.parquet")
    assert table_differences(tmp_path / "before", tmp_path / "after") == said


def test_what_is_no_table_is_not_compared(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    assert table_differences(tmp_path / "a.json", tmp_path / "a.json") == []


def test_no_differing_column_is_left_out(tmp_path: Path) -> None:
    for name, ending in {"before": 1.0, "after": 2.0}.items():
        pd.DataFrame({f"x{index}": [0.0, ending] for index in range(8)}).to_csv(tmp_path / f"{name}.csv")
    sentences = table_differences(tmp_path / "before.csv", tmp_path / "after.csv")
    assert sentences[0] == "x0: range 0 to 1 -> 0 to 2"
    assert sentences[-1] == "also differing: x5, x6, x7"
