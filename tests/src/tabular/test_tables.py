"""Tables read with care, and written with equal bytes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import step
from tabular import tables

TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


def message(caught: pytest.ExceptionInfo[step.StepError]) -> str:
    return str(caught.value)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])
def test_csv_is_read_whatever_its_separator(tmp_path: Path, separator: str, mark: str) -> None:
    TABLE.to_csv(tmp_path / "a.csv", sep=separator, index=False, encoding=mark)
    pd.testing.assert_frame_equal(tables.read_table(tmp_path / "a.csv"), TABLE.replace({None: float("nan")}))


def test_a_folder_is_one_table_in_order_of_names(tmp_path: Path) -> None:
    TABLE.assign(a=[3, 4]).to_parquet(tmp_path / "part-2.parquet")
    TABLE.to_csv(tmp_path / "part-1.csv", index=False)
    (tmp_path / "metrics.json").write_text("{}", encoding="utf-8")
    assert tables.read_table(tmp_path)["a"].tolist() == [1, 2, 3, 4]
    assert tables.read_table(tmp_path).index.tolist() == [0, 1, 2, 3]


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(step.StepError) as caught:
        tables.read_table(tmp_path / "a.csv")
    expected = f"{tmp_path / 'a.csv'} does not exist: name a CSV or Parquet file, or a folder of them"
    assert message(caught) == expected


def test_a_folder_without_tables(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("", encoding="utf-8")
    with pytest.raises(step.StepError) as caught:
        tables.read_table(tmp_path)
    assert message(caught) == f"{tmp_path} holds no table: name a .csv or .parquet file, or a folder of them"


def test_a_table_without_rows(tmp_path: Path) -> None:
    TABLE.head(0).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(step.StepError) as caught:
        tables.read_table(tmp_path / "a.parquet")
    assert message(caught) == f"{tmp_path / 'a.parquet'} has no rows: give a table with at least one"


def test_parquet_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(step.StepError) as caught:
        tables.read_table(tmp_path / "a.parquet")
    assert message(caught) == (
        f"cannot read {tmp_path / 'a.parquet'} as Parquet: "
        "Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file"
        "; fix the file or name another"
    )


@pytest.mark.parametrize("length", [0, 10, 500])
def test_parquet_that_was_cut_off(tmp_path: Path, length: int) -> None:
    TABLE.to_parquet(tmp_path / "whole.parquet")
    cut = (tmp_path / "whole.parquet").read_bytes()[:length]
    (tmp_path / "a.parquet").write_bytes(cut)
    with pytest.raises(step.StepError, match=r"as Parquet: .*; fix the file or name another"):
        tables.read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "No columns to parse from file"),
        (b"a,b\n1,2\n3,4,5\n", "Error tokenizing data. C error: Expected 2 fields in line 3, saw 3"),
        (b"a,b\n\xff\xfe,2\n", "'utf-8' codec can't decode byte 0xff in position 4: invalid start byte"),
    ],
)
def test_csv_that_is_none(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(step.StepError) as caught:
        tables.read_table(tmp_path / "a.csv")
    start = f"cannot read {tmp_path / 'a.csv'} as CSV: {reason}"
    assert message(caught) == start + "; fix the file or name another"


def test_csv_with_a_column_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,a\n1,2,3\n", encoding="utf-8")
    with pytest.raises(step.StepError) as caught:
        tables.read_table(tmp_path / "a.csv")
    assert message(caught) == f"{tmp_path / 'a.csv'}:1: column 'a' is duplicated: rename one of them"


def test_mappings_and_numbers_of_16_bits_can_be_written_again(tmp_path: Path) -> None:
    pairs = pa.array([[("a", 1)], [("b", 2)]], type=pa.map_(pa.string(), pa.int64()))
    small = pa.array([0.5, 2.0], type=pa.float32()).cast(pa.float16())
    pq.write_table(pa.table({"pairs": pairs, "small": small}), tmp_path / "a.parquet")
    read = tables.read_table(tmp_path / "a.parquet")
    tables.write_table(read, tmp_path / "b.parquet")
    assert read["small"].dtype == "float64"
    assert tables.read_table(tmp_path / "b.parquet")["small"].tolist() == [0.5, 2.0]


def test_an_index_with_a_name_is_a_column_and_names_are_text(tmp_path: Path) -> None:
    TABLE.assign(id=[7, 8]).set_index("id").rename(columns={"b": "9"}).to_parquet(tmp_path / "a.parquet")
    assert list(tables.read_table(tmp_path / "a.parquet").columns) == ["id", "a", "9"]
    TABLE.set_index(pd.Index([5, 6])).to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(tables.read_table(tmp_path / "a.parquet"), TABLE)


def test_files_that_are_not_parts_of_one_table(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "1.csv", index=False)
    TABLE.rename(columns={"b": "c"}).to_csv(tmp_path / "2.csv", index=False)
    with pytest.raises(step.StepError) as caught:
        tables.read_table(tmp_path)
    assert message(caught) == (
        f"{tmp_path / '2.csv'} and {tmp_path / '1.csv'} are not parts of one table: "
        "column 'b' is in one of them only; move the other file out of the folder"
    )


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    tables.write_table(TABLE, tmp_path / "a.parquet")
    tables.write_table(TABLE.set_index(pd.Index([7, 9])), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    pd.testing.assert_frame_equal(tables.read_table(tmp_path / "b.parquet"), TABLE)


def test_columns_that_are_missing_are_all_named() -> None:
    with pytest.raises(step.StepError) as caught:
        tables.require_columns(
            pd.DataFrame(columns=["carrier", "origin"]), ["origin", "carier", "x"], "--keep"
        )
    assert message(caught) == (
        "--keep: there is no column 'carier' (did you mean 'carrier'?), no column 'x'; "
        "the columns are: carrier, origin"
    )
