"""Train: fit an estimator on the training rows, and write it with all that is needed to use it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from comparing import profiles
from modelling import estimators, models
from modelling.features import FeatureSpec
from modelling.fitting import fit
from modelling.hyperparameters import add_arguments, check_ranges, chosen
from modelling.models import Model
from modelling.targets import TARGET
from scoring import observed
from scoring.request_arguments import add_request_arguments
from scoring.request_facts import private_columns, request_facts
from support import step
from tabular import tables

SLICE_ROWS = 200  # of a slice that is profiled, at least


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
    add_arguments(parser)
    add_request_arguments(parser)
    add("--model", type=step.output_path, required=True, help="output folder: model, model.json, profile")
    return parser


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
    values = chosen(args, args.estimator)
    names = estimators.Features(list(spec.sources), counts)
    unfitted = estimators.make(args.estimator, prepared["task"], names, values)
    estimator = fit(unfitted, features, table[TARGET].to_numpy())
    facts = {**prepared, "features": spec.to_dict(), "rows": len(table)}
    facts |= {"estimator": args.estimator, "hyperparameters": values}
    facts |= request_facts(table, spec, prepared.get("feature_tables"), args)
    profile = profile_of(Model(estimator, spec, facts), features, private_columns(args), args)
    with step.new_folder(args.model) as folder:
        facts["profile"] = profiles.save(folder, profile)
        digest = models.save(folder, estimator, facts)
        step.log_metrics(folder, {"rows": len(table), "features": features.shape[1]})
    print(f"trained {args.estimator} on {len(table)} rows, {features.shape[1]} features: {digest[:12]}")


if __name__ == "__main__":
    step.run_script(main)
