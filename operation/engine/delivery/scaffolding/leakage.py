"""Columns that are the target by another name: probably known only afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TELLTALE = 0.995  # a column that says this much of the target may be known only afterwards
EXACT = 0.99999  # one that says this much is the target by another name, or in another unit
MOST_LEVELS = 20  # of a column whose values are compared with classes one by one
LEAST_ROWS = 10
MOST_NUMBERS, MOST_ROWS = 40, 5000  # columns and rows among which a sum is looked for


@dataclass(frozen=True)
class Telltale:
    """How much a column says of the target."""

    share: float  # of the target, from TELLTALE to 1
    reason: str

    @property
    def is_exact(self) -> bool:
        """Whether nothing of the target is left to learn."""
        return self.share >= EXACT


def telltale(values: pd.Series, target: pd.Series) -> Telltale | None:
    """Return how a column nearly tells the target, or None."""
    from pandas.api import types

    known = target.notna()
    is_nested = types.infer_dtype(values, skipna=True) == "mixed"
    if is_nested or known.sum() < LEAST_ROWS or target[known].nunique() < 2:
        return None
    if types.is_numeric_dtype(target) and not types.is_bool_dtype(target):
        found = _of_numbers(values, target)
        if found or target.nunique() > 2:
            return found
    return _of_classes(values, target, known)


def _of_classes(values: pd.Series, target: pd.Series, known: pd.Series) -> Telltale | None:
    gaps = values.isna()
    if min(gaps.sum(), (~gaps).sum()) > 1 and (share := _told(gaps[known], target[known])) > TELLTALE:
        return _known_afterwards(share, f"whether it has a value tells {share:.1%} of the target")
    both = known & ~gaps
    if both.sum() < LEAST_ROWS or not 2 <= values[both].nunique() <= MOST_LEVELS:
        return None
    share = _told(values[both], target[both])
    if share > TELLTALE and both.sum() > 5 * values[both].nunique():
        return _known_afterwards(share, f"its values tell {share:.1%} of the target")
    return None


def _of_numbers(values: pd.Series, target: pd.Series) -> Telltale | None:
    from pandas.api import types

    both = values.notna() & target.notna()
    numbers = target[both].astype("float64")
    if both.sum() < LEAST_ROWS or values[both].nunique() < 2 or numbers.nunique() < 2:
        return None
    if types.is_numeric_dtype(values):
        share = abs(values[both].astype("float64").corr(numbers))
        reason = f"its correlation with the target is {share:.3f}"
    elif types.infer_dtype(values[both]) == "string" and values[both].nunique() < both.sum() / 5:
        means = numbers.groupby(values[both]).transform("mean")
        share = float(means.var() / numbers.var())
        reason = f"its texts tell {share:.1%} of the target's variance"
    else:
        return None
    return _known_afterwards(share, reason) if share >= TELLTALE else None


def _known_afterwards(share: float, reason: str) -> Telltale:
    return Telltale(float(share), f"{reason}: probably known only afterwards")


def _told(values: pd.Series, target: pd.Series) -> float:
    """Return by how much fewer errors one makes who knows `values` (Goodman and Kruskal's lambda, 1954)."""
    import pandas as pd

    counts = pd.crosstab(values.astype(str), target.astype(str))
    commonest = counts.sum().max()
    return float((counts.max(axis=1).sum() - commonest) / max(len(values) - commonest, 1))


def sums(table: pd.DataFrame, target: str) -> dict[str, str]:
    """Return why columns are left out of which the target is the sum or a difference, by name."""
    from pandas.api import types

    rows = table[table[target].notna()].head(MOST_ROWS)
    if (
        types.is_bool_dtype(rows[target])
        or not types.is_numeric_dtype(rows[target])
        or rows[target].nunique() < 3
    ):
        return {}
    names = [name for name in table.columns if name != target and types.is_numeric_dtype(table[name])]
    numbers = rows[[*names[:MOST_NUMBERS], target]].astype("float64")
    numbers = numbers[numbers.abs().max(axis=1) < float("inf")].dropna()
    found = dict(_terms(numbers, target)) if len(numbers) > 2 * numbers.shape[1] else {}
    whole = " + ".join(f"{'-' if sign < 0 else ''}{name}" for name, sign in found.items())
    return dict.fromkeys(found, f"the target is {whole}: probably known only afterwards")


def _terms(numbers: pd.DataFrame, target: str) -> Iterator[tuple[str, int]]:
    """Yield columns and signs of a sum that is the target in every row."""
    import numpy as np

    actual = numbers[target].to_numpy()
    columns = numbers.drop(columns=target)
    scale = columns.abs().max().replace(0, 1)
    factors, *_ = np.linalg.lstsq((columns / scale).to_numpy(), actual, rcond=None)
    signs = (factors / scale.to_numpy()).round(3)
    error = np.abs(columns.to_numpy() @ signs - actual).max()
    terms = {name: int(sign) for name, sign in zip(columns, signs, strict=True) if sign}
    if (
        len(terms) > 1
        and set(signs) <= {-1.0, 0.0, 1.0}
        and error <= 1e-6 * max(np.abs(actual).max(), 1e-300)
    ):
        yield from terms.items()
