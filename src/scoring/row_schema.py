"""What a row of a request must look like: learnt from the training rows, stored with the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from modelling.features import FeatureSpec
from support import step

Kind = Literal["number", "integer", "boolean", "text", "code", "time"]


@dataclass(frozen=True)
class Column:
    """One column of a request.

    Parameters
    ----------
    kind : {"number", "integer", "boolean", "text", "code", "time"}
        What JSON must hold: a code is a level that training had as a number, given as number or text; a time
        is text in ISO's notation.
    gaps : bool
        Whether training had missing values; where it had none, null is answered with a warning.
    minimum, maximum : float, optional
        Numbers outside are refused; None where training says nothing of the range.
    """

    kind: Kind
    gaps: bool
    minimum: float | None = None
    maximum: float | None = None


def describe(table: pd.DataFrame, spec: FeatureSpec, margin: float) -> dict[str, dict[str, Any]]:
    """Return what the columns of `table` that features are made of look like, as JSON knows it.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        The training rows.
    spec : FeatureSpec
        The features.
    margin : float
        How far beyond its range in training a number may lie, as a multiple of that range's width.

    Returns
    -------
    dict
        Name of a column -> the fields of its `Column`.
    """
    numbers, times = {*spec.numeric, *spec.cyclic}, set(spec.datetime)
    return {
        name: asdict(_column(table[name], name in numbers, name in times, margin)) for name in spec.columns
    }


def from_facts(facts: Mapping[str, Any], where: str) -> dict[str, Column]:
    """Return the columns that model.json describes.

    Raises
    ------
    StepError
        When the model was trained before models described their rows.
    """
    if "schema" not in facts:
        raise step.StepError(f"{where} does not say what a row looks like: train it again")
    return {name: Column(**fields) for name, fields in facts["schema"].items()}


def _column(column: pd.Series, is_number: bool, is_time: bool, margin: float) -> Column:
    known, gaps = column.dropna(), bool(column.isna().any())
    if is_time:
        return Column("time", gaps)
    if len(known) and all(isinstance(value, bool) for value in known.unique().tolist()):
        return Column("boolean", gaps)
    if is_number:
        kind: Kind = "integer" if pd.api.types.is_integer_dtype(column) else "number"
        return Column(kind, gaps, *_range(pd.to_numeric(known, errors="coerce").dropna(), margin))
    return Column("code" if pd.api.types.is_numeric_dtype(column) else "text", gaps)


def _range(known: pd.Series, margin: float) -> tuple[float | None, float | None]:
    """Return the range with its margin; a column of one value says nothing about others."""
    if known.empty or known.min() == known.max():
        return None, None
    low, high = float(known.min()), float(known.max())
    beyond = (high - low) * margin
    return low - beyond, high + beyond
