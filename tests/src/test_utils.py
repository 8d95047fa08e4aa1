"""Paths, errors, tables and metrics that every Core Script shares."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import utils
from tests.src.running import contents, left_over

TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


def message(caught: pytest.ExceptionInfo[utils.StepError]) -> str:
    return str(caught.value)


@pytest.mark.parametrize(("error", "code"), [(utils.StepError("no"), 1), (utils.GateRejected("no"), 3)])
def test_an_expected_error_is_one_line_and_an_exit_code(
    error: utils.StepError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as exit_:
        utils.run_script(main)
    assert exit_.value.code == code
    assert capsys.readouterr().err == "error: no\n"


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        utils.run_script(lambda: print(1 / 0))


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    with utils.new_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        assert not (tmp_path / "out").exists()
    assert contents(tmp_path / "out") == {"a.txt": b"new"}
    assert left_over(tmp_path) == ["out"]


def write_and_fail(path: Path) -> None:
    with utils.new_folder(path) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        raise ZeroDivisionError


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(tmp_path / "out")
    assert contents(tmp_path / "out") == {"a.txt": b"old"}
    assert left_over(tmp_path) == ["out"]


def test_an_old_folder_of_the_same_files_is_replaced(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with utils.new_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text(text, encoding="utf-8")
    assert contents(tmp_path / "out") == {"a.txt": b"new"}


def test_a_folder_with_foreign_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years", encoding="utf-8")
    with pytest.raises(utils.StepError) as caught, utils.new_folder(tmp_path) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
    found = f"{tmp_path} holds 'thesis.tex', which this step does not write"
    assert message(caught) == f"{found}: name another folder, or remove it"
    assert left_over(tmp_path) == ["thesis.tex"]
    assert not list(tmp_path.parent.glob("*.partial-*"))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(utils.StepError) as caught, utils.new_folder(tmp_path / "file/out"):
        pass
    assert message(caught) == f"cannot write {tmp_path / 'file/out'}: Not a directory"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])
def test_csv_is_read_whatever_its_separator(tmp_path: Path, separator: str, mark: str) -> None:
    TABLE.to_csv(tmp_path / "a.csv", sep=separator, index=False, encoding=mark)
    pd.testing.assert_frame_equal(utils.read_table(tmp_path / "a.csv"), TABLE.replace({None: float("nan")}))


def test_a_folder_is_one_table_in_order_of_names(tmp_path: Path) -> None:
    TABLE.assign(a=[3, 4]).to_parquet(tmp_path / "part-2.parquet")
    TABLE.to_csv(tmp_path / "part-1.csv", index=False)
    (tmp_path / "metrics.json").write_text("{}", encoding="utf-8")
    assert utils.read_table(tmp_path)["a"].tolist() == [1, 2, 3, 4]
    assert utils.read_table(tmp_path).index.tolist() == [0, 1, 2, 3]


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(utils.StepError) as caught:
        utils.read_table(tmp_path / "a.csv")
    expected = f"{tmp_path / 'a.csv'} does not exist: name a CSV or Parquet file, or a folder of them"
    assert message(caught) == expected


def test_a_folder_without_tables(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("", encoding="utf-8")
    with pytest.raises(utils.StepError) as caught:
        utils.read_table(tmp_path)
    assert message(caught) == f"{tmp_path} holds no table: name a .csv or .parquet file, or a folder of them"


def test_a_table_without_rows(tmp_path: Path) -> None:
    TABLE.head(0).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(utils.StepError) as caught:
        utils.read_table(tmp_path / "a.parquet")
    assert message(caught) == f"{tmp_path / 'a.parquet'} has no rows: give a table with at least one"


def test_parquet_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(utils.StepError) as caught:
        utils.read_table(tmp_path / "a.parquet")
    assert message(caught) == (
        f"cannot read {tmp_path / 'a.parquet'} as Parquet: Could not open Parquet input source '<Buffer>': "
        "Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file"
        "; write the file again or name another"
    )


@pytest.mark.parametrize("length", [0, 10, 500])
def test_parquet_that_was_cut_off(tmp_path: Path, length: int) -> None:
    TABLE.to_parquet(tmp_path / "whole.parquet")
    cut = (tmp_path / "whole.parquet").read_bytes()[:length]
    (tmp_path / "a.parquet").write_bytes(cut)
    with pytest.raises(utils.StepError, match=r"as Parquet: .*; write the file again or name another"):
        utils.read_table(tmp_path / "a.parquet")


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
    with pytest.raises(utils.StepError) as caught:
        utils.read_table(tmp_path / "a.csv")
    start = f"cannot read {tmp_path / 'a.csv'} as CSV: {reason}"
    assert message(caught) == start + "; write the file again or name another"


def test_csv_with_a_column_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,a\n1,2,3\n", encoding="utf-8")
    with pytest.raises(utils.StepError) as caught:
        utils.read_table(tmp_path / "a.csv")
    assert message(caught) == f"{tmp_path / 'a.csv'}:1: column 'a' is there twice: rename one of them"


def test_an_index_with_a_name_is_a_column_and_names_are_text(tmp_path: Path) -> None:
    TABLE.assign(id=[7, 8]).set_index("id").rename(columns={"b": "9"}).to_parquet(tmp_path / "a.parquet")
    assert list(utils.read_table(tmp_path / "a.parquet").columns) == ["id", "a", "9"]
    TABLE.set_index(pd.Index([5, 6])).to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(utils.read_table(tmp_path / "a.parquet"), TABLE)


def test_files_that_are_not_parts_of_one_table(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "1.csv", index=False)
    TABLE.rename(columns={"b": "c"}).to_csv(tmp_path / "2.csv", index=False)
    with pytest.raises(utils.StepError) as caught:
        utils.read_table(tmp_path)
    assert message(caught) == (
        f"{tmp_path / '2.csv'} and {tmp_path / '1.csv'} are not parts of one table: "
        "column 'b' is in one of them only; move the other file out of the folder"
    )


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    utils.write_table(TABLE, tmp_path / "a.parquet")
    utils.write_table(TABLE.set_index(pd.Index([7, 9])), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    pd.testing.assert_frame_equal(utils.read_table(tmp_path / "b.parquet"), TABLE)


def test_columns_that_are_missing_are_all_named() -> None:
    with pytest.raises(utils.StepError) as caught:
        utils.require_columns(
            pd.DataFrame(columns=["carrier", "origin"]), ["origin", "carier", "x"], "--keep"
        )
    assert message(caught) == (
        "--keep: there is no column 'carier' (did you mean 'carrier'?), no column 'x'; "
        "the columns are: carrier, origin"
    )


def test_metrics_are_added_to(tmp_path: Path) -> None:
    utils.log_metrics(tmp_path, {"b": 1, "a": 0.5})
    utils.log_metrics(tmp_path, {"c": 2.0})
    expected = '{\n  "a": 0.5,\n  "b": 1.0,\n  "c": 2.0\n}\n'
    assert (tmp_path / "metrics.json").read_bytes() == expected.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_is_finite(tmp_path: Path, value: float) -> None:
    with pytest.raises(utils.StepError) as caught:
        utils.log_metrics(tmp_path, {"rmse": value})
    assert message(caught) == f"metric rmse is {value}: only finite numbers are metrics"
    assert left_over(tmp_path) == []


def test_broken_json(tmp_path: Path) -> None:
    with pytest.raises(utils.StepError) as caught:
        utils.read_json(tmp_path / "a.json")
    missing = f"cannot read {tmp_path / 'a.json'}: No such file or directory; run the step that writes it"
    assert message(caught) == missing
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    with pytest.raises(utils.StepError, match=r"a.json is not JSON: .*; run the step that writes it again"):
        utils.read_json(tmp_path / "a.json")


def test_a_long_list_is_cut() -> None:
    assert utils.listing(range(3)) == "0, 1, 2"
    assert utils.listing(range(7)) == "0, 1, 2, 3, 4 and 2 more"
