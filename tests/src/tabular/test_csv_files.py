"""CSV files as people bring them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular import tables

NAN = float("nan")


def read(folder: Path, text: str, encoding: str = "utf-8") -> tuple[pd.DataFrame, list[str]]:
    (folder / "a.csv").write_text(text, encoding=encoding, newline="")
    told: list[str] = []
    return tables.read_table(folder / "a.csv", tell=told.append), told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Price, low","Price, high",b\n1,2,x\n', {"Price, low": [1], "Price, high": [2], "b": ["x"]}),
        ('"a;b";c\n1;2\n', {"a;b": [1], "c": [2]}),
        ("sep=;\na;b\n1,5;x\n2,5;y\n", {"a": [1.5, 2.5], "b": ["x", "y"]}),
        ('"sep=|"\na|b\n1|2\n', {"a": [1], "b": [2]}),
        ("Preis\n12,5\n3,25\n", {"Preis": [12.5, 3.25]}),
        ("a;b\n1.234,5;1.234\n0,5;12.500\n", {"a": [1234.5, 0.5], "b": [1234, 12500]}),
        ("a;b\n1.234;x\n1.5;y\n", {"a": [1.234, 1.5], "b": ["x", "y"]}),
        ('a,b\n"1,234.5",1\n"12",2\n', {"a": [1234.5, 12], "b": [1, 2]}),
        ('a,b\n"1,234",1\n"12,000",2\n', {"a": [1234, 12000], "b": [1, 2]}),
        ("a;b\n1,234;1\n12,000;2\n", {"a": [1.234, 12.0], "b": [1, 2]}),
        ("a\tb\n1 234,5\t1\n2,5\t2\n", {"a": [1234.5, 2.5], "b": [1, 2]}),
        ("kind,n\nNone,1\nNA,2\n,3\nnull,4\n", {"kind": ["None", "NA", NAN, "null"], "n": [1, 2, 3, 4]}),
        ("kind,n\nx,1\ny,NA\nz,null\n", {"kind": ["x", "y", "z"], "n": [1, NAN, NAN]}),
        ("code,n\n01067,1\n10115,2\n", {"code": ["01067", "10115"], "n": [1, 2]}),
        ("code,n\n007,1\n07,2\n7,3\n", {"code": ["007", "07", "7"], "n": [1, 2, 3]}),
        ("x,n\ninf,1\n-inf,2\n1.5,3\n", {"x": [float("inf"), float("-inf"), 1.5], "n": [1, 2, 3]}),
        ("x\n18446744073709551615\n1\n", {"x": [2**64 - 1, 1]}),
        ("x,y\n123456789012345678901234567890,1\n", {"x": ["123456789012345678901234567890"], "y": [1]}),
        ("a,b\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\nr1,1,2\nr2,3,4\n", {"unnamed 0": ["r1", "r2"], "a": [1, 3], "b": [2, 4]}),
        ("v\n1.2.3\n31.12.2020\n", {"v": ["1.2.3", "31.12.2020"]}),
        ("a\n0.5\n-0.25\n", {"a": [0.5, -0.25]}),
        ("a;b\n1,5e+02;1\n2,25e-1;2\n", {"a": [150.0, 0.225], "b": [1, 2]}),
        ("a;b\n−1,5;1\n2,5;2\n", {"a": [-1.5, 2.5], "b": [1, 2]}),
        ('a,b\n"12,34,567",1\n"1,000",2\n', {"a": [1234567, 1000], "b": [1, 2]}),
        ('"Price,\r\nlow",b\r\n1,2\r\n', {"Price, low": [1], "b": [2]}),
    ],
)
def test_values_are_what_a_person_wrote(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    found, _ = read(tmp_path, text)
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False)
    kinds = {name: pd.Series(values).dtype.kind for name, values in expected.items()}
    assert {name: found[name].dtype.kind for name in found} == kinds


def test_a_file_of_a_spreadsheet_in_utf_16_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "Größe\tb\n1,5\tx\n", "utf-16")[0]["Größe"].tolist() == [1.5]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b,c\n1,2,3\n4,5\n\n7,8,9\n6\n", "row 1, 3"),
        ('sep=;\na;b\n"x\ny";1\n2\n', "row 1"),
        ("a,b\n1,\n2,3\n", None),  # an empty cell is one
    ],
)
def test_rows_that_are_too_short_are_told(tmp_path: Path, text: str, rows: str | None) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        _, told = read(tmp_path, text, encoding)
        said = f"{rows}: shorter than the header; the cells that it lacks count as missing"
        assert told == ([said] if rows else [])


def test_what_was_read_otherwise_than_written_is_told(tmp_path: Path) -> None:
    _, told = read(tmp_path, "zip;price;n\n01067;12,5;NA\n10115;1,5;3\n")
    assert told == [
        "column 'zip' holds leading zeros: read as text",
        "column 'price': numbers with a decimal comma",
        "column 'n': NA counts as missing (row 0)",
    ]


NUMBERS = st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)), min_size=2, max_size=20)


@given(numbers=NUMBERS, point=st.sampled_from([",", "."]), grouped=st.booleans())
def test_numbers_survive_the_way_they_are_written(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float], point: str, grouped: bool
) -> None:
    group = {",": ".", ".": ","}[point] if grouped else ""
    texts = [f"{number:,.2f}".translate({ord(","): group, ord("."): point}) for number in numbers]
    found, _ = read(tmp_path_factory.mktemp("numbers"), "x\ty\n" + "".join(f"{text}\t1\n" for text in texts))
    assert found["x"].tolist() == numbers
