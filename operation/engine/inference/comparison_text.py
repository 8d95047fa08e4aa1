"""The steps of a new use case that compare two models on its holdout."""

from __future__ import annotations

from operation.engine.inference.target import Target
from operation.engine.inference.yaml_text import written


def comparison_text(name: str, target: Target, span: float) -> str:
    """Return the steps as text; `span` is how far apart the values of a target of numbers are at most."""
    return f"""
  # no traffic is in a fresh checkout: a simple model stands in for the champion, the holdout for requests
  train_simple:
    script: train.py
    inputs:
      training: prepare.training
      features: prepare.features
    arguments:
      estimator: constant

  replay_traffic:
    inputs:
      champion: train_simple.model
      challenger: train.model
      table: prepare.holdout
    arguments:
      share: 0.5
      salt: {name}-1

  compare_variants:
    inputs:
      log: replay_traffic.log
    arguments:
{_loss(target, span)}"""


def _loss(target: Target, span: float) -> str:
    if target.task == "regression":
        bound = (
            f"      loss-bound: {written(span)}  # all values lie within so much: larger errors count as this"
        )
        return f"      prediction: output.prediction\n      loss: absolute\n{bound}"
    if target.threshold is not None:
        return _brier(f">= {target.threshold:g}")
    if target.positive is not None:
        return _brier(target.positive)
    return "      prediction: output.prediction\n      loss: error"


def _brier(positive: str) -> str:
    return f"      loss: brier\n      positive: {written(positive)}  # the label that the probability is of"
