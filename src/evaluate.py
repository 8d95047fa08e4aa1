"""Evaluate: measure a model on the holdout beside a simple baseline, whole and in slices."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import plotting
from modelling import metrics as measures
from modelling import models
from modelling.models import Model
from modelling.targets import TARGET
from support import step
from tabular import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Measure a model on the holdout beside a simple baseline.")
    parser.add_argument("--model", type=step.input_path, required=True, help="model that train wrote")
    parser.add_argument(
        "--training", type=step.input_path, required=True, help="training rows, for the baseline"
    )
    parser.add_argument("--holdout", type=step.input_path, required=True, help="rows to measure on")
    parser.add_argument(
        "--baseline-by", nargs="*", default=[], help="the baseline predicts by these columns' levels"
    )
    parser.add_argument(
        "--slices", nargs="*", default=[], help="columns whose levels are measured one by one"
    )
    parser.add_argument("--importance-rows", type=int, default=2000, help="rows for importances; 0 for none")
    parser.add_argument("--random-state", type=int, default=0, help="seed of the importances (default: 0)")
    parser.add_argument(
        "--report", type=step.output_path, required=True, help="folder for metrics, tables, figures"
    )
    return parser


def predictions_of(
    model: Model, predicted: np.ndarray[Any, Any], simple: np.ndarray[Any, Any], holdout: pd.DataFrame
) -> pd.DataFrame:
    """Return what was predicted of each row beside what came true.

    Returns
    -------
    DataFrame of shape (rows, 3) or (rows, 3 + classes)
        actual; predicted and baseline: a number, the probability of the positive class of two, or the
        position of the likeliest of more classes, which have probability_<class> too.
    """
    table = pd.DataFrame({"actual": holdout[TARGET]})
    for name, values in (("predicted", predicted), ("baseline", simple)):
        if values.ndim == 1:
            table[name] = values
        else:
            table[name] = values[:, 1] if len(model.classes) == 2 else values.argmax(axis=1)
    if len(model.classes) > 2:
        for code, name in enumerate(model.classes):
            table[f"probability_{name}"] = predicted[:, code]
    return table


def measured(
    classes: Sequence[str],
    actual: np.ndarray[Any, Any],
    predicted: np.ndarray[Any, Any],
    simple: np.ndarray[Any, Any],
) -> dict[str, float]:
    """Return the measures of the model, and of the baseline as ``baseline_*``."""
    found = measures.measure(classes, actual, predicted)
    beside = {f"baseline_{name}": value for name, value in measures.measure(classes, actual, simple).items()}
    metrics = {**found, **beside, "rows": float(len(actual))}
    if len(classes) == 2:
        metrics["prevalence"] = float(actual.mean())
    if len(classes) == 2 and "roc_auc" in found:
        positives = int(actual.sum())
        bounds = measures.auc_interval(found["roc_auc"], positives, len(actual) - positives)
        metrics["roc_auc_low"], metrics["roc_auc_high"] = bounds
    return metrics


def importances(model: Model, holdout: pd.DataFrame, rows: int, random_state: int) -> pd.DataFrame:
    """Return by how much the loss grows when one column is shuffled, largest first.

    Returns
    -------
    DataFrame of shape (columns of the table that features are made of, 2)
        feature; importance (log loss in nats, or root mean squared error in the target's unit).
    """
    columns = model.features.columns
    part = holdout.sample(n=min(rows, len(holdout)), random_state=random_state)
    actual = part[TARGET].to_numpy("float64")
    order = np.random.default_rng(random_state).permutation(len(part))
    shuffled = [part[columns].assign(**{name: part[name].to_numpy()[order]}) for name in columns]
    # one prediction of all: a call for each column would cost more than its rows
    predicted = np.split(model.predict_in_bulk(pd.concat([part[columns], *shuffled])), len(columns) + 1)
    losses = [measures.loss(model.classes, actual, values) for values in predicted]
    table = pd.DataFrame({"feature": columns, "importance": [loss - losses[0] for loss in losses[1:]]})
    return table.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)


def figures(classes: Sequence[str], predictions: pd.DataFrame, cut: float) -> dict[str, Figure]:
    """Return name and figure of each picture of the predictions; two classes are told apart at `cut`."""
    actual, predicted, simple = (predictions[name] for name in ("actual", "predicted", "baseline"))
    if not classes:
        residuals = plotting.residuals(actual, predicted)
        return {"residuals": residuals, "predicted": plotting.predicted_against_actual(actual, predicted)}
    if len(classes) > 2:
        return {"confusion": plotting.confusion(actual, predicted, classes)}
    made = {
        "calibration": plotting.calibration(actual, predicted),
        "confusion": plotting.confusion(actual, predicted >= cut, classes, cut=cut),
        "scores": plotting.score_distribution(actual, predicted, classes),
    }
    if 0 < actual.mean() < 1:
        made["roc"] = plotting.roc(actual, predicted, simple)
        made["precision-recall"] = plotting.precision_recall(actual, predicted, simple)
    return made


def write_figures(made: dict[str, Figure], folder: Path) -> None:
    """Write each figure as PNG, without the metadata that a clock or a version would fill."""
    for name, figure in made.items():
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})


def main(argv: Sequence[str] | None = None) -> None:
    """Load, predict, measure, draw, write."""
    args = build_parser().parse_args(argv)

    model = models.load(args.model)
    training, holdout = tables.read_table(args.training), tables.read_table(args.holdout)
    tables.require_columns(training, [TARGET, *args.baseline_by], "--baseline-by")
    tables.require_columns(holdout, [TARGET, *args.slices, *args.baseline_by], "--slices")
    predicted = model.predict(holdout)
    simple = measures.baseline(training, holdout, TARGET, model.classes, args.baseline_by)
    metrics = measured(model.classes, holdout[TARGET].to_numpy("float64"), predicted, simple)
    predictions = predictions_of(model, predicted, simple, holdout)
    slices = measures.slices(predictions, holdout[list(dict.fromkeys(args.slices))], model.classes)
    ranked = pd.DataFrame({"feature": [], "importance": []})
    if args.importance_rows:
        ranked = importances(model, holdout, args.importance_rows, args.random_state)
    drawn = figures(model.classes, predictions, float(training[TARGET].mean()))
    drawn |= {f"slices-{name}": plotting.slices(slices, name) for name in slices["column"].unique()}
    drawn |= {"importance": plotting.importance(ranked)} if len(ranked) else {}
    with step.new_folder(args.report) as folder:
        tables.write_table(predictions.join(holdout[args.slices]), folder / "predictions.parquet")
        tables.write_table(slices, folder / "slices.parquet")
        tables.write_table(ranked, folder / "importance.parquet")
        write_figures(drawn, folder)
        step.log_metrics(folder, metrics)
    shown = {name: metrics[name] for name in ("roc_auc", "rmse", "accuracy") if name in metrics}
    print(f"evaluated on {len(holdout)} rows:", ", ".join(f"{name} {shown[name]:.4f}" for name in shown))


if __name__ == "__main__":
    step.run_script(main)
