"""Which metrics a point has, and which point is the best."""

from __future__ import annotations

from typing import Any

import pytest

from operation.engine.sweeps.results import as_csv, is_lower_better, metrics_of, ranking, unknown_metric


def _step(step: str, key: str, **metrics: float) -> dict[str, Any]:
    return {"step": step, "key": key, "how": "executed", "metrics": metrics}


def _entry(number: int, status: str = "succeeded", **metrics: float) -> dict[str, Any]:
    named = {f"evaluate.{name}": value for name, value in metrics.items()}
    return {"number": number, "status": status, "metrics": named}


def test_what_all_points_share_is_not_what_a_point_is_measured_by() -> None:
    shared = _step("evaluate", "simple", auc=0.5)
    found = metrics_of(
        {1: [shared, _step("evaluate", "a", auc=0.6)], 2: [shared, _step("evaluate", "b", auc=0.7)]}
    )
    assert found == {1: {"evaluate.auc": 0.6}, 2: {"evaluate.auc": 0.7}}


def test_the_first_call_counts() -> None:
    found = metrics_of({1: [_step("evaluate", "a", auc=0.6), _step("evaluate", "b", auc=0.5)]})
    assert found == {1: {"evaluate.auc": 0.6}}


def test_the_metric_with_an_interval_is_the_default() -> None:
    entries = [_entry(n, brier=0.1 * n, auc=0.5 + 0.1 * n, auc_low=0.4, auc_high=0.9) for n in (1, 2)]
    assert ranking(entries, None) == {"metric": "evaluate.auc", "lower_is_better": False, "best": 2}


@pytest.mark.parametrize(("wanted", "best"), [("auc", 2), ("evaluate.auc", 2), ("log_loss", 1)])
def test_the_metric_that_is_asked_for_ranks(wanted: str, best: int) -> None:
    entries = [
        _entry(1, auc=0.6, log_loss=0.1),
        _entry(2, auc=0.7, log_loss=0.2),
        _entry(3, auc=float("nan")),
    ]
    assert ranking(entries, wanted)["best"] == best


def test_a_metric_that_no_point_has_is_told_with_the_nearest() -> None:
    error = unknown_metric([_entry(1, roc_auc=0.6, brier=0.1)], "roc_acu")
    assert str(error) == (
        "--metric roc_acu: no point has this metric. Did you mean 'roc_auc'? "
        "There are: evaluate.brier, evaluate.roc_auc."
    )
    assert unknown_metric([_entry(1, roc_auc=0.6)], "roc_auc") is None
    assert unknown_metric([_entry(1, "failed")], "roc_auc") is None


def test_nothing_that_succeeded_ranks_nothing() -> None:
    nothing = {"metric": None, "lower_is_better": None, "best": None}
    assert ranking([_entry(1, "failed")], None) == nothing


@pytest.mark.parametrize(
    ("metric", "lower"),
    [("evaluate.rmse", True), ("mae", True), ("roc_auc", False), ("r2", False), ("glossary", False)],
)
def test_names_tell_the_direction(metric: str, lower: bool) -> None:
    assert is_lower_better(metric) is lower


def test_rows_become_csv() -> None:
    assert as_csv([{"point": 1, "a": "x, y"}, {"point": 2, "a": None}]) == 'point,a\n1,"x, y"\n2,\n'
    assert as_csv([]) == "\n"
