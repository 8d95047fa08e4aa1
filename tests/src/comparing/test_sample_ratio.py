"""The sample ratio: right shares are seldom doubted however often one looks, lost requests are noticed.

``WORKBENCH_EXPERIMENTS=10000`` asks for more experiments.
"""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparing.sample_ratio import sample_ratio

EXPERIMENTS = int(os.environ.get("WORKBENCH_EXPERIMENTS", "400"))


@pytest.mark.parametrize(("share", "rate"), [(0.5, 0.01), (0.1, 0.01)])
def test_right_shares_are_doubted_no_more_often_than_stated(share: float, rate: float) -> None:
    random = np.random.default_rng(7)
    planned = {"champion": 1 - share, "challenger": share}
    drawn = np.cumsum(random.binomial(50, share, (EXPERIMENTS, 20)), axis=1)
    doubted = sum(
        any(
            sample_ratio([({"champion": 50 * look - count, "challenger": count}, planned)]) < rate
            for look, count in enumerate(row.tolist(), 1)
        )
        for row in drawn
    )
    print(
        f"a share of {share}: {doubted} of {EXPERIMENTS} doubted at a rate of {rate}, looked at 20 times each"
    )
    assert doubted <= rate * EXPERIMENTS + 4 * math.sqrt(EXPERIMENTS * rate)


def test_lost_requests_are_noticed() -> None:
    planned = {"champion": 0.5, "challenger": 0.5}
    assert sample_ratio([({"champion": 5000, "challenger": 5010}, planned)]) == 1.0
    assert sample_ratio([({"champion": 5000, "challenger": 4500}, planned)]) < 1e-4
    assert sample_ratio([({"champion": 5000, "challenger": 1}, {"champion": 1.0, "challenger": 0.0})]) == 0
    assert sample_ratio([({}, planned)]) == 1.0


@given(st.integers(0, 12), st.floats(0.05, 0.95))
def test_the_evidence_against_shares_is_expected_to_be_1(total: int, share: float) -> None:
    """Over every count that could come, exactly; below 1 here because a p-value is 1 at most."""
    planned = {"a": 1 - share, "b": share}
    expected = sum(
        math.comb(total, count)
        * share**count
        * (1 - share) ** (total - count)
        / sample_ratio([({"a": total - count, "b": count}, planned)])
        for count in range(total + 1)
    )
    assert expected >= 1 - 1e-9
    for rate in (0.5, 0.1, 0.01):
        chance = sum(
            math.comb(total, count) * share**count * (1 - share) ** (total - count)
            for count in range(total + 1)
            if sample_ratio([({"a": total - count, "b": count}, planned)]) < rate
        )
        assert chance <= rate


def test_counts_of_two_plans_are_doubted_together() -> None:
    """Neither part alone is strange enough."""
    parts = [({"a": 720, "b": 580}, {"a": 0.5, "b": 0.5}), ({"a": 1060, "b": 160}, {"a": 0.9, "b": 0.1})]
    assert sample_ratio(parts) < 0.001 < min(sample_ratio([part]) for part in parts)
