"""Targets as numbers or positions of classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modelling.targets import TARGET, with_target
from tests.src.running import error_of

TABLE = pd.DataFrame(
    {
        "delay": [20.0, 15.0, np.nan, 14.9],
        "label": ["no", "yes", "no", None],
        "code": [1.0, np.nan, 2.0, 3.0],
        "empty": [None, None, None, None],
        "endless": [1.0, np.inf, 2.0, None],
    }
)


def test_numbers_stay_numbers_and_rows_without_a_target_go() -> None:
    table, classes = with_target(TABLE, "delay", "regression")
    assert table[TARGET].tolist() == [20.0, 15.0, 14.9]
    assert table.index.tolist() == [0, 1, 3]
    assert classes == []


def test_a_threshold_belongs_to_the_positive_class() -> None:
    table, classes = with_target(TABLE, "delay", "classification", threshold=15)
    assert table[TARGET].tolist() == [1, 1, 0]
    assert classes == ["< 15", ">= 15"]


def test_labels_are_in_order() -> None:
    table, classes = with_target(TABLE, "label", "classification")
    assert table[TARGET].tolist() == [0, 1, 0]
    assert classes == ["no", "yes"]


def test_the_positive_label_is_last() -> None:
    table, classes = with_target(TABLE, "label", "classification", positive="no")
    assert table[TARGET].tolist() == [1, 0, 1]
    assert classes == ["yes", "no"]


def test_whole_numbers_are_labels_without_a_point() -> None:
    table, classes = with_target(TABLE, "code", "classification", positive="2")
    assert table[TARGET].tolist() == [0, 1, 0]
    assert classes == ["not 2", "2"]
    assert with_target(TABLE, "code", "classification")[1] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("column", "task", "options", "message"),
    [
        (
            "dely",
            "regression",
            {},
            "--target: there is no column 'dely' (did you mean 'delay'?); "
            "the columns are: delay, label, code, empty, endless",
        ),
        (
            "endless",
            "regression",
            {},
            "column 'endless' holds infinity, which no model can learn: fix the value",
        ),
        ("empty", "regression", {}, "column 'empty' has no values: choose another --target"),
        (
            "label",
            "regression",
            {},
            "column 'label' holds 'no', not numbers: use --task classification without "
            "--threshold, or choose another --target",
        ),
        (
            "label",
            "classification",
            {"threshold": 1.0},
            "column 'label' holds 'no', not numbers: use --task "
            "classification without --threshold, or choose another --target",
        ),
        (
            "label",
            "classification",
            {"positive": "yess"},
            "--positive: column 'label' has no 'yess' (did you mean 'yes'?); it has: no, yes",
        ),
        (
            "delay",
            "classification",
            {"threshold": 99.0},
            "all rows have the same class of 'delay': there is "
            "nothing to learn; choose another --target or --threshold, or more rows",
        ),
    ],
)
def test_targets_that_are_none(column: str, task: str, options: dict[str, object], message: str) -> None:
    assert error_of(with_target, TABLE, column, task, **options) == message
