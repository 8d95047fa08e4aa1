"""Evaluate: measure a model on the holdout beside a simple baseline, whole and in slices."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from modelling import metrics, models
from modelling.models import Model
from modelling.targets import TARGET
from support import step
from tabular import tables

Array = np.ndarray[Any, Any]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Measure a model on the holdout beside a simple baseline.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train wrote")
    add("--training", type=step.input_path, required=True, help="training rows, for the baseline")
    add("--holdout", type=step.input_path, required=True, help="rows to measure on")
    add("--baseline-by", nargs="*", default=[], help="columns by whose categories the baseline predicts")
    earlier = "numeric columns of the holdout that predict its target, such as the last value of a series"
    add("--baseline-from", nargs="*", default=[], help=f"{earlier}; the best is the baseline")
    add("--slices", nargs="*", default=[], help="columns whose categories are measured one by one")
    add("--report", type=step.output_path, required=True, help="output folder: metrics, predictions, slices")
    return parser


def predictions_of(model: Model, predicted: Array, baseline: Array, holdout: pd.DataFrame) -> pd.DataFrame:
    """Return the prediction for each row beside its label.

    Returns
    -------
    DataFrame of shape (rows, 3) or (rows, 3 + classes)
        actual; predicted and baseline: a number, the probability of the positive class of two, or the
        position of the likeliest of more classes, which have probability_<class> too.
    """
    table = pd.DataFrame({"actual": holdout[TARGET]})
    table["predicted"], table["baseline"] = model.as_column(predicted), model.as_column(baseline)
    if len(model.classes) > 2:
        for code, name in enumerate(model.classes):
            table[f"probability_{name}"] = predicted[:, code]
    return table


def metrics_of(classes: Sequence[str], actual: Array, predicted: Array, baseline: Array) -> dict[str, float]:
    """Return the metrics of the model, and those of the baseline as ``baseline_*``."""
    found = metrics.measure(classes, actual, predicted)
    found |= {f"baseline_{name}": value for name, value in metrics.measure(classes, actual, baseline).items()}
    found["rows"] = float(len(actual))
    if len(classes) == 2:
        found["prevalence"] = float(actual.mean())
        found |= metrics.auc_bounds(found, actual)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Load, predict, measure, write."""
    args = build_parser().parse_args(argv)

    model = models.load(args.model)
    training, holdout = tables.read_table(args.training), tables.read_table(args.holdout)
    tables.require_columns(training, [TARGET, *args.baseline_by], "--baseline-by")
    tables.require_columns(
        holdout, [TARGET, *args.slices, *args.baseline_by, *args.baseline_from], "--slices"
    )
    predicted = model.predict(holdout)
    baseline = metrics.baseline(training, holdout, TARGET, model.classes, args.baseline_by)
    if args.baseline_from and not model.classes:
        simple, baseline = metrics.best_baseline(baseline, holdout, TARGET, args.baseline_from)
        print(f"baseline: {simple}")
    found = metrics_of(model.classes, holdout[TARGET].to_numpy("float64"), predicted, baseline)
    predictions = predictions_of(model, predicted, baseline, holdout)
    sliced = holdout[list(dict.fromkeys(args.slices))]
    slices = metrics.slices(predictions, sliced, model.classes, str(model.facts.get("target", "")))
    with step.new_folder(args.report) as folder:
        tables.write_table(predictions.join(sliced, rsuffix=" (slice)"), folder / "predictions.parquet")
        tables.write_table(slices, folder / "slices.parquet")
        step.log_metrics(folder, found)
    summary = [f"{name} {found[name]:.4f}" for name in ("roc_auc", "rmse", "accuracy") if name in found]
    print(f"evaluated on {len(holdout)} rows:", ", ".join(summary))


if __name__ == "__main__":
    step.run_script(main)
