"""Splits: whole groups, shares of classes."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tabular import splits

SHARE = st.floats(0.1, 0.5)


@given(st.lists(st.integers(0, 3), min_size=8, max_size=80), SHARE, st.integers(0, 99))
def test_every_class_of_two_rows_is_on_both_sides(labels: list[int], share: float, seed: int) -> None:
    classes = pd.Series(labels)
    held_out = splits.stratified(classes, share, seed)
    for _, rows in classes.groupby(classes):
        part = held_out[rows.index]
        assert part.any() == (len(rows) > 1)
        assert not part.all()
        assert abs(part.sum() - len(rows) * share) <= 1


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=6, max_size=60), SHARE, st.integers(0, 99)
)
def test_no_group_is_on_both_sides(names: list[str | None], share: float, seed: int) -> None:
    groups = pd.Series([*names, "a", "b"], dtype=object)
    held_out = splits.grouped(groups, None, share, seed)
    assert 0 < held_out.sum() < len(groups)
    assert held_out.groupby(groups).nunique().max() == 1


def test_groups_are_drawn_again_until_both_classes_are_on_both_sides() -> None:
    groups = pd.Series(list("abcdefghij") * 3)
    classes = groups.isin(["a", "b"]).astype(int)
    for seed in range(20):
        held_out = splits.grouped(groups, classes, 0.2, seed)
        assert classes[held_out].nunique() == classes[~held_out].nunique() == 2
