"""The table as every later step will see it: read by the Core Script that reads tables."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.errors import UsageError
from operation.engine.inference.columns import unusable_name
from operation.engine.layout import Layout
from operation.engine.nearest import did_you_mean, listed
from operation.engine.parquet import read_parquet
from operation.engine.runners import child_process

if TYPE_CHECKING:
    import pandas as pd


def read_table(data: Path, layout: Layout) -> pd.DataFrame:
    """Read a CSV or Parquet file, or a folder of them, through ``src/ingest.py``.

    Raises
    ------
    UsageError
        When there is nothing at `data`; names the nearest file.
    StepFailed
        With what ingest says, when the file cannot be read.
    """
    if not data.exists():
        beside = [path.name for path in data.parent.glob("*")]
        raise UsageError(f"--data: there is no {data}.{did_you_mean(data.name, beside)}")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table"
        child_process(layout.src / "ingest.py", [f"--data={data.resolve()}", f"--table={table}"])
        return read_parquet(table / "table.parquet")


def require_column(table: pd.DataFrame, name: str, option: str) -> None:
    """Refuse a column that `table` does not have, with the nearest one that it has."""
    if name not in table.columns:
        known = listed(table.columns, "and")
        raise UsageError(
            f"{option}: there is no column '{name}'.{did_you_mean(name, table.columns)} Known: {known}."
        )
    if problem := unusable_name(name):
        raise UsageError(f"{option}: column '{name}' cannot be used: {problem}.")


def data_path(data: Path, layout: Layout) -> str:
    """Return `data` as the use case names it: from the root where it lies inside, otherwise absolute."""
    path = layout.relative(data.resolve())
    return path if "/" in path else f"./{path}"  # train.csv alone would be output `csv` of step `train`
