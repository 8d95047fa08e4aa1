"""Columns of a delivery that are new, missing or of another kind: accepted, replaced or refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from support import step
from tabular import raw_columns
from tabular.raw_columns import EMPTY, is_other_kind


@dataclass(frozen=True)
class Policy:
    """What becomes of columns that are new, missing or of another kind."""

    new: str = "accept"  # {"accept", "drop", "refuse"}
    missing: str = "accept"  # {"accept", "default", "refuse"}, as `changed`
    changed: str = "accept"
    # column -> value for `default`; a column without one gets a missing value
    defaults: Mapping[str, str] = field(default_factory=dict)


def fit(
    name: str, rows: pd.DataFrame, kinds: Mapping[str, str], before: Mapping[str, str], policy: Policy
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Fit a delivery to the columns `before` it; return its rows, their kinds, and what differed in words.

    Raises
    ------
    StepError
        When a difference is refused; names the delivery.
    """
    kinds, told = dict(kinds), []

    def tell(what: str, decision: str, option: str) -> str:
        if decision == "refuse":
            accept = f"deliver it as before, or let {option} accept it"
            raise step.StepError(f"delivery {name}: {what}: {accept}")
        told.append(f"{what}: {decision}ed" if decision != "drop" else f"{what}: dropped")
        return decision

    for column in [column for column in kinds if before and column not in before]:
        what = f"new column {column} ({kinds[column]})"
        if tell(what, policy.new, "--new-columns") == "drop":
            rows, _ = rows.drop(columns=column, errors="ignore"), kinds.pop(column)
    for column in [column for column in before if column not in kinds]:
        if tell(f"missing column {column}", policy.missing, "--missing-columns") == "default":
            rows, kinds[column] = _defaulted(rows, column, before[column], policy)
    for column in [column for column in kinds if is_other_kind(before.get(column, EMPTY), kinds[column])]:
        what = f"column {column} holds {kinds[column]} instead of {before[column]}"
        if tell(what, policy.changed, "--changed-types") == "default":
            rows, kinds[column] = _defaulted(rows, column, before[column], policy)
    return rows, kinds, told


def _defaulted(rows: pd.DataFrame, name: str, kind: str, policy: Policy) -> tuple[pd.DataFrame, str]:
    """Return the rows with what cannot be the `kind` of a column replaced by its default."""
    column = rows.get(name, pd.Series(None, rows.index, dtype=object))
    column = raw_columns.converted(column, kind) if kind != EMPTY else column
    if name in policy.defaults:
        default = raw_columns.converted(pd.Series([policy.defaults[name]], dtype=object), kind)
        if default.isna().any():
            raise step.StepError(f"--defaults: {policy.defaults[name]!r} is no {kind} for column {name}")
        column = column.fillna(default.iloc[0])
    if column.isna().all():
        return rows.drop(columns=name, errors="ignore"), EMPTY
    return rows.assign(**{name: column}), kind
