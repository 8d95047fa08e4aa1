"""What is predicted: classes or a number, and which class is the one that matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import listed

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 10  # of a target of numbers; more of them are an amount
MOST_LABELS = 50  # of a target of text
_POSITIVE = (
    "1",
    "yes",
    "y",
    "true",
    "t",
    "positive",
    "pos",
    "bad",
    "late",
    "churned",
    "churn",
    "fraud",
    "default",
)


@dataclass(frozen=True)
class Target:
    """The target and what was guessed of it."""

    name: str  # its column
    task: str  # what is learnt
    classes: tuple[str, ...]  # labels as prepare writes them; empty for a number or a threshold
    positive: str | None  # of two classes, the one that is predicted
    threshold: float | None  # where an amount is cut in two classes
    reason: str  # why, in words
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
        """The label, of two, that a probability is of."""
        return f">= {self.threshold:g}" if self.threshold is not None else self.positive


def guess_target(values: pd.Series, task: str | None) -> Target:
    """Guess what to do with the target column."""
    from pandas.api import types

    name, known = str(values.name), values.dropna()
    if known.nunique() < 2:
        found = "no value" if known.empty else f"one value only, {known.iloc[0]!s}"
        raise UsageError(
            f"--target: column '{name}' holds {found}: there is nothing to learn. Name another column."
        )
    numbers = types.is_numeric_dtype(known) and not types.is_bool_dtype(known)
    if task == "regression" and not numbers:
        raise UsageError(f"--task regression: column '{name}' holds {known.iloc[0]!r}, not numbers.")
    whole = numbers and bool((known % 1 == 0).all())
    few = known.nunique() == 2 or (whole and known.nunique() <= MOST_CLASSES)
    if task == "regression" or (numbers and not few and task is None):
        return Target(name, "regression", (), None, None, f"{known.nunique()} different numbers")
    if numbers and not few:
        return _cut(name, known)
    return _labelled(name, known, numbers=numbers)


def _cut(name: str, known: pd.Series) -> Target:
    threshold = float(f"{known.median():.3g}")
    if not (known < threshold).any() or not (known >= threshold).any():
        threshold = float(known.max())
    reason = f"numbers cut in two classes at {threshold:g}, about the median"
    return Target(name, "classification", (), None, threshold, reason)


def _labelled(name: str, known: pd.Series, *, numbers: bool) -> Target:
    counts = known.map(label).value_counts()
    classes = tuple(sorted(counts.index))
    if len(classes) > MOST_LABELS:
        raise UsageError(
            f"--target: column '{name}' holds {len(classes)} different labels, too many to learn. "
            "Name another column."
        )
    if len(classes) > 2:
        kind = "different whole numbers" if numbers else "different labels"
        rare = [one for one in classes if counts[one] < 5]
        note = f"; {listed(rare, 'and')} in fewer than 5 rows" if rare else ""
        reason = f"{len(classes)} {kind}{note}"
        return Target(name, "classification", classes, None, None, reason, numbers)
    named = [one for one in classes if one.lower() in _POSITIVE]
    positive = named[0] if len(named) == 1 else str(counts.idxmin())
    why = "by its name" if len(named) == 1 else "the rarer one"
    reason = f"two labels, positive is '{positive}' ({why})"
    return Target(name, "classification", classes, positive, None, reason, numbers)


def label(value: object) -> str:
    """Return a label as prepare writes it: whole numbers without a point."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
