"""Train a baseline: the best of many configurations that a search tries, the same ones each time."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from modelling import automl, estimators, metrics, models
from modelling.estimators import ESTIMATORS
from modelling.features import FeatureSpec
from modelling.fitting import fit
from modelling.models import Model
from modelling.targets import TARGET
from scoring.request_arguments import add_request_arguments
from scoring.request_facts import request_facts
from support import step
from tabular import tables
from tabular.columns import as_times
from tabular.splits import drawn, late


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Search for an estimator, and fit the best on all rows.")
    add = parser.add_argument
    add("--training", type=step.input_path, required=True, help="training rows that prepare wrote")
    add("--features", type=step.input_path, required=True, help="features that prepare fitted")
    among = ["gradient-boosting", "random-forest", "linear"]
    add("--estimators", nargs="+", choices=list(ESTIMATORS), default=among, help="what is chosen among (all)")
    add("--iterations", type=int, default=30, help="configurations that are tried (30)")
    guard = "most time in seconds; when it is over the step fails, for results must not depend on it (3600)"
    add("--seconds", type=float, default=3600, help=guard)
    add(
        "--validation-fraction", type=float, default=0.2, help="share of rows that trials are judged on (0.2)"
    )
    add("--time-column", help="judge on the latest rows (default: on rows by chance)")
    add("--random-state", type=int, default=0, help="seed (default: 0)")
    add_request_arguments(parser)
    add("--model", type=step.output_path, required=True, help="output folder: model, model.json, trials")
    return parser


def check(args: argparse.Namespace) -> None:
    """Raise a StepError for an argument that is out of range."""
    if args.iterations < len(args.estimators):
        least = f"{len(args.estimators)} or more, one for each of --estimators"
        raise step.out_of_range("iterations", args.iterations, least)
    if args.seconds <= 0:
        raise step.out_of_range("seconds", args.seconds, "a number above 0")
    if not 0 < args.validation_fraction < 1:
        raise step.StepError(f"--validation-fraction: {args.validation_fraction} is not between 0 and 1")


def validation_rows(table: pd.DataFrame, args: argparse.Namespace) -> Any:
    """Return for each row whether trials are judged on it."""
    share = args.validation_fraction
    if args.time_column:
        tables.require_columns(table, [args.time_column], "--time-column")
        return late(as_times(table[args.time_column]), share).to_numpy()
    return drawn(len(table), share, args.random_state).to_numpy()


class Learner:
    """Fits configurations on some rows and judges them on others."""

    def __init__(
        self, prepared: Mapping[str, Any], spec: FeatureSpec, table: pd.DataFrame, seed: int
    ) -> None:
        self._prepared, self._spec = prepared, spec
        self._features, self._target = spec.transform(table), table[TARGET].to_numpy()
        self._fixed = {"increasing": [], "decreasing": [], "random_state": seed}
        counts = {name: len(categories) for name, categories in spec.categories.items()}
        self._names = estimators.Features(list(spec.sources), counts)

    def hyperparameters(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the estimator `name` uses of the values of a trial."""
        return {key: {**values, **self._fixed}[key] for key in ESTIMATORS[name][1]}

    def fit(self, name: str, values: Mapping[str, Any], rows: Any = slice(None)) -> Any:
        """Return the estimator, fitted on `rows`."""
        hyperparameters = self.hyperparameters(name, values)
        unfitted = estimators.make(name, self._prepared["task"], self._names, hyperparameters)
        return fit(unfitted, self._features[rows], self._target[rows])

    def loss(self, name: str, values: Mapping[str, Any], judged: Any) -> float:
        """Return the loss on the rows `judged`, after fitting on the others."""
        classes = list(self._prepared["classes"])
        model = Model(self.fit(name, values, ~judged), self._spec, {"classes": classes})
        predicted = model.predict_features(self._features[judged])
        return metrics.loss(classes, self._target[judged], predicted)


def as_table(trials: Sequence[automl.Trial]) -> pd.DataFrame:
    """Return the trials: number, estimator, loss and hyperparameters, whether it uses them or not."""
    records = [
        {"trial": number, "estimator": trial.estimator, "loss": trial.loss, **trial.hyperparameters}
        for number, trial in enumerate(trials)
    ]
    return pd.DataFrame(records)


def main(argv: Sequence[str] | None = None) -> None:
    """Read, search, fit, write."""
    args = build_parser().parse_args(argv)
    check(args)

    table = tables.read_table(args.training)
    prepared = step.read_json(args.features / "features.json")
    spec = FeatureSpec.from_dict(prepared["features"]).without_unused_categories(table)
    tables.require_columns(table, [TARGET], str(args.training))
    learner, judged = Learner(prepared, spec, table, args.random_state), validation_rows(table, args)

    def loss(name: str, values: Mapping[str, Any]) -> float:
        return learner.loss(name, values, judged)

    trials = automl.search(args.estimators, loss, args.iterations, args.random_state, args.seconds)
    chosen = automl.best(trials)
    estimator = learner.fit(chosen.estimator, chosen.hyperparameters)
    facts = {**prepared, "features": spec.to_dict(), "rows": len(table), "estimator": chosen.estimator}
    facts["hyperparameters"] = learner.hyperparameters(chosen.estimator, chosen.hyperparameters)
    facts |= request_facts(table, spec, prepared.get("feature_tables"), args)
    with step.new_folder(args.model) as folder:
        digest = models.save(folder, estimator, facts)
        tables.write_table(as_table(trials), folder / "trials.parquet")
        step.log_metrics(folder, {"rows": len(table), "trials": len(trials), "validation_loss": chosen.loss})
    print(f"the best of {len(trials)} trials is {chosen.estimator}, loss {chosen.loss:.4f}: {digest[:12]}")


if __name__ == "__main__":
    step.run_script(main)
