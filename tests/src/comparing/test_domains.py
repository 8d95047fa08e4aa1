"""Domains: what changed together is named, also where no column changed by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from comparing import domains

ROWS = 1_000


def table(seed: int, correlation: float) -> pd.DataFrame:
    """Return two columns of a given correlation, two related ones, a category, and gaps."""
    random = np.random.default_rng(seed)
    first, noise, third = random.standard_normal((3, ROWS))
    second = correlation * first + np.sqrt(1 - correlation**2) * noise
    related = third + 0.1 * random.standard_normal(ROWS)
    colour = random.integers(0, 3, ROWS).astype("float64")
    gaps = np.where(random.random(ROWS) < 0.2, np.nan, random.random(ROWS))
    return pd.DataFrame(
        {"first": first, "second": second, "third": third, "related": related, "colour": colour, "gaps": gaps}
    )


def test_equal_rows_are_not_told_apart() -> None:
    found = domains.tell_apart(table(0, 0.3), table(1, 0.3), {"colour"}, 800, 0)
    assert found.auc == pytest.approx(0.5, abs=0.04)
    assert (len(found.reference), len(found.batch)) == (800, 800)


def test_columns_that_changed_only_together_are_named() -> None:
    found = domains.tell_apart(table(0, 0.5), table(1, -0.5), {"colour"}, ROWS, 0)
    assert found.auc > 0.6
    assert set(found.groups["features"].head(2)) == {"first", "second"}
    assert set(found.groups["features"]) == {"first", "second", "third + related", "colour", "gaps"}


def test_the_same_seed_gives_the_same_answer() -> None:
    first, second = (domains.tell_apart(table(0, 0.5), table(1, 0), set(), 300, 7) for _ in range(2))
    np.testing.assert_array_equal(first.batch, second.batch)
    pd.testing.assert_frame_equal(first.groups, second.groups)
