"""Columns that are the target by another name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from operation.engine.delivery.scaffolding.leakage import sums, telltale

ROWS = 200
RANDOM = np.random.default_rng(0)
LABELS = pd.Series(RANDOM.choice(["no", "yes"], ROWS))
NUMBERS = pd.Series(RANDOM.normal(size=ROWS))
SAME = LABELS.map({"no": "open", "yes": "closed"})
MOSTLY = SAME.where(pd.Series(RANDOM.random(ROWS)) < 0.9, "open")
LATER = pd.Series("2024-01-01", LABELS.index).where(LABELS == "yes")


@pytest.mark.parametrize(
    ("values", "target", "reason", "exact"),
    [
        (SAME, LABELS, "its values tell 100.0% of the target", True),
        ((LABELS == "yes").astype(int), LABELS, "its values tell 100.0% of the target", True),
        (LABELS == "yes", (LABELS == "yes").astype(int), "its correlation with the target is 1.000", True),
        (LATER, LABELS, "whether it has a value tells 100.0% of the target", True),
        (NUMBERS * 100 + 3, NUMBERS, "its correlation with the target is 1.000", True),
        (
            (NUMBERS > 0).map({True: "a", False: "b"}),
            (NUMBERS > 0) * 5 + 0.001 * NUMBERS,
            "its texts tell",
            True,
        ),
        (
            NUMBERS + 0.05 * NUMBERS.to_numpy()[::-1],
            NUMBERS,
            "its correlation",
            False,
        ),
    ],
)
def test_telltales(values: pd.Series, target: pd.Series, reason: str, *, exact: bool) -> None:
    found = telltale(values, target)
    assert found is not None
    assert found.reason.startswith(reason)
    assert found.reason.endswith(": probably known only afterwards")
    assert found.is_exact == exact


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (MOSTLY, LABELS),
        (NUMBERS, LABELS),
        (pd.Series([f"name {row}" for row in range(ROWS)]), LABELS),
        (pd.Series([[1]] * ROWS), LABELS),
        (pd.Series(None, LABELS.index, dtype=object), LABELS),
        (NUMBERS.where(NUMBERS > 0), LABELS),
    ],
)
def test_other_columns(values: pd.Series, target: pd.Series) -> None:
    assert telltale(values, target) is None


def test_parts_of_a_sum() -> None:
    parts = pd.DataFrame(RANDOM.integers(0, 99, (ROWS, 3)), columns=["casual", "registered", "wind"])
    table = parts.assign(count=parts["casual"] + parts["registered"])
    told = "the target is casual + registered: probably known only afterwards"
    assert sums(table, "count") == {"casual": told, "registered": told}
    assert sums(table.assign(count=table["count"] + RANDOM.normal(size=ROWS)), "count") == {}
    assert sums(table.assign(count=2 * table["casual"] + table["wind"]), "count") == {}
