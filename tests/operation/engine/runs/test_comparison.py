"""Red against green: the first difference from the last good run is the one that matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.runs.comparison import profile_differences
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from tests.operation.engine.conftest import write


def _run(layout: Layout) -> dict[str, Any]:
    return start(layout, prepare(layout, Request()), lambda *_: None).content


def test_a_failed_run_names_the_function_that_changed(tiny: Layout) -> None:
    good = _run(tiny)
    words = tiny.src / "words.py"
    words.write_text(words.read_text().replace("sum(1", "sum(0"))
    bad = _run(tiny)
    assert bad["status"] == "failed"
    found = bad["since_last_good"]
    assert found["run"] == good["id"]
    assert found["differences"][0].startswith("double: input counted has other content")
    page = (tiny.runs / bad["id"] / "index.html").read_text(encoding="utf-8")
    assert "Since the last good run" in page
    assert good["id"] in page


def test_a_bug_in_the_failing_script_is_named_first(tiny: Layout) -> None:
    _run(tiny)
    double = tiny.src / "double.py"
    double.write_text(double.read_text().replace("if count == 0:", "if count != 0:"))
    assert _run(tiny)["since_last_good"]["differences"] == ["double: src/double.py: main() changed"]


def test_without_a_good_run_there_is_nothing_to_compare(tiny: Layout) -> None:
    write(tiny, "data/text.txt", "123")
    assert _run(tiny)["since_last_good"] is None


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
        (TABLE.assign(level=["a", "c", "a", "b"]), ["level: new level c"]),
    ],
)
def test_tables_are_compared_by_rows_columns_gaps_and_ranges(
    tmp_path: Path, other: pd.DataFrame, said: list[str]
) -> None:
    for name, table in {"before": TABLE, "after": other}.items():
        (tmp_path / name).mkdir()
        table.to_parquet(tmp_path / name / "table.parquet")
    assert profile_differences(tmp_path / "before", tmp_path / "after") == said


def test_what_is_no_table_is_not_compared(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    assert profile_differences(tmp_path / "a.json", tmp_path / "a.json") == []
