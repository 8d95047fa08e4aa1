"""Rows of a table as a client would send them."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from modelling import models
from tabular import tables
from tests.src.running import Trained


def value(cell: Any) -> Any:
    """Return what JSON holds for one cell."""
    if cell is pd.NaT or (isinstance(cell, float) and cell != cell):
        return None
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat()
    return cell.item() if hasattr(cell, "item") else cell


def rows(trained: Trained, table: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """Return the rows of the holdout (or of `table`), with the columns that features are made of."""
    table = tables.read_table(trained.holdout) if table is None else table
    columns = models.load(trained.model).features.columns
    return [{name: value(cell) for name, cell in row.items()} for row in table[columns].to_dict("records")]


def request(*records: dict[str, Any]) -> str:
    """Return a request for `records`."""
    return json.dumps({"data": list(records)})
