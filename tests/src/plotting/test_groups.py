"""Plots of many groups: panels, marks and the empty cases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from plotting import group_errors, group_forecasts, interval_coverage

TIMES = pd.date_range("2019-01-01", periods=5)
FORECASTS = pd.DataFrame(
    {
        "group": ["a"] * 5 + ["b"] * 5,
        "time": [*TIMES, *TIMES],
        "actual": np.arange(10.0),
        "predicted": np.arange(10.0) + 1,
        "low": np.arange(10.0) - 2,
        "high": np.arange(10.0) + 2,
    }
)
GROUPS = pd.DataFrame(
    {"group": ["a", "b"], "wape_predicted": [0.1, 0.4], "wape_lag": [0.2, 0.3], "coverage": [0.8, np.nan]}
)


def test_each_group_has_a_panel() -> None:
    figure = group_forecasts(FORECASTS, ["a", "b"])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == ["a", "b"]


def test_groups_that_win_and_lose_are_counted() -> None:
    legend = group_errors(GROUPS, "lag").axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["better: 1", "not: 1"]


def test_nothing_to_plot_is_said() -> None:
    for figure in (
        group_forecasts(FORECASTS, []),
        interval_coverage(GROUPS.assign(coverage=np.nan), 0.8),
    ):
        assert any("no " in text.get_text() for axes in figure.axes for text in axes.texts)


def test_coverage_beside_the_intended_one() -> None:
    labels = interval_coverage(GROUPS, 0.8).axes[0].get_legend_handles_labels()[1]
    assert labels == ["intended: 80%", "mean: 80.0%"]
