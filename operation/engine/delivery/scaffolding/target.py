"""What is predicted: classes or a number, and which class is the one that matters."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operation.engine.delivery.scaffolding.missing import LARGEST
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import listed

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 10  # of a target of numbers; more of them are an amount
MOST_LABELS = 50  # of a target of text
_POSITIVE = re.compile(r"1|\+|y|yes|t|true|pos|positive|bad|late|churn|churned|fraud|default", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """The target column and what was guessed about it."""

    name: str  # its column
    task: str  # classification or regression
    classes: tuple[str, ...]  # labels as prepare writes them; empty for a number or a threshold
    positive: str | None  # of two classes, the one that is predicted
    threshold: float | None  # where numbers are cut in two classes
    reason: str  # why
    of_numbers: bool = False  # whether its classes are numbers, and regression would be possible

    @property
    def question(self) -> str:
        """What a model of it answers."""
        if self.threshold is not None:
            return f"Will {self.name} be {self.threshold:g} or more?"
        if self.positive is not None:
            return f"Will {self.name} be {self.positive}?"
        return f"Which {self.name}?" if self.classes else f"How large is {self.name}?"

    @property
    def positive_label(self) -> str | None:
        """The label that a probability refers to, where there are two."""
        return f">= {self.threshold:g}" if self.threshold is not None else self.positive


def guess_target(values: pd.Series, task: str | None) -> Target:
    """Guess what to do with the target column."""
    from pandas.api import types

    name, known = str(values.name), values.dropna()
    kind = types.infer_dtype(known)
    if kind in {"mixed", "bytes", "timedelta", "timedelta64", "time", "complex"}:
        raise UsageError(
            f"--target: column '{name}' holds {kind} values (row {known.index[0]}), not numbers or texts."
        )
    if known.nunique() < 2:
        content = "no value" if known.empty else f"one value only, {known.iloc[0]!s}"
        raise UsageError(
            f"--target: column '{name}' holds {content}: there is nothing to learn. Name another column."
        )
    numbers = types.is_numeric_dtype(known) and not types.is_bool_dtype(known)
    if numbers and (row := _too_large(known)) is not None:
        number = float(known[row])
        value = f"{number:g}" if math.isfinite(number) else "infinity"
        raise UsageError(
            f"--target: column '{name}' holds {value} (row {row}), which no model can learn: fix it."
        )
    if task == "regression" and not numbers:
        raise UsageError(f"--task regression: column '{name}' holds {known.iloc[0]!r}, not numbers.")
    whole = numbers and bool((known % 1 == 0).all())
    few = known.nunique() == 2 or (whole and known.nunique() <= MOST_CLASSES)
    if task == "regression" or (numbers and not few and task is None):
        return Target(name, "regression", (), None, None, f"{known.nunique()} different numbers")
    if numbers and not few:
        return _cut(name, known)
    return _labelled(name, known, numbers=numbers)


def _too_large(known: pd.Series) -> int | None:
    rows = known.index[known.astype("float64").abs() > LARGEST]
    return int(rows[0]) if len(rows) else None


def _cut(name: str, known: pd.Series) -> Target:
    threshold = float(f"{known.median():.3g}")
    if not (known < threshold).any() or not (known >= threshold).any():
        threshold = float(known.max())
    reason = f"numbers cut in two classes at {threshold:g}, about the median"
    return Target(name, "classification", (), None, threshold, reason)


def _labelled(name: str, known: pd.Series, *, numbers: bool) -> Target:
    counts = known.map(label).value_counts()
    _require_learnable(name, known, counts)
    classes = tuple(sorted(counts.index))
    if len(classes) > 2:
        kind = "different whole numbers" if numbers else "different labels"
        rare = [name for name in classes if counts[name] < 5]
        note = f"; {listed(rare, 'and')} in fewer than 5 rows" if rare else ""
        reason = f"{len(classes)} {kind}{note}"
        return Target(name, "classification", classes, None, None, reason, numbers)
    named = [name for name in classes if _POSITIVE.fullmatch(name)]
    positive, why = (named[0], "by its name") if len(named) == 1 else (str(counts.idxmin()), "the rarer one")
    reason = f"two labels, positive is '{positive}' ({why})"
    return Target(name, "classification", classes, positive, None, reason, numbers)


def _require_learnable(name: str, known: pd.Series, counts: pd.Series) -> None:
    """Refuse more labels than can be learnt, and labels of which one row or none is left to measure on."""
    if len(counts) > MOST_LABELS:
        raise UsageError(
            f"--target: column '{name}' holds {len(counts)} different labels, too many to learn. "
            f"Name another column.{_nearly_numbers(known)}"
        )
    single = str(counts.index[-1])
    if len(counts) == 2 and counts.min() < 2:
        row = known.index[known.map(label) == single][0]
        raise UsageError(
            f"--target: label '{single}' of column '{name}' is in one row (row {row}): a class needs two, "
            "one to learn from and one to measure on. Give more rows of it."
        )
    if counts[counts == 1].sum() > len(known) / 2:
        raise UsageError(
            f"--target: column '{name}' holds {len(counts)} different labels in {len(known)} rows, most of "
            f"them once, such as '{single}'. Name another column, or give more rows."
        )


def _nearly_numbers(known: pd.Series) -> str:
    """Return what keeps a column of text from being numbers, where most of it are."""
    import pandas as pd

    broken = pd.to_numeric(known, errors="coerce").isna()
    if broken.mean() > 0.5:
        return ""
    row = broken.idxmax()
    return f" {broken.sum()} of {len(known)} values are no numbers, such as {known[row]!r} (row {row})."


def label(value: object) -> str:
    """Return a label as prepare writes it: whole numbers without a point."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
