"""What identifies a row, so that the files of a folder can be deliveries to a raw table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from operation.engine.delivery.scaffolding.columns import Column, looks_like_key

if TYPE_CHECKING:
    import pandas as pd


def guess_key(table: pd.DataFrame, columns: Sequence[Column], time_column: str | None) -> list[str]:
    """Return the columns that identify a row: a key, else its time, alone or with a category; or none.

    Without a time there is none: rows of a raw table have one.
    """
    if time_column is None:
        return []
    names = [column.name for column in columns if _is_whole_or_text(table[column.name])]
    named = [name for name in names if looks_like_key(name)]
    categories = [column.name for column in columns if column.kind == "categorical"]
    candidates = [*([name] for name in named), [time_column], *([time_column, name] for name in categories)]
    return next((key for key in candidates if _identifies(table, key)), [])


def _is_whole_or_text(values: pd.Series) -> bool:
    from pandas.api import types

    return types.infer_dtype(values, skipna=True) in {"integer", "string"}


def _identifies(table: pd.DataFrame, key: Sequence[str]) -> bool:
    """Tell whether no row lacks a value of `key`, and no two have the same."""
    return not table[list(key)].isna().any(axis=None) and not table.duplicated(list(key)).any()
