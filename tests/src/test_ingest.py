"""Ingest: samples and files, cut to a period, sampled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tabular import tables
from tests.src.running import child, contents, error_of, left_over, run

File = Callable[[pd.DataFrame], Path]


def ingested(folder: Path, *words: object) -> pd.DataFrame:
    run("ingest", *words, "--table", folder / "out")
    return tables.read_table(folder / "out")


def test_files_are_read_as_they_are(tmp_path: Path, tumours: pd.DataFrame) -> None:
    tumours.to_csv(tmp_path / "a.csv", index=False)
    table = ingested(tmp_path, "--data", tmp_path / "a.csv")
    assert list(table.columns) == list(tumours.columns)
    assert table["radius"].tolist() == tumours["radius"].tolist()
    assert (
        contents(tmp_path / "out")["metrics.json"]
        == b'{\n  "columns": 6.0,\n  "rows": 569.0,\n  "source_rows": 569.0\n}\n'
    )


def test_a_folder_of_parquet_is_read(tmp_path: Path, tumours: pd.DataFrame) -> None:
    (tmp_path / "parts").mkdir()
    tumours.iloc[300:].to_parquet(tmp_path / "parts/b.parquet")
    tumours.iloc[:300].to_parquet(tmp_path / "parts/a.parquet")
    assert ingested(tmp_path, "--data", tmp_path / "parts").equals(tumours)


def test_rows_are_sorted_by_time_and_cut_to_the_period(
    tmp_path: Path, file: File, tumours: pd.DataFrame
) -> None:
    data = file(tumours.iloc[::-1])
    words = ["--time-column", "day", "--period-from", "2020-01-02", "--period-to", "2020-01-04"]
    table = ingested(tmp_path, "--data", data, *words)
    assert table["day"].tolist() == [pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-03")]


def test_rows_are_sampled_by_chance_in_their_order(tmp_path: Path, file: File, tumours: pd.DataFrame) -> None:
    data = file(tumours)
    days = [
        ingested(tmp_path, "--data", data, "--sample-rows", 50, "--random-state", seed)["day"]
        for seed in (0, 0, 1)
    ]
    assert len(days[0]) == 50
    assert days[0].is_monotonic_increasing
    assert days[0].equals(days[1])
    assert not days[0].equals(days[2])
    assert len(ingested(tmp_path, "--data", data, "--sample-rows", 10_000)) == 569


MISTAKES = {
    "--sample-rows 0": "--sample-rows: 0 is out of range: give 1 or more, or leave it out",
    "--period-from 2020-01-01": "--period-from and --period-to need --time-column: name the column of times",
    "--time-column dya": "--time-column: there is no column 'dya' (did you mean 'day'?); "
    "the columns are: radius, texture, smoothness, size, day, diagnosis",
    "--time-column radius": "column 'radius' holds numbers, not times: name a column of times",
    "--time-column day --period-from yesterdy": "--period-from: 'yesterdy' is not a date such as 2013-01-31",
    "--time-column day --period-from 2031-01-01": "no row of 'day' is from 2031-01-01 to the last: "
    "its times go from 2020-01-01 00:00:00 to 2021-07-22 00:00:00",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_what_cannot_be_ingested(tmp_path: Path, file: File, tumours: pd.DataFrame, words: str) -> None:
    data = file(tumours)
    assert error_of(ingested, tmp_path, "--data", data, *words.split()) == MISTAKES[words]
    assert left_over(tmp_path) == [data.name]


def test_one_source_must_be_given_and_no_other(tmp_path: Path) -> None:
    neither = child("ingest", "--table", tmp_path / "out")
    assert neither.returncode == 2
    assert "one of the arguments --sample --data --remote --raw-table is required" in neither.stderr
    both = child("ingest", "--sample", "diabetes", "--data", "x.csv", "--table", tmp_path / "out")
    assert both.returncode == 2
    assert "argument --data: not allowed with argument --sample" in both.stderr


def test_a_process_writes_the_same_bytes(tmp_path: Path) -> None:
    run("ingest", "--sample", "diabetes", "--table", tmp_path / "here")
    done = child("ingest", "--sample", "diabetes", "--table", tmp_path / "there", PYTHONHASHSEED="7")
    assert (done.returncode, done.stdout) == (0, "ingested 442 rows, 11 columns\n")
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_a_process_says_what_is_wrong_and_leaves_nothing(tmp_path: Path) -> None:
    done = child("ingest", "--data", tmp_path / "a.csv", "--table", tmp_path / "out")
    assert done.returncode == 1
    expected = (
        f"error: {tmp_path / 'a.csv'} does not exist: name a CSV or Parquet file, or a folder of them\n"
    )
    assert done.stderr == expected
    assert left_over(tmp_path) == []
