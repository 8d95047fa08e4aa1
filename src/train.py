"""Train: fit an estimator on the training rows, and write it with all that is needed to use it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from modelling import estimators, models
from modelling.features import FeatureSpec
from modelling.targets import TARGET
from scoring import row_schema
from support import step
from tabular import tables

WORTH_THREADS = 50_000  # rows


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Fit an estimator on the training rows.")
    add = parser.add_argument
    add("--training", type=step.input_path, required=True, help="training rows that prepare wrote")
    add("--features", type=step.input_path, required=True, help="features that prepare fitted")
    add(
        "--estimator",
        choices=["gradient-boosting", "random-forest", "linear", "constant"],
        default="gradient-boosting",
        help="what learns (default: gradient-boosting)",
    )
    add("--learning-rate", type=float, default=0.1, help="gradient-boosting: weight of a tree (default: 0.1)")
    add("--max-iter", type=int, default=100, help="trees: how many (default: 100)")
    add("--max-leaf-nodes", type=int, default=31, help="gradient-boosting: leaves of a tree (default: 31)")
    add("--min-samples-leaf", type=int, default=20, help="trees: rows that a leaf needs (default: 20)")
    add("--l2-regularization", type=float, default=1.0, help="gradient-boosting: shrinks leaves (default: 1)")
    add(
        "--max-features",
        type=float,
        default=1.0,
        help="trees: share of features tried at a split (default: 1)",
    )
    add("--increasing", nargs="*", default=[], help="gradient-boosting: features it may only rise with")
    add("--decreasing", nargs="*", default=[], help="gradient-boosting: features it may only fall with")
    add("--alpha", type=float, default=1.0, help="linear: strength of the penalty (default: 1)")
    add("--random-state", type=int, default=0, help="seed (default: 0)")
    add(
        "--range-margin",
        type=float,
        default=3.0,
        help="requests: how far beyond its range in training a number may lie, in such ranges (default: 3)",
    )
    add("--model", type=step.output_path, required=True, help="folder for model.pickle and model.json")
    return parser


def check_ranges(args: argparse.Namespace) -> None:
    """Raise a StepError for a hyperparameter that no estimator can take."""
    limits = {"learning_rate": (0, 10), "max_features": (0, 1), "alpha": (0, 1e12)}
    for name, (low, high) in limits.items():
        value = getattr(args, name)
        if not low < value <= high:
            option = "--" + name.replace("_", "-")
            raise step.StepError(
                f"{option}: {value} is out of range: give a number above {low}, at most {high:g}"
            )
    for name, least in {
        "max_iter": 1,
        "max_leaf_nodes": 2,
        "min_samples_leaf": 1,
        "l2_regularization": 0,
        "random_state": 0,
        "range_margin": 0,
    }.items():
        value = getattr(args, name)
        if value < least:
            raise step.StepError(f"--{name.replace('_', '-')}: {value} is out of range: give {least} or more")


def fit(estimator: Any, features: Any, target: Any) -> Any:
    """Return `estimator`, fitted, in a state that does not depend on the number of threads."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # sums in BLAS depend on how many threads share them; few rows are done before threads have started
    threads = {"blas": 1, "openmp": None if len(features) > WORTH_THREADS else 1}
    with threadpool_limits(limits={name: limit for name, limit in threads.items() if limit}):
        estimator.fit(features, target)
    return without_threads(estimator)


def without_threads(estimator: Any) -> Any:
    """Return a fitted estimator that has forgotten, in all its parts, on how many threads it was fitted."""
    from sklearn.base import BaseEstimator

    for name in ("n_jobs", "n_threads"):
        if name in estimator.get_params(deep=False):
            estimator.set_params(**{name: None})
    for held in vars(estimator).values():
        for part in held if isinstance(held, list) else [held]:
            if isinstance(part, BaseEstimator):
                without_threads(part)
    return estimator


def main(argv: Sequence[str] | None = None) -> None:
    """Read, fit, write."""
    args = build_parser().parse_args(argv)
    check_ranges(args)

    table = tables.read_table(args.training)
    prepared = step.read_json(args.features / "features.json")
    spec = FeatureSpec.from_dict(prepared["features"])
    tables.require_columns(table, [TARGET], str(args.training))
    if prepared["classes"] and table[TARGET].nunique() < 2:
        raise step.StepError(
            f"{args.training} has rows of one class only: there is nothing to learn; split anew"
        )
    spec = spec.without_levels_beside(table)
    made = spec.transform(table)
    counts = {name: len(levels) for name, levels in spec.levels.items()}
    _, used = estimators.ESTIMATORS[args.estimator]
    hyperparameters = {name: getattr(args, name) for name in used}
    names = estimators.Features(list(spec.sources), counts)
    unfitted = estimators.make(args.estimator, prepared["task"], names, hyperparameters)
    estimator = fit(unfitted, made, table[TARGET].to_numpy())
    facts = {
        **prepared,
        "features": spec.to_dict(),
        "estimator": args.estimator,
        "hyperparameters": hyperparameters,
        "rows": len(table),
    }
    facts["schema"] = row_schema.describe(table, spec, args.range_margin)
    with step.new_folder(args.model) as folder:
        digest = models.save(folder, estimator, facts)
        step.log_metrics(folder, {"rows": len(table), "features": made.shape[1]})
    print(f"trained {args.estimator} on {len(table)} rows, {made.shape[1]} features: {digest[:12]}")


if __name__ == "__main__":
    step.run_script(main)
