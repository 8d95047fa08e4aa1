"""Pictures for notebooks and reports: each takes tables and names and returns a Figure; none is saved."""

from __future__ import annotations

from plots_of_classes import (
    calibration,
    confusion,
    precision_recall,
    roc,
    score_distribution,
    share_by_decile,
)
from plots_of_data import correlation, distributions, information, missing_values, mutual_information
from plots_of_models import importance, model_and_baseline, predicted_against_actual, residuals, slices
from plots_of_target import target_by, target_heatmap, target_over_time
from plots_of_variants import difference_course, variant_shares

__all__ = [
    "calibration",
    "confusion",
    "correlation",
    "difference_course",
    "distributions",
    "importance",
    "information",
    "missing_values",
    "model_and_baseline",
    "mutual_information",
    "precision_recall",
    "predicted_against_actual",
    "residuals",
    "roc",
    "score_distribution",
    "share_by_decile",
    "slices",
    "target_by",
    "target_heatmap",
    "target_over_time",
    "variant_shares",
]
