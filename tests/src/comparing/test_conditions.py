"""Conditions that a model's own metrics must meet."""

from __future__ import annotations

import pytest

from comparing import conditions
from support import step

METRICS = {"roc_auc": 0.7, "log_loss": 0.4, "baseline_log_loss": 0.5}
PASSES = {
    **{"roc_auc>=0.7": True, "roc_auc > 0.7": False, "log_loss<baseline_log_loss": True},
    **{"log_loss<=0.4": True, "0.5>=log_loss": True, "roc_auc>=7e-1": True},
}


@pytest.mark.parametrize("condition", PASSES)
def test_conditions_compare_metrics_and_numbers(condition: str) -> None:
    assert conditions.judge(condition, METRICS)["passed"] is PASSES[condition]


MISTAKES = {
    "roc_auc": " is not a condition, e.g. roc_auc>=0.6 or rmse<baseline_rmse",
    "roc_auc=>0.6": " is not a condition, e.g. roc_auc>=0.6 or rmse<baseline_rmse",
    "rocauc>=0.6": ": there is no metric 'rocauc' (did you mean 'roc_auc'?); "
    "the metrics are: baseline_log_loss, log_loss, roc_auc",
}


@pytest.mark.parametrize("condition", MISTAKES)
def test_conditions_that_cannot_be_judged(condition: str) -> None:
    with pytest.raises(step.StepError) as caught:
        conditions.judge(condition, METRICS)
    assert not isinstance(caught.value, step.GateRejected)
    assert str(caught.value) == f"--conditions: {condition!r}{MISTAKES[condition]}"
