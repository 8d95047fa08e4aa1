"""Intervals of shares and areas."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelling import intervals


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_interval_of_a_share_holds_it(hits: int, misses: int) -> None:
    rows = hits + misses
    low, high = intervals.interval(np.array([hits / rows]), np.array([float(rows)]))
    assert -1e-9 <= low[0] <= hits / rows <= high[0] <= 1 + 1e-9


@given(st.floats(0, 1), st.integers(1, 1000), st.integers(1, 1000))
def test_the_interval_of_an_area_holds_it(area: float, positives: int, negatives: int) -> None:
    low, high = intervals.auc_interval(area, positives, negatives)
    assert 0 <= low <= area <= high <= 1
