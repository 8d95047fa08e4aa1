"""Plots: each takes tables and names, returns a figure, and draws the same twice."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import plotting
from modelling import metrics as measures
from plotting import data as plots_of_data
from plotting import target as plots_of_target
from tests.src.plotting import test_groups

ROWS = 200
TABLE = pd.DataFrame(
    {
        "hour": [row % 24 for row in range(ROWS)],
        "size": [row**0.5 if row % 9 else None for row in range(ROWS)],
        "name": [("a", "b", "a category with quite a long name", None)[row % 4] for row in range(ROWS)],
        "when": pd.date_range("2020-01-01", periods=ROWS, freq="D"),
        "late": [float(row % 3 == 0) for row in range(ROWS)],
        "amount": [float(row % 50) for row in range(ROWS)],
        "empty": [None] * ROWS,
    }
)
ACTUAL = TABLE["late"].to_numpy()
PROBABILITY = np.clip(0.25 + ACTUAL / 3 + np.sin(np.arange(ROWS)) / 4, 0, 1)
PREDICTIONS = pd.DataFrame({"actual": ACTUAL, "predicted": PROBABILITY, "hour": TABLE["hour"] % 3})
SLICES = measures.slices(PREDICTIONS, PREDICTIONS[["hour"]], ["no", "yes"])
NUMBERS = measures.slices(PREDICTIONS.assign(actual=TABLE["amount"]), PREDICTIONS[["hour"]], [])
LONG = "a label that somebody typed into a form and that does not seem to end at all, "
CLASSES = [LONG + "yes", LONG + "no\nnever"]
RANKED = pd.DataFrame({"feature": ["a", "b"], "importance": [0.2, -0.01]})
COURSE = pd.DataFrame(
    {
        "observations": [1, 50, 100],
        "difference": [0.4, 0.1, 0.09],
        "low": [-9.0, -0.1, 0.01],
        "high": [9, 0.3, 0.2],
    }
)
VARIANTS = pd.DataFrame(
    {"variant": ["champion", "challenger"], "planned": [0.9, 0.1], "share": [0.8, 0.2], "requests": [80, 20]}
)
METRICS = {"roc_auc": 0.7, "baseline_roc_auc": 0.6, "rows": 9.0, "rmse": 3.0, "baseline_rmse": 4.0}

EFFECTS = pd.DataFrame(
    {
        "part": ["output", "output", "label", "together", "feature", "feature", "feature"],
        "name": ["probability", "probability", "label", "all features", "size", "size", "few"],
        "slice": ["", "shop=a", "", "", "", "", ""],
        "measure": ["values", "values", "values", "values", "values", "missing", "values"],
        "kind": ["number", "number", "category", "number", "number", "category", "number"],
        "effect": [0.3, 0.2, 0.1, 1.2, 0.01, 0.02, None],
        "low": [0.2, 0.0, 0.06, 1.0, 0.0, 0.0, None],
        "high": [0.4, 0.5, 0.14, 1.4, 0.02, 0.09, None],
        "threshold": [0.1, 0.1, 0.05, 0.1, 0.1, 0.05, 0.1],
        "verdict": ["drift", "undecided", "drift", "drift", "no drift", "undecided", "too few rows to tell"],
        "statistic": [
            "median",
            "median",
            "share of yes",
            "area under the ROC curve",
            "median",
            "share missing",
            "",
        ],
        "before": [0.1, 0.1, 0.2, 0.5, 3, 0, 0],
        "after": [0.2, 0.2, 0.3, 0.9, 4, 0.02, 0],
    }
)
PERIODS = pd.concat([EFFECTS.assign(period=f"2020-0{month}") for month in (1, 2)], ignore_index=True)
BINS = pd.DataFrame({"left": [0.0, 1.0], "right": [1.0, 2.0], "before": [0.4, 0.6], "after": [0.7, 0.3]})
BINS = BINS.assign(category=None, title="size: 0.30 sd, drift", verdict="drift")
SHARES = BINS.assign(category=["a", "b"], title="shop: 3% of rows, no drift", verdict="no drift")
GROUPS = pd.DataFrame({"features": ["size + weight + height + age", "wind"], "drop": [0.2, -0.01]})

PLOTS: dict[str, Callable[[], Figure]] = {
    "missing_values": lambda: plotting.missing_values(TABLE),
    "missing_values-none": lambda: plotting.missing_values(TABLE[["hour"]]),
    "distributions": lambda: plotting.distributions(TABLE, ["hour", "size", "name", "when"]),
    "distributions-one": lambda: plotting.distributions(TABLE, ["name"]),
    "target_by-categories": lambda: plotting.target_by(TABLE, "name", "late", label="Late"),
    "target_by-hours": lambda: plotting.target_by(TABLE, "hour", "late"),
    "target_by-classes": lambda: plotting.target_by(
        TABLE.assign(code=TABLE["hour"] % 3), "name", "code", classes=["$5_$6", "b", "c"]
    ),
    "target_by-bins": lambda: plotting.target_by(TABLE, "size", "amount"),
    "target_over_time": lambda: plotting.target_over_time(TABLE, "when", "late"),
    "target_over_time-months": lambda: plotting.target_over_time(TABLE, "when", "amount", frequency="M"),
    "correlation": lambda: plotting.correlation(TABLE, ["hour", "size", "amount"]),
    "information": lambda: plotting.information(
        plotting.mutual_information(TABLE, ["hour", "size", "name", "empty"], "late"), "late"
    ),
    "roc": lambda: plotting.roc(ACTUAL, PROBABILITY, baseline=np.full(ROWS, 0.3)),
    "precision_recall": lambda: plotting.precision_recall(ACTUAL, PROBABILITY, baseline=np.full(ROWS, 0.3)),
    "calibration": lambda: plotting.calibration(ACTUAL, PROBABILITY),
    "calibration-constant": lambda: plotting.calibration(ACTUAL, np.full(ROWS, 0.3)),
    "confusion": lambda: plotting.confusion(ACTUAL, PROBABILITY >= 0.5, ["on time", "late"], cut=0.5),
    "score_distribution": lambda: plotting.score_distribution(ACTUAL, PROBABILITY, ["on time", "late"]),
    "confusion-long": lambda: plotting.confusion(ACTUAL, PROBABILITY >= 0.5, CLASSES),
    "score_distribution-long": lambda: plotting.score_distribution(ACTUAL, PROBABILITY, CLASSES),
    "slices-long": lambda: plotting.slices(
        SLICES.assign(column=LONG, category=[LONG + category for category in SLICES["category"].astype(str)]),
        LONG,
    ),
    "importance-long": lambda: plotting.importance(RANKED.assign(feature=CLASSES)),
    "target_by-long": lambda: plotting.target_by(
        TABLE.assign(**{LONG: TABLE["name"].map(lambda name: f"{LONG}{name}")}), LONG, "late", label=LONG
    ),
    "distributions-huge": lambda: plotting.distributions(
        TABLE.assign(**{LONG: 2**63 + np.arange(ROWS, dtype="uint64") % 9}), [LONG, "size"]
    ),
    "slices": lambda: plotting.slices(SLICES, "hour"),
    "slices-numbers": lambda: plotting.slices(NUMBERS, "hour"),
    "importance": lambda: plotting.importance(RANKED),
    "residuals": lambda: plotting.residuals(TABLE["amount"], TABLE["hour"]),
    "predicted_against_actual": lambda: plotting.predicted_against_actual(TABLE["amount"], TABLE["hour"]),
    "model_and_baseline": lambda: plotting.model_and_baseline(METRICS),
    "difference_course": lambda: plotting.difference_course(COURSE, stopped=90, margin=0.05),
    "difference_course-undecided": lambda: plotting.difference_course(COURSE),
    "drift_effects": lambda: plotting.drift_effects(EFFECTS),
    "drift_effects-numbers": lambda: plotting.drift_effects(EFFECTS[4:5]),
    "drift_before_after": lambda: plotting.drift_before_after(pd.concat([BINS, SHARES])),
    "drift_together": lambda: plotting.drift_together(GROUPS),
    "drift_over_time": lambda: plotting.drift_over_time(PERIODS),
    "drift_over_time-outputs": lambda: plotting.drift_over_time(PERIODS[PERIODS["part"] == "output"]),
    "drift_over_time-features": lambda: plotting.drift_over_time(PERIODS[PERIODS["part"] == "feature"]),
    "variant_shares": lambda: plotting.variant_shares(VARIANTS),
    "group_errors": lambda: plotting.group_errors(test_groups.GROUPS, "lag"),
    "group_forecasts": lambda: plotting.group_forecasts(test_groups.FORECASTS, ["a", "b"]),
    "interval_coverage": lambda: plotting.interval_coverage(test_groups.GROUPS, 0.8),
}


def png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, metadata={"Software": None})
    return stream.getvalue()


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.filterwarnings("error")
def test_a_plot_is_drawn_the_same_twice_whatever_the_reader_set(name: str) -> None:
    first = png(PLOTS[name]())
    with mpl.rc_context({"font.size": 30, "axes.grid": False, "figure.dpi": 30, "savefig.dpi": 100}):
        assert png(PLOTS[name]()) == first


def test_every_plot_is_tested() -> None:
    others = {"mutual_information", "describe_target", "target_summary"}
    assert {name.split("-")[0] for name in PLOTS} == set(plotting.__all__) - others


def test_a_notebook_shows_a_plot_with_words_for_those_who_cannot_see_it() -> None:
    plot: Any = plotting.roc(ACTUAL, PROBABILITY)
    shown, facts = plot._repr_png_()
    assert shown.startswith(b"\x89PNG")
    assert facts == {"width": 499, "height": 442, "alt": "ROC curve"}


def test_no_plot_touches_the_readers_settings() -> None:
    before = {name: value for name, value in mpl.rcParams.items() if name != "backend"}
    png(plotting.roc(ACTUAL, PROBABILITY))
    assert {name: value for name, value in mpl.rcParams.items() if name != "backend"} == before


def test_information_is_none_by_chance_and_all_when_equal() -> None:
    chance = TABLE.assign(noise=[(row * 7919) % 13 for row in range(ROWS)])
    made = plotting.mutual_information(chance, ["noise", "late"], "late").set_index("column")["information"]
    entropy = -1000 * sum(share * np.log2(share) for share in (67 / 200, 133 / 200))
    assert made["late"] == pytest.approx(entropy, rel=0.01)
    assert made["noise"] < 30


def test_the_mean_of_each_level_and_its_rows() -> None:
    summary, share = plots_of_target._means(TABLE, "name", "late", 24, 10)
    assert share
    assert summary["rows"].sum() == TABLE["name"].notna().sum()
    assert ((summary["low"] <= summary["mean"]) & (summary["mean"] <= summary["high"])).all()


def test_a_rare_level_falls_among_the_others() -> None:
    codes = plots_of_data._codes(pd.Series(["a", "a", "b", "c", None]), 10, 1)
    assert codes[0] == codes[1] != codes[2] == codes[3]
    assert codes[4] == 0


def test_a_target_in_words_and_numbers() -> None:
    codes = pd.DataFrame({"target": [0, 1, 1, 2]})
    assert plotting.describe_target(codes["target"], ["a", "b", "c"]) == "b 50.0%, a 25.0%, c 25.0%"
    assert plotting.describe_target(codes["target"], []) == "mean 1"
    shares = plotting.target_summary({"training": codes}, "target", ["a", "b", "c"])
    assert shares.loc["training"].tolist() == [4, 0.25, 0.5, 0.25]
    assert plotting.target_summary({"training": codes}, "target", []).loc["training", "mean"] == 1


def test_categories_that_are_written_alike_have_bars_of_their_own() -> None:
    table = TABLE.assign(name=TABLE["name"].map(lambda name: f"{LONG}{name}"))
    bars = plotting.distributions(table, ["name"]).axes[0].patches
    assert len({bar.get_path().get_extents(bar.get_transform()).y0 for bar in bars}) == 4


def test_without_columns_a_plot_says_so() -> None:
    for plot in (plotting.distributions(TABLE, []), plotting.correlation(TABLE, [])):
        assert [text.get_text() for axes in plot.axes for text in axes.texts] == ["no column of numbers"]
    assert plotting.information(plotting.mutual_information(TABLE, [], "late"), "late").axes
