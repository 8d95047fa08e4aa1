"""Equal rows of tables with different columns, and what their digest depends on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from comparing.equal_rows import equal_rows, read_holdout, rows_digest
from tests.src.running import error_of

TABLE = pd.DataFrame({"id": [3, 1, 2], "x": [0.3, 0.1, 0.2], "target": [1.0, None, 0.0]})


def test_rows_are_matched_by_their_key_in_the_order_of_the_first() -> None:
    other = pd.DataFrame({"id": [2, 9, 3], "z": ["two", "nine", "three"]})
    own, same = equal_rows(TABLE, other, ["id"])
    assert (own["id"].tolist(), same["z"].tolist()) == ([3, 2], ["three", "two"])


def test_rows_that_cannot_be_matched() -> None:
    twice = pd.concat([TABLE, TABLE])
    needs = "--champion-holdout needs --row-key: name the columns that identify a row"
    assert error_of(equal_rows, TABLE, TABLE, []) == needs
    several = "several rows have the same --row-key: name more columns that identify a row"
    assert error_of(equal_rows, TABLE, twice, ["id"]) == f"--champion-holdout: {several}"
    none = "--holdout and --champion-holdout have no row in common: compare their --row-key"
    assert error_of(equal_rows, TABLE, TABLE.assign(id=[7, 8, 9]), ["id"]) == none


def test_rows_without_a_label_are_counted_and_left_out(tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    TABLE.to_parquet(file)
    holdout = read_holdout(file, None, [], ["x"], "target")
    assert holdout.rows["id"].tolist() == [3, 2]
    assert (holdout.facts["rows"], holdout.facts["without_label"], holdout.facts["left_out"]) == (2, 1, 0)
    TABLE.assign(target=None).to_parquet(file)
    assert "no row has a label yet" in error_of(read_holdout, file, None, [], [], "target")


def test_a_new_feature_makes_no_new_holdout(tmp_path: Path) -> None:
    first, second = tmp_path / "a.parquet", tmp_path / "b.csv"
    TABLE.to_parquet(first)
    TABLE.assign(y=1).to_csv(second, index=False)
    one, other = (read_holdout(file, None, ["id"], [], "target") for file in (first, second))
    assert one.digest == other.digest
    assert one.facts["content"] != other.facts["content"]
    assert rows_digest(TABLE) != rows_digest(TABLE.iloc[::-1])
    both = read_holdout(first, second, ["id"], [], "target")
    assert both.digest == one.digest
    assert both.champion_rows.columns.tolist() == ["id", "x", "target", "y"]


@pytest.mark.parametrize("column", ["x", "target"])
def test_a_missing_column_is_told(tmp_path: Path, column: str) -> None:
    file = tmp_path / "table.parquet"
    TABLE.drop(columns=column).to_parquet(file)
    assert error_of(read_holdout, file, None, [], ["x"], "target").startswith(
        f"--holdout: there is no column {column!r}"
    )
