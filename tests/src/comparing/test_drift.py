"""Drift: verdicts, their order, and what is said of a change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from comparing import drift, profiles
from comparing.drift import Limits
from comparing.sketches import Array
from tests.src.running import error_of

RANDOM = np.random.default_rng(0)
ROWS = 4_000
LIMITS = Limits(0.1, 0.05, 0.05, 200)
COLOUR = ("feature", "colour", "")
REFERENCE = {
    ("output", "probability", ""): RANDOM.random(ROWS),
    ("output", "probability", "shop=a"): RANDOM.random(300),
    ("label", "loss", ""): RANDOM.random(ROWS),
    ("feature", "size", ""): RANDOM.standard_normal(ROWS),
    ("feature", "rooms", ""): np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.integers(1, 6, ROWS)),
    COLOUR: RANDOM.integers(0, 3, ROWS).astype("float64"),
}
PROFILE = profiles.describe(REFERENCE.items(), {COLOUR[:2]}, 200)
NAMES = {"colour": ["blue", "green", "red"]}


def compared(limits: Limits = LIMITS, **changed: Array) -> pd.DataFrame:
    """Return the comparisons of the reference with itself, some of its columns changed."""
    columns = {name: changed.get(name[1], values) for name, values in REFERENCE.items()}
    return drift.compare(PROFILE, columns.items(), limits, NAMES)


def test_nothing_drifts_from_itself() -> None:
    table = compared()
    in_slice = table["slice"] != ""
    assert set(table[~in_slice]["verdict"]) == {drift.NONE}
    assert set(table[in_slice]["verdict"]) == {drift.UNDECIDED}  # of 300 rows
    assert table["effect"].max() == pytest.approx(0, abs=1e-12)
    assert drift.overall(table, ROWS, LIMITS) == drift.UNDECIDED
    assert drift.overall(table[~in_slice], ROWS, LIMITS) == drift.NONE


def test_outputs_come_first_then_labels_then_the_surest_features() -> None:
    table = compared(size=REFERENCE["feature", "size", ""] + 1, rooms=np.full(ROWS, np.nan))
    assert list(table["part"]) == ["output", "output", "label", *["feature"] * 4]
    assert list(table["slice"])[:2] == ["", "shop=a"]
    assert list(table["name"])[3:5] == ["rooms", "size"]
    assert list(table["verdict"])[3:5] == [drift.DRIFT, drift.DRIFT]
    assert drift.overall(table, ROWS, LIMITS) == drift.DRIFT


def test_a_change_is_told_in_the_columns_own_values() -> None:
    red = np.where(REFERENCE[COLOUR] == 0, 2, REFERENCE[COLOUR])
    table = compared(size=REFERENCE["feature", "size", ""] + 1, colour=red, rooms=np.full(ROWS, np.nan))
    told = {(row.name, row.measure): row for row in table[table["slice"] == ""].itertuples()}
    size, colour = told["size", "values"], told["colour", "values"]
    assert (size.statistic, size.after - size.before) == ("median", pytest.approx(1, abs=0.01))
    assert (colour.statistic, colour.after) == ("share of blue", 0)
    missing = told["rooms", "missing"]
    assert (missing.statistic, missing.before, missing.after) == (
        "share missing",
        pytest.approx(0.1, abs=0.02),
        1,
    )
    assert told["rooms", "values"].verdict == drift.TOO_FEW


def test_where_the_median_stays_an_outer_percentile_is_told() -> None:
    size = REFERENCE["feature", "size", ""]
    table = compared(size=np.where(size < -1, size - 3, size)).set_index("name")
    assert table.loc["size", "statistic"] == "10th percentile"


@pytest.mark.parametrize("rows", [1, 199])
def test_few_rows_are_told_as_such_however_different(rows: int) -> None:
    columns = {name: np.full(rows, 99.0) for name in REFERENCE}
    table = drift.compare(PROFILE, columns.items(), LIMITS, {})
    assert set(table["verdict"]) == {drift.TOO_FEW}
    assert table["effect"].isna().all()
    assert drift.overall(table, rows, LIMITS) == drift.TOO_FEW


def test_nothing_in_common() -> None:
    columns = {("feature", "other", ""): np.ones(3)}
    assert error_of(drift.compare, PROFILE, columns.items(), LIMITS, {}) == (
        "nothing can be compared: the rows and the model's profile share no column"
    )


def test_distributions_are_shares_of_the_known_rows() -> None:
    for name, sketch in PROFILE.items():
        table = drift.distributions(sketch, REFERENCE[name], NAMES.get(name[1], ()))
        np.testing.assert_allclose(table[["before", "after"]].sum(), 1)
        np.testing.assert_allclose(table["before"], table["after"], atol=0.02)
    assert sorted(table["category"]) == NAMES["colour"]
