"""Parts of whole groups: each row once, no group in two parts, whatever the length of a part."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular.group_parts import read_parts
from tests.src.running import error_of


def write(folder: Path, names: list[str]) -> Path:
    table = pd.DataFrame({"shop": names, "product": "x", "number": range(len(names))})
    table.to_parquet(folder / "table.parquet", row_group_size=3)
    return folder / "table.parquet"


def parts(file: Path, rows: int | None) -> list[pd.DataFrame]:
    return list(read_parts(file, ["shop", "product"], rows))


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), rows=st.integers(1, 40))
def test_no_group_is_in_two_parts(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], rows: int
) -> None:
    names = [name for name, size in zip("caebfd", sizes, strict=False) for _ in range(size)]
    found = parts(write(tmp_path_factory.mktemp("t"), names), rows)
    assert [number for part in found for number in part["number"]] == list(range(len(names)))
    assert sum(part["shop"].nunique() for part in found) == len(sizes)
    assert all(len(part) < rows + 2 * max(sizes) for part in found)
    assert all(part.index.equals(pd.RangeIndex(len(part))) for part in found)


def test_without_a_length_the_table_is_whole(tmp_path: Path) -> None:
    assert len(parts(write(tmp_path, ["a", "b", "a"]), None)) == 1


def test_groups_that_do_not_stand_together_are_refused(tmp_path: Path) -> None:
    assert error_of(parts, write(tmp_path, ["a", "a", "b", "b", "a"]), 2) == (
        "--part-rows: the rows of 'a & x' do not stand together: sort the table by shop, product, "
        "or leave --part-rows out"
    )


def test_a_row_without_a_group_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, ["a", "a", None, "b"])  # type: ignore[list-item]
    assert error_of(parts, file, 2) == "--part-rows: a row lacks shop, product: give it a group"


def test_a_part_has_rows(tmp_path: Path) -> None:
    assert error_of(parts, write(tmp_path, ["a"]), 0) == "--part-rows: 0 is out of range: give 1 or more"
