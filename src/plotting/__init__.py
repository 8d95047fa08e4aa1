"""YOURS: plots for notebooks and reports: tables in, a Figure out; nothing is saved."""

from __future__ import annotations

from plotting.classes import (
    calibration,
    confusion,
    precision_recall,
    roc,
    score_distribution,
)
from plotting.data import correlation, distributions, information, missing_values, mutual_information
from plotting.drift import drift_before_after, drift_effects, drift_over_time, drift_together
from plotting.groups import group_errors, group_forecasts, interval_coverage
from plotting.models import importance, model_and_baseline, predicted_against_actual, residuals, slices
from plotting.target import describe_target, target_by, target_over_time, target_summary
from plotting.variants import difference_course, variant_shares

__all__ = [
    "calibration",
    "confusion",
    "correlation",
    "describe_target",
    "difference_course",
    "distributions",
    "drift_before_after",
    "drift_effects",
    "drift_over_time",
    "drift_together",
    "group_errors",
    "group_forecasts",
    "importance",
    "information",
    "interval_coverage",
    "missing_values",
    "model_and_baseline",
    "mutual_information",
    "precision_recall",
    "predicted_against_actual",
    "residuals",
    "roc",
    "score_distribution",
    "slices",
    "target_by",
    "target_over_time",
    "target_summary",
    "variant_shares",
]
