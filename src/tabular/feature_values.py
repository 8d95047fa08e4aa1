"""Values of feature tables and of the rows that ask for them: times and their zones, names of entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from support import step
from tabular.columns import as_array, as_times, category_texts
from tabular.feature_definition import Definition

if TYPE_CHECKING:
    import pyarrow as pa

ZONE = r"(?:Z|[T ]\S*[+-]\d\d(?::?\d\d)?)$"


def has_zone(column: pd.Series) -> bool:
    """Return whether times have a zone; raise a StepError when some have one and others none."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return isinstance(column.dtype, pd.DatetimeTZDtype)
    zoned = column.dropna().astype(str).str.contains(ZONE, regex=True)
    if zoned.nunique() > 1:
        refuse_mixed_zones(
            f"column {column.name!r}: {int(zoned.sum())} times have a zone, {int((~zoned).sum())}"
        )
    return bool(zoned.any())


def refuse_mixed_zones(sides: str) -> None:
    """Raise the StepError for times of which only some have a zone; `sides` says which."""
    raise step.StepError(f"{sides} have none: which comes first is unknown; give all of them a zone, or none")


def read_times(column: pd.Series, may_be_missing: bool, where: str) -> pd.Series:
    """Return times without a zone; raise a StepError that names the feature table."""
    try:
        return as_times(column, allow_missing=may_be_missing).astype("datetime64[ns]")
    except step.StepError as error:
        raise step.StepError(f"{where}: {error}") from None


def entity_key(column: pd.Series) -> pd.Series:
    """Return a column of an entity as numbers or as text."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column
    return pd.Series(category_texts(as_array(column)), column.index, dtype=object)


def requested_key(kind: pa.DataType, column: pd.Series, where: str) -> pa.Array:
    """Return a request's column of an entity as the feature table has it: numbers, or text."""
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.array(category_texts(as_array(column)), kind)
    numbers = pd.to_numeric(column, errors="coerce")
    broken = column[numbers.isna() & column.notna()]
    if len(broken):
        found = f"column {column.name!r} holds {step.show(broken.iloc[0])} in the rows"
        raise step.StepError(f"{where}: {found}, and numbers in the feature table: give it the same values")
    return pa.array(numbers, from_pandas=True)


def check_rows(rows: pd.DataFrame, definition: Definition, where: str) -> None:
    """Raise a StepError where there is no row, an entity is missing, or two rows cannot be told apart."""
    if rows.empty:
        raise step.StepError(f"{where} has no rows: check its source and its function")
    if missing := [name for name in definition.entity if rows[name].isna().any()]:
        count = f"{int(rows[missing[0]].isna().sum())} of {len(rows)} rows"
        raise step.StepError(
            f"{where}: {count} have no {missing[0]!r}, which names the entity: leave them out"
        )
    twice = rows[rows.duplicated(definition.order, keep=False)]
    if len(twice):
        first = ", ".join(f"{name} {twice[name].iloc[0]}" for name in definition.order)
        fix = "keep one of them, or name the column with the time since which each is known"
        raise step.StepError(f"{where}: {len(twice)} rows are of the same entity and times ({first}): {fix}")
