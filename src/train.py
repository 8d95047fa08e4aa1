"""Train: fit an estimator on the training rows, and write it with all that is needed to use it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from comparing import profiles
from modelling import estimators, models
from modelling.estimators import ESTIMATORS
from modelling.features import FeatureSpec
from modelling.models import Model
from modelling.targets import TARGET
from scoring import observed, row_schema
from support import step
from tabular import tables
from tabular.consequences import read_related
from tabular.feature_store import keys
from tabular.request_rules import request_rules
from tabular.schemas import read_schema, request_limits

MIN_ROWS_FOR_THREADS = 50_000
SLICE_ROWS = 200  # of a slice that is profiled, at least
RANGES = {"learning_rate": (0, 10), "max_features": (0, 1), "alpha": (0, 1e12)}  # above, at most
MINIMA = {
    **{"max_iter": 1, "max_leaf_nodes": 2, "min_samples_leaf": 1},
    **{"l2_regularization": 0, "random_state": 0, "range_margin": 0},
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Fit an estimator on the training rows.")
    add = parser.add_argument
    add("--training", type=step.input_path, required=True, help="training rows that prepare wrote")
    add("--features", type=step.input_path, required=True, help="features that prepare fitted")
    add("--holdout", type=step.input_path, help="rows not trained on: reference of outputs, for drift alone")
    add(
        "--slices",
        nargs="*",
        default=[],
        help="columns of --holdout in whose categories outputs are profiled",
    )
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
    margin = (
        "how far outside the training range a request value may be, as a multiple of that range (default: 3)"
    )
    add("--range-margin", type=float, default=3.0, help=margin)
    schema = "schema of the table: its ranges, categories, patterns and rules hold for requests too"
    add("--schema", type=step.input_path, help=schema)
    related = "folder of the tables that the schema's references name: they then hold for requests too"
    add("--related", type=step.input_path, help=related)
    add("--model", type=step.output_path, required=True, help="output folder: model, model.json, profile")
    return parser


def check_ranges(args: argparse.Namespace) -> None:
    """Raise a StepError for a hyperparameter that is out of range."""
    for name, (low, high) in RANGES.items():
        if not low < getattr(args, name) <= high:
            raise _out_of_range(args, name, f"a number above {low}, at most {high:g}")
    for name, least in MINIMA.items():
        if getattr(args, name) < least:
            raise _out_of_range(args, name, f"{least} or more")


def _out_of_range(args: argparse.Namespace, name: str, valid: str) -> step.StepError:
    return step.StepError(f"--{name.replace('_', '-')}: {getattr(args, name)} is out of range: give {valid}")


def fit(estimator: Any, features: Any, target: Any) -> Any:
    """Return `estimator`, fitted, in a state that is the same for any number of threads.

    Parameters
    ----------
    estimator : object
        Unfitted, with scikit-learn's interface.
    features : ndarray of shape (rows, features)
    target : ndarray of shape (rows,)
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # sums in BLAS depend on the number of threads; for few rows, starting threads takes longer than fitting
    threads = {"blas": 1, "openmp": None if len(features) > MIN_ROWS_FOR_THREADS else 1}
    with threadpool_limits(limits={name: limit for name, limit in threads.items() if limit}):
        estimator.fit(features, target)
    return without_threads(estimator)


def without_threads(estimator: Any) -> Any:
    """Return a fitted estimator without the number of threads, in all its parts."""
    from sklearn.base import BaseEstimator

    for name in ("n_jobs", "n_threads"):
        if name in estimator.get_params(deep=False):
            estimator.set_params(**{name: None})
    for value in vars(estimator).values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, BaseEstimator):
                without_threads(part)
    return estimator


def profile_of(model: Model, features: Any, private: set[str], args: argparse.Namespace) -> profiles.Profile:
    """Return the reference of later rows: the features trained on, and outputs and losses on held-out rows.

    Outputs on the training rows are no reference: they are nearer to the labels than any later ones. What is
    made of `private` columns is left out.
    """
    made = zip(model.features.sources.items(), features.T, strict=True)
    columns = [(("feature", name, ""), values) for (name, of), values in made if private.isdisjoint(of)]
    if args.holdout:
        holdout = tables.read_table(args.holdout)
        tables.require_columns(holdout, args.slices, "--slices")
        slices = [name for name in args.slices if name not in private]
        found = observed.of_table(model, holdout).beside(holdout, slices, None).columns()
        columns += [(name, values) for name, values in found if name[0] != "feature"]
    return profiles.describe(columns, observed.categorical(model), SLICE_ROWS)


def main(argv: Sequence[str] | None = None) -> None:
    """Read, fit, write."""
    args = build_parser().parse_args(argv)
    check_ranges(args)

    table = tables.read_table(args.training)
    prepared = step.read_json(args.features / "features.json")
    spec = FeatureSpec.from_dict(prepared["features"])
    tables.require_columns(table, [TARGET], str(args.training))
    if prepared["classes"] and table[TARGET].nunique() < 2:
        raise step.StepError(f"{args.training} has rows of one class only: change the split of prepare")
    spec = spec.without_unused_categories(table)
    features = spec.transform(table)
    counts = {name: len(categories) for name, categories in spec.categories.items()}
    _, used = ESTIMATORS[args.estimator]
    hyperparameters = {name: getattr(args, name) for name in used}
    names = estimators.Features(list(spec.sources), counts)
    unfitted = estimators.make(args.estimator, prepared["task"], names, hyperparameters)
    estimator = fit(unfitted, features, table[TARGET].to_numpy())
    facts = {**prepared, "features": spec.to_dict(), "rows": len(table)}
    facts |= {"estimator": args.estimator, "hyperparameters": hyperparameters}
    schema = read_schema(args.schema) if args.schema else None
    limits = request_limits(schema) if schema else {}
    facts["schema"] = row_schema.describe(table, spec, args.range_margin, limits)
    if schema:
        kinds = {name: column["kind"] for name, column in facts["schema"].items()}
        facts["rules"], unchecked = request_rules(schema, kinds, read_related(args.related))
        if unchecked:
            print(f"not checked in requests, for one row does not tell: {', '.join(unchecked)}")
    if looked_up := prepared.get("feature_tables"):
        facts["lookup_schema"] = row_schema.describe_keys(table, keys(looked_up))
    private = set(schema.extras.private) if schema else set()
    profile = profile_of(Model(estimator, spec, facts), features, private, args)
    with step.new_folder(args.model) as folder:
        facts["profile"] = profiles.save(folder, profile)
        digest = models.save(folder, estimator, facts)
        step.log_metrics(folder, {"rows": len(table), "features": features.shape[1]})
    print(f"trained {args.estimator} on {len(table)} rows, {features.shape[1]} features: {digest[:12]}")


if __name__ == "__main__":
    step.run_script(main)
