"""Parquet tables of outputs, read by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def read_parquet(file: Path) -> pd.DataFrame:
    """Read one Parquet file as it is.

    pandas would hand over an open file, which Arrow's threads may still hold when the process ends: it then
    hangs or aborts, now and then. Arrow opens what it is told the name of.
    """
    from pyarrow.parquet import ParquetFile

    with ParquetFile(file) as opened:
        table: pd.DataFrame = opened.read().to_pandas()
    return table
