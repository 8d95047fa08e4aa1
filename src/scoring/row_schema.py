"""The schema of a request's rows: that of the table, else inferred from its rows; stored with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from modelling.features import FeatureSpec
from support import step

Kind = Literal["number", "integer", "boolean", "text", "code", "time"]


@dataclass(frozen=True)
class Column:
    """One column of a request."""

    # what JSON must hold; a code is a category that was a number in training, sent as number or text; a
    # time is text in ISO 8601
    kind: Kind
    # whether training had missing values; where it had none, null is answered with a warning
    has_missing: bool
    minimum: float | None = None  # numbers outside are refused; None where training does not tell the range
    maximum: float | None = None
    allowed: list[str] | None = None  # other texts and codes are refused
    pattern: str | None = None  # texts and codes that do not begin with a match of it are refused


def describe(
    table: pd.DataFrame, spec: FeatureSpec, margin: float, limits: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the schema of the columns that features are made of, as JSON.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        The training rows.
    spec : FeatureSpec
        The features.
    margin : float
        How far outside the training range a number may be, as a multiple of that range; 0 or more.
    limits : mapping of str to mapping
        Fields of a `Column` that the table's schema knows: they go before what the rows tell.

    Returns
    -------
    dict
        Name of a column -> the fields of its `Column`.
    """
    numbers, times = _numbers(spec), set(spec.datetime)
    columns = {name: _column(table[name], name in numbers, name in times, margin) for name in spec.columns}
    return {name: {**asdict(column), **limits.get(name, {})} for name, column in columns.items()}


def telling_rows(table: pd.DataFrame, spec: FeatureSpec) -> pd.DataFrame:
    """Return the rows of `table` that `describe` needs: it says the same of them as of all.

    Of each column these hold the smallest, the greatest and a missing value, and one of each type.
    """
    numbers = _numbers(spec)
    kept: set[Any] = set()
    for name, column in table.items():
        values = pd.to_numeric(column, errors="coerce") if name in numbers else column
        if values.dtype == object:
            kept.update(values.map(type).drop_duplicates().index)
        elif values.notna().any():
            kept.update((values.idxmin(), values.idxmax()))
        kept.add(column.isna().idxmax())
    return table.loc[sorted(kept)]


def _numbers(spec: FeatureSpec) -> set[str]:
    """Return the columns that features are computed from as numbers."""
    return {*spec.numeric, *spec.cyclic, *(name for _, *names in spec.computed for name in names)}


def describe_keys(table: pd.DataFrame, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the schema of the columns by which features are looked up: the time first, then entities."""
    columns = {name: _column(table[name], False, number == 0, 0) for number, name in enumerate(keys)}
    return {name: asdict(column) for name, column in columns.items()}


def from_facts(facts: Mapping[str, Any], where: str, part: str = "schema") -> dict[str, Column]:
    """Return the columns that model.json describes: ``schema``, or ``lookup_schema`` if it has that.

    Raises
    ------
    StepError
        When the model was trained by an earlier version of these scripts.
    """
    try:
        described = facts["schema"] if part == "schema" else facts.get(part, {})
        return {name: Column(**fields) for name, fields in described.items()}
    except (KeyError, TypeError):
        raise step.StepError(
            f"{where} was trained by an earlier version of these scripts: retrain it"
        ) from None


def _column(column: pd.Series, is_number: bool, is_time: bool, margin: float) -> Column:
    known, has_missing = column.dropna(), bool(column.isna().any())
    if is_time:
        return Column("time", has_missing)
    if len(known) and all(isinstance(value, bool) for value in known.unique().tolist()):
        return Column("boolean", has_missing)
    if is_number:
        kind: Kind = "integer" if pd.api.types.is_integer_dtype(column) else "number"
        return Column(kind, has_missing, *_range(pd.to_numeric(known, errors="coerce").dropna(), margin))
    return Column("code" if pd.api.types.is_numeric_dtype(column) else "text", has_missing)


def _range(known: pd.Series, margin: float) -> tuple[float | None, float | None]:
    """Return the range with its margin; the range of a single value is unknown."""
    if known.empty or known.min() == known.max():
        return None, None
    low, high = float(known.min()), float(known.max())
    width = (high - low) * margin
    return low - width, high + width
