"""Metrics of a search, under the names that Azure gives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

PRIMARY = {
    "classification": (
        "AUC_weighted",
        "accuracy",
        "norm_macro_recall",
        "average_precision_score_weighted",
        "precision_score_weighted",
    ),
    "regression": (
        "normalized_root_mean_squared_error",
        "r2_score",
        "spearman_correlation",
        "normalized_mean_absolute_error",
    ),
}
_SMALLER_IS_BETTER = ("error", "loss")
_KINDS = ("weighted", "macro", "micro")


def loss(metric: str, score: float) -> float:
    """Return what a search makes small, for a metric of this name; not a number is as bad as can be."""
    if math.isnan(score):
        return math.inf
    return score if metric.endswith(_SMALLER_IS_BETTER) else -score


def scores_of(task: str, model: Any, features: pd.DataFrame, label: pd.Series) -> dict[str, float]:
    """Return the metrics of a trained model on rows that it did not see."""
    scores = (
        _classified(model, features, label)
        if task == "classification"
        else _regressed(model, features, label)
    )
    return {name: float(value) for name, value in scores.items()}


def _classified(model: Any, features: pd.DataFrame, label: pd.Series) -> dict[str, float]:
    from sklearn import metrics

    predictions = model.predict(features)
    scores = {
        "accuracy": metrics.accuracy_score(label, predictions),
        "balanced_accuracy": metrics.balanced_accuracy_score(label, predictions),
        "matthews_correlation": metrics.matthews_corrcoef(label, predictions),
    }
    for kind in _KINDS:
        averaging = {"average": kind, "zero_division": 0}
        scores[f"f1_score_{kind}"] = metrics.f1_score(label, predictions, **averaging)
        scores[f"precision_score_{kind}"] = metrics.precision_score(label, predictions, **averaging)
        scores[f"recall_score_{kind}"] = metrics.recall_score(label, predictions, **averaging)
    chance = 1 / max(len(model.classes_), 2)
    scores["norm_macro_recall"] = max(0.0, (scores["recall_score_macro"] - chance) / (1 - chance))
    return {**scores, **_of_probabilities(model, features, label)}


def _of_probabilities(model: Any, features: pd.DataFrame, label: pd.Series) -> dict[str, float]:
    """Return the metrics that rank: each class against the rest, as Azure does for two classes too."""
    import numpy as np
    from sklearn import metrics

    likely = model.predict_proba(features)
    truth = (np.asarray(label)[:, None] == np.asarray(model.classes_)[None, :]).astype(int)
    present = (truth.sum(axis=0) > 0) & (truth.sum(axis=0) < len(truth))
    if present.sum() == 0:
        return dict.fromkeys(("AUC_weighted", "AUC_macro", "average_precision_score_weighted"), math.nan)
    truth, ranked = truth[:, present], likely[:, present]
    scores: dict[str, float] = {"log_loss": metrics.log_loss(label, likely, labels=list(model.classes_))}
    for kind in _KINDS:
        scores[f"AUC_{kind}"] = metrics.roc_auc_score(truth, ranked, average=kind)
        scores[f"average_precision_score_{kind}"] = metrics.average_precision_score(
            truth, ranked, average=kind
        )
    return scores


def _regressed(model: Any, features: pd.DataFrame, label: pd.Series) -> dict[str, float]:
    import pandas as pd
    from sklearn import metrics

    predictions = model.predict(features)
    width = float(label.max() - label.min()) or 1.0
    errors: dict[str, Callable[[Any, Any], float]] = {
        "mean_absolute_error": metrics.mean_absolute_error,
        "median_absolute_error": metrics.median_absolute_error,
        "root_mean_squared_error": metrics.root_mean_squared_error,
    }
    scores = {name: metric(label, predictions) for name, metric in errors.items()}
    scores |= {f"normalized_{name}": value / width for name, value in list(scores.items())}
    return {
        **scores,
        "explained_variance": metrics.explained_variance_score(label, predictions),
        "mean_absolute_percentage_error": 100 * metrics.mean_absolute_percentage_error(label, predictions),
        "r2_score": metrics.r2_score(label, predictions),
        "spearman_correlation": pd.Series(predictions, label.index).corr(label, method="spearman"),
    }
