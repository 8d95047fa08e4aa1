"""Drift: what differs between rows and a model's profile, by how much, and how surely."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from comparing.profiles import Name, Profile
from comparing.sketches import Array, Effect, Sketch
from support import step

DRIFT, NONE, UNDECIDED, TOO_FEW = "drift", "no drift", "undecided", "too few rows to tell"
VALUES, MISSING = "values", "missing"
PARTS = ("output", "label", "together", "feature")  # in the order in which they are read


class Limits(NamedTuple):
    """What counts as drift."""

    number: float  # standard deviations, 0 or more, that the lower bound of an effect must exceed
    category: float  # the same for categories: a share of rows
    error_rate: float  # probability, between 0 and 1, that any comparison of a batch raises a false alarm
    min_rows: int  # rows with a value below which nothing is said, in the batch and in the reference


class Comparison(NamedTuple):
    """A column beside its reference: its values, or how many are missing."""

    name: Name
    measure: str
    sketch: Sketch
    values: Array

    @property
    def kind(self) -> str:
        """Whether the effect is one of numbers or of categories."""
        return "category" if self.measure == MISSING else self.sketch.kind

    @property
    def rows(self) -> tuple[int, int]:
        """Rows compared, in the reference and in the batch."""
        if self.measure == MISSING:
            return self.sketch.rows, len(self.values)
        return self.sketch.known, int(np.count_nonzero(~np.isnan(self.values)))

    def effect(self, error_rate: float) -> Effect:
        """Return the effect; see `Sketch.effect`."""
        method = self.sketch.missing_effect if self.measure == MISSING else self.sketch.effect
        return method(self.values, error_rate)


def compare(
    profile: Profile,
    columns: Iterable[tuple[Name, Array]],
    limits: Limits,
    categories: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Compare columns with their reference.

    Parameters
    ----------
    profile : Profile
        The reference; columns that it lacks are left out.
    columns : iterable of (name, ndarray of shape (rows,))
        Part, name and slice; values or codes, NaN for missing ones.
    limits : Limits
        All comparisons that have enough rows share its error rate (Bonferroni).
    categories : mapping of str to sequence of str
        Names of the codes of a column.

    Returns
    -------
    DataFrame of shape (comparisons, 15)
        part, name, slice, measure (values or missing), kind; reference_rows, rows; effect, low, high (missing
        where there are too few rows), threshold, verdict; statistic, before, after: what changed most. By
        part, whole batches before slices, then by the lower bound in units of its threshold.

    Raises
    ------
    StepError
        When no column has a reference.
    """
    found = [
        comparison
        for name, values in columns
        if name in profile
        for comparison in _comparisons(name, profile[name], values)
    ]
    if not found:
        raise step.StepError("nothing can be compared: the rows and the model's profile share no column")
    enough = [min(comparison.rows) >= limits.min_rows for comparison in found]
    rate = limits.error_rate / max(sum(enough), 1)
    rows = []
    for comparison, is_enough in zip(found, enough, strict=True):
        effect = comparison.effect(rate) if is_enough else None
        names = categories.get(comparison.name[1], ())
        rows.append({**_row(comparison, effect, limits), **_change(comparison, names)})
    table = pd.DataFrame(rows)
    sizes = {
        name: -(table[name] / table["threshold"].clip(lower=1e-9)).fillna(-1) for name in ("low", "effect")
    }
    keys = pd.DataFrame({"part": table["part"].map(PARTS.index), "within": table["slice"].ne(""), **sizes})
    return table.loc[keys.sort_values([*keys], kind="stable").index].reset_index(drop=True)


def overall(table: pd.DataFrame, rows: int, limits: Limits) -> str:
    """Return the verdict on a batch of `rows` rows: the most serious of its comparisons."""
    if rows < limits.min_rows or table["verdict"].eq(TOO_FEW).all():
        return TOO_FEW
    return next((word for word in (DRIFT, UNDECIDED) if table["verdict"].eq(word).any()), NONE)


def _comparisons(name: Name, sketch: Sketch, values: Array) -> Iterable[Comparison]:
    yield Comparison(name, VALUES, sketch, values)
    if name[0] == "feature" and (sketch.missing or np.isnan(values).any()):
        yield Comparison(name, MISSING, sketch, values)


def _row(compared: Comparison, effect: Effect | None, limits: Limits) -> dict[str, Any]:
    threshold = limits.number if compared.kind == "number" else limits.category
    head = dict(zip(("part", "name", "slice"), compared.name, strict=True))
    counts = dict(zip(("reference_rows", "rows"), compared.rows, strict=True))
    facts = {**head, "measure": compared.measure, "kind": compared.kind, **counts, "threshold": threshold}
    if effect is None:
        return {**facts, "effect": np.nan, "low": np.nan, "high": np.nan, "verdict": TOO_FEW}
    verdict = DRIFT if effect.low > threshold else NONE if effect.high <= threshold else UNDECIDED
    return {**facts, "effect": effect.size, "low": effect.low, "high": effect.high, "verdict": verdict}


def _change(compared: Comparison, names: Sequence[str]) -> dict[str, Any]:
    """Return what changed most, before and after: a quantile, or the share of a category."""
    sketch, values = compared.sketch, compared.values
    if compared.measure == MISSING:
        return _before_after("share missing", sketch.missing / max(sketch.rows, 1), np.isnan(values).mean())
    if sketch.kind == "category":
        shares = sketch.shares_of(values)
        most = int(np.abs(shares - sketch.shares).argmax())
        return _before_after(f"share of {cell_names(sketch, names)[most]}", sketch.shares[most], shares[most])
    now = Sketch.of(values, "number")
    quantiles = {"median": 0.5, "10th percentile": 0.1, "90th percentile": 0.9}
    changes = [
        _before_after(name, *(side.quantile(at) for side in (sketch, now))) for name, at in quantiles.items()
    ]
    return next((change for change in changes if change["before"] != change["after"]), changes[0])


def _before_after(statistic: str, before: float, after: float) -> dict[str, Any]:
    return {"statistic": statistic, "before": float(before), "after": float(after)}


def cell_names(sketch: Sketch, names: Sequence[str]) -> list[str]:
    """Return the name of each cell of categories."""
    return [*(names[int(code)] if names else f"{code:g}" for code in sketch.values), "others"]


def distributions(
    sketch: Sketch, values: Array, names: Sequence[str] = (), bins: int = 30, most: int = 8
) -> pd.DataFrame:
    """Return the distribution in the reference and that of `values`, for a plot.

    Returns
    -------
    DataFrame of shape (bins or categories, 5)
        category (missing for numbers); left, right (ends of a bin); before, after (shares of known rows).
        Numbers: bins of equal width from the 1st to the 99th percentile of both, the first and the last with
        what lies beyond. Categories: the commonest `most`.
    """
    if sketch.kind == "category":
        shares = {"before": sketch.shares, "after": sketch.shares_of(values)}
        table = pd.DataFrame(
            {"category": cell_names(sketch, names), "left": np.nan, "right": np.nan, **shares}
        )
        largest = table[["before", "after"]].max(axis=1).nlargest(most)
        return table.loc[largest[largest > 0].index]
    sides = {"before": sketch, "after": Sketch.of(values, "number")}
    low, high = (
        min(side.quantile(0.01) for side in sides.values()),
        max(side.quantile(0.99) for side in sides.values()),
    )
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    inner = {name: np.diff(side.below(edges[1:-1]), prepend=0, append=1) for name, side in sides.items()}
    return pd.DataFrame({"category": None, "left": edges[:-1], "right": edges[1:], **inner})
