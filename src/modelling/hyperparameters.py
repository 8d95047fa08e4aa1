"""Hyperparameters of the estimators as arguments of a Core Script: declared once, checked once."""

from __future__ import annotations

import argparse
from typing import Any

from modelling.estimators import ESTIMATORS
from support import step

RANGES = {"learning_rate": (0, 10), "max_features": (0, 1), "alpha": (0, 1e12)}  # above, at most
MINIMA = {
    **{"max_iter": 1, "max_leaf_nodes": 2, "min_samples_leaf": 1},
    **{"l2_regularization": 0, "random_state": 0, "range_margin": 0},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the estimator and its hyperparameters."""
    add = parser.add_argument
    first = next(iter(ESTIMATORS))
    add("--estimator", choices=list(ESTIMATORS), default=first, help=f"learning algorithm (default: {first})")
    add(
        "--learning-rate",
        type=float,
        default=0.1,
        help="gradient-boosting: weight of each tree (default: 0.1)",
    )
    add("--max-iter", type=int, default=100, help="trees: number of trees (default: 100)")
    add("--max-leaf-nodes", type=int, default=31, help="gradient-boosting: leaves per tree (default: 31)")
    add("--min-samples-leaf", type=int, default=20, help="trees: minimum rows per leaf (default: 20)")
    add(
        "--l2-regularization",
        type=float,
        default=1.0,
        help="gradient-boosting: L2 penalty of leaves (default: 1)",
    )
    add(
        "--max-features",
        type=float,
        default=1.0,
        help="trees: share of features tried per split (default: 1)",
    )
    add(
        "--increasing",
        nargs="*",
        default=[],
        help="gradient-boosting: features the prediction may only rise with",
    )
    add(
        "--decreasing",
        nargs="*",
        default=[],
        help="gradient-boosting: features the prediction may only fall with",
    )
    add("--alpha", type=float, default=1.0, help="linear: strength of the L2 penalty (default: 1)")
    add("--random-state", type=int, default=0, help="seed (default: 0)")


def check_ranges(args: argparse.Namespace) -> None:
    """Raise a StepError for a hyperparameter that is out of range."""
    for name, (low, high) in RANGES.items():
        if not low < getattr(args, name) <= high:
            raise step.out_of_range(name, getattr(args, name), f"a number above {low}, at most {high:g}")
    for name, least in MINIMA.items():
        if getattr(args, name, least) < least:
            raise step.out_of_range(name, getattr(args, name), f"{least} or more")


def chosen(args: argparse.Namespace, estimator: str) -> dict[str, Any]:
    """Return the hyperparameters that `estimator` uses, by name."""
    _, used = ESTIMATORS[estimator]
    return {name: getattr(args, name) for name in used}
